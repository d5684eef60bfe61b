//! What a worker can say, in every order, against what its parent then knows.

use super::{Heard, Incoming, Link, Loss, Owed, Secrecy};
use crate::lockdown::Promises;
use crate::protocol::{Answer, Call, Down, Ended, FrameError, GuestEnd, Hello, PROTOCOL, Up, encode};
use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use stepward_seam::Label;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{Receiver, error::TryRecvError};

/// Runs that there may be: few, so that messages meet.
const RUNS: u64 = 4;
/// The longest frame of each run here.
const FRAME_BYTES: u64 = 1 << 10;
/// Messages that may wait for a run: a call and its end.
const MOST_QUEUED: usize = 2;
/// Longer than any of these tests takes; what is still waited for then is never coming.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a worker says.
#[derive(Clone, Copy, Debug)]
enum Says {
    Call(u64),
    Ended(u64),
    Hello,
    Compiled,
    NotCompiled,
}

impl Says {
    fn message(self) -> Up {
        match self {
            Self::Call(run) => Up::Call { run, call: Call::Now { clock: Label::new("wall").unwrap() } },
            Self::Ended(run) => Up::Ended(Ended {
                run,
                end: GuestEnd::Returned("null".to_owned()),
                fuel: 1,
                peak_memory_bytes: 0,
                table_elements: 0,
            }),
            Self::Hello => Up::Hello(Hello {
                protocol: PROTOCOL,
                engine: [0; 32],
                promises: Promises::missing("none was tried"),
            }),
            Self::Compiled => Up::Compiled(vec![0; 16]),
            Self::NotCompiled => Up::NotCompiled(String::new()),
        }
    }
}

/// Whether a worker says what no worker may say. One that is honest is silent instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Honest,
    Hostile,
}

/// One thing that happens: the worker says something, or its parent does something with a run.
#[derive(Clone, Copy, Debug)]
enum Event {
    Says(Says, Worker),
    Admit(u64),
    Hear(u64),
    Answer(u64),
    Cancel(u64),
    /// Whoever waited for the run is gone, and has not cancelled it yet.
    Drop(u64),
}

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        12 => (0..RUNS).prop_map(Says::Call),
        6 => (0..RUNS).prop_map(Says::Ended),
        1 => Just(Says::Hello),
        1 => Just(Says::Compiled),
        1 => Just(Says::NotCompiled),
    ]
}

/// Mostly honest, so that a link lives long enough to get into every state.
fn worker() -> impl Strategy<Value = Worker> {
    prop_oneof![60 => Just(Worker::Honest), 1 => Just(Worker::Hostile)]
}

fn event() -> impl Strategy<Value = Event> {
    let run = 0..RUNS;
    prop_oneof![
        6 => (says(), worker()).prop_map(|(says, worker)| Event::Says(says, worker)),
        4 => run.clone().prop_map(Event::Admit),
        3 => run.clone().prop_map(Event::Hear),
        3 => run.clone().prop_map(Event::Answer),
        1 => run.clone().prop_map(Event::Cancel),
        1 => run.prop_map(Event::Drop),
    ]
}

/// What a run of the model heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Call,
    End,
}

/// A run as the rules have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// Somebody waits for its guest, which waits for nothing.
    Running,
    /// Its guest waits for an answer.
    Asking,
    /// It was given up and has not said that it is over; one more call may be on its way.
    GivenUp,
    /// As above, and it asks already.
    GivenUpAsking,
}

/// The runs of a worker as the rules have them, and what was said to each and not heard yet.
#[derive(Clone, Default)]
struct Model {
    runs: BTreeMap<u64, Is>,
    queues: BTreeMap<u64, VecDeque<Word>>,
}

impl Model {
    /// Whether this worker says this now, as things stand.
    fn would_say(&self, says: Says, worker: Worker) -> bool {
        worker == Worker::Hostile || self.clone().says(says).is_ok()
    }

