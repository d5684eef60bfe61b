//! Decimal numbers as invoices write them.

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A decimal number: an amount, a quantity, a price or a percentage. JSON holds it as a string, so
/// that no reader takes it for a binary fraction.
///
/// At most 13 digits before the point and 14 after it. Within that every sum over a document, and
/// every product of two numbers, stays inside the 28 digits of [`Decimal`]; only a division can
/// leave it. The digits after the point are kept as written: `1.50` is not `1.5` for the rules that
/// count decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(Decimal);

/// Most digits before the point.
const WHOLE_DIGITS: usize = 13;
/// Most digits after the point.
const FRACTION_DIGITS: usize = 14;

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// Not an `xs:decimal`: an optional sign, digits, an optional point and digits.
    Spelling,
    /// More digits than a [`Number`] holds.
    Digits,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spelling => {
                f.write_str("a number is an optional sign, digits, and perhaps a point and digits")
            }
            Self::Digits => {
                write!(
                    f,
                    "a number has at most {WHOLE_DIGITS} digits before the point and {FRACTION_DIGITS} after it"
                )
            }
        }
    }
}

impl std::error::Error for NumberError {}

impl Number {
    /// The value for arithmetic.
    pub fn value(self) -> Decimal {
        self.0
    }

    /// The value with the other sign; zero stays without one.
    #[must_use]
    pub fn negated(self) -> Self {
        if self.0.is_zero() { self } else { Self(-self.0) }
    }

    /// How many digits stand after the point, trailing zeros included.
    pub fn decimals(self) -> u32 {
        self.0.scale()
    }
}

impl FromStr for Number {
    type Err = NumberError;

    /// Reads an `xs:decimal` (XML Schema part 2, section 3.2.3) without surrounding space.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(NumberError::Spelling);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > WHOLE_DIGITS || fraction.len() > FRACTION_DIGITS {
            return Err(NumberError::Digits);
        }
        let sign = if text.starts_with('-') { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Decimal::from_str_exact(&format!("{sign}0{whole}{point}{fraction}"))
            .map(Self)
            .map_err(|_| NumberError::Digits)
    }
}

impl TryFrom<String> for Number {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Number, NumberError};

    #[test]
    fn digits_are_kept_as_written() {
        for (text, shown, decimals) in
            [("1.50", "1.50", 2), ("-0.10", "-0.10", 2), ("+7", "7", 0), (".5", "0.5", 1), ("5.", "5", 0)]
        {
            let number: Number = text.parse().unwrap();
            assert_eq!((number.to_string().as_str(), number.decimals()), (shown, decimals), "{text}");
        }
        let widest: Number = "-0009999999999999.99999999999999".parse().unwrap();
        assert_eq!(widest.to_string(), "-9999999999999.99999999999999");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", ".", "-", "1e3", "1_000", "1,5", " 1", "0x10", "1.2.3", "--1", "NaN", "١"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Spelling), "{text:?}");
        }
        for text in ["10000000000000", "0.123456789012345"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Digits), "{text:?}");
        }
    }

    #[test]
    fn a_negated_zero_has_no_sign() {
        let negated = |text: &str| text.parse::<Number>().unwrap().negated().to_string();
        assert_eq!(negated("1.10"), "-1.10");
        assert_eq!(negated("-1.10"), "1.10");
        assert_eq!(negated("0.00"), "0.00");
    }

    #[test]
    fn the_product_of_the_widest_numbers_fits() {
        let widest: Number = "9999999999999.99999999999999".parse().unwrap();
        assert!(widest.value().checked_mul(widest.value()).is_some());
    }
}
