//! `tests/embedder`: a service of someone else's, outside the workspace and beside sqlx, that embeds
//! the crate `stepward`. It is compiled as its owner would compile it, and talked to over its socket.
#![allow(
    clippy::disallowed_methods,
    reason = "the service is a program: it is built, started, given files and waited for"
)]

use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};
use stepward_trust::Digest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/embedder");
/// How long the service may take to notice something: far longer than it needs.
const SOON: Duration = Duration::from_secs(15);

/// Builds the service once. It shares the house's target directory, and with it most of the crates.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--manifest-path"])
            .arg(Path::new(PROJECT).join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(
            built.status.success(),
            "{said}\nafter a change of dependencies, refresh tests/embedder/Cargo.lock"
        );
        target.join("debug/order-desk")
    })
}

/// A component in the text format, on disk, and its digest.
fn component(folder: &Path, text: &str) -> (PathBuf, Digest) {
    let bytes = wat::parse_str(text).unwrap();
    let path = folder.join("step.wasm");
    fs::write(&path, &bytes).unwrap();
    (path, Digest::of(&bytes))
}

fn desk_step() -> String {
    fs::read_to_string(Path::new(PROJECT).join("desk.wat")).unwrap()
}

/// What the service is told of where its step is to run.
type Mode = &'static [&'static str];
/// In worker processes, and in its own.
const BOTH: [Mode; 2] = [&[], &["in-process"]];

/// The running service. Dropping it closes its standard input, which ends it.
struct Desk {
    process: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
    folder: TempDir,
}

impl Desk {
    fn start(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, digest) = component(folder.path(), &desk_step());
        let mut process = Command::new(program())
            .arg(path)
            .arg(digest.to_string())
            .arg(folder.path().join("orders.db"))
            .args(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let address = line(&mut output)["address"].as_str().unwrap().parse().unwrap();
        Self { process, output, address, folder }
    }

    /// Sends a request and leaves the answer to be read.
    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let length = body.len();
        let head = "host: desk\r\ncontent-type: text/plain\r\nconnection: close";
        write!(stream, "{method} {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        stream
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        receive(self.send(method, path, body)).unwrap()
    }

    /// Asks until the counts of runs are as expected.
    fn until(&self, expected: &Value) {
        let late = Instant::now() + SOON;
        loop {
            let counts: Value = serde_json::from_str(&self.ask("GET", "/runs", "").1).unwrap();
            if counts == *expected {
                return;
            }
            assert!(Instant::now() < late, "{counts} never became {expected}");
            thread::yield_now();
        }
    }

    /// The command lines of the processes that the service has started.
    fn workers(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap());
        let children: Vec<_> = children.collect();
        let children = children.iter().flat_map(|line| line.split_whitespace());
        children.map(|child| fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap()).collect()
    }

    /// Ends the service and keeps its files.
    fn end_and_keep(mut self) -> TempDir {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
        self.folder
    }

    /// Closes standard input and waits for the end: the counts, and whether it ended well.
    fn end(mut self) -> (Value, bool) {
        drop(self.process.stdin.take());
        (line(&mut self.output), self.process.wait().unwrap().success())
    }
}

fn line(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Status and body of the one answer on a connection.
fn receive(mut stream: TcpStream) -> io::Result<(u16, String)> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok((head[9..12].parse().unwrap(), body.to_owned()))
}

fn counts(started: u64, finished: u64, cancelled: u64) -> Value {
    json!({ "started": started, "finished": finished, "cancelled": cancelled })
}

#[test]
fn a_step_answers_each_request_from_the_services_own_database() {
    for mode in BOTH {
        let desk = Desk::start(mode);
        let order = "{\"item\":\"ink\",\"quantity\":3}";
        assert_eq!(desk.ask("PUT", "/orders/4711", order).0, 204);
        assert_eq!(desk.ask("POST", "/orders/4711/reading", ""), (200, order.to_owned()));

        // The step is where it should be: in a process that is this program once more, or here.
        let workers = desk.workers();
        assert_eq!(workers.len(), usize::from(mode.is_empty()), "{workers:?}");
        assert!(workers.iter().all(|line| line.contains("order-desk\0worker\0")), "{workers:?}");

        let (status, body) = desk.ask("POST", "/orders/1/reading", "");
        let expected =
            json!({ "kind": "permanent", "code": "order-unknown", "message": "the desk has no such order" });
        assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (422, expected));

        // What the guest returns is a JSON document or an error of the step, never passed on as it is.
        assert_eq!(desk.ask("PUT", "/orders/2", "not json").0, 204);
        let (status, body) = desk.ask("POST", "/orders/2/reading", "");
        assert!(status == 422 && body.contains("output-not-json"), "{status} {body}");
        assert_eq!(desk.end(), (counts(3, 3, 0), true));
    }
}