    /// What has to come of it when the worker says this. `Err` ends the worker.
    fn says(&mut self, says: Says) -> Result<(), ()> {
        match says {
            Says::Call(run) => match self.runs.get(&run) {
                None | Some(Is::Asking | Is::GivenUpAsking) => Err(()),
                Some(Is::GivenUp) => {
                    self.runs.insert(run, Is::GivenUpAsking);
                    Ok(())
                }
                Some(Is::Running) => {
                    self.runs.insert(run, Is::Asking);
                    self.queue(run, Word::Call)
                }
            },
            Says::Ended(run) => match self.runs.remove(&run) {
                None => Err(()),
                Some(Is::GivenUp | Is::GivenUpAsking) => Ok(()),
                Some(Is::Running | Is::Asking) => self.queue(run, Word::End),
            },
            Says::Hello | Says::Compiled | Says::NotCompiled => Err(()),
        }
    }

    /// A run that nobody hears any more has no queue.
    fn queue(&mut self, run: u64, word: Word) -> Result<(), ()> {
        match self.queues.get_mut(&run) {
            None => Ok(()),
            Some(queue) if queue.len() == MOST_QUEUED => Err(()),
            Some(queue) => {
                queue.push_back(word);
                Ok(())
            }
        }
    }
}

/// A link to nobody in particular: what the worker says is said by the test, and what it is told
/// stays in `theirs`.
fn link() -> (Arc<Link>, Incoming, UnixStream) {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (link, incoming) = Link::of(ours, None).unwrap();
    (link, incoming, UnixStream::from_std(theirs).unwrap())
}

fn word(heard: &Heard) -> Word {
    match heard {
        Heard::Call(_) => Word::Call,
        Heard::Ended(_) => Word::End,
    }
}

/// Everything that a receiver still holds, and that it holds no more than it may.
fn drained(hears: &mut Receiver<Heard>) -> VecDeque<Word> {
    assert!(hears.len() <= MOST_QUEUED);
    let mut words = VecDeque::new();
    loop {
        match hears.try_recv() {
            Ok(heard) => words.push_back(word(&heard)),
            // After the end every receiver hears that there is no more.
            Err(end) => {
                assert_eq!(end, TryRecvError::Disconnected);
                return words;
            }
        }
    }
}

/// A link and its model, side by side.
struct Pair {
    link: Arc<Link>,
    _theirs: UnixStream,
    model: Model,
    hears: BTreeMap<u64, Receiver<Heard>>,
}

impl Pair {
    fn new() -> Self {
        let (link, _incoming, theirs) = link();
        Self { link, _theirs: theirs, model: Model::default(), hears: BTreeMap::new() }
    }

    /// `Err` when the worker was lost.
    fn happens(&mut self, event: Event) -> Result<(), ()> {
        match event {
            Event::Says(says, worker) if !self.model.would_say(says, worker) => {}
            Event::Says(says, _) => {
                let took = self.link.take(says.message());
                if let Err(loss) = &took {
                    assert!(matches!(loss, Loss::Protocol(_)), "{loss}");
                    self.link.lose(loss.clone());
                }
                assert_eq!(took.map_err(drop), self.model.says(says), "{says:?}");
            }
            // A number is never used twice at a time.
            Event::Admit(run) if self.hears.contains_key(&run) || self.model.runs.contains_key(&run) => {}
            Event::Admit(run) => {
                self.hears.insert(run, self.link.admit(run, FRAME_BYTES));
                self.model.runs.insert(run, Is::Running);
                self.model.queues.insert(run, VecDeque::new());
            }
            Event::Hear(run) => self.hear(run),
            Event::Answer(run) => {
                let answer = Down::Answer { run, answer: Answer::Now(0) };
                self.link.answer(run, &answer, Secrecy::Plain).now_or_never().unwrap().unwrap();
                if let Some(is @ Is::Asking) = self.model.runs.get_mut(&run) {
                    *is = Is::Running;
                }
            }
            Event::Cancel(run) => {
                let owed = match self.model.runs.get_mut(&run) {
                    None => Owed::Nothing,
                    Some(is) => {
                        *is = match is {
                            Is::Running | Is::GivenUp => Is::GivenUp,
                            Is::Asking | Is::GivenUpAsking => Is::GivenUpAsking,
                        };
                        Owed::End
                    }
                };
                assert_eq!(self.link.cancel(run), owed);
                // Nobody speaks to whoever waited any more.
                if owed == Owed::End
                    && let Some(hears) = &mut self.hears.remove(&run)
                {
                    assert_eq!(drained(hears), self.model.queues.remove(&run).unwrap());
                }
            }
            Event::Drop(run) => {
                self.hears.remove(&run);
                self.model.queues.remove(&run);
            }
        }
        if self.link.loss().is_some() { Err(()) } else { Ok(()) }
    }

