//! Every file that a person or a guest controls, in every wrong state: one clear error that names
//! file, rule and remedy; an exit code that says whose fault it was; nothing half-written left.
#![allow(clippy::disallowed_methods, reason = "the tests damage the files that people would")]

mod bytes;
mod replaced;

use crate::process::Ended;
use crate::stage::{Stage, files, write_private};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Missing,
    Empty,
    /// The second half is gone.
    Truncated,
    /// A folder is in its place.
    Folder,
    /// Bytes of every value, no text.
    Binary,
    /// One byte more than the most.
    Huge(u64),
    /// A key that the format does not know, in TOML or in JSON.
    UnknownKey,
    /// The lowest bit of the byte that this text ends with.
    Flipped(&'static str),
}
use Harm::{Binary, Empty, Flipped, Folder, Huge, Missing, Truncated, UnknownKey};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DOCUMENT: &str = "documents/BIS3_Invoice_positive.XML";

fn flip(bytes: &mut [u8], marker: &str) {
    let at = bytes.windows(marker.len()).position(|window| window == marker.as_bytes()).expect(marker);
    bytes[at + marker.len() - 1] ^= 1;
}

impl Harm {
    fn does(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Missing => return fs::remove_file(file).unwrap(),
            Folder => {
                fs::remove_file(file).unwrap();
                return fs::create_dir(file).unwrap();
            }
            Huge(most) => return File::options().write(true).open(file).unwrap().set_len(most + 1).unwrap(),
            Empty => bytes.clear(),
            Truncated => bytes.truncate(bytes.len() / 2),
            Binary => bytes = (0..=255).collect(),
            UnknownKey if bytes.starts_with(b"{") => {
                bytes.splice(..1, *b"{\"surprise\": 1,");
            }
            UnknownKey => drop(bytes.splice(..0, *b"surprise = 1\n")),
            Flipped(marker) => flip(&mut bytes, marker),
        }
        fs::write(file, bytes).unwrap();
    }
}

/// Puts a file back as it was, whatever is in its place.
fn restore(file: &Path, bytes: &[u8]) {
    if file.is_dir() {
        fs::remove_dir(file).unwrap();
    }
    write_private(file, bytes);
}

/// The one shape of errors, in a run's object and in every other command's.
#[track_caller]
fn error(ended: &Ended) -> Value {
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let document = ended.json();
    let schema = document["schema"].as_str().unwrap();
    assert!(["stepward.run/1", "stepward.error/1"].contains(&schema), "{schema}");
    let error = document["error"].clone();
    let mut keys = error.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    keys.retain(|key| !["code", "kind"].contains(key));
    assert_eq!(keys, ["class", "hint", "message", "owner", "place", "rule"]);
    for said in ["message", "hint"] {
        assert_ne!(error[said], "", "no {said}: {error}");
    }
    error
}

/// Every path of project and state, but for what a run is meant to leave: its traces, its place in the
/// log, and the key that its first run makes.
fn left(stage: &Stage) -> Vec<PathBuf> {
    let mut all = files(&stage.project());
    all.extend(files(&stage.state()));
    let state = stage.state().join("dev");
    let meant = |path: &Path| {
        let Ok(path) = path.strip_prefix(&state) else { return false };
        let of_log = |start: &&str| path.to_str().unwrap().starts_with(*start);
        path.starts_with("traces")
            || path == Path::new("keys/environment.key")
            || ["ledger.", "keys.db", "wrapping.db", "tiles/"].iter().any(of_log)
    };
    all.retain(|path| !meant(path));
    all
}

