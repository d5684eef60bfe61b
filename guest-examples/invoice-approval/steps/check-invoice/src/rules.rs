//! The business rules of EN 16931, and the arithmetic of Peppol BIS Billing 3.
//!
//! Rules carry the names that the standard and its public validation artefacts use. Where the
//! standard leaves a tolerance open, the one of those artefacts applies. A rule that compares
//! amounts says nothing where one of them is missing: the rule that asks for it does.

mod allowances;
mod category;
mod country;
mod decimals;
mod document;
mod lines;
mod parties;
mod peppol;
mod totals;
mod vat;

use crate::finding::Findings;
use invoice_model::{Finding, Invoice};

/// What the rules say about one document.
#[derive(Debug)]
pub struct Verdict {
    /// Broken rules: the document must not be paid.
    pub findings: Vec<Finding>,
    /// What no rule forbids and a person should still see.
    pub remarks: Vec<Finding>,
    /// Whether the Peppol rules were among the binding ones.
    pub peppol: bool,
}

/// Applies every rule that needs nothing but the document.
pub fn check(invoice: &Invoice) -> Verdict {
    let mut findings = Findings::default();
    document::check(invoice, &mut findings);
    parties::check(invoice, &mut findings);
    lines::check(invoice, &mut findings);
    allowances::check(invoice, &mut findings);
    totals::check(invoice, &mut findings);
    vat::check(invoice, &mut findings);
    category::check(invoice, &mut findings);
    decimals::check(invoice, &mut findings);
    peppol::currencies(invoice, &mut findings);
    let mut remarks = Findings::default();
    document::payment_due(invoice, &mut remarks);
    let mut arithmetic = Findings::default();
    peppol::arithmetic(invoice, &mut arithmetic);
    let peppol = peppol::is_claimed(invoice);
    if peppol { &mut findings } else { &mut remarks }.extend(arithmetic);
    Verdict { findings: findings.into_vec(), remarks: remarks.into_vec(), peppol }
}

#[cfg(test)]
mod tests;
