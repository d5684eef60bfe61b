//! Bringing a worker to where it can be told what to do.

use super::link::{HELLO_BYTES, Incoming, Link, Loss};
use super::pool::Worker;
use super::{Group, WorkerOptions, watch};
use crate::lockdown::{Ceilings, Kept, Kind};
use crate::protocol::{Down, Hello, PROTOCOL, Start, StartKind, Up};
use std::sync::Arc;
use std::time::Duration;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::CodeKey;
use stepward_trust::Digest;

use super::link::Secrecy;
pub(super) use super::program::Starter;

/// A worker did not become ready.
const READY: Rule = Rule::new("worker-ready");

/// How long a worker may take to become ready: a few milliseconds are usual.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A runner that is ready and belongs to `group`.
pub(super) async fn runner(
    starter: &Starter,
    options: &WorkerOptions,
    engine: Digest,
    group: Group,
) -> Result<Worker, Fault> {
    let key = options.keys.key()?;
    let start = StartKind::Runner { concurrency: options.runs_at_once.get(), key };
    let ceilings = options.runner;
    let Ready { link, incoming, kept } = worker(starter, options, Wanted { start, ceilings, engine }).await?;
    let served = Served(Arc::clone(&link));
    tokio::spawn(async move {
        let link = &served.0;
        tokio::select! {
            () = Arc::clone(link).serve(incoming) => {}
            loss = watch::overgrown(link, ceilings) => {
                tracing::error!(%loss, "a worker was killed");
                link.lose(loss);
            }
        }
    });
    Ok(Worker::new(link, CodeKey::new(key), kept, group))
}

/// Nobody hears a worker whose task is gone, as it is when its runtime ends before the engine does.
struct Served(Arc<Link>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.lose(Loss::Retired);
    }
}

/// How often a worker that dies before it is ready is started again: it has done nothing yet, so
/// nothing is lost by it.
const STARTS: u32 = 5;

/// A worker of either kind that has locked itself in as far as is required.
pub(super) struct Ready {
    pub(super) link: Arc<Link>,
    pub(super) incoming: Incoming,
    pub(super) kept: Kept,
}

/// Which worker is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) start: StartKind,
    pub(super) ceilings: Ceilings,
    /// The engine that it must have.
    pub(super) engine: Digest,
}

impl Wanted {
    fn kind(self) -> Kind {
        match self.start {
            StartKind::Compiler => Kind::Compiler,
            StartKind::Runner { .. } => Kind::Runner,
        }
    }
}

/// Starts a worker.
pub(super) async fn worker(
    starter: &Starter,
    options: &WorkerOptions,
    wanted: Wanted,
) -> Result<Ready, Fault> {
    let mut starts = 0;
    loop {
        starts += 1;
        match once(starter, options, wanted).await {
            Ok(ready) => return Ok(ready),
            Err(NotReady::Died(why)) if starts < STARTS => {
                tracing::warn!(
                    kind = wanted.kind().name(),
                    why,
                    "a worker died before it was ready; another is started"
                );
            }
            Err(NotReady::Died(why)) => return Err(not_ready(&why)),
            Err(NotReady::Refused(fault)) => return Err(fault),
        }
    }
}

/// Why a worker that was started is not used.
enum NotReady {
    Died(String),
    Refused(Fault),
}

impl From<Fault> for NotReady {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

async fn once(starter: &Starter, options: &WorkerOptions, wanted: Wanted) -> Result<Ready, NotReady> {
    let (process, socket) = starter.start(wanted.kind()).await?;
    let (link, mut incoming) = Link::new(socket, process).map_err(|error| not_ready(&error.to_string()))?;
    let start = Down::Start(Start { kind: wanted.start, ceilings: wanted.ceilings });
    let ready = async {
        link.send(&start, Secrecy::Secret)?;
        link.first(&mut incoming, HELLO_BYTES).await
    };
    let said = match tokio::time::timeout(READY_WITHIN, ready).await {
        Ok(said) => said.map_err(|loss| match loss {
            Loss::Died(_) => NotReady::Died(loss.to_string()),
            Loss::Protocol(_) | Loss::Frame(_) | Loss::Disobeyed | Loss::Overgrown | Loss::Retired => {
                not_ready(&loss.to_string()).into()
            }
        })?,
        Err(_) => {
            link.lose(Loss::Disobeyed);
            return Err(not_ready("it did not say that it is ready").into());
        }
    };
    let refuse = |fault: Fault| {
        link.lose(Loss::Retired);
        NotReady::from(fault)
    };
    let Up::Hello(Hello { protocol, engine: its, promises }) = said else {
        return Err(refuse(not_ready("its first message was not a greeting")));
    };
    if protocol != PROTOCOL || Digest::from_bytes(its) != wanted.engine {
        return Err(refuse(not_ready("it is another version than this process")));
    }
    let kept = options.required.hold(promises).map_err(|missing| refuse(missing.into()))?;
    Ok(Ready { link, incoming, kept })
}

pub(super) fn not_ready(why: &str) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, READY)
        .says(format_args!("a worker process did not become ready: {why}"))
        .hint("`stepward doctor` tries each protection of a worker on this machine; look at memory and limits too")
}
