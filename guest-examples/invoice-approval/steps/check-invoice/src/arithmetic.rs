//! Decimal arithmetic as the rules mean it.
//!
//! [`Number`] bounds its digits so that sums and products fit a [`Decimal`]; only a division can
//! leave it.

use invoice_model::Number;
use rust_decimal::Decimal;

/// The sum of what is there.
pub(crate) fn sum(numbers: impl Iterator<Item = Option<Number>>) -> Decimal {
    numbers.flatten().map(Number::value).sum()
}

/// The value, or zero where there is none.
pub(crate) fn or_zero(number: Option<Number>) -> Decimal {
    number.map(Number::value).unwrap_or_default()
}

/// Rounds to a whole number, halves towards positive infinity, as `fn:round` of `XPath` does.
pub(crate) fn round(value: Decimal) -> Decimal {
    (value + Decimal::new(5, 1)).floor()
}

/// Rounds to two decimals, halves towards positive infinity.
pub(crate) fn round2(value: Decimal) -> Decimal {
    (round(value * Decimal::ONE_HUNDRED) / Decimal::ONE_HUNDRED).normalize()
}

/// Whether two amounts differ by less than one unit of the currency: the room that EN 16931 leaves
/// to sellers who round line by line.
pub(crate) fn within_one(a: Decimal, b: Decimal) -> bool {
    (a - b).abs() < Decimal::ONE
}

/// The tax on an amount: the amount without its sign times the rate, to two decimals.
pub(crate) fn tax_on(taxable: Decimal, rate: Decimal) -> Decimal {
    round2(taxable.abs() * rate / Decimal::ONE_HUNDRED)
}

#[cfg(test)]
mod tests {
    use super::{round, round2, tax_on};
    use rust_decimal::Decimal;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn halves_go_up_also_below_zero() {
        for (value, rounded) in [("2.5", "3"), ("-2.5", "-2"), ("-2.51", "-3"), ("0.49", "0")] {
            assert_eq!(round(d(value)), d(rounded), "{value}");
        }
        for (value, rounded) in [("1.005", "1.01"), ("-1.005", "-1"), ("10.994", "10.99"), ("7", "7")] {
            assert_eq!(round2(d(value)), d(rounded), "{value}");
        }
    }

    #[test]
    fn tax_has_no_sign_and_two_decimals() {
        assert_eq!(tax_on(d("-625743.54"), d("25")), d("156435.89"));
    }
}
