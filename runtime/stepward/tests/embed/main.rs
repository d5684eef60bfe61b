//! What a host that embeds the crate relies on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "a test plays the host, who has files")]

mod between;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stepward::*;

/// Where guests are compiled and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    InProcess,
    InWorkers,
}

impl Way {
    const BOTH: [Self; 2] = [Self::InProcess, Self::InWorkers];

    fn engine(self, concurrency: u32) -> Engine {
        match self {
            Self::InProcess => Engine::new(EngineOptions { concurrency }).unwrap(),
            Self::InWorkers => {
                let program = Program::new(env!("CARGO_BIN_EXE_stepward-worker"), [""; 0]);
                let mut options = WorkerOptions::new(program, Arc::new(worker::SystemKeys));
                options.concurrency = NonZeroU32::new(concurrency).unwrap();
                Engine::with_workers(options).unwrap()
            }
        }
    }
}

/// Every test that runs a guest, once for each way. One that is missing here is dead code, and does not
/// build.
macro_rules! both_ways {
    ($($test:ident,)*) => {
        mod in_process {
            $(#[tokio::test] async fn $test() { super::$test(super::Way::InProcess).await; })*
        }
        mod in_workers {
            $(#[tokio::test] async fn $test() { super::$test(super::Way::InWorkers).await; })*
        }
    };
}

both_ways! {
    a_trace_replays_identically_and_a_changed_one_does_not,
    a_trace_that_was_cut_short_is_at_most_as_far_as_recorded,
    a_run_whose_output_was_withheld_is_followed_to_its_end,
    a_replay_that_this_machine_cannot_make_is_no_divergence,
    a_replay_that_is_too_slow_is_no_divergence,
    a_run_that_its_wall_time_ended_is_followed_as_far_as_it_went,
    kept_code_is_loaded_and_changed_code_is_compiled_again,
    the_wall_time_covers_waiting_and_names_itself,
    a_deadline_that_passed_ends_a_compile,
    a_compile_that_takes_too_long_is_named_by_the_limit_that_ran_out,
    a_file_that_changes_after_it_was_hashed_changes_nothing,
    dropping_a_run_cancels_it_and_closing_waits,
    a_case_is_held_to_its_calls_and_its_end,
}

fn component() -> Vec<u8> {
    wat::parse_str(include_str!("../support.wat")).expect("the guest encodes")
}

fn grants() -> Grants {
    let mut grants = Grants::default();
    grants.add(Label::new("wall").unwrap(), Grant::Clock).unwrap();
    grants
}

fn admitted(limits: &Limits) -> Admitted {
    let bytes = component();
    let pin = Digest::of(&bytes);
    Inspected::read(Pinned::check(bytes, pin).unwrap(), limits).unwrap().admit(&grants()).unwrap()
}

/// Answers the clock with 1, 2, 3, ….
#[derive(Default)]
struct Ticks(AtomicU64);

impl Broker for Ticks {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            assert!(matches!(call, HostCall::Now { .. }), "the guest only asks the time");
            Ok(HostReply::Now(self.0.fetch_add(1, Ordering::Relaxed)))
        })
    }
}

/// Never answers.
struct Silent;

impl Broker for Silent {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(std::future::pending())
    }
}

async fn step(engine: &Engine, kept: Option<&CodeDir>) -> Step {
    let limits = Limits::default();
    engine.prepare(admitted(&limits), kept, &limits, Deadline::start(&limits)).await.expect("it compiles")
}

fn job(input: &str, broker: Arc<dyn Broker>) -> Job<'_> {
    Job::new("run-1", "echo", input, Limits::default(), broker)
}

fn now() -> Deadline {
    Deadline::start(&Limits::default())
}

/// Wall time for runs that must come to its end, in milliseconds. A clock that a test moves would be
/// of no use: a worker keeps the machine's time.
const SHORT_MS: u64 = 1_000;

fn short() -> Limits {
    let mut limits = Limits::default();
    limits.set(LimitName::WallTimeMs, SHORT_MS).unwrap();
    limits
}

