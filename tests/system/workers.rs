//! The processes that steps run in, seen from outside while `stepward run` is at work: what they
//! hold, and that none outlives its runner, however that ends.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "the tests look at processes as a person would")]

use crate::process::{RUN, end, program, signal, start};
use crate::relay::{Passing, Relay, until};
use crate::stage::{Stage, edit};
use serde_json::json;
use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf};
use tokio::process::Child;

const INPUT: &str = "documents/BIS3_Invoice_positive.XML";
/// The account that owns nothing, which a worker that root starts becomes.
const NOBODY: u32 = 65_534;

/// A stage whose service answers as many requests as it was told to, and keeps the next one waiting.
type Gate = Relay<usize>;

/// A run of which a step waits for its answer, and the worker that the step lives in.
struct Waiting {
    runner: Child,
    worker: Process,
}

/// A process, as the kernel shows it.
struct Process(u32);

impl Process {
    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    /// A line of its status, such as `Seccomp`.
    fn status(&self, key: &str) -> String {
        let status = fs::read_to_string(self.file("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{key}:")));
        line.unwrap_or_else(|| panic!("no {key} in:\n{status}")).trim().to_owned()
    }

    /// The hard limit of a name, in its unit.
    fn limit(&self, name: &str) -> u64 {
        let limits = fs::read_to_string(self.file("limits")).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap_or(u64::MAX)
    }

    /// Whether it ended; one that nobody has waited for counts.
    fn ended(&self) -> bool {
        let stat = fs::read_to_string(self.file("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
    }

    async fn ends(&self) {
        until(|| self.ended()).await;
    }

    /// The processes that it started and that live.
    fn children(&self) -> Vec<Process> {
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok()).map(Process)
        });
        all.filter(|child| {
            let stat = fs::read_to_string(child.file("stat")).unwrap_or_default();
            // State and parent follow the name, which may hold anything.
            let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
            parent == Some(&self.0.to_string()) && !child.ended()
        })
        .collect()
    }
}

impl Gate {
    async fn gate(workers: &str) -> Self {
        let asked = |stage: &Stage| stage.requests().len();
        let gate =
            Self::new(0, Passing { known_by: asked, passes: |answered, asked| answered >= asked }).await;
        edit(&gate.stage.environment(), "[workers]\nrequire = []\n", &format!("[workers]\n{workers}\n"));
        gate
    }

    /// The worker of the step that made this request, which has no answer yet.
    async fn worker(&self, runner: &Child, request: usize) -> Process {
        until(|| self.stage.requests().len() == request).await;
        let mut workers = Process(runner.id().unwrap()).children();
        assert_eq!(workers.len(), 1, "one worker, and nothing else, is under way");
        workers.remove(0)
    }

    /// Starts a run and waits until its second step waits for its first answer.
    async fn waiting(&self) -> Waiting {
        let runner = start(&mut self.stage.command(["run", "approve", "--json", "--input", INPUT]));
        Waiting { worker: self.worker(&runner, 1).await, runner }
    }
}

#[tokio::test]
async fn a_step_runs_in_a_process_that_holds_nothing_but_a_pipe() {
    let gate = Gate::gate("").await;
    let Waiting { mut runner, worker } = gate.waiting().await;
    let (held, parent) = (&worker, Process(runner.id().unwrap()));
    for (key, value) in [("Seccomp", "2"), ("NoNewPrivs", "1"), ("Threads", "1")] {
        assert_eq!(held.status(key), value, "{key}");
    }
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(held.status(set), "0".repeat(16), "{set}");
    }
    assert_eq!(held.status("NSpid"), held.0.to_string());
    for (limit, most) in
        [("Max open files", 1), ("Max processes", 0), ("Max file size", 0), ("Max core file size", 0)]
    {
        assert_eq!(held.limit(limit), most, "{limit}");
    }
    let stat = fs::read_to_string(held.file("stat")).unwrap();
    let group = stat.rsplit_once(") ").unwrap().1.split(' ').nth(2).unwrap().to_owned();
    assert_eq!(group, held.0.to_string(), "it leads its own group");
    // The runner holds credentials and is in none of these rooms.
    assert_eq!(parent.status("Seccomp"), "0");

    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Root alone may look into a process that is closed to its account.
        let accounts = [NOBODY.to_string().as_str(); 4].join("\t");
        assert_eq!((held.status("Uid"), held.status("Gid")), (accounts.clone(), accounts));
        assert_eq!(held.status("CapBnd"), "0".repeat(16));
        assert_eq!(fs::read(held.file("environ")).unwrap(), b"");
        let mut open = fs::read_dir(held.file("fd"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_owned(), fs::read_link(path).unwrap()))
            .map(|(name, target)| format!("{} {}", name.display(), target.display()))
            .collect::<Vec<_>>();
        open.sort();
        assert!(open[0].starts_with("0 socket:"), "{open:?}");
        assert_eq!(open[1..3], ["1 /dev/null", "2 /dev/null"]);
        // Which of its own pages it has touched is all that this one tells.
        let pages = format!(" /proc/{}/pagemap", held.0);
        assert!(open[3..].iter().all(|more| more.ends_with(&pages)) && open.len() <= 4, "{open:?}");
    }
    runner.kill().await.unwrap();
    worker.ends().await;
}

