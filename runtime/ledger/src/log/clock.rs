//! When an event was taken.

/// The times of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Wall time in microseconds since 1970-01-01T00:00:00Z, without leap seconds. It can jump.
    pub unix_us: u64,
    /// How far the wall time may be off, in microseconds, where the system knows.
    pub error_us: Option<u64>,
    /// Microseconds since a moment that this process chose. It never goes back within a process.
    pub mono_us: u64,
}

/// Where stamps come from. It is asked under the lock that hands out sequence numbers: it must
/// answer at once.
pub trait Clock: Send + Sync {
    /// The time now.
    fn stamp(&self) -> Stamp;
}

/// Any function will do.
impl<F: Fn() -> Stamp + Send + Sync> Clock for F {
    fn stamp(&self) -> Stamp {
        self()
    }
}