/// Runs a step under [`short`] limits, after a run that made everything ready for it.
async fn run_short(engine: &Engine, step: &Step, input: &str, broker: Arc<dyn Broker>) -> Finished {
    let first = engine.run(step, job("1", Arc::new(Ticks::default())), now()).await;
    assert!(matches!(first.outcome, Outcome::Succeeded(_)), "{:?}", first.outcome);
    engine.run(step, Job::new("run-1", "echo", input, short(), broker), Deadline::start(&short())).await
}

#[track_caller]
fn ended_by_wall_time(finished: &Finished) {
    let by_wall_time = matches!(finished.outcome, Outcome::LimitExceeded(LimitName::WallTimeMs));
    assert!(by_wall_time, "{:?}", finished.outcome);
}

async fn a_trace_replays_identically_and_a_changed_one_does_not(way: Way) {
    let engine = way.engine(4);
    let step = step(&engine, None).await;
    let finished = engine.run(&step, job("[1,2]", Arc::new(Ticks::default())), now()).await;
    let Outcome::Succeeded(output) = &finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!(output, "[1,2]");
    assert_eq!((finished.usage.host_calls, finished.usage.bytes_in), (5, 40));

    let json = finished.trace.to_json().unwrap();
    let trace = Trace::from_json(&json, "trace.json").unwrap();
    assert_eq!(replay(&engine, &step, &trace, None).await.unwrap(), Replay::Identical);

    let other_answer = json.replacen("\"value\": 3", "\"value\": 4", 1);
    assert_ne!(json, other_answer);
    let changed = Trace::from_json(&other_answer, "trace.json").unwrap();
    assert_eq!(
        replay(&engine, &step, &changed, None).await.unwrap(),
        Replay::Identical,
        "this step does not look at the time, so another answer cannot change it"
    );

    let fewer = json.replacen("\"input\": \"[1,2]\"", "\"input\": \"[1]\"", 1);
    let fewer = Trace::from_json(&fewer, "trace.json").unwrap();
    assert_eq!(
        replay(&engine, &step, &fewer, None).await.unwrap(),
        Replay::Diverged(Divergence::FewerCalls { recorded: 5, made: 3 })
    );

    let more = json.replacen("\"input\": \"[1,2]\"", "\"input\": \"[1,2,3]\"", 1);
    let more = Trace::from_json(&more, "trace.json").unwrap();
    let Replay::Diverged(Divergence::Call { sequence: 5, .. }) =
        replay(&engine, &step, &more, None).await.unwrap()
    else {
        panic!("a call beyond the trace is a divergence")
    };

    let fuel = format!("\"fuel\": {}", finished.usage.fuel);
    let at = json.rfind(&fuel).unwrap();
    let other_fuel = format!("{}\"fuel\": 7{}", &json[..at], &json[at + fuel.len()..]);
    let other_fuel = Trace::from_json(&other_fuel, "trace.json").unwrap();
    assert!(matches!(
        replay(&engine, &step, &other_fuel, None).await.unwrap(),
        Replay::Diverged(Divergence::Usage { .. })
    ));
}

