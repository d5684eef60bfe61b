//! The time, as the host tells and records it.

/// The time, recorded by the host so that a replay sees the same.
///
/// ```
/// use stepward_sdk::{Clock, UnixMillis};
///
/// assert_eq!(Clock::fixed(1_790_000_000_000).now(), UnixMillis(1_790_000_000_000));
/// ```
pub struct Clock(Backend);

enum Backend {
    #[cfg(target_arch = "wasm32")]
    Host(fn() -> u64),
    #[cfg(not(target_arch = "wasm32"))]
    Fixed(u64),
}

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl Clock {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn host(now: fn() -> u64) -> Self {
        Self(Backend::Host(now))
    }

    /// A clock for native tests that stands at `millis` milliseconds since 1970-01-01T00:00:00Z.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fixed(millis: u64) -> Self {
        Self(Backend::Fixed(millis))
    }

    /// The time now.
    pub fn now(&self) -> UnixMillis {
        UnixMillis(match &self.0 {
            #[cfg(target_arch = "wasm32")]
            Backend::Host(now) => now(),
            #[cfg(not(target_arch = "wasm32"))]
            Backend::Fixed(millis) => *millis,
        })
    }
}
