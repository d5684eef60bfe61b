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

fn scaled(number: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, size) = units.iter().find(|(_, size)| number >= *size)?;
    Some(format!("{}.{} {unit}", number / size, number % size * 10 / size))
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, duration};

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(1023), bytes(1024), bytes(1_572_864)], ["1023 B", "1.0 KiB", "1.5 MiB"]);
        assert_eq!([duration(7), duration(12_345), duration(2_000_000)], ["7 µs", "12.3 ms", "2.0 s"]);
    }
}
