//! The parent's end of one worker's pipe.
//!
//! What is sent is written at once where one run is alone in the worker, and otherwise by a task of the
//! link's own: together with what other runs send at the same time, and as the pipe takes it. What is
//! received is held against what this worker may say now; anything else ends it.

use super::program::Process;
use super::stream::{Receiver, Sender, split};
use crate::protocol::{Down, Ended, FrameError, Frames, Up, encode};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stepward_seam::HostCall;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use zeroize::Zeroize;

/// Messages leave together up to about so many bytes.
const BATCH_BYTES: usize = 64 << 10;
/// Bytes that may wait for one worker's pipe: what a worker that reads keeps far below, and what one that
/// does not can make this process hold.
const MOST_QUEUED_BYTES: u32 = 16 << 20;
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
    /// It held more memory than it may, and was killed.
    Overgrown,
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
            Self::Overgrown => f.write_str("it held more memory than it may"),
            Self::Retired => f.write_str("it was retired"),
        }
    }
}

/// What a run hears of its guest. Boxed, since the channel of each run has room for many.
#[derive(Debug)]
pub(super) enum Heard {
    Call(Box<HostCall>),
    Ended(Box<Ended>),
}

/// A run in the worker, as the link sees it.
enum Tenant {
    /// Somebody waits for what it says. `asked` while a call of it is unanswered.
    Runs { heard: mpsc::Sender<Heard>, frame: u64, asked: bool },
    /// It was cancelled and has not said yet that it is over.
    Cancelled { frame: u64, asked: bool },
}

impl Tenant {
    fn frame(&self) -> u64 {
        match self {
            Self::Runs { frame, .. } | Self::Cancelled { frame, .. } => *frame,
        }
    }
}

/// Bytes that wait for the pipe to take them.
struct Chunk {
    bytes: Vec<u8>,
    written: usize,
    secret: Secrecy,
    /// Given back when the bytes have left, or never will.
    room: Option<Room>,
}

/// Room for a message among those that wait for the pipe.
#[derive(Debug)]
pub(super) struct Room(OwnedSemaphorePermit);

impl Chunk {
    /// Writes what the pipe takes now.
    fn write(&mut self, stream: &Sender) -> Written {
        let rest = self.bytes.get(self.written..).unwrap_or_default();
        match stream.send(rest) {
            Ok(Some(written)) if written == rest.len() => Written::Whole,
            Ok(Some(written)) => {
                self.written += written;
                Written::Part
            }
            Ok(None) => Written::Part,
            // The reader hears of it too, and knows how the process ended.
            Err(_) => Written::Whole,
        }
    }

    /// Whether the next message can leave together with this one.
    fn takes(&self, next: &Self) -> bool {
        let plain = self.secret == Secrecy::Plain && next.secret == Secrecy::Plain;
        plain && self.bytes.len() + next.bytes.len() <= BATCH_BYTES
    }
}

/// Whether a message has left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Whole,
    Part,
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

impl Chunk {
    /// Lets the next message leave together with this one.
    fn merge(&mut self, mut next: Self) {
        self.bytes.extend_from_slice(&next.bytes);
        match (&mut self.room, next.room.take()) {
            (Some(Room(ours)), Some(Room(theirs))) => ours.merge(theirs),
            (ours @ None, theirs) => *ours = theirs,
            (Some(_), None) => {}
        }
    }
}

struct State {
    tenants: HashMap<u64, Tenant>,
    unsent: VecDeque<Chunk>,
    /// The link's task has taken messages and not written all of them yet.
    writing: bool,
    process: Option<Process>,
    loss: Option<Loss>,
}

/// What has come from a worker.
pub(super) struct Incoming {
    receiver: Receiver,
    frames: Frames,
}

