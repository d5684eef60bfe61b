//! A stage for the invoice example: a copy of its project, an ERP that really runs, and the program
//! `stepward` as people call it. Each test has its own, so that they run side by side.
#![allow(
    clippy::disallowed_methods,
    reason = "whole-system tests start programs, and make and read the files that people would"
)]

use crate::process::{COMPILE, Ended, RUN, USER_STATE, end, program, signal, start, stepward, wait};
use aws_lc_rs::{
    encoding::{AsBigEndian as _, Curve25519SeedBin},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use invoice_erp::{Erp, Misbehaviour, Options, PayerKey};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

/// The checkout.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The example, from the checkout.
pub(crate) const EXAMPLE: &str = "guest-examples/invoice-approval";
/// The example's folder, its components built and equal to what its lock pins.
pub(crate) fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let project = Path::new(ROOT).join(EXAMPLE).canonicalize().unwrap();
        wait(async {
            let mut build = stepward();
            program(build.args(["build", "--locked", "--project"]).arg(&project), COMPILE).await.expect(0);
        });
        project
    })
}

/// A state folder whose cache holds the compiled steps: compiling them anew for each test would
/// show nothing more. It is made anew by each run of the tests, so that code of an earlier engine does
/// not lie beside it.
fn warm() -> &'static Path {
    static WARM: OnceLock<PathBuf> = OnceLock::new();
    WARM.get_or_init(|| {
        let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("warm-state");
        match fs::remove_dir_all(&state) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
        wait(async {
            let mut test = stepward();
            test.args(["test", "--project"]).arg(built()).arg("--state").arg(&state);
            program(&mut test, RUN).await.expect(0);
        });
        state
    })
}

/// Copies a folder, without what builds leave in it.
pub(crate) fn copy(from: &Path, to: &Path, skip: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if skip.iter().any(|skipped| *skipped == name) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name), skip);
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// Replaces a text in a file; it must be there.
#[track_caller]
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Writes a file that is its owner's alone.
pub(crate) fn write_private(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn private_folder(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
}

/// One payment as the ERP keeps it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) supplier: String,
    pub(crate) invoice: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
    pub(crate) order_text: String,
}

/// A project, a state folder and an ERP.
pub(crate) struct Stage {
    folder: TempDir,
    /// The service; `None` once it was ended.
    pub(crate) erp: Option<Erp>,
    database: PathBuf,
    /// The token that the service asks for.
    pub(crate) token: String,
    /// The key that signs payment orders: private seed and public key.
    pub(crate) seed: [u8; 32],
    pub(crate) public: [u8; 32],
}

impl Stage {
    /// With a service that behaves.
    pub(crate) async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// With a service that misbehaves so.
    pub(crate) async fn with(misbehaviours: Vec<Misbehaviour>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let pair = Ed25519KeyPair::generate().unwrap();
        let seed: Curve25519SeedBin<'_> = pair.seed().unwrap().as_be_bytes().unwrap();
        let seed: [u8; 32] = seed.as_ref().try_into().unwrap();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let erp = Erp::start(Options {
            payer_key: Some(PayerKey::new(public)),
            misbehaviours,
            ..Options::new(root.join("erp"))
        })
        .await
        .unwrap();

        let project = root.join("project");
        copy(built(), &project, &["target", ".stepward", "erp", "src"]);
        copy(&built().join("target/stepward/components"), &project.join("target/stepward/components"), &[]);
        let (database, token) = (erp.database_path(), erp.token().to_owned());
        let stage = Self { folder, database, token, seed, public, erp: None };
        edit(&stage.environment(), "https://erp.localhost:8443/api", &erp.url());
        fs::create_dir_all(stage.roots().parent().unwrap()).unwrap();
        fs::copy(erp.root_path(), stage.roots()).unwrap();

        let state = stage.state().join("dev");
        private_folder(&stage.state());
        for folder in ["", "secrets", "keys", "cache"] {
            private_folder(&state.join(folder));
        }
        let lock = fs::read_to_string(stage.project().join("stepward.lock")).unwrap();
        for code in files(&warm().join("dev/cache")) {
            let name = code.file_name().unwrap().to_str().unwrap();
            if lock.contains(&name[..64]) {
                fs::copy(&code, state.join("cache").join(name)).unwrap();
            }
        }
        private_folder(stage.code_key().parent().unwrap());
        fs::copy(Path::new(USER_STATE).join("stepward/code.key"), stage.code_key()).unwrap();
        write_private(&stage.secret("erp-token"), stage.token.as_bytes());
        write_private(&stage.secret("payment-key"), hex::encode(seed).as_bytes());
        Self { erp: Some(erp), ..stage }
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The key that compiled code is believed by.
    pub(crate) fn code_key(&self) -> PathBuf {
        self.user_state().join("stepward/code.key")
    }

    fn user_state(&self) -> PathBuf {
        self.folder.path().join("user-state")
    }

    /// A path beside the project, for a test's own files.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The environment's file.
    pub(crate) fn environment(&self) -> PathBuf {
        self.project().join("environments/dev/environment.toml")
    }

    /// The workflow's file.
    pub(crate) fn workflow(&self) -> PathBuf {
        self.project().join("workflows/approve.toml")
    }

    /// The root certificates that the environment trusts.
    pub(crate) fn roots(&self) -> PathBuf {
        self.project().join("environments/dev/trust/erp.pem")
    }

    /// The file of a secret.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.state().join("dev/secrets").join(name)
    }

    /// A built component.
    pub(crate) fn component(&self, step: &str) -> PathBuf {
        self.project().join("target/stepward/components").join(format!("{step}.wasm"))
    }

    /// `stepward ARGUMENTS` in the project, with this stage's state, not started.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = stepward();
        command.args(arguments).arg("--state").arg(self.state());
        command.current_dir(self.project()).env("XDG_STATE_HOME", self.user_state());
        command
    }

    /// `stepward ARGUMENTS` in the project, with this stage's state.
    pub(crate) async fn stepward(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        let mut command = self.command(arguments);
        program(&mut command, RUN).await
    }

    /// The same, interrupted as by ctrl-c once the ERP has booked a payment.
    pub(crate) async fn interrupted(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        let mut command = self.command(arguments);
        let child = start(&mut command);
        let booked = async {
            while self.payments().is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(RUN, booked).await.unwrap();
        signal("-INT", &child.id().unwrap().to_string()).await;
        end(child, RUN).await
    }

    /// `stepward run approve` on one of the example's documents.
    pub(crate) async fn approve(&self, document: &str) -> Ended {
        self.stepward(["run", "approve", "--json", "--input", &format!("documents/{document}")]).await
    }

    /// What a run left as the trace of its step of this number.
    pub(crate) fn trace(&self, run: &Value, step: usize) -> Value {
        let path = self.project().join(run["steps"][step]["trace"].as_str().unwrap());
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    fn database(&self) -> Connection {
        Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// What the ERP has booked.
    pub(crate) fn payments(&self) -> Vec<Payment> {
        let database = self.database();
        let mut all = database
            .prepare("SELECT supplier, invoice, amount, currency, order_text FROM payment ORDER BY number")
            .unwrap();
        let rows = all.query_map([], |row| {
            Ok(Payment {
                supplier: row.get(0)?,
                invoice: row.get(1)?,
                amount: row.get(2)?,
                currency: row.get(3)?,
                order_text: row.get(4)?,
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// What the ERP was asked: method, target and answer.
    pub(crate) fn requests(&self) -> Vec<(String, String, String)> {
        let database = self.database();
        let mut all = database.prepare("SELECT method, target, answer FROM request ORDER BY number").unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }
}
