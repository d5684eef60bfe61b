//! Where the demonstration takes place: its environment, its keys, its folder.

use super::service::Ready;
use crate::{
    files::{self, Links, Purpose, Readers},
    project::Project,
    running::state::{State, random},
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::Label;
use toml_edit::DocumentMut;

/// The rule that the example's files are those of this version.
const EXAMPLE: Rule = Rule::new("demo-example");

/// The rule that a checkout shows one demonstration at a time.
const BUSY: Rule = Rule::new("demo-busy");

/// The folder of the demonstration, below the example's `target`.
pub(crate) struct Stage {
    root: PathBuf,
    environment: Label,
    /// Held for as long as the demonstration lasts.
    _turn: File,
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from).collect()
}

pub(crate) fn broken(what: impl std::fmt::Display) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, EXAMPLE)
        .says(format_args!("the example is not as the demonstration needs it: {what}"))
        .hint("restore guest-examples/invoice-approval, or rebuild `stepward` from the same checkout")
}

/// The turn to show the demonstration: service, environment and state lie in one place. The system
/// takes it back when this process ends, however it ends.
fn turn(path: &Path) -> Result<File, Fault> {
    let refused = || Fault::new(Class::Unavailable, Owner::Caller, BUSY).at(files::place(path));
    let failed = |error: std::io::Error| {
        refused()
            .says(format_args!("the demonstration's place cannot be locked: {error}"))
            .hint("check the folder's owner, its permissions and the free space")
    };
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(refused().says("another demonstration is at work in this checkout").hint(
                "wait until it ends (with `--keep` that is when Enter is pressed), or use another checkout",
            ))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

impl Stage {
    /// Takes the place, which one demonstration has at a time, clears what the last one left of the
    /// service, and makes the folders anew.
    pub(crate) fn set(project: &Project) -> Result<Self, Fault> {
        let root = project.root().join("target/stepward/demo");
        let environment = Label::new("dev").map_err(broken)?;
        files::make_folder(&root)?;
        let stage = Self { _turn: turn(&root.join("lock"))?, root, environment };
        if stage.erp().exists() {
            fs::remove_dir_all(stage.erp()).map_err(broken)?;
        }
        files::make_folder(&stage.trust())?;
        Ok(stage)
    }

    /// The data of the service.
    pub(crate) fn erp(&self) -> PathBuf {
        self.root.join("erp")
    }

    /// The environment's name.
    pub(crate) fn name(&self) -> &Label {
        &self.environment
    }

    /// The folder of the environment.
    pub(crate) fn environment(&self) -> PathBuf {
        self.root.join("environments/dev")
    }

    fn trust(&self) -> PathBuf {
        self.environment().join("trust")
    }

    /// A file of the demonstration itself.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The state: keys, secrets, compiled code, traces.
    pub(crate) fn state(&self) -> Result<State, Fault> {
        State::open_in(&self.place(), Links::Refused, &self.environment)
    }

    /// The folder of the state, as `--state` names it.
    pub(crate) fn place(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Makes the key that signs payment orders; its public half goes to the service.
    pub(crate) fn payer_key(&self, state: &State) -> Result<PathBuf, Fault> {
        let seed = random::<32>()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(broken)?;
        files::write(&state.secrets().join("payment-key"), hex(&seed).as_bytes(), Readers::Owner)?;
        let public = self.file("payer.pub");
        files::write(&public, format!("{}\n", hex(pair.public_key().as_ref())).as_bytes(), Readers::Public)?;
        Ok(public)
    }

    /// Writes the environment of this demonstration: the committed one, with the service's real
    /// port, its root and its token. It runs on any machine, and says what workers cannot promise.
    pub(crate) fn bind(&self, project: &Project, ready: &Ready, state: &State) -> Result<(), Fault> {
        let committed = project.environment(&self.environment).join("environment.toml");
        let text = files::read_text(&committed, Purpose::Environment)?;
        let mut document: DocumentMut = text.parse().map_err(broken)?;
        let url = document
            .get_mut("endpoints")
            .and_then(|all| all.get_mut("erp"))
            .and_then(|erp| erp.get_mut("url"));
        *url.ok_or_else(|| broken("its environment has no endpoint `erp`"))? = toml_edit::value(&ready.url);
        document.insert("workers", toml_edit::table());
        if let Some(workers) = document.get_mut("workers") {
            workers["require"] = toml_edit::value(toml_edit::Array::new());
        }
        files::write(
            &self.environment().join("environment.toml"),
            document.to_string().as_bytes(),
            Readers::Public,
        )?;
        copy(&ready.root, &self.trust().join("erp.pem"), Readers::Public)?;
        copy(&ready.token, &state.secrets().join("erp-token"), Readers::Owner)
    }
}

fn copy(from: &Path, to: &Path, readers: Readers) -> Result<(), Fault> {
    files::write(to, &files::read(from, Purpose::Environment)?, readers)
}
