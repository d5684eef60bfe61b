//! What a run used beside what it may use.

use serde::Serialize;
use stepward_seam::{LimitName, Limits, Usage};

/// One limit and its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Headroom {
    /// The limit.
    pub(crate) limit: LimitName,
    /// What was used.
    pub(crate) used: u64,
    /// What may be used.
    pub(crate) most: u64,
}

impl Headroom {
    /// How much of the limit was used, in percent, rounded up.
    pub(crate) fn percent(&self) -> u64 {
        u64::try_from((u128::from(self.used) * 100).div_ceil(u128::from(self.most.max(1))))
            .unwrap_or(u64::MAX)
    }
}

/// The uses that have a limit of their own, without the wall time: that is the machine's.
pub(crate) fn uses(usage: &Usage) -> [(LimitName, u64); 9] {
    [
        (LimitName::Fuel, usage.fuel),
        (LimitName::MemoryBytes, usage.peak_memory_bytes),
        (LimitName::TableElements, usage.table_elements),
        (LimitName::HostCalls, usage.host_calls),
        (LimitName::BytesIn, usage.bytes_in),
        (LimitName::BytesOut, usage.bytes_out),
        (LimitName::LogLines, usage.log_lines),
        (LimitName::LogBytes, usage.log_bytes),
        (LimitName::OutputBytes, usage.output_bytes),
    ]
}

/// Every use beside its limit, the tightest first.
pub(crate) fn headroom(usage: &Usage, limits: &Limits) -> Vec<Headroom> {
    let mut all: Vec<_> = uses(usage)
        .into_iter()
        .map(|(limit, used)| Headroom { limit, used, most: limits.get(limit) })
        .collect();
    all.sort_by_key(|headroom| std::cmp::Reverse(headroom.percent()));
    all
}

#[cfg(test)]
mod tests {
    use super::headroom;
    use stepward_seam::{LimitName, Limits, Usage};

    #[test]
    fn the_tightest_comes_first() {
        let usage = Usage { fuel: 10, host_calls: 999, ..Usage::default() };
        let all = headroom(&usage, &Limits::default());
        assert_eq!(
            all.first().map(|first| (first.limit, first.percent())),
            Some((LimitName::HostCalls, 100))
        );
        assert_eq!(
            all.iter().find(|one| one.limit == LimitName::Fuel).map(super::Headroom::percent),
            Some(1)
        );
    }
}
