//! Weeks of ISO 8601, counted through: from Monday 00:00 UTC to the next.

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// 1970-01-01 was a Thursday: its week began three days before.
const DAYS_BEFORE: u64 = 3;

/// The number of the week of a moment, in Unix milliseconds. Week 0 holds 1970-01-01.
pub(super) fn of(ms: u64) -> u64 {
    (ms / DAY_MS + DAYS_BEFORE) / 7
}

/// The first moment of the week after `week`, in Unix milliseconds.
pub(super) fn end(week: u64) -> u64 {
    week.saturating_add(1).saturating_mul(7).saturating_sub(DAYS_BEFORE).saturating_mul(DAY_MS)
}

/// Weeks that a key may be ahead: a clock may go back across midnight of a Sunday, and no clock that is
/// kept right goes back by more than a week.
const AHEAD: u64 = 1;

/// Whether the wrapping key of the week `key` serves in the week `now`. One from a clock that was far
/// ahead does not: nothing under it could be erased for good before that time.
pub(super) fn serves(key: u64, now: u64) -> bool {
    (now..=now.saturating_add(AHEAD)).contains(&key)
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, end, of, serves};

    #[test]
    fn a_week_goes_from_monday_to_sunday() {
        // Monday 2026-11-16 00:00 UTC, the start of 2026-W47.
        let monday = 1_794_787_200_000;
        assert_eq!(of(monday), of(monday - 1) + 1);
        assert_eq!(of(monday), of(monday + 7 * DAY_MS - 1));
        assert_eq!(end(of(monday)), monday + 7 * DAY_MS);
        assert_eq!(end(of(monday - 1)), monday);
        assert_eq!((of(0), end(0)), (0, 4 * DAY_MS));
        assert_eq!(end(u64::MAX), u64::MAX);
        assert!(end(of(u64::MAX)) > u64::MAX - 8 * DAY_MS);
    }

    #[test]
    fn a_key_serves_in_its_week_and_the_one_before() {
        assert_eq!([8, 9, 10, 11, 12].map(|key| serves(key, 10)), [false, false, true, true, false]);
        assert!(serves(u64::MAX, u64::MAX) && !serves(u64::MAX, 0));
    }
}
