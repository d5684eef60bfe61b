//! Random bytes, as the host gives and records them.

/// Random bytes from the host's cryptographic generator, recorded so that a replay sees the same.
///
/// ```
/// use stepward_sdk::Random;
///
/// assert_eq!(Random::fixed([1, 2, 3]).bytes(5), [1, 2, 3, 1, 2]);
/// ```
pub struct Random(Backend);

enum Backend {
    #[cfg(target_arch = "wasm32")]
    Host(fn(u32) -> Vec<u8>),
    #[cfg(not(target_arch = "wasm32"))]
    Fixed(Vec<u8>),
}

impl Random {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn host(bytes: fn(u32) -> Vec<u8>) -> Self {
        Self(Backend::Host(bytes))
    }

    /// Random bytes for native tests: each call gives `pattern`, repeated or cut to length.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fixed(pattern: impl Into<Vec<u8>>) -> Self {
        Self(Backend::Fixed(pattern.into()))
    }

    /// `count` random bytes. The host gives at most 4096 in one call and ends a run that asks for
    /// more.
    pub fn bytes(&self, count: u32) -> Vec<u8> {
        match &self.0 {
            #[cfg(target_arch = "wasm32")]
            Backend::Host(bytes) => bytes(count),
            #[cfg(not(target_arch = "wasm32"))]
            Backend::Fixed(pattern) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                pattern.iter().copied().cycle().take(count).collect()
            }
        }
    }
}
