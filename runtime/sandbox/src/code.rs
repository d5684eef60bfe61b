//! Compiled code that was kept: authenticated in memory before it is loaded.
//!
//! Loading native code is running it, and wasmtime's own format carries no authentication. What
//! [`CodeKey::seal`] gives out is bound by a keyed BLAKE3 (its `keyed_hash` mode) to its bytes, to
//! the component's digest and to the engine's fingerprint; [`Engine::open`] checks that on the very
//! buffer that it then loads. A process that only keeps code and never loads it uses
//! [`CodeKey::check`].
#![allow(unsafe_code, reason = "loading authenticated native code is the one unsafe act of this crate")]

use crate::admit::{Admitted, Linkage};
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

/// Native code whose tag was just checked: what the holder of the key once sealed for this component
/// and this engine.
#[derive(Debug)]
pub struct Authentic<'a>(&'a [u8]);

impl<'a> Authentic<'a> {
    /// The code, in wasmtime's format.
    pub fn native(&self) -> &'a [u8] {
        self.0
    }
}

impl CodeKey {
    /// Binds native code to the component that it was compiled from and to the engine that it is for.
    ///
    /// Whoever opens it runs it: seal nothing but what a compiler gave for these very bytes.
    pub fn seal(&self, component: Digest, engine: Digest, native: &[u8]) -> Vec<u8> {
        let tag = tag(self, component, engine, native);
        let mut sealed = Vec::with_capacity(HEAD_BYTES + native.len());
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(tag.as_bytes());
        sealed.extend_from_slice(native);
        sealed
    }

    /// Checks kept code without loading it.
    ///
    /// # Errors
    /// [`CodeRefusal::Format`] or [`CodeRefusal::Tag`].
    pub fn check<'a>(
        &self,
        component: Digest,
        engine: Digest,
        sealed: &'a [u8],
    ) -> Result<Authentic<'a>, CodeRefusal> {
        let (magic, rest) = sealed.split_first_chunk::<18>().ok_or(CodeRefusal::Format)?;
        let (given, native) = rest.split_first_chunk::<TAG_BYTES>().ok_or(CodeRefusal::Format)?;
        if magic != MAGIC {
            return Err(CodeRefusal::Format);
        }
        // The comparison of `blake3::Hash` takes the same time wherever the tags differ.
        if tag(self, component, engine, native) != blake3::Hash::from_bytes(*given) {
            return Err(CodeRefusal::Tag);
        }
        Ok(Authentic(native))
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
        Ok(key.seal(ready.digest(), self.fingerprint(), &native))
    }

    /// Loads kept code for an admitted component.
    ///
    /// # Errors
    /// `component-link` when the component itself is refused. Kept code that cannot be used is no
    /// error: [`Opened::Stale`] says why, and the component is compiled again.
    pub fn open(&self, admitted: &Admitted, sealed: &[u8], key: &CodeKey) -> Result<Opened, Fault> {
        self.open_linked(&admitted.linkage(), sealed, key)
    }

    /// Loads code for a component that another process admitted.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_linked(&self, linkage: &Linkage, sealed: &[u8], key: &CodeKey) -> Result<Opened, Fault> {
        let loaded =
            key.check(linkage.component(), self.fingerprint(), sealed).and_then(|code| self.load(&code));
        match loaded {
            Ok(native) => self.link(linkage, native).map(Opened::Loaded),
            Err(refusal) => Ok(Opened::Stale(refusal)),
        }
    }

    fn load(&self, code: &Authentic<'_>) -> Result<Component, CodeRefusal> {
        // SAFETY: `deserialize` runs the bytes as native code, so they must be what wasmtime's
        // `serialize` gave. `Authentic` is made by `CodeKey::check` alone: the holder of the key
        // sealed exactly these bytes, and they are borrowed, so nobody changed them since.
        unsafe { Component::deserialize(&self.wasmtime, code.native()) }.map_err(|_| CodeRefusal::Engine)
    }
}

fn tag(key: &CodeKey, component: Digest, engine: Digest, native: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(MAGIC).update(component.as_bytes()).update(engine.as_bytes()).update(native);
    hasher.finalize()
}
