//! The timeouts of one exchange, each under its own name.
//!
//! Time is tokio's, so that a test can stop and move it.

use super::failure::{CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, HANDSHAKE_TIMEOUT, NoAnswer, Sent, TOTAL_TIMEOUT};
use super::target::Target;
use stepward_fault::Rule;
use tokio::time::{Instant, timeout_at};

/// Started when the exchange starts.
pub(super) struct Clock<'a> {
    target: &'a Target,
    connect_by: Instant,
    total_by: Instant,
}

impl<'a> Clock<'a> {
    pub(super) fn start(target: &'a Target) -> Self {
        let now = Instant::now();
        Self { target, connect_by: now + target.timeouts.connect, total_by: now + target.timeouts.total }
    }

    /// Looks up the host.
    pub(super) async fn lookup<T>(&self, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        self.within(self.connect_by, CONNECT_TIMEOUT, Sent::Nothing, work).await
    }

    /// Connects to one of `left` addresses, with an equal share of the time that is left.
    pub(super) async fn connect<T>(&self, left: usize, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        let now = Instant::now();
        let share =
            self.connect_by.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX).max(1);
        self.within(now + share, CONNECT_TIMEOUT, Sent::Nothing, work).await
    }

    /// Does the TLS handshake.
    pub(super) async fn handshake<T>(&self, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        let by = Instant::now() + self.target.timeouts.handshake;
        self.within(by, HANDSHAKE_TIMEOUT, Sent::Nothing, work).await
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn head<T>(&self, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        let by = Instant::now() + self.target.timeouts.first_byte;
        self.within(by, FIRST_BYTE_TIMEOUT, Sent::Maybe, work).await
    }

    /// Reads the rest of the answer.
    pub(super) async fn rest<T>(&self, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        self.within(self.total_by, TOTAL_TIMEOUT, Sent::Maybe, work).await
    }

    async fn within<T>(
        &self,
        by: Instant,
        rule: Rule,
        sent: Sent,
        work: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let (by, rule) = if by < self.total_by { (by, rule) } else { (self.total_by, TOTAL_TIMEOUT) };
        timeout_at(by, work).await.map_err(|_elapsed| NoAnswer::overrun(self.target, rule, sent))
    }
}
