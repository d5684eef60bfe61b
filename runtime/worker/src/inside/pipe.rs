//! The one descriptor of a worker.

use crate::protocol::{Down, Frames, Up, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// Bytes asked of the pipe in one read.
const READ_BYTES: usize = 64 << 10;

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
            self.read()?;
        }
    }

    /// Takes what has come in, without waiting.
    pub(super) fn look(&mut self) -> Result<(), Gone> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut [PollFd::from_borrowed_fd(descriptor(), PollFlags::IN)], Some(&now)) {
            Ok(0) | Err(Errno::INTR) => Ok(()),
            Ok(_) => self.read(),
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
        self.out.clear();
        Ok(())
    }
}