/// Nobody can tell a trace that was cut short from one of a run that the host ended: neither is
/// ever called identical.
async fn a_trace_that_was_cut_short_is_at_most_as_far_as_recorded(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let finished = engine.run(&step, job("[1,2]", Arc::new(Ticks::default())), now()).await;
    let json = finished.trace.to_json().unwrap();
    let forged = |calls: usize, last_reply: bool, end: End| {
        let mut trace = Trace::from_json(&json, "trace.json").unwrap();
        trace.calls.truncate(calls);
        if !last_reply {
            trace.calls.last_mut().unwrap().reply = None;
        }
        trace.end = end;
        // The file takes it.
        Trace::from_json(&trace.to_json().unwrap(), "trace.json").unwrap()
    };
    let refused = || End::Refused { rule: "endpoint-path".into() };
    let late = || End::LimitExceeded { limit: LimitName::WallTimeMs };
    for calls in 1..=5 {
        for trace in
            [forged(calls, false, refused()), forged(calls, false, late()), forged(calls, true, late())]
        {
            let verdict = replay(&engine, &step, &trace, None).await.unwrap();
            assert_eq!(verdict, Replay::AsFarAsRecorded, "{calls} calls, {:?}", trace.end);
        }
        let answered = replay(&engine, &step, &forged(calls, true, refused()), None).await.unwrap();
        if calls < 5 {
            assert!(matches!(answered, Replay::Diverged(_)), "a refusal ends a run in a call: {answered:?}");
        } else {
            assert_eq!(answered, Replay::AsFarAsRecorded, "or when its output is to be released");
        }
    }
    // What was recorded still has to be what the step asks.
    let mut other = forged(3, false, late());
    other.calls[1].call = HostCall::Now { clock: Label::new("other").unwrap() };
    let verdict = replay(&engine, &step, &other, None).await.unwrap();
    assert!(matches!(verdict, Replay::Diverged(Divergence::Call { sequence: 1, .. })), "{verdict:?}");
    let mut shorter = forged(5, false, late());
    shorter.input = "[1]".into();
    let verdict = replay(&engine, &step, &shorter, None).await.unwrap();
    assert_eq!(verdict, Replay::Diverged(Divergence::FewerCalls { recorded: 5, made: 3 }));
}

/// Answers the clock, and lets no text leave that holds one of these.
struct Guarded(Ticks, &'static str);

impl Broker for Guarded {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        self.0.call(site, call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        if text.contains(self.1) {
            let fault = Fault::new(Class::Refused, Owner::StepAuthor, Rule::new("secret-told"));
            return Err(Stop(fault.says("the output holds a secret").hint("leave it out")));
        }
        Ok(text)
    }
}

/// Without the secrets nobody can say that the output would have been let through, nor that the run
/// ended otherwise.
async fn a_run_whose_output_was_withheld_is_followed_to_its_end(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let guard = |word| Arc::new(Guarded(Ticks::default(), word));
    let finished = engine.run(&step, job("[1,2]", guard("1,2")), now()).await;
    assert!(matches!(&finished.outcome, Outcome::Refused(fault) if fault.rule().as_str() == "secret-told"));
    let trace = finished.trace;
    assert_eq!(trace.calls.len(), 5);
    assert_eq!(replay(&engine, &step, &trace, None).await.unwrap(), Replay::AsFarAsRecorded);
    // With them it ends as it did, and with others it does not.
    assert_eq!(replay(&engine, &step, &trace, Some(guard("1,2"))).await.unwrap(), Replay::Identical);
    let verdict = replay(&engine, &step, &trace, Some(guard("other"))).await.unwrap();
    assert!(matches!(verdict, Replay::Diverged(Divergence::End { .. })), "{verdict:?}");
    // What came before the end is compared all the same.
    let mut fewer = Trace::from_json(&trace.to_json().unwrap(), "trace.json").unwrap();
    fewer.input = "[1]".into();
    let verdict = replay(&engine, &step, &fewer, None).await.unwrap();
    assert_eq!(verdict, Replay::Diverged(Divergence::FewerCalls { recorded: 5, made: 3 }));
    // The other way round there is nothing to doubt.
    let passed = engine.run(&step, job("[1,2]", guard("other")), now()).await.trace;
    let verdict = replay(&engine, &step, &passed, Some(guard("1,2"))).await.unwrap();
    assert!(matches!(verdict, Replay::Diverged(Divergence::End { .. })), "{verdict:?}");
}

/// A machine that cannot follow a run shows nothing about the step.
async fn a_replay_that_this_machine_cannot_make_is_no_divergence(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let finished = engine.run(&step, job("[1,2]", Arc::new(Ticks::default())), now()).await;
    let json = finished.trace.to_json().unwrap();
    let again = || Trace::from_json(&json, "trace.json").unwrap();

    // A run that ended for want of room may have ended anywhere.
    for calls in 0..=5 {
        let mut trace = again();
        trace.calls.truncate(calls);
        trace.end = End::Refused { rule: "engine-room".into() };
        let verdict = replay(&engine, &step, &trace, None).await.unwrap();
        assert_eq!(verdict, Replay::AsFarAsRecorded, "{calls} calls");
    }

    engine.close().await;
    let fault = replay(&engine, &step, &again(), None).await.unwrap_err();
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::Unavailable, "engine-closed"));
}