/// One worker, as far as its pipe goes.
pub(super) struct Link {
    stream: Sender,
    state: Mutex<State>,
    /// How many more bytes may wait for the pipe.
    room: Arc<Semaphore>,
    /// Something waits for the pipe, or the link is over.
    stirred: Notify,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("loss", &self.lock().loss).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(socket: UnixStream, process: Process) -> std::io::Result<(Arc<Self>, Incoming)> {
        Self::of(socket, Some(process))
    }

    fn of(socket: UnixStream, process: Option<Process>) -> std::io::Result<(Arc<Self>, Incoming)> {
        let (stream, receiver) = split(socket)?;
        let state =
            State { tenants: HashMap::new(), unsent: VecDeque::new(), writing: false, process, loss: None };
        let room = Arc::new(Semaphore::new(MOST_QUEUED_BYTES as usize));
        let link = Arc::new(Self { stream, state: Mutex::new(state), room, stirred: Notify::new() });
        Ok((link, Incoming { receiver, frames: Frames::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; if it did, every later frame is still checked alone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the worker's process, while there is one.
    pub(super) fn process(&self) -> Option<u32> {
        self.lock().process.as_ref().and_then(Process::id)
    }

    /// Why the worker is gone, if it is.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.lock().loss.clone()
    }

    /// Waits for room for about so many bytes, behind whoever asked before: a worker that is slow to read
    /// slows its own runs, and fills nothing here. A message larger than all the room takes all of it.
    pub(super) async fn room(&self, bytes: usize) -> Option<Room> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(MOST_QUEUED_BYTES);
        // The semaphore is never closed; were it, the pipe would still take what it takes.
        Arc::clone(&self.room).acquire_many_owned(bytes).await.ok().map(Room)
    }

    /// Sends a message of a few bytes, or queues it behind those that wait already.
    pub(super) fn send(&self, message: &Down, secret: Secrecy) -> Result<(), Loss> {
        self.send_after(message, secret, None, |_| {})
    }

    /// As [`send`](Self::send), for a message that has waited for its room.
    pub(super) fn send_in(&self, room: Option<Room>, message: &Down, secret: Secrecy) -> Result<(), Loss> {
        self.send_after(message, secret, room, |_| {})
    }

    /// As [`send`](Self::send), in one step with a change of what the link knows.
    fn send_after(
        &self,
        message: &Down,
        secret: Secrecy,
        room: Option<Room>,
        change: impl FnOnce(&mut State),
    ) -> Result<(), Loss> {
        // Room for the whole message at once: a buffer that grows copies, and leaves the copies behind.
        let bytes = encode(message, Vec::with_capacity(message.about_bytes())).map_err(Loss::Frame)?;
        let mut state = self.lock();
        change(&mut state);
        if let Some(loss) = &state.loss {
            return Err(loss.clone());
        }
        let mut chunk = Chunk { bytes, written: 0, secret, room };
        // A run that is alone goes on at once. Where there are many, those that are ready now leave in
        // one write, which is most of what sending costs.
        let alone = state.tenants.len() <= 1 && !state.writing && state.unsent.is_empty();
        if alone && chunk.write(&self.stream) == Written::Whole {
            return Ok(());
        }
        match state.unsent.back_mut() {
            Some(last) if last.takes(&chunk) => last.merge(chunk),
            Some(_) | None => state.unsent.push_back(chunk),
        }
        drop(state);
        self.stirred.notify_one();
        Ok(())
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

    /// Answers the call of a run, once there is room for the answer.
    pub(super) async fn answer(&self, run: u64, message: &Down, secret: Secrecy) -> Result<(), Loss> {
        let room = self.room(message.about_bytes()).await;
        self.send_after(message, secret, room, |state| {
            if let Some(Tenant::Runs { asked, .. }) = state.tenants.get_mut(&run) {
                *asked = false;
            }
        })
    }

    /// Gives a run up. Whether the worker still owes its end.
    pub(super) fn cancel(&self, run: u64) -> Owed {
        {
            let mut state = self.lock();
            let Some(tenant) = state.tenants.get_mut(&run) else { return Owed::Nothing };
            let (Tenant::Runs { asked, .. } | Tenant::Cancelled { asked, .. }) = *tenant;
            *tenant = Tenant::Cancelled { frame: tenant.frame(), asked };
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
            state.loss = Some(loss.clone());
            state.unsent.clear();
            (state.process.take(), std::mem::take(&mut state.tenants))
        };
        match (loss, process) {
            // How it ended is waited for, and told.
            (Loss::Died(_), Some(process)) => {
                let status = process.end();
                self.lock().loss = Some(Loss::Died(status));
            }
            // It ends with its value.
            (_, process) => drop(process),
        }
        self.stirred.notify_one();
        drop(tenants);
    }

    /// The one message that is waited for, while what was sent before goes out.
    pub(super) async fn first(&self, incoming: &mut Incoming, most: u64) -> Result<Up, Loss> {
        let first = tokio::select! {
            first = self.next(incoming, |_| most) => first,
            loss = self.drain() => Err(loss),
        };
        first.inspect_err(|loss| self.lose(loss.clone())).map_err(|loss| self.loss().unwrap_or(loss))
    }

    async fn next(&self, incoming: &mut Incoming, most: impl Fn(&Self) -> u64) -> Result<Up, Loss> {
        loop {
            if let Some(up) = incoming.frames.next(most(self)).map_err(Loss::Frame)? {
                return Ok(up);
            }
            let died = || Loss::Died(String::new());
            match incoming.receiver.receive(incoming.frames.received()).await {
                Ok(0) | Err(_) => return Err(died()),
                Ok(_) => {}
            }
        }
    }

    /// The longest frame that any of the runs in the worker may cause.
    fn longest(&self) -> u64 {
        self.lock().tenants.values().map(Tenant::frame).max().unwrap_or(HELLO_BYTES)
    }

    /// Reads and writes until the worker is lost.
    pub(super) async fn serve(self: Arc<Self>, mut incoming: Incoming) {
        let reads = async {
            loop {
                match self.next(&mut incoming, Self::longest).await.and_then(|up| self.take(up)) {
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
    async fn drain(&self) -> Loss {
        loop {
            self.stirred.notified().await;
            // Whoever else is ready now sends first: one write then takes it all.
            tokio::task::yield_now().await;
            loop {
                let batch = match self.batch() {
                    Ok(batch) => batch,
                    Err(loss) => return loss,
                };
                if batch.is_empty() {
                    break;
                }
                if self.write(batch).await.is_err() {
                    return Loss::Died(String::new());
                }
            }
        }
    }

    /// Takes what waits to be sent. None means that senders may write for themselves again.
    fn batch(&self) -> Result<VecDeque<Chunk>, Loss> {
        let mut state = self.lock();
        if let Some(loss) = &state.loss {
            return Err(loss.clone());
        }
        state.writing = !state.unsent.is_empty();
        Ok(std::mem::take(&mut state.unsent))
    }

    async fn write(&self, batch: VecDeque<Chunk>) -> std::io::Result<()> {
        for mut chunk in batch {
            while chunk.write(&self.stream) == Written::Part {
                self.stream.writable().await?;
            }
        }
        Ok(())
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
                    hand(heard, Heard::Call(Box::new(call.into())))
                }
                // It asked before it heard that it was cancelled, and is not answered any more.
                Some(Tenant::Cancelled { asked, .. }) if !*asked => {
                    *asked = true;
                    Ok(())
                }
                Some(Tenant::Cancelled { .. }) => {
                    Err(Loss::Protocol("a second call before the answer to the first"))
                }
                None => Err(Loss::Protocol("a call for a run that it does not have")),
            },
            Up::Ended(ended) => match state.tenants.remove(&ended.run) {
                Some(Tenant::Runs { heard, .. }) => hand(&heard, Heard::Ended(Box::new(ended))),
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

#[cfg(test)]
mod backpressure;
#[cfg(test)]
mod tests;