#[test]
fn a_client_that_leaves_cancels_its_own_run_and_no_other() {
    for mode in BOTH {
        let desk = Desk::start(mode);
        for number in ["7", "8"] {
            assert_eq!(desk.ask("PUT", &format!("/orders/{number}/announcement"), "").0, 204);
        }
        let leaving = desk.send("POST", "/orders/7/reading", "");
        let staying = desk.send("POST", "/orders/8/reading", "");
        desk.until(&counts(2, 0, 0));
        drop(leaving);
        desk.until(&counts(2, 0, 1));
        assert_eq!(desk.ask("PUT", "/orders/8", "\"here\"").0, 204);
        assert_eq!(receive(staying).unwrap(), (200, "\"here\"".to_owned()));
        assert_eq!(desk.end(), (counts(2, 1, 1), true));
    }
}

#[test]
fn an_end_in_good_order_waits_for_the_run_under_way() {
    for mode in BOTH {
        let mut desk = Desk::start(mode);
        assert_eq!(desk.ask("PUT", "/orders/9/announcement", "").0, 204);
        let waiting = desk.send("POST", "/orders/9/reading", "");
        // The order's body comes after the end began: `100 Continue` says that the request was taken.
        let mut late = TcpStream::connect(desk.address).unwrap();
        late.set_read_timeout(Some(SOON)).unwrap();
        let head = "host: desk\r\ncontent-type: text/plain\r\nexpect: 100-continue\r\ncontent-length: 3";
        write!(late, "PUT /orders/9 HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
        let mut taken = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        late.read_exact(&mut taken).unwrap();
        assert!(taken.starts_with(b"HTTP/1.1 100 "));
        desk.until(&counts(1, 0, 0));
        drop(desk.process.stdin.take());
        write!(late, "\"9\"").unwrap();
        assert_eq!(receive(waiting).unwrap(), (200, "\"9\"".to_owned()));
        assert_eq!(desk.end(), (counts(1, 1, 0), true));
    }
}

#[test]
fn a_component_that_is_not_pinned_or_not_granted_never_starts() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |mode: Mode, text: &str, pin: &dyn Fn(Digest) -> Digest| {
        let (path, digest) = component(folder.path(), text);
        let output = Command::new(program())
            .arg(path)
            .arg(pin(digest).to_string())
            .arg(folder.path().join("orders.db"))
            .args(mode)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    for mode in BOTH {
        let other = refused(mode, &desk_step(), &|_| Digest::of(b"another component"));
        assert!(other.contains("component-digest"), "{other}");
        let ungranted = desk_step().replace("(import \"orders\"", "(import \"ledger\"");
        let ungranted = refused(mode, &ungranted, &|digest| digest);
        assert!(ungranted.contains("grant-missing") && ungranted.contains("ledger"), "{ungranted}");
    }
}

#[test]
fn the_log_of_its_runs_lies_beside_its_own_database() {
    for mode in BOTH {
        let desk = Desk::start(mode);
        assert_eq!(desk.ask("PUT", "/orders/4711", "\"ink, 3 bottles\"").0, 204);
        assert_eq!(desk.ask("POST", "/orders/4711/reading", "").0, 200);
        let database = desk.folder.path().join("orders.db");
        let folder = desk.end_and_keep();
        let log = rusqlite::Connection::open(folder.path().join("orders.db.log/ledger.db")).unwrap();
        let mut rows = log.prepare("SELECT bytes FROM leaf ORDER BY sequence").unwrap();
        let leaves = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let actions = leaves.map(|leaf| {
            let event: Value = serde_json::from_slice(&leaf.unwrap()).unwrap();
            event["action"].as_str().unwrap().to_owned()
        });
        assert_eq!(
            actions.collect::<Vec<_>>(),
            [
                "service-started",
                "configuration-changed",
                "bundle-changed",
                "run-started",
                "step-started",
                "call-recorded",
                "step-ended",
                "run-ended",
                "service-stopped"
            ]
        );
        // The order is in the desk's database, and nowhere in the log.
        let holds = |path: &Path| fs::read(path).unwrap().windows(3).any(|bytes| bytes == b"ink");
        assert!(holds(&database));
        for file in ["ledger.db", "keys.db", "wrapping.db"] {
            assert!(!holds(&folder.path().join("orders.db.log").join(file)), "{file}");
        }
    }
}

#[test]
fn embedding_brings_no_second_sqlite() {
    // One `links = "sqlite3"` may be in a build: the log's SQLite and sqlx's must be the same one, or
    // the crate would decide which versions of sqlx its host can have.
    let lock = fs::read_to_string(Path::new(PROJECT).join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"sqlx-sqlite\"") && lock.contains("name = \"rusqlite\""));
    assert_eq!(lock.matches("name = \"libsqlite3-sys\"").count(), 1);
}
