//! Moments as people type them.

/// Microseconds since 1970 of what was typed: a date or a moment as RFC 3339 writes it, or how long ago,
/// such as `90s`, `30m`, `2h`, `7d` or `2w`. Nothing where it is neither.
pub(super) fn parse(text: &str, now_us: u64) -> Option<u64> {
    match ago(text) {
        Some(seconds) => Some(now_us.saturating_sub(seconds.saturating_mul(1_000_000))),
        None => moment(text),
    }
}

fn ago(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    digits_of(digits)?.checked_mul(seconds)
}

/// RFC 3339, section 5.6; the date alone is its beginning in UTC.
fn moment(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-').map(digits_of);
    let (Some(year), Some(month), Some(day), None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let known = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day);
    let midnight = known.then(|| days(year, month, day) * 86_400)?;
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest.is_empty().then_some(midnight * 1_000_000);
    };
    let (clock, rest) = time.split_at_checked(8)?;
    let mut parts = clock.split(':').map(digits_of);
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    // A leap second counts as the one before it.
    let known = hour < 24 && minute < 60 && second <= 60;
    let seconds = known.then(|| midnight + hour * 3_600 + minute * 60 + second.min(59))?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", rest),
    };
    let digits = format!("{fraction:0<6}");
    let micros = digits_of(digits.get(..6)?)?;
    let offset = offset(zone)?;
    let seconds = seconds.checked_add_signed(offset.checked_neg()?)?;
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let east = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits_of(hours)?, digits_of(minutes)?);
    let known = hours < 24 && minutes < 60;
    known.then_some(east * i64::try_from(hours * 3_600 + minutes * 60).ok()?)
}

fn digits_of(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

const fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let years = year - 1970;
    // Leap days of the years before this one; there were 477 until 1970.
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    years * 365 + leap_days + (1..month).map(|month| days_in(year, month)).sum::<u64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::render::utc;

    const NOW: u64 = 1_795_257_776_000_000;

    #[test]
    fn moments_are_read_as_they_are_shown() {
        for seconds in [0, 951_782_399, 951_868_799, 1_795_257_776, 4_107_542_400, 253_402_300_799] {
            assert_eq!(parse(&utc(seconds), NOW), Some(seconds * 1_000_000), "{}", utc(seconds));
        }
        for (text, seconds) in [
            ("1970-01-02", 86_400),
            ("1970-01-01T02:00:00+02:00", 0),
            ("1970-01-01T00:00:00-01:30", 5_400),
            ("2026-11-21t10:42:56z", 1_795_257_776),
        ] {
            assert_eq!(parse(text, NOW), Some(seconds * 1_000_000), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00.0000015Z", NOW), Some(1));
    }

    #[test]
    fn how_long_ago_is_counted_from_now() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(parse(text, NOW), Some(NOW - seconds * 1_000_000), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "h",
            "2",
            "-2h",
            "2y",
            "2 h",
            "yesterday",
            "2026-13-01",
            "2026-02-29",
            "1969-12-31",
            "2026-11-21T",
            "2026-11-21T25:00:00Z",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:00+2",
            "1970-01-01T00:00:00+01:00",
            "2026-11-21T10:00:00.Zx",
            "ä2h",
            "2ä",
        ] {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
    }
}
