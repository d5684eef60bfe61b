//! The parent's end of one worker's pipe.
//!
//! What is sent is written at once while the pipe takes it, and by a task of the link's own when it
//! does not. What is received is held against what this worker may say now; anything else ends it.

use super::program::Process;
use crate::protocol::{Down, Ended, FrameError, Frames, Up, encode};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stepward_seam::HostCall;
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};
use zeroize::Zeroize;

/// Bytes read from the pipe at a time.
const READ_BYTES: usize = 64 << 10;
/// The longest first message.
pub(super) const HELLO_BYTES: u64 = 16 << 10;

/// Why there is no worker any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It ended; the text is its exit status.
    Died(String),
    /// It said what no worker says, and was killed.
    Protocol(&'static str),
    /// It sent bytes that are no message, and was killed.
    Frame(FrameError),
    /// It did not do what it was told in time, and was killed.
    Disobeyed,
    /// Nobody needed it any more.
    Retired,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(status) => write!(f, "it ended ({status})"),
            Self::Protocol(what) => write!(f, "it broke the protocol: {what}"),
            Self::Frame(error) => write!(f, "it broke the protocol: {error}"),
            Self::Disobeyed => f.write_str("it did not obey in time"),
            Self::Retired => f.write_str("it was retired"),
        }
    }
}

/// What a run hears of its guest.
#[derive(Debug)]
pub(super) enum Heard {
    Call(HostCall),
    Ended(Ended),
}

/// A run in the worker, as the link sees it.
enum Tenant {
    /// Somebody waits for what it says. `asked` while a call of it is unanswered.
    Runs { heard: mpsc::Sender<Heard>, frame: u64, asked: bool },
    /// It was cancelled and has not said yet that it is over.
    Cancelled { frame: u64 },
}

impl Tenant {
    fn frame(&self) -> u64 {
        match self {
            Self::Runs { frame, .. } | Self::Cancelled { frame } => *frame,
        }
    }
}

/// Bytes that wait for the pipe to take them.
struct Chunk {
    bytes: Vec<u8>,
    written: usize,
    secret: Secrecy,
}

/// Whether a message holds bytes that must not stay in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    Plain,
    Secret,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        match self.secret {
            Secrecy::Plain => {}
            Secrecy::Secret => self.bytes.zeroize(),
        }
    }
}

struct State {
    tenants: HashMap<u64, Tenant>,
    unsent: VecDeque<Chunk>,
    process: Option<Process>,
    loss: Option<Loss>,
}

