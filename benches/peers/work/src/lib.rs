//! The work that every contender does: read an order of some lines, price each, sum it up, write
//! the priced order. Large enough that a guest must allocate, parse and print; small enough that
//! starting it matters.

use serde::{Deserialize, Serialize};

/// Lines in [`sample`]: what an ordinary invoice has.
const LINES: u32 = 34;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: String,
    currency: String,
    lines: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    item: String,
    quantity: u32,
    /// In hundredths of the currency.
    price: u64,
}

#[derive(Serialize)]
struct Priced {
    id: String,
    currency: String,
    lines: Vec<PricedLine>,
    total: u64,
}

#[derive(Serialize)]
struct PricedLine {
    item: String,
    amount: u64,
}

/// Prices the order in `document`.
///
/// # Errors
/// Says what is wrong with the document.
pub fn price(document: &str) -> Result<String, String> {
    let order: Order = serde_json::from_str(document).map_err(|e| e.to_string())?;
    let mut total = 0_u64;
    let mut lines = Vec::with_capacity(order.lines.len());
    for line in order.lines {
        let amount = line.price.checked_mul(u64::from(line.quantity)).ok_or("an amount is too large")?;
        total = total.checked_add(amount).ok_or("the total is too large")?;
        lines.push(PricedLine { item: line.item, amount });
    }
    let priced = Priced { id: order.id, currency: order.currency, lines, total };
    serde_json::to_string(&priced).map_err(|e| e.to_string())
}

/// The document that is measured.
pub fn sample() -> String {
    let lines = (1..=LINES)
        .map(|n| Line {
            item: format!("Item {n:03}, boxed"),
            quantity: n % 7 + 1,
            price: 995 + u64::from(n) * 13,
        })
        .collect();
    let order = Order { id: "ORDER-4711".to_owned(), currency: "EUR".to_owned(), lines };
    serde_json::to_string(&order).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sample_is_priced() {
        let priced = super::price(&super::sample()).unwrap();
        assert!(priced.ends_with("\"total\":171065}"), "{priced}");
        assert!(super::price("{}").is_err());
    }
}