/// A replay that runs out of time is the clock's doing, not the step's.
async fn a_replay_that_is_too_slow_is_no_divergence(way: Way) {
    let engine = way.engine(1);
    // It counts until its fuel ends, which takes far longer than a millisecond.
    let text = include_str!("../support.wat").replace(
        "(local.set $left (local.get $len))",
        "(loop $on (br $on)) (local.set $left (local.get $len))",
    );
    let bytes = wat::parse_str(text).unwrap();
    let limits = Limits::default();
    let pinned = Pinned::check(bytes.clone(), Digest::of(&bytes)).unwrap();
    let admitted = Inspected::read(pinned, &limits).unwrap().admit(&grants()).unwrap();
    let step = engine.prepare(admitted, None, &limits, now()).await.unwrap();
    let mut limits = Limits::default();
    limits.set(LimitName::Fuel, 200_000_000).unwrap();
    let job = Job::new("run-1", "loop", "1", limits, Arc::new(Ticks::default()));
    let mut trace = engine.run(&step, job, now()).await.trace;
    assert_eq!(trace.end, End::LimitExceeded { limit: LimitName::Fuel });
    assert_eq!(replay(&engine, &step, &trace, None).await.unwrap(), Replay::Identical);
    trace.limits.set(LimitName::WallTimeMs, 1).unwrap();
    let fault = replay(&engine, &step, &trace, None).await.unwrap_err();
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::Unavailable, "replay-late"));
}

/// Answers calls until `self.1` is reached, and this one when the wall time is over: nobody looks at the
/// clock before the answer is there.
struct TooLate(AtomicU64, u64);

impl Broker for TooLate {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            let tick = self.0.fetch_add(1, Ordering::Relaxed);
            if tick == self.1 {
                std::thread::sleep(Duration::from_millis(SHORT_MS));
            }
            Ok(HostReply::Now(tick))
        })
    }
}

async fn a_run_that_its_wall_time_ended_is_followed_as_far_as_it_went(way: Way) {
    let engine = way.engine(1);
    // In a call.
    let waiting = step(&engine, None).await;
    let finished = run_short(&engine, &waiting, "[1,2]", Arc::new(Silent)).await;
    ended_by_wall_time(&finished);
    assert_eq!(finished.trace.calls.len(), 1);
    let verdict = replay(&engine, &waiting, &finished.trace, None).await.unwrap();
    assert_eq!(verdict, Replay::AsFarAsRecorded);

    // Between two calls: the guest counts for a while after each.
    let count = "(local.set $turns (i32.const 1000000)) (loop $count
        (local.set $turns (i32.sub (local.get $turns) (i32.const 1))) (br_if $count (local.get $turns)))";
    let text = include_str!("../support.wat")
        .replace("(local $left i32)", "(local $left i32) (local $turns i32)")
        .replace("(drop (call $now))", &format!("(drop (call $now)) {count}"));
    let bytes = wat::parse_str(text).unwrap();
    let limits = Limits::default();
    let pinned = Pinned::check(bytes.clone(), Digest::of(&bytes)).unwrap();
    let admitted = Inspected::read(pinned, &limits).unwrap().admit(&grants()).unwrap();
    let counting = engine.prepare(admitted, None, &limits, now()).await.unwrap();
    let finished = run_short(&engine, &counting, "[1,2]", Arc::new(TooLate(AtomicU64::new(0), 2))).await;
    ended_by_wall_time(&finished);
    assert_eq!(finished.trace.calls.len(), 3);
    assert!(finished.trace.calls.iter().all(|recorded| recorded.reply.is_some()));
    let verdict = replay(&engine, &counting, &finished.trace, None).await.unwrap();
    assert_eq!(verdict, Replay::AsFarAsRecorded, "the fourth call is where the trace ends");
}