#[tokio::test]
async fn no_worker_outlives_a_runner_that_is_killed() {
    let gate = Gate::gate("").await;
    let Waiting { mut runner, worker } = gate.waiting().await;
    // Nothing of the runner can clean up after this; the kernel does.
    runner.kill().await.unwrap();
    worker.ends().await;
}

#[tokio::test]
async fn no_worker_outlives_a_run_that_is_cancelled() {
    let gate = Gate::gate("").await;
    let waiting = gate.waiting().await;
    let id = waiting.runner.id().unwrap().to_string();
    signal("-INT", &id).await;
    // A second one ends the waiting for what is under way.
    signal("-TERM", &id).await;
    let ended = end(waiting.runner, RUN).await.expect(130);
    assert_eq!(ended.json()["status"], "cancelled");
    waiting.worker.ends().await;
}

/// Workers are killed under a question and under a payment. The steps go on in others, from what they
/// had asked before, and nothing is asked twice.
#[tokio::test]
async fn a_worker_that_is_killed_is_replaced_and_nothing_is_asked_twice() {
    let gate = Gate::gate("").await;
    let Waiting { runner, worker } = gate.waiting().await;
    signal("-KILL", &worker.0.to_string()).await;
    worker.ends().await;
    gate.says.send_replace(2);
    let worker = gate.worker(&runner, 3).await;
    signal("-KILL", &worker.0.to_string()).await;
    worker.ends().await;
    gate.says.send_replace(3);
    let run = end(runner, RUN).await.expect(0).json();
    assert_eq!(run["output"]["outcome"], "posted");
    let asked = gate.stage.requests().into_iter().map(|(method, ..)| method).collect::<Vec<_>>();
    assert_eq!((asked, gate.stage.payments().len()), (vec!["GET".into(), "GET".into(), "POST".into()], 1));
}

#[tokio::test]
async fn a_run_that_ends_by_itself_leaves_no_process() {
    let stage = Stage::new().await;
    let mut command = stage.command(["run", "approve", "--json", "--input", INPUT]);
    let ended = program(&mut command, RUN).await.expect(0);
    assert_eq!(
        ended.json()["isolation"],
        json!({"workers": true, "isolation": "bundle", "missing": ended.json()["isolation"]["missing"]})
    );
    // A worker leads a group of its own, so it is known by who started it: its arguments say.
    let started_by = |process: &Process| {
        let words = fs::read(process.file("cmdline")).unwrap_or_default();
        let words = String::from_utf8(words).unwrap_or_default();
        let words = words.split('\0').map(str::to_owned).collect::<Vec<_>>();
        words.windows(3).any(|three| three[0] == "worker" && three[2] == ended.group.to_string())
    };
    let left = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok()).map(Process)
    });
    assert_eq!(left.filter(|one| started_by(one) && !one.ended()).count(), 0);
}

/// What an operator grants a worker is what the kernel holds it to.
#[tokio::test]
async fn the_ceiling_of_memory_is_the_one_that_the_environment_says() {
    let (least, more) = (256 << 20, 512 << 20);
    let mut data = Vec::new();
    for bytes in [least, more] {
        let gate = Gate::gate(&format!("memory-bytes = {bytes}")).await;
        let Waiting { mut runner, worker } = gate.waiting().await;
        data.push(worker.limit("Max data size"));
        runner.kill().await.unwrap();
        worker.ends().await;
    }
    let difference = data[1] - data[0];
    // What a worker has before it is locked in differs by some pages.
    assert!(difference.abs_diff(more - least) < 8 << 20, "{data:?}");
}

/// The second and the third step of a run: in the same process where they may share it.
#[tokio::test]
async fn what_shares_a_worker_is_what_the_environment_says() {
    let cases = [
        ("isolation = \"bundle\"", true),
        ("isolation = \"step\"", false),
        ("isolation = \"run\"", false),
        ("runs-per-worker = 1", false),
    ];
    for (workers, shared) in cases {
        let gate = Gate::gate(workers).await;
        let runner = start(&mut gate.stage.command(["run", "approve", "--json", "--input", INPUT]));
        until(|| gate.stage.requests().len() == 1).await;
        let now =
            || Process(runner.id().unwrap()).children().into_iter().map(|one| one.0).collect::<Vec<_>>();
        let before = now();
        // Both questions of the second step; the third one's payment waits.
        gate.says.send_replace(2);
        until(|| gate.stage.requests().len() == 3).await;
        let after = now();
        assert!(!before.is_empty() && !after.is_empty(), "{workers}: {before:?} {after:?}");
        let same = after == before;
        assert_eq!(same, shared, "{workers}: {before:?} {after:?}");
        gate.says.send_replace(3);
        end(runner, RUN).await.expect(0);
        for worker in [before, after].concat() {
            Process(worker).ends().await;
        }
    }
}
