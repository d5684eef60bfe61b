//! The payment order and its canonical text.

use invoice_model::{CheckedInvoice, Date, Kind, Number};
use serde::Serialize;
use std::fmt::Write as _;
use stepward_sdk::StepError;

/// A payment order. The fields stand in the order of their names and hold no binary fractions, so
/// that their JSON without white space is canonical (RFC 8785).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// What to pay; negative when the supplier owes it.
    pub amount: Number,
    /// ISO 4217.
    pub currency: String,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// Where to pay it to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// The number of the invoice.
    pub invoice: String,
    /// Invoice or credit note.
    pub kind: Kind,
    /// What to write on the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance: Option<String>,
    /// The ERP's identifier of the supplier.
    pub supplier: String,
}

impl Order {
    /// The order that settles an invoice. A credit note turns the sign: its amount is the
    /// supplier's debt.
    pub fn of(invoice: &CheckedInvoice) -> Self {
        Self {
            amount: match invoice.kind {
                Kind::Invoice => invoice.amount_due,
                Kind::CreditNote => invoice.amount_due.negated(),
            },
            currency: invoice.currency.clone(),
            due_date: invoice.due_date,
            iban: invoice.iban.clone(),
            invoice: invoice.number.clone(),
            kind: invoice.kind,
            remittance: invoice.remittance.clone(),
            supplier: invoice.supplier.clone(),
        }
    }

    /// The text that is signed.
    ///
    /// # Errors
    /// Never in practice: every field can be written as JSON.
    pub fn canonical(&self) -> Result<String, StepError> {
        Ok(serde_json::to_string(self)?)
    }
}

/// Longest label that the host takes, in bytes.
const LABEL_BYTES: usize = 200;

/// The label of the one effect of this step: visible ASCII without spaces, as the host wants it.
///
/// Letters, digits, `.`, `_` and `-` stay; every other byte becomes `~` and two hex digits. What is
/// too long is cut: should two orders of one run ever share a label, the host refuses the second.
pub fn operation(supplier: &str, number: &str) -> String {
    let mut label = "post-payment-".to_owned();
    for byte in supplier.bytes().chain([b'-']).chain(number.bytes()) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            label.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(label, "~{byte:02x}");
        }
    }
    label.truncate(LABEL_BYTES);
    label
}
