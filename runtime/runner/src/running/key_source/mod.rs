//! Where the environment's key comes from.
//!
//! | in this order | what opens it |
//! | --- | --- |
//! | `$CREDENTIALS_DIRECTORY/stepward.environment-key` | nothing: the service manager gives it to the service alone |
//! | `keys/environment.sealed` | a passphrase |
//! | `keys/environment.key` | nothing: whoever reads the file has the key |
//!
//! Two that contradict each other are refused, and so are two files: nobody should have to guess
//! which key a log was made with. A key is made where there is none at all and no log either; where
//! a log lies, its key is missing, and another one would only hide that.

mod passphrase;
mod private;

pub(crate) use passphrase::Unlock;

use super::{restore, state};
use crate::files;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::SecretBytes;
use stepward_vault::KeySource;

/// The rule that the key of a log is there.
const ABSENT: Rule = Rule::new("environment-key-absent");
/// The rule that one key is meant.
const AMBIGUOUS: Rule = Rule::new("environment-key-ambiguous");

/// The name of the credential with the key.
const CREDENTIAL: &str = "stepward.environment-key";

/// The key of one state: opened once, so that a passphrase is asked for once.
#[derive(Debug)]
pub(crate) struct EnvironmentKey {
    unlock: Unlock,
    opened: OnceLock<SecretBytes>,
}

/// What happens where there is no key and no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// A key is made: this is the first use.
    IsMade,
    /// That is refused: something is there that a new key cannot open.
    IsRefused,
}

impl EnvironmentKey {
    /// A key that `unlock` opens where it is sealed.
    pub(crate) fn new(unlock: Unlock) -> Self {
        Self { unlock, opened: OnceLock::new() }
    }

    /// The key of the state in `root`.
    pub(crate) fn get(&self, root: &Path, absent: Absent) -> Result<SecretBytes, Fault> {
        if let Some(key) = self.opened.get() {
            return Ok(key.duplicate());
        }
        let key = Places::of(root).open(&self.unlock, absent)?;
        // Whoever was first has opened the same key.
        drop(self.opened.set(key.duplicate()));
        Ok(key)
    }

    /// What opens the key where it is sealed.
    pub(crate) fn unlock(&self) -> &Unlock {
        &self.unlock
    }
}

/// Where the key is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A credential of the service.
    Credential(PathBuf),
    /// A file that a passphrase opens.
    Sealed(PathBuf),
    /// A file.
    Plain(PathBuf),
    /// It is nowhere.
    Nowhere,
}

impl Source {
    /// The word for it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::Sealed(_) => "sealed",
            Self::Plain(_) => "plain",
            Self::Nowhere => "none",
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Credential(path) | Self::Sealed(path) | Self::Plain(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

/// Where the key of one state can lie.
pub(crate) struct Places {
    root: PathBuf,
    /// `keys/environment.key`
    pub(crate) plain: PathBuf,
    /// `keys/environment.sealed`
    pub(crate) sealed: PathBuf,
    /// The credential; none where the service manager gave no credentials.
    pub(crate) credential: Option<PathBuf>,
}

impl Places {
    /// The places of the state in `root`.
    pub(crate) fn of(root: &Path) -> Self {
        let keys = root.join("keys");
        Self {
            root: root.to_owned(),
            plain: keys.join("environment.key"),
            sealed: keys.join("environment.sealed"),
            credential: private::credential(CREDENTIAL),
        }
    }

    /// The environment, whose name its state's folder has.
    fn environment(&self) -> String {
        shown(&self.root.file_name().unwrap_or_default().to_string_lossy()).to_string()
    }

    /// Which of them is used.
    ///
    /// # Errors
    /// When it lies sealed and open beside each other.
    pub(crate) fn source(&self) -> Result<Source, Fault> {
        let given = self.credential.as_ref().filter(|path| is_there(path));
        Ok(match (given, is_there(&self.sealed), is_there(&self.plain)) {
            (Some(credential), _, _) => Source::Credential(credential.clone()),
            (None, true, true) => return Err(self.twice()),
            (None, true, false) => Source::Sealed(self.sealed.clone()),
            (None, false, true) => Source::Plain(self.plain.clone()),
            (None, false, false) => Source::Nowhere,
        })
    }

    fn open(&self, unlock: &Unlock, absent: Absent) -> Result<SecretBytes, Fault> {
        match self.source()? {
            Source::Credential(path) => {
                let given = private::read(&path, "the environment's key")?;
                let key =
                    KeySource::Credential(given).open().map_err(|fault| fault.at(files::place(&path)))?;
                self.check_same(&path, &key)?;
                Ok(key)
            }
            Source::Sealed(path) => unseal(&path, &unlock.passphrase(&self.environment())?),
            Source::Plain(path) => read_plain(&path),
            Source::Nowhere => {
                if absent == Absent::IsRefused {
                    return Err(self.absent(format_args!("the environment's key is not here")));
                }
                if let Some(file) = restore::KEPT.into_iter().find(|name| is_there(&self.root.join(name))) {
                    return Err(
                        self.absent(format_args!("{file} is here, and the key that it was made with is not"))
                    );
                }
                read_plain(&self.plain)
            }
        }
    }

    /// A key that lies here beside the credential is the same one.
    fn check_same(&self, given: &Path, key: &SecretBytes) -> Result<(), Fault> {
        if !is_there(&self.plain) || read_plain(&self.plain)?.expose() == key.expose() {
            return Ok(());
        }
        Err(Fault::new(Class::Refused, Owner::Operator, AMBIGUOUS)
            .at(files::place(&self.plain))
            .says(format_args!(
                "this is another key than the credential {}, and one of them is not this environment's",
                given.display()
            ))
            .hint(
                "`stepward key show` without the credential says which key the file is, and of which key the log is; \
                 move the wrong one away",
            ))
    }

    fn twice(&self) -> Fault {
        Fault::new(Class::Refused, Owner::Operator, AMBIGUOUS)
            .at(files::place(&self.sealed))
            .says(format_args!("the environment's key is sealed here, and lies open in {}", files::place(&self.plain)))
            .hint(
                "if `stepward key protect` or `stepward key unprotect` was interrupted, do it again: it goes on and \
                 ends with one of them; otherwise move the wrong one away",
            )
    }

    fn absent(&self, says: fmt::Arguments<'_>) -> Fault {
        Fault::new(Class::Unavailable, Owner::Operator, ABSENT)
            .at(files::place(&self.plain))
            .says(format_args!(
                "{says}: without it no body of any run can be opened, the log cannot be signed under its name, and \
                 effects that are tried again look like new ones"
            ))
            .hint(format_args!(
                "no backup of Stepward has this key. Look where it is kept apart, and put it back as {}, or as {} with \
                 its passphrase, or give the service the credential {CREDENTIAL}; both files are of mode 0600",
                files::place(&self.plain),
                files::place(&self.sealed),
            ))
    }
}

/// Opens a sealed file with a passphrase.
pub(crate) fn unseal(path: &Path, passphrase: &SecretBytes) -> Result<SecretBytes, Fault> {
    let (passphrase, sealed) = (passphrase.duplicate(), files::read_key(path)?.to_vec());
    KeySource::Passphrase { passphrase, sealed }.open().map_err(|fault| fault.at(files::place(path)))
}

/// The plain key; it is made where there is no file.
pub(crate) fn read_plain(path: &Path) -> Result<SecretBytes, Fault> {
    state::key(path).map(|bytes| SecretBytes::new(bytes.to_vec()))
}

/// Whether a name is taken, also by a link that leads nowhere: what reads it refuses that.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
