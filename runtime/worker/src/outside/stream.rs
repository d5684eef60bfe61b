//! The parent's end of a pipe, as bytes.
//!
//! The runtime's own type for sockets wakes for room to write too: each time the worker has read
//! something, which is once for each message and for nothing. Its types for pipes wake for one thing.

use std::io::{ErrorKind, Result, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// Bytes read from the pipe at a time.
const READ_BYTES: usize = 64 << 10;

/// What comes from the worker.
pub(super) struct Receiver(pipe::Receiver);

impl Receiver {
    /// Waits for bytes and appends them; 0 is the end.
    pub(super) async fn receive(&mut self, received: &mut Vec<u8>) -> Result<usize> {
        received.reserve(READ_BYTES);
        self.0.read_buf(received).await
    }
}

/// What goes to the worker.
pub(super) struct Sender(UnixStream);

impl Sender {
    /// Writes what the pipe takes now; none where it takes nothing.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<Option<usize>> {
        match (&self.0).write(bytes) {
            Ok(written) => Ok(Some(written)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until the pipe takes bytes: the worker is slower than its runs.
    pub(super) async fn writable(&self) -> Result<()> {
        pipe::Sender::from_owned_fd_unchecked(OwnedFd::from(self.0.try_clone()?))?.writable().await
    }
}

/// Both ends of a socket that does not block.
pub(super) fn split(socket: UnixStream) -> Result<(Sender, Receiver)> {
    let receiver = pipe::Receiver::from_owned_fd_unchecked(OwnedFd::from(socket.try_clone()?))?;
    Ok((Sender(socket), Receiver(receiver)))
}
