//! Compiling without running: what a process that holds nothing else does.

use crate::engine::{does_not_compile, fingerprint, start};
use stepward_fault::Fault;
use stepward_trust::Digest;

/// Compiles components for the engines of this version, and cannot run them: it maps no native code.
#[derive(Clone)]
pub struct Compiler {
    wasmtime: wasmtime::Engine,
    fingerprint: Digest,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Compiler {
    /// Makes a compiler.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn new() -> Result<Self, Fault> {
        let wasmtime = start(1)?;
        let fingerprint = fingerprint(&wasmtime);
        Ok(Self { wasmtime, fingerprint })
    }

    /// The fingerprint of the engines that can run what it compiles. How many runs an engine has room
    /// for does not change it.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Compiles a component that was admitted to native code in wasmtime's format. Takes a core for
    /// 0.1 to some seconds; there is no I/O.
    ///
    /// # Errors
    /// `component-compile`.
    pub fn compile(&self, component: &[u8]) -> Result<Vec<u8>, Fault> {
        self.wasmtime
            .precompile_component(component)
            .map_err(|error| does_not_compile(format_args!("{error:#}")))
    }
}
