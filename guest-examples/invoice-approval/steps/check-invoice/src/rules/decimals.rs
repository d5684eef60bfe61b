//! At most two decimals in an amount: BR-DEC-01 to BR-DEC-28. Prices, quantities and rates are free.

use super::{lines, vat};
use crate::finding::Findings;
use invoice_model::{AllowanceCharge, Invoice, Number};

/// Most digits after the point of an amount.
const DECIMALS: u32 = 2;

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    let totals = &invoice.totals;
    let amounts = [
        ("BR-DEC-09", totals.lines, "the sum of the lines (BT-106)"),
        ("BR-DEC-10", totals.allowances, "the sum of the allowances (BT-107)"),
        ("BR-DEC-11", totals.charges, "the sum of the charges (BT-108)"),
        ("BR-DEC-12", totals.without_vat, "the total without VAT (BT-109)"),
        ("BR-DEC-14", totals.with_vat, "the total with VAT (BT-112)"),
        ("BR-DEC-16", totals.prepaid, "what is paid (BT-113)"),
        ("BR-DEC-17", totals.rounding, "the rounding (BT-114)"),
        ("BR-DEC-18", totals.due, "the amount due (BT-115)"),
    ];
    for (rule, amount, what) in amounts {
        limit(rule, "totals", amount, what, findings);
    }
    for total in &invoice.tax_totals {
        let in_document_currency = total.currency == invoice.currency;
        let rule = if in_document_currency { "BR-DEC-13" } else { "BR-DEC-15" };
        limit(rule, "totals", total.amount, "the VAT total (BT-110, BT-111)", findings);
    }
    for (index, group) in invoice.vat_breakdown().enumerate() {
        limit("BR-DEC-19", &vat::place(index), group.taxable, "the taxable amount (BT-116)", findings);
        limit("BR-DEC-20", &vat::place(index), group.tax, "the tax (BT-117)", findings);
    }
    entries(["BR-DEC-01", "BR-DEC-02"], "document", &invoice.allowances, findings);
    entries(["BR-DEC-05", "BR-DEC-06"], "document", &invoice.charges, findings);
    for (index, line) in invoice.lines.iter().enumerate() {
        let place = lines::place(index);
        limit("BR-DEC-23", &place, line.net_amount, "the net amount (BT-131)", findings);
        entries(["BR-DEC-24", "BR-DEC-25"], &place, &line.allowances, findings);
        entries(["BR-DEC-27", "BR-DEC-28"], &place, &line.charges, findings);
    }
}

fn entries([amount, base]: [&str; 2], place: &str, entries: &[AllowanceCharge], findings: &mut Findings) {
    for entry in entries {
        limit(amount, place, entry.amount, "the amount of an allowance or charge", findings);
        limit(base, place, entry.base_amount, "the base amount of an allowance or charge", findings);
    }
}

fn limit(rule: &str, place: &str, amount: Option<Number>, what: &str, findings: &mut Findings) {
    if let Some(amount) = amount
        && amount.decimals() > DECIMALS
    {
        findings.add(rule, place, format_args!("{what} is {amount}: more than {DECIMALS} decimals"));
    }
}
