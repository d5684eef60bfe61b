//! The clocks of this machine.

mod kernel;

use crate::running::live;
use std::time::Instant;
use stepward_ledger::log::{Clock, Stamp};

/// The system's wall clock with its known error, and its monotonic clock since the log was opened.
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    pub(crate) fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the runner is the room that reads the clock")]
        let started = Instant::now();
        Self { started }
    }
}

impl Clock for SystemClock {
    fn stamp(&self) -> Stamp {
        let mono_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Stamp { unix_us: live::now_us(), error_us: kernel::max_error_us(), mono_us }
    }
}
