//! Calendar dates as invoices write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A day of the Gregorian calendar, years 1 to 9999, written `2019-02-24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// The text is not a day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateError;

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date is a day of the calendar written as YYYY-MM-DD")
    }
}

impl std::error::Error for DateError {}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether `zone` is what `xs:date` allows after the day: nothing, `Z` or an offset.
fn is_zone(zone: &str) -> bool {
    match zone.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

impl FromStr for Date {
    type Err = DateError;

    /// Reads an `xs:date`. EN 16931 has no use for its time zone, which is dropped.
    fn from_str(text: &str) -> Result<Self, DateError> {
        let (day, zone) = text.split_at_checked(10).ok_or(DateError)?;
        let mut parts = day.split('-');
        let mut part = |width: usize| {
            let digits = parts.next().filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|p| p.parse::<u16>().ok()).ok_or(DateError)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let month = u8::try_from(month).map_err(|_| DateError)?;
        let day = u8::try_from(day).map_err(|_| DateError)?;
        let real = year >= 1 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if real && is_zone(zone) { Ok(Self { year, month, day }) } else { Err(DateError) }
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_of_the_calendar_are_read() {
        for text in ["2019-02-28", "2020-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        assert_eq!("2019-02-24+01:00".parse::<Date>(), "2019-02-24Z".parse::<Date>());
        assert!("2019-02-24".parse::<Date>().unwrap() < "2019-10-01".parse::<Date>().unwrap());
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "2019-02-29",
            "1900-02-29",
            "2019-13-01",
            "2019-00-01",
            "2019-04-31",
            "2019-1-01",
            "20190101",
            "0000-01-01",
            "2019-01-01T00:00:00",
            "2019-01-01 ",
            "+019-01-01",
            "2019-01-0é",
            "2019-01-01+1:00",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text:?}");
        }
    }
}
