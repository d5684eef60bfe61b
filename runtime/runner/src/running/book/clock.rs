//! The clocks of this machine.
//!
//! How far the wall clock may be off stays unknown here: the kernel keeps the bound that a time service gave
//! it (`maxerror` of adjtimex(2)), and nothing that this program may use asks for it without unsafe code. The
//! events of this program therefore have no `error_us`; an embedder's clock may know better.

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
        // Unknown, as said above; a guess would look like knowledge.
        Stamp { unix_us: live::now_us(), error_us: None, mono_us }
    }
}