/// One worker, as far as its pipe goes.
pub(super) struct Link {
    stream: UnixStream,
    state: Mutex<State>,
    /// Something waits for the pipe, or the link is over.
    stirred: Notify,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("loss", &self.lock().loss).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(stream: UnixStream, process: Process) -> Arc<Self> {
        let state =
            State { tenants: HashMap::new(), unsent: VecDeque::new(), process: Some(process), loss: None };
        Arc::new(Self { stream, state: Mutex::new(state), stirred: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; if it did, every later frame is still checked alone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the worker is gone, if it is.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.lock().loss.clone()
    }

    /// Sends a message, or queues it behind those that wait already.
    pub(super) fn send(&self, message: &Down, secret: Secrecy) -> Result<(), Loss> {
        // Room for the whole message at once: a buffer that grows leaves copies behind.
        let room = match secret {
            Secrecy::Plain => 0,
            Secrecy::Secret => message.secret_bytes().saturating_add(1 << 10),
        };
        let bytes = encode(message, Vec::with_capacity(room)).map_err(Loss::Frame)?;
        let mut state = self.lock();
        if let Some(loss) = &state.loss {
            return Err(loss.clone());
        }
        state.unsent.push_back(Chunk { bytes, written: 0, secret });
        self.write(&mut state);
        if !state.unsent.is_empty() {
            self.stirred.notify_one();
        }
        Ok(())
    }

    /// Writes what the pipe takes now.
    fn write(&self, state: &mut State) {
        while let Some(chunk) = state.unsent.front_mut() {
            let rest = chunk.bytes.get(chunk.written..).unwrap_or_default();
            if rest.is_empty() {
                state.unsent.pop_front();
                continue;
            }
            match self.stream.try_write(rest) {
                Ok(written) => chunk.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The reader hears of it too, and knows how the process ended.
                Err(_) => return state.unsent.clear(),
            }
        }
    }

    /// Announces a run before it is sent. `frame` is the longest frame that it may cause.
    pub(super) fn admit(&self, run: u64, frame: u64) -> mpsc::Receiver<Heard> {
        // One call and the end can wait at most: a guest that was not answered says nothing more.
        let (heard, hears) = mpsc::channel(2);
        let mut state = self.lock();
        // A worker that is gone says nothing: its runs hear the end of the channel.
        if state.loss.is_none() {
            state.tenants.insert(run, Tenant::Runs { heard, frame, asked: false });
        }
        hears
    }

    /// Answers the call of a run.
    pub(super) fn answer(&self, run: u64, message: &Down, secret: Secrecy) -> Result<(), Loss> {
        if let Some(Tenant::Runs { asked, .. }) = self.lock().tenants.get_mut(&run) {
            *asked = false;
        }
        self.send(message, secret)
    }

    /// Gives a run up. Whether the worker still owes its end.
    pub(super) fn cancel(&self, run: u64) -> Owed {
        {
            let mut state = self.lock();
            let Some(tenant) = state.tenants.get_mut(&run) else { return Owed::Nothing };
            *tenant = Tenant::Cancelled { frame: tenant.frame() };
        }
        match self.send(&Down::Cancel { run }, Secrecy::Plain) {
            Ok(()) => Owed::End,
            Err(_) => Owed::Nothing,
        }
    }

    /// Whether the worker has said that this run is over.
    pub(super) fn owes(&self, run: u64) -> Owed {
        if self.lock().tenants.contains_key(&run) { Owed::End } else { Owed::Nothing }
    }

    /// Ends the worker. What its runs hear is that there is no more to hear; [`loss`](Self::loss) says why.
    pub(super) fn lose(&self, loss: Loss) {
        let (process, tenants) = {
            let mut state = self.lock();
            if state.loss.is_some() {
                return;
            }
            state.loss = Some(loss);
            state.unsent.clear();
            (state.process.take(), std::mem::take(&mut state.tenants))
        };
        if let Some(mut process) = process {
            let status = process.end();
            if let Some(Loss::Died(why)) = &mut self.lock().loss {
                *why = status;
            }
        }
        self.stirred.notify_one();
        drop(tenants);
    }

    /// The one message that is waited for, while what was sent before goes out.
    pub(super) async fn first(&self, frames: &mut Frames, most: u64) -> Result<Up, Loss> {
        let first = tokio::select! {
            first = self.next(frames, |_| most) => first,
            loss = self.drain() => Err(loss),
        };
        first.inspect_err(|loss| self.lose(loss.clone())).map_err(|loss| self.loss().unwrap_or(loss))
    }

    async fn next(&self, frames: &mut Frames, most: impl Fn(&Self) -> u64) -> Result<Up, Loss> {
        loop {
            if let Some(up) = frames.next(most(self)).map_err(Loss::Frame)? {
                return Ok(up);
            }
            let died = || Loss::Died(String::new());
            self.stream.readable().await.map_err(|_| died())?;
            let received = frames.received();
            received.reserve(READ_BYTES);
            match self.stream.try_read_buf(received) {
                Ok(0) => return Err(died()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(died()),
            }
        }
    }

    /// The longest frame that any of the runs in the worker may cause.
    fn longest(&self) -> u64 {
        self.lock().tenants.values().map(Tenant::frame).max().unwrap_or(HELLO_BYTES)
    }

    /// Reads and writes until the worker is lost.
    pub(super) async fn serve(self: Arc<Self>, mut frames: Frames) {
        let reads = async {
            loop {
                match self.next(&mut frames, Self::longest).await.and_then(|up| self.take(up)) {
                    Ok(()) => {}
                    Err(loss) => return loss,
                }
            }
        };
        let loss = tokio::select! {
            loss = reads => loss,
            loss = self.drain() => loss,
        };
        if let Loss::Protocol(_) | Loss::Frame(_) = &loss {
            tracing::error!(%loss, "a worker was killed");
        }
        self.lose(loss);
    }

    /// Writes what the pipe did not take at once, until the worker is lost.
    pub(super) async fn drain(&self) -> Loss {
        loop {
            self.stirred.notified().await;
            loop {
                {
                    let mut state = self.lock();
                    if let Some(loss) = &state.loss {
                        return loss.clone();
                    }
                    self.write(&mut state);
                    if state.unsent.is_empty() {
                        break;
                    }
                }
                if self.stream.writable().await.is_err() {
                    return Loss::Died(String::new());
                }
            }
        }
    }

    /// Holds one message against what this worker may say now.
    fn take(&self, up: Up) -> Result<(), Loss> {
        let mut state = self.lock();
        match up {
            Up::Call { run, call } => match state.tenants.get_mut(&run) {
                Some(Tenant::Runs { asked: true, .. }) => {
                    Err(Loss::Protocol("a second call before the answer to the first"))
                }
                Some(Tenant::Runs { heard, asked, .. }) => {
                    *asked = true;
                    hand(heard, Heard::Call(call.into()))
                }
                // Asked before it heard that it was cancelled.
                Some(Tenant::Cancelled { .. }) => Ok(()),
                None => Err(Loss::Protocol("a call for a run that it does not have")),
            },
            Up::Ended(ended) => match state.tenants.remove(&ended.run) {
                Some(Tenant::Runs { heard, .. }) => hand(&heard, Heard::Ended(ended)),
                Some(Tenant::Cancelled { .. }) => Ok(()),
                None => Err(Loss::Protocol("the end of a run that it does not have")),
            },
            Up::Hello(_) => Err(Loss::Protocol("a second greeting")),
            Up::Compiled(_) | Up::NotCompiled(_) => {
                Err(Loss::Protocol("compiled code that nobody asked for"))
            }
        }
    }
}

/// Hands a run what it waits for. A run that was dropped a moment ago is about to be cancelled.
fn hand(heard: &mpsc::Sender<Heard>, what: Heard) -> Result<(), Loss> {
    match heard.try_send(what) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        Err(mpsc::error::TrySendError::Full(_)) => Err(Loss::Protocol("more than a run can have to say")),
    }
}

/// Whether a worker still owes the end of a run that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    End,
    Nothing,
}