#[test]
fn a_trace_of_another_version_is_called_by_its_name() {
    for other in [r#"{"schema":"stepward.trace/2"}"#, r#"{"schema":"stepward.trace/2","run":7,"new":[]}"#] {
        let fault = Trace::from_json(other, "t.json").unwrap_err().to_string();
        assert!(fault.contains("a file of the format `stepward.trace/2`"), "{fault}");
    }
}

#[test]
fn traces_that_are_not_whole_are_refused_with_their_place() {
    for bad in ["", "{}", "[]", "{\"schema\":\"stepward.trace/1\"}", "null", "{\"schema\":1"] {
        let fault = Trace::from_json(bad, "traces/x.json").unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place()), ("trace-format", "traces/x.json"), "{bad}");
        assert!(!fault.remedy().is_empty());
    }
}

async fn kept_code_is_loaded_and_changed_code_is_compiled_again(way: Way) {
    let folder = tempfile::tempdir().unwrap();
    let open = || cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    let engine = way.engine(2);
    let kept = CodeDir::new(open(), CodeKey::new([7; 32]));
    assert_eq!(step(&engine, Some(&kept)).await.prepared(), Prepared::Compiled);
    assert_eq!(step(&engine, Some(&kept)).await.prepared(), Prepared::Loaded);

    let other_key = CodeDir::new(open(), CodeKey::new([8; 32]));
    assert_eq!(step(&engine, Some(&other_key)).await.prepared(), Prepared::Recompiled(CodeRefusal::Tag));
    assert_eq!(step(&engine, Some(&kept)).await.prepared(), Prepared::Recompiled(CodeRefusal::Tag));

    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&file, &flipped).unwrap();
        let prepared = step(&engine, Some(&kept)).await.prepared();
        assert!(matches!(prepared, Prepared::Recompiled(_)), "byte {at}: {prepared:?}");
    }
    for cut in [0, 10, 40, whole.len() - 1] {
        std::fs::write(&file, &whole[..cut]).unwrap();
        assert!(
            matches!(step(&engine, Some(&kept)).await.prepared(), Prepared::Recompiled(_)),
            "cut at {cut}"
        );
    }
    let step = step(&engine, Some(&kept)).await;
    assert_eq!(step.prepared(), Prepared::Loaded, "recompiling repaired the file");
    let finished = engine.run(&step, job("1", Arc::new(Ticks::default())), now()).await;
    assert!(matches!(finished.outcome, Outcome::Succeeded(_)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written is left");
}

async fn the_wall_time_covers_waiting_and_names_itself(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let finished = run_short(&engine, &step, "1", Arc::new(Silent)).await;
    ended_by_wall_time(&finished);
    assert!(finished.usage.wall_us >= SHORT_MS * 1_000);

    // The one turn is taken: the second run waits for it and runs out of its own time.
    let deadline = Deadline::start(&short());
    let (first, second) = tokio::join!(
        engine.run(&step, job("1", Arc::new(Silent)), deadline),
        engine.run(&step, job("1", Arc::new(Ticks::default())), deadline),
    );
    for finished in [first, second] {
        ended_by_wall_time(&finished);
    }
}

async fn a_deadline_that_passed_ends_a_compile(way: Way) {
    let engine = way.engine(1);
    let mut limits = Limits::default();
    limits.set(LimitName::WallTimeMs, 1).unwrap();
    let deadline = Deadline::start(&limits);
    std::thread::sleep(Duration::from_millis(2));
    // The compiler may be done before anyone looks at the clock; what counts is that a deadline in
    // the past never yields a run.
    if let Ok(step) = engine.prepare(admitted(&limits), None, &limits, deadline).await {
        let finished = engine.run(&step, job("1", Arc::new(Ticks::default())), deadline).await;
        ended_by_wall_time(&finished);
    }
}

async fn a_compile_that_takes_too_long_is_named_by_the_limit_that_ran_out(way: Way) {
    let engine = way.engine(1);
    // Long enough to compile that a millisecond is over first: 200 functions of 200 additions.
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 7)))".repeat(200);
    let functions = format!("(func (param i32) {body})").repeat(200);
    let text = include_str!("../support.wat")
        .replace("(core module $step", &format!("(core module {functions})\n(core module $step"));
    let bytes = wat::parse_str(text).unwrap();
    for (short, other) in
        [(LimitName::CompileTimeMs, LimitName::WallTimeMs), (LimitName::WallTimeMs, LimitName::CompileTimeMs)]
    {
        let mut limits = Limits::default();
        limits.set(short, 1).unwrap();
        limits.set(other, 20_000).unwrap();
        let pinned = Pinned::check(bytes.clone(), Digest::of(&bytes)).unwrap();
        let admitted = Inspected::read(pinned, &limits).unwrap().admit(&grants()).unwrap();
        let fault = engine.prepare(admitted, None, &limits, Deadline::start(&limits)).await.unwrap_err();
        assert_eq!((fault.class(), fault.limited()), (Class::LimitExceeded, Some(short.as_str())), "{fault}");
    }
}

