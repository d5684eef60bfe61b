//! The folder in which compiled code is kept. Everything in it can be deleted at any time, and
//! nothing in it is believed: what is read goes through `Engine::open`, which checks its tag.

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use std::io::{Read, Write};
use std::sync::Arc;
use stepward_sandbox::CodeKey;
use stepward_trust::Digest;

/// Largest file that is read: native code is a few times the size of its component.
const MAX_CODE_BYTES: u64 = 512 << 20;

/// A folder for compiled code and the key that authenticates it.
#[derive(Clone, Debug)]
pub struct CodeDir(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: Dir,
    key: CodeKey,
}

impl CodeDir {
    /// Keeps compiled code in `dir` under `key`.
    pub fn new(dir: Dir, key: CodeKey) -> Self {
        Self(Arc::new(Inner { dir, key }))
    }

    pub(crate) fn key(&self) -> &CodeKey {
        &self.0.key
    }

    /// What is kept, if it can be read. Failing to read is the same as having nothing: the step is
    /// compiled.
    pub(crate) fn read(&self, component: Digest, engine: Digest) -> Option<Vec<u8>> {
        let file = self.0.dir.open(name(component, engine)).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_CODE_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Keeps compiled code. A failure costs the next start its time and nothing else, so it is
    /// reported and not passed on.
    pub(crate) fn write(&self, component: Digest, engine: Digest, sealed: &[u8]) {
        if let Err(error) = self.try_write(&name(component, engine), sealed) {
            tracing::warn!(%component, %error, "compiled code could not be kept");
        }
    }

    /// Whole or not at all: written beside its place, then renamed.
    fn try_write(&self, name: &str, sealed: &[u8]) -> std::io::Result<()> {
        let dir = &self.0.dir;
        let beside = format!("{name}.{}.new", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = dir.open_with(&beside, &options).and_then(|mut file| file.write_all(sealed));
        match written.and_then(|()| dir.rename(&beside, dir, name)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // The half-written file is worthless; that it cannot be removed changes nothing.
                drop(dir.remove_file(&beside));
                Err(error)
            }
        }
    }
}

fn name(component: Digest, engine: Digest) -> String {
    format!("{}.{}.code", component.hex(), engine.hex())
}