    fn hear(&mut self, run: u64) {
        let (Some(hears), Some(queue)) = (self.hears.get_mut(&run), self.model.queues.get_mut(&run)) else {
            return;
        };
        match (hears.try_recv(), queue.pop_front()) {
            (Ok(heard), Some(expected)) => assert_eq!(word(&heard), expected),
            (Err(TryRecvError::Empty), None) => assert!(self.model.runs.contains_key(&run)),
            // A run that is over has no more to hear, and its number could be used again.
            (Err(TryRecvError::Disconnected), None) => {
                assert!(!self.model.runs.contains_key(&run));
                self.hears.remove(&run);
                self.model.queues.remove(&run);
            }
            (heard, expected) => panic!("run {run} heard {heard:?}, and was told {expected:?}"),
        }
    }

    /// What holds at any time while the worker is there.
    fn agree(&self) {
        for run in 0..RUNS {
            let owed = if self.model.runs.contains_key(&run) { Owed::End } else { Owed::Nothing };
            assert_eq!(self.link.owes(run), owed);
        }
        for (run, hears) in &self.hears {
            assert_eq!(hears.len(), self.model.queues[run].len(), "run {run}");
            assert!(hears.len() <= MOST_QUEUED);
        }
        let longest = if self.model.runs.is_empty() { super::HELLO_BYTES } else { FRAME_BYTES };
        assert_eq!(self.link.longest(), longest);
    }

