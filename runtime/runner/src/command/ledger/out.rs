//! Files that are taken out of a log.

use crate::files;
use std::{
    fs,
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use tempfile::NamedTempFile;

/// The rule that what was taken out of a log before is not replaced.
const EXISTS: Rule = Rule::new("out-exists");

/// A file in the making under a name that nothing had. It takes its name when it is whole.
#[must_use]
pub(super) struct Out {
    path: PathBuf,
    file: NamedTempFile,
}

impl Out {
    /// Starts one. Refused where something is there, and where nothing can be written.
    pub(super) fn start(path: PathBuf) -> Result<Self, Fault> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        let file = tempfile::Builder::new()
            .prefix(".stepward-")
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(path.parent().unwrap_or(Path::new(".")))
            .map_err(|error| unwritten(&path, &error))?;
        Ok(Self { path, file })
    }

    /// What it will be called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it, as it comes.
    pub(super) fn write<T>(
        self,
        write: impl FnOnce(&mut dyn io::Write) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self { path, file } = self;
        let failed = |error: io::Error| unwritten(&path, &error);
        let mut out = BufWriter::new(file.as_file());
        let written = write(&mut out)?;
        out.flush().map_err(failed)?;
        drop(out);
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(written),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(failed(error.error)),
        }
    }

    /// Writes these bytes.
    pub(super) fn write_all(self, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.path.clone();
        self.write(|out| out.write_all(bytes).map_err(|error| unwritten(&path, &error)))
    }
}

fn exists(path: &Path) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, EXISTS)
        .at(files::place(path))
        .says("something is there already")
        .hint("name a new file with --out, or move away what is there")
}

fn unwritten(path: &Path, error: &io::Error) -> Fault {
    // The error's own text names the temporary file, which nobody asked for.
    Fault::new(Class::Unavailable, Owner::Operator, files::WRITE)
        .at(files::place(path))
        .says(format_args!("cannot be written: {}", error.kind()))
        .hint("check that the folder is there, its owner, its permissions and the free space")
}
