//! Numbers that people can read at a glance.

/// A count with separators: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the largest binary unit that leaves at least 1, to one place: `1.5 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    scaled(number, &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)])
        .unwrap_or_else(|| format!("{number} B"))
}

/// Microseconds in a unit that fits: `12.3 ms`.
pub(crate) fn duration(micros: u64) -> String {
    scaled(micros, &[("s", 1_000_000), ("ms", 1_000)]).unwrap_or_else(|| format!("{micros} µs"))
}

/// A moment, in seconds since 1970, as RFC 3339 writes it in UTC: `2026-11-21T10:42:56Z`.
pub(crate) fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March,
/// so that the day that not every year has is the last of one.
fn date(days: u64) -> (u64, u64, u64) {
    // 1970 began 719,468 days after 1 March of the year 0; an era is 400 years.
    let (era, day) = ((days + 719_468) / 146_097, (days + 719_468) % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // March is month 0; five months from it on have 153 days.
    let month = (5 * day + 2) / 153;
    let (year, day) = (era * 400 + year, day - (153 * month + 2) / 5 + 1);
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

fn scaled(number: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, size) = units.iter().find(|(_, size)| number >= *size)?;
    Some(format!("{}.{} {unit}", number / size, number % size * 10 / size))
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, duration, utc};

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(1023), bytes(1024), bytes(1_572_864)], ["1023 B", "1.0 KiB", "1.5 MiB"]);
        assert_eq!([duration(7), duration(12_345), duration(2_000_000)], ["7 µs", "12.3 ms", "2.0 s"]);
    }

    /// Checked with date(1) of GNU coreutils.
    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, moment) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_795_257_776, "2026-11-21T10:42:56Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds), moment);
        }
    }
}
