//! Threads for what a command does, and signals that end it.

use super::live::Live;
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

/// The rule that the caller can end a run.
const CANCELLED: Rule = Rule::new("cancelled");
/// The rule that this machine can run steps.
const RUNTIME: Rule = Rule::new("runtime-start");

/// Runs a future on threads of its own; ctrl-c and SIGTERM drop it.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = runtime()?;
    let result = runtime.block_on(async { until(&mut Stop::listen()?, work).await });
    // A compile that nobody waits for any more must not hold the process up.
    runtime.shutdown_background();
    result
}

/// What was left when the work in an environment ended.
pub(crate) struct Left<T> {
    /// What came of the work.
    pub(crate) result: Result<T, Fault>,
    /// The environment, where it could be opened. Its log is closed.
    pub(crate) live: Option<Live>,
    /// Whether the log was left in order. Where it was not, what it holds stands all the same.
    pub(crate) closed: Result<(), Fault>,
}

/// Opens an environment, works in it, and leaves it in order; ctrl-c and SIGTERM end the work.
///
/// However that ends, effects that are under way are waited for, each within its endpoint's total
/// timeout, so that what came of them is recorded; then the log is signed, published and given back. A
/// further signal ends the waiting, and the log says at its next start that it was left so.
pub(crate) fn in_environment<T>(
    open: impl Future<Output = Result<Live, Fault>>,
    work: impl AsyncFnOnce(&Live) -> Result<T, Fault>,
) -> Left<T> {
    let refused = |fault| Left { result: Err(fault), live: None, closed: Ok(()) };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(fault) => return refused(fault),
    };
    let left = runtime.block_on(async {
        let mut stop = match Stop::listen() {
            Ok(stop) => stop,
            Err(fault) => return refused(fault),
        };
        // To its end, whatever signal comes: a log that is half open would be left half open.
        let live = match open.await {
            Ok(live) => live,
            Err(fault) => return refused(fault),
        };
        let result = until(&mut stop, work(&live)).await;
        let closed = tokio::select! {
            () = live.bindings.settled() => live.book.close().await,
            () = stop.asked() => live.book.abandon().await,
        };
        Left { result, live: Some(live), closed }
    });
    runtime.shutdown_background();
    left
}

async fn until<T>(stop: &mut Stop, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::select! {
        result = work => result,
        () = stop.asked() => Err(Fault::new(Class::Cancelled, Owner::Caller, CANCELLED)
            .says("it was cancelled")
            .hint("nothing is under way any more; start it again when you want to")),
    }
}

fn runtime() -> Result<Runtime, Fault> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Fault::new(Class::Unavailable, Owner::Operator, RUNTIME)
            .says(format_args!("threads cannot be started: {error}"))
            .hint("raise the limits on processes and threads (`ulimit -u`), or free memory")
    })
}

/// The signals that ask this process to end.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> Result<Self, Fault> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Fault::new(Class::Unavailable, Owner::Operator, RUNTIME)
                    .says(format_args!("signals cannot be received: {error}"))
                    .hint("raise the limit on open files (`ulimit -n`)")
            })
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
