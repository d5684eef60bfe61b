//! What the machine keeps for one environment: keys, secrets, compiled code, traces. And the one
//! key that it keeps for its user.

use super::{
    code::{self, Code},
    key_source::{Absent, EnvironmentKey, Unlock},
    restore,
};
use crate::{
    files::{self, Links, Readers},
    session::{Session, absolute, here},
};
use aws_lc_rs::rand;
use cap_std::{ambient_authority, fs::Dir};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};
use stepward::CodeDir;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Label, SecretBytes};
use zeroize::Zeroizing;

/// The rule that a key of the state is whole.
const KEY: Rule = Rule::new("state-key");
/// The rule that the system gives random bytes.
const RANDOM: Rule = Rule::new("state-random");
/// How [`restore::aside`] begins the names of the folders with replaced logs.
const REPLACED: &str = "replaced-";
/// Bytes of each key: the strength of SHA-256 and BLAKE3.
const KEY_BYTES: usize = 32;

/// The state of one environment. Its folders can be entered by their owner alone.
#[derive(Debug)]
pub(crate) struct State {
    root: PathBuf,
    key: EnvironmentKey,
}

/// The system's random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| {
        Fault::new(Class::Unavailable, Owner::Operator, RANDOM)
            .says("the system gives no random bytes")
            .hint("a sandbox around this process must allow getrandom(2) or /dev/urandom")
    })?;
    Ok(bytes)
}

impl State {
    /// Opens the state of `environment`, and makes its folders where they are missing.
    pub(crate) fn open(session: &Session, environment: &Label) -> Result<Self, Fault> {
        let unlocked = |state: Self| Self { key: EnvironmentKey::new(session.unlock()), ..state };
        match session.state() {
            Some(folder) => Self::open_in(&absolute(folder), Links::Followed, environment).map(unlocked),
            // A component given as a file belongs to no project: its state lies where it is run.
            None => {
                let root = session.project().map_or_else(|_| here(), |project| project.root().to_owned());
                Self::open_in(&root.join(".stepward"), Links::Refused, environment).map(unlocked)
            }
        }
    }

    /// Opens the state of `environment` in the folder `base`.
    pub(crate) fn open_in(base: &Path, links: Links, environment: &Label) -> Result<Self, Fault> {
        let root = base.join(environment.as_str());
        files::make_own_folder(base, links)?;
        let state = Self { root, key: EnvironmentKey::new(Unlock::default()) };
        for folder in [state.root.clone(), state.keys(), state.secrets(), state.cache(), state.traces()] {
            files::make_private_folder(&folder)?;
        }
        Ok(state)
    }

    fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Where secrets lie, one file each.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    fn traces(&self) -> PathBuf {
        self.root.join("traces")
    }

    /// The state's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The event log.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    /// The lock of the one process that writes the log.
    pub(crate) fn ledger_lock(&self) -> PathBuf {
        self.root.join("ledger.lock")
    }

    /// The keys of runs, wrapped.
    pub(crate) fn run_keys(&self) -> PathBuf {
        self.root.join("keys.db")
    }

    /// The keys that wrap them.
    pub(crate) fn wrapping_keys(&self) -> PathBuf {
        self.root.join("wrapping.db")
    }

    /// Where the log is published for those who check it. Made where it is missing.
    pub(crate) fn tiles(&self) -> Result<Dir, Fault> {
        let place = self.root.join("tiles");
        files::make_private_folder(&place)?;
        folder(&place)
    }

    /// Removes the traces of one run and says whether there were any. A name that leads elsewhere is no
    /// run's: nothing lies there.
    pub(crate) fn remove_traces(&self, run: &str) -> Result<bool, Fault> {
        if Path::new(run).file_name() != Some(OsStr::new(run)) {
            return Ok(false);
        }
        files::remove_folder(&self.traces().join(run))
    }

    /// The folders with logs that a restore replaced, by name.
    pub(crate) fn replaced(&self) -> Result<Vec<PathBuf>, Fault> {
        let mut names = files::folders(&self.root)?;
        names.retain(|name| name.starts_with(REPLACED));
        Ok(names.into_iter().map(|name| self.root.join(name)).collect())
    }

    /// The folder for the traces of one run.
    pub(crate) fn run(&self, run: &str) -> Result<PathBuf, Fault> {
        let folder = self.traces().join(run);
        files::make_private_folder(&folder)?;
        Ok(folder)
    }

    /// The environment's key: everything that is sealed, signed or fingerprinted here is so with keys
    /// that are derived from it. Made at its first use, unless there is a log already.
    pub(crate) fn environment_key(&self) -> Result<SecretBytes, Fault> {
        restore::check_settled(&self.root)?;
        self.key.get(&self.root, Absent::IsMade)
    }

    /// The environment's key, which must be here already.
    pub(crate) fn existing_environment_key(&self) -> Result<SecretBytes, Fault> {
        restore::check_settled(&self.root)?;
        self.key.get(&self.root, Absent::IsRefused)
    }

    /// What opens the environment's key where it is sealed.
    pub(crate) fn unlock(&self) -> &Unlock {
        self.key.unlock()
    }

    /// Where compiled code is kept, believed by a key that never lies in this state.
    pub(crate) fn code(&self) -> Result<Code, Fault> {
        let key = code::key()?;
        let folder = folder(&self.cache())?;
        Ok(Code::new(key.map(|key| CodeDir::new(folder, key))))
    }
}

/// Writes the trace of one step into the folder of its run.
pub(crate) fn write_trace(folder: &Path, step: &str, trace: &str) -> Result<PathBuf, Fault> {
    let path = folder.join(format!("{step}.json"));
    files::write(&path, trace.as_bytes(), Readers::Owner)?;
    Ok(path)
}

/// A key, made at its first use. It is wiped when it is dropped.
pub(crate) fn key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Fault> {
    // A link that leads nowhere is there too: reading refuses it.
    if path.symlink_metadata().is_err() {
        files::write_new(path, Zeroizing::new(random::<KEY_BYTES>()?).as_slice())?;
    }
    let bytes = files::read_key(path)?;
    <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| {
        Fault::new(Class::BadInput, Owner::Operator, KEY)
            .at(files::place(path))
            .says(format_args!("the key has {} bytes; it must have {KEY_BYTES}", bytes.len()))
            .hint(
                "restore it from a backup; deleting code.key only costs a compile, but a new environment.key \
                   makes other idempotency keys, so runs that were interrupted may repeat their effects",
            )
    })
}

/// Opens a folder as a capability.
pub(crate) fn folder(path: &Path) -> Result<Dir, Fault> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
        Fault::new(Class::Unavailable, Owner::Operator, files::READ)
            .at(files::place(path))
            .says(format_args!("the folder cannot be opened: {error}"))
            .hint("check that it is a folder, and yours to enter")
    })
}
