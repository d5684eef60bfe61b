//! What the kernel knows of its clock: adjtimex(2), which no well-kept crate reads without unsafe code.
//!
//! A time service tells the kernel how far the clock can be off. From then on the kernel adds to that bound, 500
//! parts per million of the time that passes, until the service speaks again; after some hours without it, the
//! clock counts as unsynchronised (Linux, `kernel/time/ntp.c`).

#[cfg(any(target_os = "linux", test))]
use std::ffi::c_long;

/// How far the wall clock may be off, in microseconds. Nothing where no time service keeps it, or where the
/// kernel is none that knows.
pub(super) fn max_error_us() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return read().known();
    #[cfg(not(target_os = "linux"))]
    None
}

/// What is taken of an answer.
#[cfg(any(target_os = "linux", test))]
#[derive(Clone, Copy)]
struct Read {
    /// The state of the clock, or -1.
    state: i32,
    status: i32,
    /// In microseconds.
    max_error: c_long,
}

#[cfg(any(target_os = "linux", test))]
impl Read {
    /// `STA_UNSYNC` of adjtimex(2).
    const UNSYNCHRONISED: i32 = 0x40;
    /// `TIME_OK` to `TIME_WAIT` of adjtimex(2): a clock that is kept, also around a leap second.
    const KEPT: std::ops::RangeInclusive<i32> = 0..=4;

    /// The widest bound of a clock that is kept (`NTP_PHASE_LIMIT`). No error at all is none either: whoever
    /// says so has measured nothing.
    const BOUNDS_US: std::ops::RangeInclusive<u64> = 1..=16_000_000;

    fn known(self) -> Option<u64> {
        let kept = Self::KEPT.contains(&self.state) && self.status & Self::UNSYNCHRONISED == 0;
        u64::try_from(self.max_error).ok().filter(|bound| kept && Self::BOUNDS_US.contains(bound))
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the one system call of this program that nobody wraps")]
fn read() -> Read {
    let mut answer = std::mem::MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: `timex` holds numbers only, for which zero is a value; the kernel writes no more than one of it,
    // into memory that is ours alone. With `modes` zero nothing is changed, and no privilege is needed.
    let (state, answer) = unsafe { (libc::adjtimex(answer.as_mut_ptr()), answer.assume_init()) };
    Read { state, status: answer.status, max_error: answer.maxerror }
}

#[cfg(test)]
mod tests {
    use super::{Read, c_long};

    fn known(state: i32, status: i32, max_error: c_long) -> Option<u64> {
        Read { state, status, max_error }.known()
    }

    #[test]
    fn a_clock_that_is_kept_has_a_bound() {
        // 0x2001: a phase-locked loop with nanoseconds, as chrony and systemd-timesyncd leave it.
        assert_eq!(known(0, 0x2001, 12_500), Some(12_500));
        assert_eq!(known(3, 0x2001, 1), Some(1), "in a leap second");
    }

    #[test]
    fn one_that_nobody_keeps_has_none() {
        assert_eq!(known(5, 0x40, 16_000_000), None);
        assert_eq!(known(0, 0x2041, 500), None, "the status alone says so");
        assert_eq!(known(5, 0x2001, 500), None, "the state alone says so");
        assert_eq!(known(-1, 0, 0), None, "the call failed");
        for bound in [-1, 0, 16_000_001] {
            assert_eq!(known(0, 0, bound), None, "{bound} is no bound");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_kernel_answers() {
        let read = super::read();
        assert!((0..=5).contains(&read.state), "state {}", read.state);
        assert!((0..=16_000_000).contains(&read.max_error), "{} µs", read.max_error);
    }
}
