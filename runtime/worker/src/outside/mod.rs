//! The parent's side: it holds the broker, the secrets and the sockets, and no guest's code.

mod compile;
mod conversation;
mod link;
mod overrun;
mod pool;
mod program;
mod seat;
mod start;
mod stream;
mod watch;

pub use program::Program;

use crate::lockdown::{Ceilings, Promises, Required};
use conversation::{Conversation, Stay};
use pool::Pool;
use program::Starter;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Admitted, CodeKey, Compiler, Finished, GuestEnd, Job, Linkage};
use stepward_seam::LimitName;
use stepward_trust::Digest;
use tokio::sync::Semaphore;

/// There are no random bytes.
const RANDOM: Rule = Rule::new("worker-key");
/// The workers were shut down.
const CLOSED: Rule = Rule::new("engine-closed");

/// Runs that may share a worker process: those of one group trust each other's code that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(Digest, u64);

impl Group {
    /// The group of everything that was approved together, by the digest of what approves it.
    pub fn of(digest: Digest) -> Self {
        Self(digest, 0)
    }

    /// A group of one run, which shares its worker with nobody before or after it.
    fn alone(digest: Digest, run: u64) -> Self {
        Self(digest, run)
    }
}

/// What shares a worker process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// The runs of one group, such as a bundle.
    #[default]
    Bundle,
    /// The runs of one component.
    Step,
    /// Nobody: each run has a worker of its own.
    Run,
}

/// Gives each worker its key: 32 bytes that nobody else knows.
pub trait Keys: Send + Sync + fmt::Debug {
    /// Fresh random bytes.
    ///
    /// # Errors
    /// When the machine has none.
    fn key(&self) -> Result<[u8; 32], Fault>;
}

/// The kernel's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeys;

impl Keys for SystemKeys {
    fn key(&self) -> Result<[u8; 32], Fault> {
        let mut key = [0; 32];
        match rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty()) {
            // getrandom(2): up to 256 bytes come whole.
            Ok(32) => Ok(key),
            Ok(_) | Err(_) => Err(Fault::new(Class::Unavailable, Owner::Operator, RANDOM)
                .says("the kernel gave no random bytes")
                .hint("Linux 3.17 or newer is needed")),
        }
    }
}

/// How workers are made and shared.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// What they run.
    pub program: Program,
    /// Where their keys come from.
    pub keys: Arc<dyn Keys>,
    /// What shares one.
    pub isolation: Isolation,
    /// Runs at one time, over all workers; one more waits for its turn.
    pub concurrency: NonZeroU32,
    /// Worker processes at one time.
    pub workers: NonZeroU32,
    /// Worker processes of one group: as many as there are processors to use.
    pub workers_per_group: NonZeroU32,
    /// Runs at one time in one worker.
    pub runs_at_once: NonZeroU32,
    /// Runs after which a worker takes no more.
    pub runs_per_worker: NonZeroU32,
    /// What a worker that runs guests may use, over its whole life.
    pub runner: Ceilings,
    /// What a worker that compiles one component may use.
    pub compiler: Ceilings,
    /// What a worker must promise before it gets anything.
    pub required: Required,
}

impl WorkerOptions {
    /// Workers that run `program`, with defaults for everything else.
    pub fn new(program: Program, keys: Arc<dyn Keys>) -> Self {
        let count = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            program,
            keys,
            isolation: Isolation::default(),
            concurrency: count(1_000),
            workers: count(64),
            workers_per_group: count(2),
            runs_at_once: count(64),
            runs_per_worker: count(10_000),
            // 64 runs of the default limit of 64 MiB, and the code of the steps.
            runner: Ceilings { memory_bytes: 5 << 30, cpu_seconds: 24 * 3_600 },
            // A component of the default size takes a few hundred MiB at most.
            compiler: Ceilings { memory_bytes: 2 << 30, cpu_seconds: 300 },
            required: Required::none(),
        }
    }
}

/// Native code that is ready to be sent to workers. Cloning is cheap.
#[derive(Clone)]
pub struct Code(Arc<CodeInner>);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("component", &self.0.linkage.component())
            .field("native_bytes", &self.0.native.len())
            .field("origin", &self.0.origin)
            .finish_non_exhaustive()
    }
}

struct CodeInner {
    number: u32,
    linkage: Linkage,
    native: Vec<u8>,
    engine: Digest,
    origin: Origin,
}

/// Where native code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled just now.
    Compiled,
    /// It was kept, and its tag was checked.
    Kept,
}

impl Code {
    fn number(&self) -> u32 {
        self.0.number
    }

    /// What it was compiled from.
    pub fn linkage(&self) -> &Linkage {
        &self.0.linkage
    }

    fn native_bytes(&self) -> usize {
        self.0.native.len()
    }

    fn is_new(&self) -> bool {
        match self.0.origin {
            Origin::Compiled => true,
            Origin::Kept => false,
        }
    }

    fn sealed_for(&self, key: &CodeKey) -> Vec<u8> {
        key.seal(self.0.linkage.component(), self.0.engine, &self.0.native)
    }
}

/// Compiles and runs admitted components in processes of their own. Cloning is cheap and shares them.
#[derive(Clone)]
pub struct Workers {
    inner: Arc<Inner>,
}

