//! The clocks of this machine.

use crate::running::live;
use std::time::Instant;
use stepward_ledger::log::{Clock, Stamp};

/// The system's wall clock, and its monotonic clock since the log was opened.
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
        // How far the wall clock is off is known to whatever sets it, and to nobody here.
        Stamp { unix_us: live::now_us(), error_us: None, mono_us }
    }
}
