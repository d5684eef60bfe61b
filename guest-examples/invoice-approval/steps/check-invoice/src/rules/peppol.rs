//! Arithmetic that EN 16931 describes without a rule, under the names of Peppol BIS Billing 3.
//!
//! The rules bind documents that claim Peppol. In all others they are remarks, for EN 16931 leaves
//! room there, and its own examples use it.

use super::lines;
use crate::{
    arithmetic::{or_zero, sum},
    finding::Findings,
};
use invoice_model::{AllowanceCharge, Invoice, Line, Number};
use rust_decimal::Decimal;

/// What BT-24 holds in a document that claims Peppol BIS Billing 3.
const PEPPOL: &str = "urn:fdc:peppol.eu:2017:poacc:billing:3.0";

/// How far a computed amount may be off: 0.02, by the rules' own slack.
const SLACK: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// Whether the document claims to follow Peppol BIS Billing 3.
pub(super) fn is_claimed(invoice: &Invoice) -> bool {
    invoice.specification.as_deref().is_some_and(|claim| claim.split('#').any(|part| part == PEPPOL))
}

/// R051 binds every document: paying 100 USD as 100 EUR is not a matter of taste.
pub(super) fn currencies(invoice: &Invoice, findings: &mut Findings) {
    let Some(currency) = &invoice.currency else { return };
    if let Some(other) = invoice.amount_currencies.iter().find(|other| *other != currency) {
        findings.add(
            "PEPPOL-EN16931-R051",
            "document",
            format_args!("an amount is in {other}, but the document is in {currency} (BT-5)"),
        );
    }
}

/// R040 to R042, R046, R120 and R121.
pub(super) fn arithmetic(invoice: &Invoice, findings: &mut Findings) {
    for entry in invoice.allowances.iter().chain(&invoice.charges) {
        percentage(entry, "document", findings);
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        let place = lines::place(index);
        for entry in line.allowances.iter().chain(&line.charges) {
            percentage(entry, &place, findings);
        }
        net_amount(line, &place, findings);
        net_price(line, &place, findings);
    }
}

fn percentage(entry: &AllowanceCharge, place: &str, findings: &mut Findings) {
    match (entry.base_amount, entry.percentage) {
        (Some(base), Some(percent)) => {
            let computed = (base.value() * percent.value() / Decimal::ONE_HUNDRED).normalize();
            let stated = or_zero(entry.amount);
            if (stated - computed).abs() > SLACK {
                findings.add(
                    "PEPPOL-EN16931-R040",
                    place,
                    format_args!(
                        "an allowance or charge is {stated}, but {percent} % of {base} come to {computed}"
                    ),
                );
            }
        }
        (None, Some(_)) => {
            findings.add(
                "PEPPOL-EN16931-R041",
                place,
                "an allowance or charge has a percentage of no base amount",
            );
        }
        (Some(_), None) => {
            findings.add(
                "PEPPOL-EN16931-R042",
                place,
                "an allowance or charge has a base amount without percentage",
            );
        }
        (None, None) => {}
    }
}

/// BT-131 = BT-129 × (BT-146 ÷ BT-149) + charges − allowances.
fn net_amount(line: &Line, place: &str, findings: &mut Findings) {
    let base = line.price.base_quantity.map_or(Decimal::ONE, Number::value);
    if base <= Decimal::ZERO {
        findings.add(
            "PEPPOL-EN16931-R121",
            place,
            "the quantity that the price is for (BT-149) is not above zero",
        );
        return;
    }
    let (Some(quantity), Some(price), Some(stated)) = (line.quantity, line.price.net, line.net_amount) else {
        return;
    };
    let entries = sum(line.charges.iter().map(|charge| charge.amount))
        - sum(line.allowances.iter().map(|allowance| allowance.amount));
    let computed =
        (quantity.value() * price.value()).checked_div(base).and_then(|goods| goods.checked_add(entries));
    let off = computed.and_then(|computed| stated.value().checked_sub(computed));
    if off.is_none_or(|off| off.abs() > SLACK) {
        let computed = computed
            .map_or_else(|| "more than any invoice".to_owned(), |c| c.round_dp(4).normalize().to_string());
        findings.add(
            "PEPPOL-EN16931-R120",
            place,
            format_args!(
                "the net amount (BT-131) is {stated}, but quantity × price with charges and allowances comes to \
                 {computed}"
            ),
        );
    }
}

/// BT-146 = BT-148 − BT-147.
fn net_price(line: &Line, place: &str, findings: &mut Findings) {
    let (Some(gross), Some(net)) = (line.price.gross, line.price.net) else { return };
    let computed = gross.value() - or_zero(line.price.discount);
    if net.value() != computed {
        findings.add(
            "PEPPOL-EN16931-R046",
            place,
            format_args!(
                "the net price (BT-146) is {net}, but the gross price less the discount is {computed}"
            ),
        );
    }
}