    /// What holds once it is lost, for good.
    fn lost(mut self) {
        let loss = self.link.loss().unwrap();
        for (run, mut hears) in std::mem::take(&mut self.hears) {
            assert_eq!(drained(&mut hears), self.model.queues[&run], "run {run}");
        }
        // Another loss changes nothing, whatever comes is for nobody, and nobody is let in.
        self.link.lose(Loss::Retired);
        assert_eq!(self.link.loss(), Some(loss.clone()));
        for run in 0..RUNS {
            assert_eq!(self.link.owes(run), Owed::Nothing);
            assert_eq!(self.link.cancel(run), Owed::Nothing);
            assert!(self.link.take(Says::Call(run).message()).is_err());
            assert!(self.link.take(Says::Ended(run).message()).is_err());
            let answer = Down::Answer { run, answer: Answer::Stop };
            let answered = self.link.answer(run, &answer, Secrecy::Plain).now_or_never();
            assert_eq!(answered, Some(Err(loss.clone())));
            assert!(drained(&mut self.link.admit(run, FRAME_BYTES)).is_empty());
        }
        assert!(self.link.lock().unsent.is_empty());
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever a worker says and whatever its runs do meanwhile, the link knows what the rules say.
    #[test]
    fn a_worker_that_says_anything(events in vec(event(), 0..200)) {
        block_on(async {
            let mut pair = Pair::new();
            for event in events {
                if pair.happens(event).is_err() {
                    return pair.lost();
                }
                pair.agree();
            }
            pair.link.lose(Loss::Retired);
            pair.lost();
        });
    }

    /// Whatever comes for a run that is not there is the end of the worker, and of all its runs.
    #[test]
    fn a_message_for_a_run_that_is_not_there(
        admitted in vec(0..RUNS, 0..4),
        run in prop_oneof![RUNS..RUNS + 2, Just(u64::MAX)],
        ended: bool,
    ) {
        block_on(async {
            let mut pair = Pair::new();
            for run in admitted {
                pair.happens(Event::Admit(run)).unwrap();
            }
            let says = if ended { Says::Ended(run) } else { Says::Call(run) };
            pair.happens(Event::Says(says, Worker::Hostile)).unwrap_err();
            pair.lost();
        });
    }

    /// The same from the other end of the pipe, in pieces of any size: the first message that breaks a
    /// rule kills the worker, and nothing behind it is heard.
    #[test]
    fn a_worker_that_writes_anything(
        admitted in vec(0..RUNS, 0..4),
        said in vec((says(), worker()), 0..40),
        sizes in vec(1..64_usize, 1..6),
    ) {
        block_on(async {
            let (link, incoming, mut theirs) = link();
            let (mut model, mut hears) = (Model::default(), BTreeMap::new());
            for run in admitted {
                hears.insert(run, link.admit(run, FRAME_BYTES));
                model.runs.insert(run, Is::Running);
                model.queues.insert(run, VecDeque::new());
            }
            let (mut bytes, mut broken) = (Vec::new(), false);
            for (says, worker) in said {
                // What is behind the first wrong message is whatever comes.
                if broken || model.would_say(says, worker) {
                    bytes = encode(&says.message(), bytes).unwrap();
                    broken = broken || model.says(says).is_err();
                }
            }
            let writes = async {
                let mut rest = bytes.as_slice();
                for size in sizes.into_iter().cycle() {
                    let (piece, more) = rest.split_at(size.min(rest.len()));
                    theirs.write_all(piece).await.unwrap();
                    if more.is_empty() {
                        break;
                    }
                    rest = more;
                    tokio::task::yield_now().await;
                }
                theirs.shutdown().await.unwrap();
                // Who has gone says nothing more; whoever is killed first is not waited for.
                std::future::pending::<()>().await;
            };
            let ends = async {
                tokio::select! {
                    () = link.clone().serve(incoming) => {}
                    () = writes => {}
                }
            };
            tokio::time::timeout(PATIENCE, ends).await.unwrap();
            match link.loss().unwrap() {
                Loss::Protocol(_) => assert!(broken),
                Loss::Died(_) => assert!(!broken),
                loss @ (Loss::Frame(_) | Loss::Disobeyed | Loss::Overgrown | Loss::Retired) => panic!("{loss}"),
            }
            for (run, hears) in &mut hears {
                assert_eq!(drained(hears), model.queues[run], "run {run}");
            }
        });
    }

    /// Bytes that are no message are its end as well.
    #[test]
    fn a_worker_that_writes_noise(noise in vec(any::<u8>(), 0..200), length in prop_oneof![any::<u32>(), 0..64_u32]) {
        block_on(async {
            let (link, incoming, mut theirs) = link();
            let mut hears = link.admit(1, FRAME_BYTES);
            let serves = tokio::spawn(link.clone().serve(incoming));
            let long = u64::from(length) > FRAME_BYTES;
            drop(theirs.write_all(&[&length.to_le_bytes()[..], &noise].concat()).await);
            drop(theirs);
            tokio::time::timeout(PATIENCE, serves).await.unwrap().unwrap();
            let loss = link.loss().unwrap();
            assert!(!long || matches!(loss, Loss::Frame(FrameError::TooLong { .. })), "{loss}");
            // What happens to be a message may reach the run; more than it may hold cannot.
            drained(&mut hears);
        });
    }
}
