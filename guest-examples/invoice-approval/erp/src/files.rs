//! The data folder: private files that are made once, whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that a private file is open to its owner only.
const PRIVATE: Rule = Rule::new("erp-private-file");
/// The rule that the data folder can be used.
const STORAGE: Rule = Rule::new("erp-storage");

/// The most that a file of this folder holds, in bytes: keys, certificates and a token are far
/// smaller.
const MOST: u64 = 64 << 10;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The owner alone, mode 0600.
    Private,
    /// Everyone, mode 0644.
    Public,
}

/// The data folder, known to exist.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Opens the folder; makes it, mode 0700, if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|e| storage(path, "make the folder", &e))?;
        Ok(Self(path.to_owned()))
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The text of a file, or `None` if there is none.
    pub(crate) fn read(&self, name: &str, audience: Audience) -> Result<Option<String>, Fault> {
        let path = self.path(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(storage(&path, "open", &e)),
        };
        if audience == Audience::Private {
            let mode = file.metadata().map_err(|e| storage(&path, "look at", &e))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(Fault::new(Class::Refused, Owner::Operator, PRIVATE)
                    .at(path.display())
                    .says(format_args!("the file has mode {:03o}; other accounts can reach it", mode & 0o777))
                    .hint(format_args!(
                        "chmod 600 {}, or delete it to have a new one made",
                        path.display()
                    )));
            }
        }
        let mut text = String::new();
        file.take(MOST).read_to_string(&mut text).map_err(|e| storage(&path, "read", &e))?;
        Ok(Some(text))
    }

    /// Writes a whole file: beside its place first, then moved there.
    pub(crate) fn write(&self, name: &str, audience: Audience, text: &str) -> Result<(), Fault> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let mode = match audience {
            Audience::Private => 0o600,
            Audience::Public => 0o644,
        };
        let written = (|| {
            match fs::remove_file(&beside) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        })();
        written.map_err(|e| storage(&path, "write", &e))
    }
}

/// A failure of the disk or its permissions.
pub(crate) fn storage(path: &Path, doing: &str, cause: &dyn std::fmt::Display) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, STORAGE)
        .at(path.display())
        .says(format_args!("cannot {doing}: {cause}"))
        .hint("the folder given with --data must be writable by this account and have space")
}
