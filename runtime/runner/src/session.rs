//! What every command needs: the output, the project, the state.

use crate::{project::Project, render::Output, running::key_source::Unlock};
use std::path::{Path, PathBuf};
use stepward_fault::Fault;

/// One invocation of the binary.
pub(crate) struct Session {
    output: Output,
    project: Option<PathBuf>,
    state: Option<PathBuf>,
    no_input: bool,
    passphrase_file: Option<PathBuf>,
}

impl Session {
    /// From what the command line said.
    pub(crate) fn new(
        output: Output,
        project: Option<PathBuf>,
        state: Option<PathBuf>,
        no_input: bool,
        passphrase_file: Option<PathBuf>,
    ) -> Self {
        Self { output, project, state, no_input, passphrase_file }
    }

    /// Where results go.
    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Whether a person may be asked.
    pub(crate) fn may_ask(&self) -> bool {
        !self.no_input
    }

    /// How a sealed key of an environment is opened.
    pub(crate) fn unlock(&self) -> Unlock {
        Unlock { file: self.passphrase_file.as_deref().map(absolute), may_ask: self.may_ask() }
    }

    /// The folder of the state, where one was named.
    pub(crate) fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// The project that was named, or the nearest one above.
    pub(crate) fn project(&self) -> Result<Project, Fault> {
        match &self.project {
            Some(root) => Project::open(&absolute(root)),
            None => Project::find(&here()),
        }
    }
}

/// The current folder.
pub(crate) fn here() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that knows where it stands")]
    std::env::current_dir().unwrap_or_default()
}

/// A path that another process, in another folder, understands too.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    here().join(path)
}
