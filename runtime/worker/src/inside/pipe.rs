//! The one descriptor of a worker.

use crate::protocol::{Down, Frames, KEPT_BYTES, Up, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// Bytes asked of the pipe in one read.
const READ_BYTES: usize = 64 << 10;

/// How often the pipe is looked at before the worker sleeps for an answer: some 50 µs. Waking a process
/// on a processor that sleeps takes 20 µs on a virtual machine, and the answer to a lone message comes
/// about as soon.
const LOOKS: u32 = 240;
/// Waits without looking after so many looks in vain; it doubles each time they are in vain again, so
/// that a machine where they never pay spends less than 1 µs for each message on them.
const MOST_WAITS: u32 = 128;

/// There is no parent to speak to any more.
#[derive(Debug)]
pub(super) enum Gone {
    /// It closed the pipe.
    Closed,
    /// The pipe failed, or what came is no message.
    Broken,
}

/// The pipe, with what has come and what is to go.
#[derive(Default)]
pub(super) struct Pipe {
    frames: Frames,
    out: Vec<u8>,
    /// Messages that are to go.
    queued: usize,
    looks: Looks,
}

/// Whether to look for an answer before sleeping.
#[derive(Default)]
struct Looks {
    /// One message alone has left last: another run may be waiting for the processor otherwise.
    alone: bool,
    /// Waits still to come before the next look.
    waits: u32,
    /// How many there are after the next look in vain.
    next: u32,
}

impl Looks {
    fn now(&mut self) -> bool {
        if self.alone && self.waits > 0 {
            self.waits -= 1;
            return false;
        }
        self.alone
    }

    fn paid(&mut self) {
        self.next = 1;
    }

    fn in_vain(&mut self) {
        self.waits = self.next;
        self.next = self.next.saturating_mul(2).clamp(1, MOST_WAITS);
    }
}

fn descriptor() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

impl Pipe {
    /// The next message; waits for it.
    pub(super) fn receive(&mut self) -> Result<Down, Gone> {
        loop {
            if let Some(down) = self.received()? {
                return Ok(down);
            }
            if !self.looks.now() || !self.looked()? {
                self.read()?;
            }
        }
    }

    /// Looks for what comes soon. Whether something came.
    fn looked(&mut self) -> Result<bool, Gone> {
        for _ in 0..LOOKS {
            if self.look()? {
                self.looks.paid();
                return Ok(true);
            }
            std::hint::spin_loop();
        }
        self.looks.in_vain();
        Ok(false)
    }

    /// Takes what has come in, without waiting.
    pub(super) fn look(&mut self) -> Result<bool, Gone> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut [PollFd::from_borrowed_fd(descriptor(), PollFlags::IN)], Some(&now)) {
            Ok(0) | Err(Errno::INTR) => Ok(false),
            Ok(_) => self.read().map(|()| true),
            Err(_) => Err(Gone::Broken),
        }
    }

    /// The next message of those that have come in whole.
    pub(super) fn received(&mut self) -> Result<Option<Down>, Gone> {
        // The parent is believed: its frames are as long as they are.
        self.frames.next(u64::from(u32::MAX)).map_err(|_| Gone::Broken)
    }

    fn read(&mut self) -> Result<(), Gone> {
        let received = self.frames.received();
        received.reserve(READ_BYTES);
        loop {
            match rustix::io::read(descriptor(), rustix::buffer::spare_capacity(received)) {
                Ok(0) => return Err(Gone::Closed),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(_) => return Err(Gone::Broken),
            }
        }
    }

    /// Puts a message behind those that are to go.
    pub(super) fn queue(&mut self, message: &Up) -> Result<(), Gone> {
        self.queued += 1;
        self.out = encode(message, std::mem::take(&mut self.out)).map_err(|_| Gone::Broken)?;
        Ok(())
    }

    /// Writes what is to go; waits until the parent has taken it.
    pub(super) fn flush(&mut self) -> Result<(), Gone> {
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            match rustix::io::write(descriptor(), rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(_) => return Err(Gone::Broken),
            }
        }
        if self.queued > 0 {
            self.looks.alone = self.queued == 1;
            self.queued = 0;
        }
        self.out.clear();
        self.out.shrink_to(KEPT_BYTES);
        Ok(())
    }
}
