//! What was given.

use crate::files;
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::export;

/// The rule that it is something that can be checked.
const UNKNOWN: Rule = Rule::new("verify-unknown");

/// How every SQLite file begins (SQLite, file format, offset 0).
const SQLITE: &[u8] = b"SQLite format 3\0";
/// How every proof begins (C2SP tlog-proof).
const PROOF: &[u8] = b"c2sp.org/tlog-proof@v1\n";
/// Bytes that tell what a file is.
const BEGINNING: u64 = 64;

/// What was given to be checked.
pub(super) enum Given {
    /// A log in its store.
    Store {
        /// `ledger.db`.
        ledger: PathBuf,
        /// The state folder that it lies in, where that was named.
        folder: Option<PathBuf>,
    },
    /// A folder of tiles.
    Tiles(PathBuf),
    /// An export.
    Export(PathBuf),
    /// A proof.
    Proof(PathBuf),
    /// A folder of evidence.
    Evidence(PathBuf),
}

impl Given {
    /// Finds out what lies under a name.
    pub(super) fn find(path: &Path) -> Result<Self, Fault> {
        if path.is_dir() {
            return Self::folder(path);
        }
        let mut beginning = Vec::new();
        let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
        if let Err(error) = read {
            return Err(Fault::new(Class::BadInput, Owner::Caller, files::READ)
                .at(files::place(path))
                .says(format_args!("it cannot be read: {error}"))
                .hint("check the spelling and the folder that you are in"));
        }
        if beginning.starts_with(SQLITE) {
            return Ok(Self::Store { ledger: path.to_owned(), folder: None });
        }
        if beginning.starts_with(PROOF) {
            return Ok(Self::Proof(path.to_owned()));
        }
        // Also one whose first line was changed: then it is told what is wrong with that.
        if export::is_export(&beginning) || beginning.starts_with(b"{") {
            return Ok(Self::Export(path.to_owned()));
        }
        Err(unknown(path, "this is no ledger.db, no export and no proof"))
    }

    fn folder(path: &Path) -> Result<Self, Fault> {
        let has = |name: &str| path.join(name).exists();
        if has("ledger.db") {
            return Ok(Self::Store { ledger: path.join("ledger.db"), folder: Some(path.to_owned()) });
        }
        if has("events.jsonl") && has("checkpoint") && has("keys.txt") {
            return Ok(Self::Evidence(path.to_owned()));
        }
        if has("tile") && has("checkpoint") {
            return Ok(Self::Tiles(path.to_owned()));
        }
        let below = files::folders(path)?.into_iter().find(|name| path.join(name).join("ledger.db").exists());
        match below {
            Some(name) => Err(unknown(path, "this folder has the state of environments")
                .hint(format_args!("name one of them, such as {}", path.join(name).display()))),
            None => Err(unknown(path, "this folder has no ledger.db, no tiles and no evidence")),
        }
    }

    /// The word for it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Store { .. } => "store",
            Self::Tiles(_) => "tiles",
            Self::Export(_) => "export",
            Self::Proof(_) => "proof",
            Self::Evidence(_) => "evidence",
        }
    }
}

fn unknown(path: &Path, says: &str) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
        .at(files::place(path))
        .says(says)
        .hint("give STATE/ENV, a ledger.db, a folder of tiles, or what `stepward ledger` or `stepward evidence` wrote")
}
