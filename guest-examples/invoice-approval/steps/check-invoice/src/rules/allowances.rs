//! Allowances and charges: BR-31 to BR-33, BR-36 to BR-38, BR-41 to BR-44, BR-CO-21 to BR-CO-24.

use crate::finding::Findings;
use invoice_model::{AllowanceCharge, Invoice};

/// The names of the rules for one of the four kinds of entries.
pub(super) struct Names {
    what: &'static str,
    amount: &'static str,
    /// On a line its own category applies, so that there is no such rule.
    category: Option<&'static str>,
    /// Two rules ask for the same: one for the field, one as condition.
    reason: [&'static str; 2],
}

const ALLOWANCE: Names =
    Names { what: "allowance", amount: "BR-31", category: Some("BR-32"), reason: ["BR-33", "BR-CO-21"] };
const CHARGE: Names =
    Names { what: "charge", amount: "BR-36", category: Some("BR-37"), reason: ["BR-38", "BR-CO-22"] };
pub(super) const LINE_ALLOWANCE: Names =
    Names { what: "allowance", amount: "BR-41", category: None, reason: ["BR-42", "BR-CO-23"] };
pub(super) const LINE_CHARGE: Names =
    Names { what: "charge", amount: "BR-43", category: None, reason: ["BR-44", "BR-CO-24"] };

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    for allowance in &invoice.allowances {
        entry(allowance, "document", &ALLOWANCE, findings);
    }
    for charge in &invoice.charges {
        entry(charge, "document", &CHARGE, findings);
    }
}

/// Checks one entry under the rules of its kind.
pub(super) fn entry(entry: &AllowanceCharge, place: &str, names: &Names, findings: &mut Findings) {
    let what = names.what;
    if entry.amount.is_none() {
        findings.add(names.amount, place, format_args!("the amount of the {what} is missing"));
    }
    let code = entry.vat.as_ref().and_then(|vat| vat.code.as_ref());
    if let (Some(rule), None) = (names.category, code) {
        findings.add(rule, place, format_args!("the VAT category of the {what} is missing"));
    }
    if entry.reason.is_none() && entry.reason_code.is_none() {
        for rule in names.reason {
            findings.add(rule, place, format_args!("the {what} has neither a reason nor a reason code"));
        }
    }
}
