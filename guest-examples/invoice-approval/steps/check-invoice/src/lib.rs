//! Checks an invoice by the business rules of EN 16931, and asks the ERP about it.
#![forbid(unsafe_code)]

mod arithmetic;
mod erp;
mod finding;
mod rules;

pub use rules::{Verdict, check};

use invoice_model::{Check, CheckedInvoice, Invoice};
use stepward_sdk::{Endpoint, StepError, step};

/// The code of the error that lists the findings.
const INVALID: &str = "invoice-invalid";

/// Checks an invoice.
///
/// # Errors
/// Permanent, `invoice-invalid`, with every finding by its rule. Answers of the ERP that are neither
/// yes nor no are errors too, retryable where the ERP may recover.
#[step]
pub fn check_invoice(invoice: Invoice, erp: &Endpoint) -> Result<CheckedInvoice, StepError> {
    let verdict = check(&invoice);
    if !verdict.findings.is_empty() {
        return Err(StepError::permanent(INVALID, finding::describe(&verdict.findings)));
    }
    let mut checks = vec![Check::En16931];
    checks.extend(verdict.peppol.then_some(Check::PeppolArithmetic));
    erp::ask(invoice, checks, verdict.remarks, erp)
}