async fn a_file_that_changes_after_it_was_hashed_changes_nothing(way: Way) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step.wasm");
    std::fs::write(&path, component()).unwrap();
    let pin = Digest::of(&component());
    let limits = Limits::default();
    let pinned = Pinned::check(std::fs::read(&path).unwrap(), pin).unwrap();
    // Another program in its place, by every way that a file can change.
    std::fs::write(&path, b"\0asm\x0d\0\x01\0").unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    let admitted = Inspected::read(pinned, &limits).unwrap().admit(&grants()).unwrap();
    let engine = way.engine(1);
    let step = engine.prepare(admitted, None, &limits, Deadline::start(&limits)).await.unwrap();
    assert_eq!(step.digest(), pin);
    let finished = engine.run(&step, job("7", Arc::new(Ticks::default())), now()).await;
    assert!(matches!(finished.outcome, Outcome::Succeeded(output) if output == "7"));
}

async fn dropping_a_run_cancels_it_and_closing_waits(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let silent = engine.run(&step, job("1", Arc::new(Silent)), now());
    tokio::select! {
        biased;
        _ = silent => panic!("nobody answers"),
        () = tokio::task::yield_now() => {}
    }
    let finished = engine.run(&step, job("1", Arc::new(Ticks::default())), now()).await;
    assert!(matches!(finished.outcome, Outcome::Succeeded(_)), "the turn came back: {:?}", finished.outcome);

    engine.close().await;
    let refused = engine.run(&step, job("1", Arc::new(Ticks::default())), now()).await;
    let Outcome::Refused(fault) = refused.outcome else { panic!("{:?}", refused.outcome) };
    assert_eq!(fault.rule().as_str(), "engine-closed");
}

async fn a_case_is_held_to_its_calls_and_its_end(way: Way) {
    let engine = way.engine(1);
    let step = step(&engine, None).await;
    let run = async |case: &Case| {
        let broker = Arc::new(case.broker());
        let input = case.input.to_string();
        let finished = engine.run(&step, job(&input, Arc::clone(&broker) as Arc<dyn Broker>), now()).await;
        case.judge(&broker, &finished.outcome)
    };
    let case = |calls: &str, expect: &str| {
        Case::from_json(&format!("{{\"input\":7,\"calls\":{calls},\"expect\":{expect}}}"), "case.json")
            .unwrap()
    };
    let tick = r#"{"call":{"call":"now","clock":"wall"},"reply":{"reply":"now","value":1}}"#;
    run(&case(&format!("[{tick}]"), r#"{"output":7}"#)).await.expect("as foreseen");
    assert!(matches!(run(&case("[]", r#"{"output":7}"#)).await, Err(CaseDifference::Call(_))));
    assert_eq!(
        run(&case(&format!("[{tick},{tick}]"), r#"{"output":7}"#)).await.unwrap_err(),
        CaseDifference::CallsMissing(1)
    );
    assert!(matches!(
        run(&case(&format!("[{tick}]"), r#"{"output":8}"#)).await,
        Err(CaseDifference::End(..))
    ));
    let fault = Case::from_json(r#"{"input":1,"expects":{}}"#, "cases/a.json").unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.place()), ("case-format", "cases/a.json"));
}
