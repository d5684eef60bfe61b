//! Every attempt of an escaped guest, each in a process of its own: it succeeds with no protection,
//! fails with all, and fails under each layer alone that is said to cover it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of a test")]

mod inherited;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use stepward_worker::lockdown::probe::{Probed, Prober};
use stepward_worker::lockdown::{Attempt, Kind, Promise, When, seccomp_table};

const ATTACKER: &str = env!("CARGO_BIN_EXE_attacker");
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSYS: i32 = 31;

/// Beyond the last system call of Linux 6.18 on any architecture.
const SYSTEM_CALLS: i64 = 512;
/// `uretprobe` and `uprobe` of x86-64, which the kernel shows to no filter. They do something only
/// when made from where a tracer put a probe.
const PAST_EVERY_FILTER: &[i64] = if cfg!(target_arch = "x86_64") { &[335, 336] } else { &[] };
/// Marks a call by the numbers of the x32 interface, which a filter that forgets it lets through.
const X32: i64 = 0x4000_0000;

fn under(layers: &str) -> Prober {
    // Where the machine lets only ancestors trace (Yama), the parent of these attempts gives that
    // protection up: it is not ours and would hide what ours is worth.
    let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
    Prober::start(ATTACKER, [layers]).unwrap()
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// The layers that cover an attempt, each alone. `account` is worth something only where root starts
/// the worker, and the limit on processes only where the account is not root's.
fn covered_by(attempt: Attempt) -> &'static [&'static str] {
    match attempt {
        Attempt::ReadFile
        | Attempt::WriteFile
        | Attempt::ListFolder
        | Attempt::TcpSocket
        | Attempt::UnixSocket => &["seccomp", "landlock", "limits"],
        Attempt::ReadEnvironment
        | Attempt::ReadParentMemory
        | Attempt::ListParentDescriptors
        | Attempt::TakeParentDescriptor => &["seccomp", "landlock", "limits", "account"],
        Attempt::PeekParentMemory | Attempt::TraceParent | Attempt::SignalParent => {
            &["seccomp", "landlock", "account"]
        }
        Attempt::UdpSocket | Attempt::MemoryFile | Attempt::ExhaustDescriptors => &["seccomp", "limits"],
        Attempt::StartProcess | Attempt::StartThread | Attempt::ExhaustProcesses => {
            &["seccomp", "account,limits"]
        }
        Attempt::BecomeProgram | Attempt::SignalSibling => &["seccomp", "landlock"],
        Attempt::ExhaustMemory | Attempt::ExhaustProcessor => &["limits"],
        Attempt::MapExecutable | Attempt::OpenNamespace => &["seccomp"],
        Attempt::ChangeRoot => &["seccomp", "account"],
    }
}

fn attempts_against(kind: Kind) -> impl Iterator<Item = Attempt> {
    Attempt::ALL.iter().copied().filter(move |attempt| attempt.concerns(kind))
}

#[test]
fn without_protection_each_attempt_succeeds() {
    let prober = under("none");
    for attempt in attempts_against(Kind::Compiler) {
        if attempt == Attempt::ChangeRoot && !is_root() {
            continue; // Linux itself keeps this from everyone but root.
        }
        let probed = prober.probe(Kind::Compiler, attempt);
        assert!(matches!(probed, Probed::Succeeded(_)), "{}: {probed}", attempt.name());
    }
}

#[test]
fn with_every_protection_each_attempt_fails() {
    let prober = under("all");
    for kind in Kind::ALL {
        for attempt in attempts_against(kind) {
            match prober.probe(kind, attempt) {
                Probed::Refused(_) | Probed::Ended(SIGSYS | SIGKILL) => {}
                other => panic!("{} in a {}: {other}", attempt.name(), kind.name()),
            }
        }
    }
}

#[test]
fn seccomp_alone_stops_what_it_covers() {
    alone("seccomp", |attempt, kind, probed| match probed {
        Probed::Ended(SIGSYS) => true,
        // The engine asks for one in a runner, and goes another way when it is refused.
        Probed::Refused(_) => attempt == Attempt::MemoryFile && kind == Kind::Runner,
        _ => false,
    });
}

#[test]
fn landlock_alone_stops_what_it_covers() {
    alone("landlock", |_, _, probed| matches!(probed, Probed::Refused(_)));
}