struct Inner {
    options: WorkerOptions,
    starter: Starter,
    pool: Arc<Pool>,
    turns: Semaphore,
    engine: Digest,
    codes: AtomicU32,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pool.end();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

impl Workers {
    /// Prepares to start workers; the first starts with the first run.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn new(options: WorkerOptions) -> Result<Self, Fault> {
        // Made to know which code the workers' engines take; nothing is compiled with it here.
        let engine = Compiler::new()?.fingerprint();
        let starter = Starter::new(options.program.clone())?;
        let pool = Pool::new(options.clone(), starter.clone(), engine);
        let turns = Semaphore::new(options.concurrency.get() as usize);
        Ok(Self {
            inner: Arc::new(Inner { options, starter, pool, turns, engine, codes: AtomicU32::new(0) }),
        })
    }

    /// Identifies what makes a run repeatable.
    pub fn fingerprint(&self) -> Digest {
        self.inner.engine
    }

    /// Compiles an admitted component in a process of its own, which ends with this call, also when
    /// its future is dropped. What comes back is for [`code`](Self::code), and to be sealed before it
    /// is kept.
    ///
    /// # Errors
    /// `component-compile`, or `compile-process` when the process was lost.
    pub async fn compile(&self, admitted: &Admitted) -> Result<Vec<u8>, Fault> {
        compile::compile(&self.inner.starter, &self.inner.options, self.inner.engine, admitted).await
    }

    /// Takes native code over, to be sent to workers. This process does not load it.
    pub fn code(&self, linkage: Linkage, native: Vec<u8>, origin: Origin) -> Code {
        let number = self.inner.codes.fetch_add(1, Ordering::Relaxed);
        Code(Arc::new(CodeInner { number, linkage, native, engine: self.inner.engine, origin }))
    }

    /// Runs a step once, in a worker of `group`. `deadline` ends the run when it completes: waiting for
    /// a turn and for a worker count against it.
    ///
    /// Dropping the future cancels the run.
    pub async fn run(
        &self,
        code: &Code,
        group: Group,
        job: Job<'_>,
        deadline: impl Future<Output = ()>,
    ) -> Finished {
        let Job { run, step, input, limits, broker, record: _ } = job;
        let imports = code.linkage().imports().to_vec();
        let settled = Arc::clone(&broker);
        let mut conversation = Conversation::new(run, step, broker, limits.clone(), imports);
        let end = if input.len() as u64 > limits.get(LimitName::InputBytes) {
            GuestEnd::Limit(LimitName::InputBytes)
        } else {
            self.converse(code, group, &mut conversation, input, deadline).await
        };
        let (usage, calls) = conversation.finish();
        Finished { outcome: end.settle(settled.as_ref()), usage, calls }
    }

    async fn converse(
        &self,
        code: &Code,
        group: Group,
        conversation: &mut Conversation,
        input: &str,
        deadline: impl Future<Output = ()>,
    ) -> GuestEnd {
        let late = GuestEnd::Limit(LimitName::WallTimeMs);
        let mut deadline = pin!(deadline);
        let _turn = tokio::select! {
            biased;
            () = &mut deadline => return late,
            turn = self.inner.turns.acquire() => match turn {
                Ok(turn) => turn,
                Err(_) => return closed(),
            },
        };
        let mut alone = None;
        loop {
            let seat = tokio::select! {
                biased;
                seat = self.inner.pool.seat(code, self.group(code, group), alone) => seat,
                () = &mut deadline => return late,
            };
            let seat = match seat {
                Ok(seat) => seat,
                Err(fault) => return GuestEnd::Stopped(fault),
            };
            let mut hears = tokio::select! {
                biased;
                hears = seat.begin(code, conversation.limits(), input) => hears,
                () = &mut deadline => return late,
            };
            let stay = tokio::select! {
                biased;
                stay = conversation.stay(&seat, &mut hears) => Some(stay),
                () = &mut deadline => None,
            };
            match stay {
                Some(Stay::Over(end)) => return end,
                Some(Stay::Again) => alone = Some(alone_with(code)),
                None => {
                    conversation.overdue(&seat, &mut hears).await;
                    return conversation.stopped().unwrap_or(late);
                }
            }
        }
    }

    fn group(&self, code: &Code, group: Group) -> Group {
        match self.inner.options.isolation {
            Isolation::Bundle => group,
            Isolation::Step => Group::of(code.linkage().component()),
            Isolation::Run => alone_with(code),
        }
    }

    /// Starts a worker and gives what it promises on this machine.
    ///
    /// # Errors
    /// When none can be started, or not one that keeps what is required.
    pub async fn promises(&self) -> Result<Promises, Fault> {
        let options = &self.inner.options;
        let group = Group::of(self.inner.engine);
        let worker = start::runner(&self.inner.starter, options, self.inner.engine, group).await?;
        let promises = worker.kept.promises().clone();
        worker.retire();
        Ok(promises)
    }

    /// Waits until no run is under way, refuses all further ones, and ends the workers.
    pub async fn close(&self) {
        let all = self.inner.turns.acquire_many(self.inner.options.concurrency.get()).await;
        self.inner.turns.close();
        drop(all);
        self.inner.pool.end();
    }
}

/// A group that no other run has.
fn alone_with(code: &Code) -> Group {
    static ALONE: AtomicU64 = AtomicU64::new(1);
    Group::alone(code.linkage().component(), ALONE.fetch_add(1, Ordering::Relaxed))
}

/// Longest text of a worker in a fault, in bytes: more than any sentence of ours, less than anybody reads.
const WORDS_BYTES: usize = 4 << 10;

/// What a worker says of itself, no longer than it has reason to be.
fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(WORDS_BYTES));
    text
}

fn closed() -> GuestEnd {
    GuestEnd::Stopped(
        Fault::new(Class::Unavailable, Owner::Embedder, CLOSED)
            .says("the engine was shut down")
            .hint("make a new engine, or finish runs before shutting down"),
    )
}
