//! Compiled code that was kept: authenticated in memory before it is loaded.
//!
//! Loading native code is running it, and wasmtime's own format carries no authentication. What
//! [`Engine::seal`] gives out is bound by a keyed BLAKE3 (its `keyed_hash` mode) to its bytes, to
//! the component's digest and to the engine's fingerprint; [`Engine::open`] checks that on the very
//! buffer that it then loads.
#![allow(unsafe_code, reason = "loading authenticated native code is the one unsafe act of this crate")]

use crate::admit::Admitted;
use crate::engine::{Engine, Ready};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_trust::Digest;
use wasmtime::component::Component;
use zeroize::Zeroizing;

const MAGIC: &[u8; 18] = b"stepward-native/1\n";
const TAG_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + TAG_BYTES;

/// Compiled code could not be written out.
const SEAL: Rule = Rule::new("code-seal");

/// The key under which compiled code is kept. It never leaves the machine that compiles.
pub struct CodeKey(Zeroizing<[u8; 32]>);

impl CodeKey {
    /// Takes over 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

/// Why kept code was not loaded. The remedy is always the same: compile again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRefusal {
    /// Too short, or not of this format.
    Format,
    /// The tag does not fit: the bytes changed, or they belong to another component, another engine
    /// or another key.
    Tag,
    /// The tag fits but wasmtime refused the code.
    Engine,
}

impl fmt::Display for CodeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "is not compiled code of this format",
            Self::Tag => "is not what this engine compiled from this component",
            Self::Engine => "was refused by the engine",
        })
    }
}

/// What became of kept code.
#[derive(Debug)]
pub enum Opened {
    /// It was what this engine compiled from this component, and is ready to run.
    Loaded(Ready),
    /// It was not, and nothing of it was used.
    Stale(CodeRefusal),
}

impl Engine {
    /// Compiled code in a form that [`open`](Self::open) accepts back.
    ///
    /// # Errors
    /// When the engine cannot serialise it.
    pub fn seal(&self, ready: &Ready, key: &CodeKey) -> Result<Vec<u8>, Fault> {
        let native = ready.native().serialize().map_err(|error| {
            Fault::new(Class::Internal, Owner::Stepward, SEAL)
                .says(format_args!("compiled code cannot be written out: {error:#}"))
                .hint("the step runs all the same; please report this")
        })?;
        let tag = tag(key, ready.digest(), self.fingerprint(), &native);
        let mut sealed = Vec::with_capacity(HEAD_BYTES + native.len());
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(tag.as_bytes());
        sealed.extend_from_slice(&native);
        Ok(sealed)
    }

    /// Loads kept code for an admitted component.
    ///
    /// # Errors
    /// `component-link` when the component itself is refused. Kept code that cannot be used is no
    /// error: [`Opened::Stale`] says why, and the component is compiled again.
    pub fn open(&self, admitted: &Admitted, sealed: &[u8], key: &CodeKey) -> Result<Opened, Fault> {
        match self.checked(admitted.digest(), sealed, key) {
            Ok(native) => self.link(admitted, native).map(Opened::Loaded),
            Err(refusal) => Ok(Opened::Stale(refusal)),
        }
    }

    fn checked(&self, digest: Digest, sealed: &[u8], key: &CodeKey) -> Result<Component, CodeRefusal> {
        let (magic, rest) = sealed.split_first_chunk::<18>().ok_or(CodeRefusal::Format)?;
        let (given, native) = rest.split_first_chunk::<TAG_BYTES>().ok_or(CodeRefusal::Format)?;
        if magic != MAGIC {
            return Err(CodeRefusal::Format);
        }
        // The comparison of `blake3::Hash` takes the same time wherever the tags differ.
        if tag(key, digest, self.fingerprint(), native) != blake3::Hash::from_bytes(*given) {
            return Err(CodeRefusal::Tag);
        }
        // SAFETY: `deserialize` runs the bytes as native code, so they must be what wasmtime's
        // `serialize` gave. Only `seal` makes tags under this key, over exactly such bytes, and the
        // tag was just checked on this buffer, which nobody else can write.
        unsafe { Component::deserialize(&self.wasmtime, native) }.map_err(|_| CodeRefusal::Engine)
    }
}

fn tag(key: &CodeKey, component: Digest, engine: Digest, native: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(MAGIC).update(component.as_bytes()).update(engine.as_bytes()).update(native);
    hasher.finalize()
}