#[test]
fn limits_alone_stop_what_they_cover() {
    alone("limits", |attempt, _, probed| match probed {
        Probed::Refused(_) => true,
        // Where pages come slowly, the limit of processor time is reached before that of memory.
        Probed::Ended(signal) => {
            matches!(attempt, Attempt::ExhaustProcessor | Attempt::ExhaustMemory) && *signal == SIGKILL
        }
        _ => false,
    });
}

#[test]
fn limits_under_another_account_stop_processes() {
    alone("account,limits", |_, _, probed| matches!(probed, Probed::Refused(_)));
}

#[test]
fn another_account_alone_stops_what_it_covers() {
    if is_root() {
        alone("account", |_, _, probed| matches!(probed, Probed::Refused(_)));
    }
}

/// Makes each attempt that this layer is said to cover under it alone.
fn alone(layers: &str, stopped: impl Fn(Attempt, Kind, &Probed) -> bool) {
    let prober = under(layers);
    for kind in Kind::ALL {
        for attempt in attempts_against(kind).filter(|attempt| covered_by(*attempt).contains(&layers)) {
            let probed = prober.probe(kind, attempt);
            assert!(stopped(attempt, kind, &probed), "{} under {layers} alone: {probed}", attempt.name());
        }
    }
}

#[test]
fn every_promise_is_held_here() {
    let prober = under("all");
    for kind in Kind::ALL {
        let promises = prober.promises(kind).unwrap();
        for &promise in Promise::ALL {
            assert_eq!(promises.why_missing(promise), None, "{promise} in a {}", kind.name());
        }
    }
}

/// The allow-list is all there is: each number that is not in it ends the worker, and so does each
/// call in it whose arguments are not the ones that its row names.
#[test]
fn every_other_system_call_ends_the_worker() {
    let prober = under("all");
    for kind in Kind::ALL {
        let table = seccomp_table(kind);
        let numbers = (0..SYSTEM_CALLS).filter(|number| !PAST_EVERY_FILTER.contains(number));
        for number in numbers.chain([X32, X32 + 1, X32 + SYSTEM_CALLS]) {
            let row = table.iter().find(|row| row.number() == number);
            let (_, status) = prober.hear(kind, &format!("call:{number}")).unwrap();
            let ended = status.signal() == Some(SIGSYS);
            match row.map(stepward_worker::lockdown::Allowed::when) {
                // The page map's row is there only where an engine holds one; it has a condition too.
                None => assert!(ended, "{number} in a {} went on: {status}", kind.name()),
                Some(When::Always | When::AnsweredAsUnknown) => assert!(!ended, "{number} is in the table"),
                Some(_) => assert!(ended, "{number} with senseless arguments went on: {status}"),
            }
        }
    }
}

#[test]
fn the_work_itself_goes_on() {
    let prober = under("all");
    for kind in Kind::ALL {
        let (_, status) = prober.hear(kind, "work").unwrap();
        assert!(status.success(), "a {} ended: {status}", kind.name());
    }
}

/// A guest's memory was reserved before the lockdown, so the limit must count it as it becomes usable.
#[test]
fn memory_that_was_reserved_before_counts_as_it_grows() {
    let (_, status) = under("all").hear(Kind::Runner, "grow-beyond").unwrap();
    assert!(matches!(status.code(), Some(1..=3)), "of 40 MiB each in 128 MiB: {status}");
}

#[test]
fn an_abort_is_told_from_a_refusal() {
    for kind in Kind::ALL {
        let (_, status) = under("all").hear(kind, "abort").unwrap();
        assert_eq!(status.signal(), Some(SIGABRT), "{status}");
    }
}

#[test]
fn a_panic_unwinds_and_is_no_refusal() {
    for kind in Kind::ALL {
        let (_, status) = under("all").hear(kind, "panic").unwrap();
        assert_eq!(status.code(), Some(101), "{status}");
    }
}

#[test]
fn every_row_has_its_reason_and_stands_once() {
    for kind in Kind::ALL {
        let table = seccomp_table(kind);
        let mut names: Vec<_> = table.iter().map(stepward_worker::lockdown::Allowed::name).collect();
        assert!(table.iter().all(|row| row.reason().len() > 5 && !row.when().text().is_empty()));
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a call stands twice in the table of a {}", kind.name());
    }
    assert!(Path::new(ATTACKER).exists());
}
