//! Prices an order of 34 lines: JSON in, JSON out, no calls. `benches/peers/work` does the same work
//! for everyone else.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepward_sdk::StepError;

/// An order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    id: String,
    currency: String,
    lines: Vec<Line>,
}

/// One line of it; the price is in hundredths of the currency.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    item: String,
    quantity: u32,
    price: u64,
}

/// The order with its amounts.
#[derive(Serialize, JsonSchema)]
pub struct Priced {
    id: String,
    currency: String,
    lines: Vec<PricedLine>,
    total: u64,
}

/// One line with its amount.
#[derive(Serialize, JsonSchema)]
pub struct PricedLine {
    item: String,
    amount: u64,
}

/// Prices an order.
///
/// # Errors
/// When an amount or the total does not fit 64 bits.
#[stepward_sdk::step]
pub fn price(order: Order) -> Result<Priced, StepError> {
    let too_large = || StepError::permanent("too-large", "an amount does not fit");
    let mut total = 0_u64;
    let mut lines = Vec::with_capacity(order.lines.len());
    for line in order.lines {
        let amount = line.price.checked_mul(u64::from(line.quantity)).ok_or_else(too_large)?;
        total = total.checked_add(amount).ok_or_else(too_large)?;
        lines.push(PricedLine { item: line.item, amount });
    }
    Ok(Priced { id: order.id, currency: order.currency, lines, total })
}
