//! What a backup says of itself.

use super::{KEYS, LEDGER, WRAPPING, disk::Facts};
use crate::files::{self, Purpose};
use serde::{Deserialize, Serialize};
use std::path::Path;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    merkle::TreeHead,
    note::{LogVerifier, SignedCheckpoint},
};
use stepward_seam::Label;
use stepward_trust::Digest;

/// The rule that a backup has a manifest that can be read.
const FORM: Rule = Rule::new("backup-manifest");
/// The rule that a backup is of the environment that is meant.
const ENVIRONMENT: Rule = Rule::new("backup-environment");
/// The rule that the environment's key is the backup's.
const KEY: Rule = Rule::new("backup-other-key");
/// The rule that a manifest was signed by its log.
const SIGNED: Rule = Rule::new("backup-checkpoint");
/// The rule that a file is the one that was backed up.
const DIGEST: Rule = Rule::new("backup-file-changed");

/// The manifest's file. It is written last: a backup without it is not whole.
pub(crate) const FILE: &str = "backup.json";
/// The schema of a manifest.
pub(crate) const SCHEMA: &str = "stepward.backup/1";

/// The manifest of a backup. The environment's key is in none of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Always [`SCHEMA`].
    pub(crate) schema: String,
    /// The environment.
    pub(crate) environment: String,
    /// The name of its log.
    pub(crate) origin: String,
    /// Which generation of it, from 1.
    pub(crate) generation: u32,
    /// Its events.
    pub(crate) size: u64,
    /// The root over them.
    pub(crate) root: Digest,
    /// Size and root, signed by the log: a signed note.
    pub(crate) checkpoint: String,
    /// When the copy was made: milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) time_ms: u64,
    /// The three files.
    pub(crate) files: Files,
}

/// The files of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// The log.
    #[serde(rename = "ledger.db")]
    pub(crate) ledger: Facts,
    /// The keys of runs.
    #[serde(rename = "keys.db")]
    pub(crate) keys: Facts,
    /// The keys that wrap them, in a folder of their own.
    #[serde(rename = "wrapping.db")]
    pub(crate) wrapping: Facts,
}

impl Files {
    /// Each with its name.
    pub(crate) fn each(&self) -> [(&'static str, Facts); 3] {
        [(LEDGER, self.ledger), (KEYS, self.keys), (WRAPPING, self.wrapping)]
    }
}

/// A manifest that this environment's log signed.
pub(crate) struct Vouched {
    manifest: Manifest,
    head: TreeHead,
}

impl Vouched {
    /// The manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The tree that was backed up.
    pub(crate) fn head(&self) -> TreeHead {
        self.head
    }
}

impl Manifest {
    /// Reads the manifest of the backup in a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(FILE);
        if path.symlink_metadata().is_err() {
            return Err(Fault::new(Class::BadInput, Owner::Caller, FORM)
                .at(files::place(&path))
                .says("there is no manifest here: this is no backup, or one that was not finished")
                .hint("name the folder that `stepward backup --to` made"));
        }
        let manifest: Self = serde_json::from_str(&files::read_text(&path, Purpose::Manifest)?)
            .map_err(|error| malformed(&path, &error))?;
        if manifest.schema == SCHEMA {
            Ok(manifest)
        } else {
            Err(malformed(&path, &"it is of another version"))
        }
    }

    /// Checks that it is of this environment, and that its log signed it. `verifier` gives the log's
    /// key under the name of a generation.
    pub(crate) fn vouched(
        self,
        environment: &Label,
        verifier: impl FnOnce(u32) -> Result<LogVerifier, Fault>,
    ) -> Result<Vouched, Fault> {
        let refused = |class, rule| Fault::new(class, Owner::Operator, rule).at(FILE);
        if self.environment != environment.as_str() {
            return Err(refused(Class::Refused, ENVIRONMENT)
                .says(format_args!("this is a backup of {}, not of {environment}", self.environment))
                .hint("name its environment with --env"));
        }
        let log = verifier(self.generation)?;
        if self.origin != log.name().as_str() {
            return Err(refused(Class::EvidenceInvalid, KEY)
                .says(format_args!(
                    "the environment's key here is another one than that of the backup: its log is {}, and with \
                     this key it would be {}",
                    self.origin,
                    log.name()
                ))
                .hint("put the environment's key back that was in use when the backup was made: `stepward key show`"));
        }
        let signed = SignedCheckpoint::open(self.checkpoint.as_bytes(), &log).map_err(|error| {
            error.fault(FILE).hint("the manifest was changed after the backup was made: take another backup")
        })?;
        let head = signed.head();
        if (head.size.get(), head.root.as_bytes()) != (self.size, self.root.as_bytes()) {
            return Err(refused(Class::EvidenceInvalid, SIGNED)
                .says("size and root are not those that the log signed")
                .hint("the manifest was changed after the backup was made: take another backup"));
        }
        Ok(Vouched { manifest: self, head })
    }
}

/// Refuses a file that is not the one that was backed up.
pub(crate) fn check_copied(path: &Path, copied: Facts, expected: Facts) -> Result<(), Fault> {
    if copied == expected {
        return Ok(());
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, DIGEST)
        .at(files::place(path))
        .says(if copied.bytes == expected.bytes {
            format!(
                "the file was changed after the backup was made: its hash is {}, not {}",
                copied.sha256, expected.sha256
            )
        } else {
            format!(
                "the file does not have the {} bytes that it had when the backup was made",
                expected.bytes
            )
        })
        .hint("nothing was restored; take another copy of this backup, or another backup"))
}

fn malformed(path: &Path, why: &dyn std::fmt::Display) -> Fault {
    Fault::new(Class::BadInput, Owner::Operator, FORM)
        .at(files::place(path))
        .says(format_args!("this is not the manifest of a backup: {why}"))
        .hint("take another copy of this backup, or another backup")
}
