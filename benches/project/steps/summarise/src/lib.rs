//! Reads a JSON document of some dozens of lines, sums it up and writes one back: the work of an
//! ordinary step without calls.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepward_sdk::StepError;

/// An order.
#[derive(Deserialize, JsonSchema)]
pub struct Order {
    customer: String,
    lines: Vec<Line>,
}

/// One line of it.
#[derive(Deserialize, JsonSchema)]
pub struct Line {
    item: String,
    quantity: u64,
    cents: u64,
}

/// What it comes to.
#[derive(Serialize, JsonSchema)]
pub struct Summary {
    customer: String,
    items: Vec<String>,
    cents: u64,
}

/// Sums an order up.
///
/// # Errors
/// When the sum does not fit 64 bits.
#[stepward_sdk::step]
pub fn summarise(order: Order) -> Result<Summary, StepError> {
    let total = order.lines.iter().try_fold(0u64, |sum, line| sum.checked_add(line.quantity.checked_mul(line.cents)?));
    let cents = total.ok_or_else(|| StepError::permanent("too-large", "the sum does not fit"))?;
    Ok(Summary { customer: order.customer, items: order.lines.into_iter().map(|line| line.item).collect(), cents })
}