/// One file of a stage, the command that reads it, and for each harm the exit code, the rule, and a
/// part of the place that the error names.
async fn turns(stage: &Stage, file: &Path, command: &[&str], cases: &[(Harm, i32, &str, &str)]) {
    let good = fs::read(file).unwrap();
    for (harm, code, rule, place) in cases {
        harm.does(file);
        let before = left(stage);
        let ended = stage.stepward(command.iter().chain(&["--json"])).await;
        let case = format!("{} {harm:?}: {}", file.display(), ended.stdout);
        assert_eq!(ended.code, Some(*code), "{case}");
        let error = error(&ended);
        assert_eq!(error["rule"], *rule, "{case}");
        assert!(error["place"].as_str().unwrap().contains(place), "{case}");
        assert_eq!(left(stage), before, "{case}");
        restore(file, &good);
    }
    let ended = stage.stepward(command.iter().chain(&["--json"])).await;
    assert_eq!(ended.code, Some(0), "restored, it is good again: {}", ended.stdout);
    assert_eq!(stage.payments().len(), usize::from(command == APPROVE), "the good run alone");
}

const READ: &[&str] = &["run", "read-invoice", "--input", DOCUMENT];
const APPROVE: &[&str] = &["run", "approve", "--input", DOCUMENT];

#[tokio::test]
async fn the_component() {
    let stage = Stage::new().await;
    let place = "target/stepward/components/read-invoice.wasm";
    turns(
        &stage,
        &stage.component("read-invoice"),
        READ,
        &[
            (Missing, 3, "file-read", place),
            (Empty, 3, "component-digest", place),
            (Truncated, 3, "component-digest", place),
            (Folder, 9, "file-kind", place),
            (Binary, 3, "component-digest", place),
            (Huge(64 * MIB), 9, "file-size", place),
            (Flipped("\0asm"), 3, "component-digest", place),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_lock() {
    let stage = Stage::new().await;
    turns(
        &stage,
        &stage.project().join("stepward.lock"),
        READ,
        &[
            (Missing, 3, "lock-missing", "stepward.lock"),
            (Empty, 9, "lock-file", "stepward.lock:1:1"),
            (Truncated, 9, "lock-file", "stepward.lock:"),
            (Folder, 9, "file-kind", "stepward.lock"),
            (Binary, 9, "file-utf8", "stepward.lock:"),
            (Huge(4 * MIB), 9, "file-size", "stepward.lock"),
            (UnknownKey, 9, "lock-file", "stepward.lock:1:1"),
            (Flipped("version = 1"), 9, "lock-file", "stepward.lock:"),
            (Flipped("[steps.read"), 3, "lock-step-missing", "stepward.lock"),
            (Flipped("imports = [\""), 9, "lock-file", "stepward.lock:"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_project_file() {
    let stage = Stage::new().await;
    let named = ["run", "read-invoice", "--project", ".", "--input", DOCUMENT];
    turns(
        &stage,
        &stage.project().join("stepward.toml"),
        &named,
        &[
            (Missing, 9, "file-read", "stepward.toml"),
            (Empty, 9, "project-definition", "stepward.toml:1:1"),
            (Truncated, 9, "project-definition", "stepward.toml:"),
            (Folder, 9, "file-kind", "stepward.toml"),
            (Binary, 9, "file-utf8", "stepward.toml:"),
            (Huge(MIB), 9, "file-size", "stepward.toml"),
            (UnknownKey, 9, "project-definition", "stepward.toml:1:1"),
            // The crate's folder is where its reviewed world lies.
            (Flipped("crate = \"s"), 3, "lock-differs", "read-invoice"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_workflow() {
    let stage = Stage::new().await;
    let place = "workflows/approve.toml";
    turns(
        &stage,
        &stage.workflow(),
        APPROVE,
        &[
            (Missing, 9, "target-unknown", ""),
            (Empty, 9, "workflow-definition", "workflows/approve.toml:1:1"),
            (Truncated, 9, "workflow-definition", "workflows/approve.toml:"),
            (Folder, 9, "file-kind", place),
            (Binary, 9, "file-utf8", "workflows/approve.toml:"),
            (Huge(MIB), 9, "file-size", place),
            (UnknownKey, 9, "workflow-definition", "workflows/approve.toml:1:1"),
            (Flipped("name = \"approve"), 9, "workflow-name", place),
            (Flipped("name = \"read-i"), 9, "step-unknown", place),
            (Flipped("[steps.limits"), 9, "workflow-definition", "workflows/approve.toml:"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_environment() {
    let stage = Stage::new().await;
    let place = "environments/dev/environment.toml";
    turns(
        &stage,
        &stage.environment(),
        APPROVE,
        &[
            (Missing, 9, "environment-missing", place),
            (Empty, 9, "environment-syntax", "environments/dev/environment.toml:1:1"),
            (Truncated, 9, "environment-syntax", "environments/dev/environment.toml:"),
            (Folder, 9, "file-kind", place),
            (Binary, 9, "file-utf8", "environments/dev/environment.toml:"),
            (Huge(MIB), 9, "file-size", place),
            (UnknownKey, 9, "environment-syntax", "environments/dev/environment.toml:1:1"),
            (Flipped("name = \"d"), 9, "environment-name", place),
            (Flipped("[signers.pay"), 3, "grant-unbound", place),
            (Flipped("url = \"https"), 9, "environment-url", "environments/dev/environment.toml:"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_roots() {
    let stage = Stage::new().await;
    let place = "environments/dev/environment.toml";
    turns(
        &stage,
        &stage.roots(),
        APPROVE,
        &[
            (Missing, 9, "environment-roots", place),
            (Empty, 9, "environment-roots", place),
            (Truncated, 9, "environment-roots", place),
            (Folder, 9, "environment-roots", place),
            (Binary, 9, "environment-roots", place),
            (Huge(MIB), 9, "environment-roots", place),
            (Flipped("-----B"), 9, "environment-roots", place),
            (Flipped("CERTIFICATE-----\nM"), 9, "environment-roots", place),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_reviewed_world() {
    let stage = Stage::new().await;
    let place = "read-invoice";
    turns(
        &stage,
        &stage.project().join("steps/read-invoice/wit/world.wit"),
        READ,
        &[
            (Missing, 3, "lock-differs", place),
            (Empty, 3, "lock-differs", place),
            (Truncated, 3, "lock-differs", place),
            (Folder, 3, "lock-differs", place),
            (Binary, 3, "lock-differs", place),
            (Huge(MIB), 3, "lock-differs", place),
            (Flipped("world"), 3, "lock-differs", place),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_input() {
    let stage = Stage::new().await;
    let document = fs::read_to_string(stage.project().join(DOCUMENT)).unwrap();
    let input = stage.beside("invoice.json");
    fs::write(&input, Value::String(document).to_string()).unwrap();
    turns(
        &stage,
        &input,
        &["run", "read-invoice", "--input", input.to_str().unwrap()],
        &[
            (Missing, 9, "file-read", "invoice.json"),
            (Empty, 9, "input-json", "invoice.json:1:"),
            (Truncated, 9, "input-json", "invoice.json:1:"),
            (Folder, 9, "file-kind", "invoice.json"),
            (Binary, 9, "file-utf8", "invoice.json:"),
            (Huge(64 * MIB), 9, "file-size", "invoice.json"),
            (Flipped("\""), 9, "input-json", "invoice.json:1:"),
            // JSON, but not of the shape that the step takes: its own error.
            (UnknownKey, 9, "input-json", "invoice.json:1:"),
        ],
    )
    .await;
}

/// JSON, but not of the shape that the step takes: the step's own error.
#[tokio::test]
async fn an_input_of_another_shape() {
    let stage = Stage::new().await;
    let input = stage.beside("invoice.json");
    for (document, said) in [("{\"surprise\": 1}", "invalid type: map"), ("7", "invalid type: integer")] {
        fs::write(&input, document).unwrap();
        let ended =
            stage.stepward(["run", "read-invoice", "--json", "--input", input.to_str().unwrap()]).await;
        let ended = ended.expect(4);
        let error = error(&ended);
        assert_eq!(
            (&error["code"], &error["kind"]),
            (&"input-invalid".into(), &"permanent".into()),
            "{error}"
        );
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
    }
}

/// Readable, but more than the limit of the step: not the file's fault, the limit's.
#[tokio::test]
async fn an_input_above_its_limit() {
    let stage = Stage::new().await;
    let input = stage.beside("invoice.xml");
    fs::write(&input, vec![b' '; 8 * 1024 * 1024]).unwrap();
    let ended = stage.stepward(["run", "read-invoice", "--json", "--input", input.to_str().unwrap()]).await;
    let run = ended.expect(5).json();
    assert_eq!(
        (&run["steps"][0]["limit"], &run["status"]),
        (&"input-bytes".into(), &"limit-exceeded".into())
    );
}

#[tokio::test]
async fn the_case() {
    let stage = Stage::new().await;
    let case = stage.project().join("steps/check-invoice/cases/valid-invoice.json");
    let file = case.to_str().unwrap();
    turns(
        &stage,
        &case,
        &["run", "check-invoice", "--script", file],
        &[
            (Missing, 9, "file-read", "valid-invoice.json"),
            (Empty, 9, "case-format", "valid-invoice.json"),
            (Truncated, 9, "case-format", "valid-invoice.json"),
            (Folder, 9, "file-kind", "valid-invoice.json"),
            (Binary, 9, "file-utf8", "valid-invoice.json:"),
            (Huge(GIB), 9, "file-size", "valid-invoice.json"),
            (UnknownKey, 9, "case-format", "valid-invoice.json"),
            (Flipped("\"suppliers"), 4, "case-call", "step check-invoice"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_trace() {
    let stage = Stage::new().await;
    let run = stage.stepward(READ.iter().chain(&["--json"])).await.expect(0).json();
    let trace = PathBuf::from(run["steps"][0]["trace"].as_str().unwrap());
    let file = trace.to_str().unwrap();
    turns(
        &stage,
        &trace,
        &["runs", "replay", file],
        &[
            (Missing, 9, "file-read", "read-invoice.json"),
            (Empty, 9, "trace-format", "read-invoice.json"),
            (Truncated, 9, "trace-format", "read-invoice.json"),
            (Folder, 9, "file-kind", "read-invoice.json"),
            (Binary, 9, "file-utf8", "read-invoice.json:"),
            (Huge(GIB), 9, "file-size", "read-invoice.json"),
            (UnknownKey, 9, "trace-format", "read-invoice.json"),
            (Flipped("stepward.trace/1"), 9, "trace-format", "read-invoice.json"),
            (Flipped("<cbc:ID>1"), 8, "replay-diverged", "read-invoice.json"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_credential() {
    let stage = Stage::new().await;
    let place = "dev/secrets/erp-token";
    turns(
        &stage,
        &stage.secret("erp-token"),
        APPROVE,
        &[
            (Missing, 3, "secret-missing", place),
            (Empty, 3, "secret-size", place),
            (Folder, 3, "secret-not-a-file", place),
            (Binary, 3, "credential-form", "erp-token"),
            (Huge(64 * KIB), 3, "secret-size", place),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_signing_key() {
    let stage = Stage::new().await;
    let place = "dev/secrets/payment-key";
    turns(
        &stage,
        &stage.secret("payment-key"),
        APPROVE,
        &[
            (Missing, 3, "secret-missing", place),
            (Empty, 3, "secret-size", place),
            // Half of the digits of a seed are as many bytes as a whole seed has.
            (Truncated, 3, "signer-key", "payment-key"),
            (Folder, 3, "secret-not-a-file", place),
            (Binary, 3, "signer-key", "payment-key"),
            (Huge(64 * KIB), 3, "secret-size", place),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_keys_of_the_state() {
    let stage = Stage::new().await;
    stage.stepward(READ).await.expect(0);
    let environment = stage.state().join("dev/keys/environment.key");
    for (key, place, command) in
        [(stage.code_key(), "stepward/code.key", READ), (environment, "dev/keys/environment.key", APPROVE)]
    {
        turns(
            &stage,
            &key,
            command,
            &[
                (Empty, 9, "state-key", place),
                (Truncated, 9, "state-key", place),
                (Folder, 9, "file-kind", place),
                (Huge(KIB), 9, "file-size", place),
            ],
        )
        .await;
    }
}
