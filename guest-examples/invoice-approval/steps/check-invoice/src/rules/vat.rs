//! The VAT breakdown: BR-45 to BR-48, BR-CO-14, BR-CO-17, BR-CL-17, BR-CL-18.

use super::{category, lines};
use crate::{
    arithmetic::{round, round2, sum, tax_on, within_one},
    finding::Findings,
};
use invoice_model::{Invoice, Number, TaxTotal, VatBreakdown, VatCategory};
use rust_decimal::Decimal;

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    for total in &invoice.tax_totals {
        sum_of_taxes(total, findings);
    }
    for (index, group) in invoice.vat_breakdown().enumerate() {
        breakdown(group, &place(index), findings);
        known_code("BR-CL-17", group.vat.as_ref(), &place(index), findings);
    }
    for entry in invoice.allowances.iter().chain(&invoice.charges) {
        known_code("BR-CL-17", entry.vat.as_ref(), "document", findings);
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        known_code("BR-CL-18", line.vat.as_ref(), &lines::place(index), findings);
    }
}

/// How findings name a group of the breakdown.
pub(super) fn place(index: usize) -> String {
    format!("VAT breakdown {}", index + 1)
}

fn known_code(rule: &str, vat: Option<&VatCategory>, place: &str, findings: &mut Findings) {
    if let Some(code) = vat.and_then(|vat| vat.code.as_deref())
        && !category::is_known(code)
    {
        findings.add(rule, place, "the VAT category is none of those that EN 16931 uses");
    }
}

fn sum_of_taxes(total: &TaxTotal, findings: &mut Findings) {
    if total.breakdown.is_empty() {
        return;
    }
    let computed = round2(sum(total.breakdown.iter().map(|group| group.tax)));
    match total.amount {
        Some(stated) if stated.value() == computed => {}
        Some(stated) => findings.add(
            "BR-CO-14",
            "totals",
            format_args!(
                "the VAT (BT-110) is {stated}, but the taxes of the breakdown (BT-117) come to {computed}"
            ),
        ),
        None => findings.add(
            "BR-CO-14",
            "totals",
            format_args!("the VAT (BT-110) is missing; it comes to {computed}"),
        ),
    }
}

fn breakdown(group: &VatBreakdown, place: &str, findings: &mut Findings) {
    findings.require("BR-45", place, group.taxable, "the taxable amount (BT-116)");
    findings.require("BR-46", place, group.tax, "the tax (BT-117)");
    let code = group.vat.as_ref().and_then(|vat| vat.code.as_deref());
    let rate = group.vat.as_ref().and_then(|vat| vat.rate);
    findings.require("BR-47", place, code, "the VAT category (BT-118)");
    if code != Some(category::NOT_SUBJECT) {
        findings.require("BR-48", place, rate, "the VAT rate (BT-119)");
    }
    let (Some(taxable), Some(tax)) = (group.taxable, group.tax) else { return };
    // The public artefacts take a rate below one half for no rate, and then allow cents of tax.
    let expected = match rate.map(Number::value).filter(|rate| !round(*rate).is_zero()) {
        Some(rate) => tax_on(taxable.value(), rate),
        None if round(tax.value()).is_zero() => return,
        None => Decimal::ZERO,
    };
    if !within_one(tax.value().abs(), expected) {
        findings.add(
            "BR-CO-17",
            place,
            format_args!("the tax (BT-117) is {tax}, but the rate on {taxable} comes to {expected}"),
        );
    }
}
