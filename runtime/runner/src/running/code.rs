//! Compiled code that is kept. It is native code: it runs with all the power of this process, so it
//! is believed only by a key that no project, archive or clone can bring along.

use super::state;
use crate::{files, render::Output};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};
use stepward::{CodeDir, CodeKey};
use stepward_fault::Fault;

/// Where compiled code is kept; nowhere where the user has no place for its key.
#[derive(Debug)]
pub(crate) struct Code {
    folder: Option<CodeDir>,
    told: AtomicBool,
}

impl Code {
    /// Kept in `folder`, or not at all.
    pub(crate) fn new(folder: Option<CodeDir>) -> Self {
        Self { folder, told: AtomicBool::new(false) }
    }

    /// Where it is kept. Says once that it is not.
    pub(crate) fn folder(&self, output: &Output) -> Option<&CodeDir> {
        if self.folder.is_none() && !self.told.swap(true, Ordering::Relaxed) {
            output.warning(
                "compiled code is not kept, so each run compiles: set HOME or XDG_STATE_HOME to a place for its key",
            );
        }
        self.folder.as_ref()
    }
}

/// The user's own folder of state, by the XDG base directory specification: a path that is not
/// absolute is as none.
fn user_state() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that reads the environment")]
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))
}

/// The key of this user on this machine, made at its first use; none where the user has no place
/// for it.
pub(crate) fn key() -> Result<Option<CodeKey>, Fault> {
    let Some(base) = user_state() else { return Ok(None) };
    let folder = base.join("stepward");
    // Service accounts often have a home that does not exist: they run all the same.
    if files::make_folder(&base).is_err() {
        return Ok(None);
    }
    files::make_private_folder(&folder)?;
    state::key(&folder.join("code.key")).map(|key| Some(CodeKey::new(*key)))
}
