//! Lines: BR-21 to BR-28, BR-30, BR-41 to BR-44, BR-CO-04, BR-CO-20, BR-CO-23, BR-CO-24.

use super::{allowances, document};
use crate::finding::Findings;
use invoice_model::{Invoice, Line, Number};

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    for (index, line) in invoice.lines.iter().enumerate() {
        self::line(line, &place(index), findings);
    }
}

/// How findings name a line: by its position, for identifiers may be missing or repeated.
pub(super) fn place(index: usize) -> String {
    format!("line {}", index + 1)
}

fn line(line: &Line, place: &str, findings: &mut Findings) {
    findings.require("BR-21", place, line.id.as_ref(), "the identifier (BT-126)");
    findings.require("BR-22", place, line.quantity, "the quantity (BT-129)");
    if line.quantity.is_some() {
        findings.require("BR-23", place, line.unit.as_ref(), "the unit of the quantity (BT-130)");
    }
    findings.require("BR-24", place, line.net_amount, "the net amount (BT-131)");
    findings.require("BR-25", place, line.item.as_ref(), "the name of the item (BT-153)");
    findings.require("BR-26", place, line.price.net, "the net price (BT-146)");
    not_negative("BR-27", place, line.price.net, "the net price (BT-146)", findings);
    not_negative("BR-28", place, line.price.gross, "the gross price (BT-148)", findings);
    let code = line.vat.as_ref().and_then(|vat| vat.code.as_ref());
    findings.require("BR-CO-04", place, code, "the VAT category (BT-151)");
    if let Some(period) = &line.period {
        if period.start.is_none() && period.end.is_none() {
            findings.add("BR-CO-20", place, "the period (BG-26) has neither a first nor a last day");
        }
        document::in_order("BR-30", place, period, findings);
    }
    for allowance in &line.allowances {
        allowances::entry(allowance, place, &allowances::LINE_ALLOWANCE, findings);
    }
    for charge in &line.charges {
        allowances::entry(charge, place, &allowances::LINE_CHARGE, findings);
    }
}

fn not_negative(rule: &str, place: &str, number: Option<Number>, what: &str, findings: &mut Findings) {
    if let Some(number) = number
        && number.value().is_sign_negative()
        && !number.value().is_zero()
    {
        findings.add(rule, place, format_args!("{what} is {number}, and must not be negative"));
    }
}
