//! What the check step hands to the payment step.

use crate::{Date, Kind, Number};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a rule has to say about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule's name, such as `BR-CO-10`.
    pub rule: String,
    /// Where: `document`, `line 3`, `VAT breakdown 1`.
    pub place: String,
    /// What is wrong, with the figures.
    pub explanation: String,
}

/// A set of rules that a document has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The business rules of EN 16931.
    En16931,
    /// The arithmetic rules of Peppol BIS Billing 3, for documents that claim to follow it.
    PeppolArithmetic,
    /// The ERP knows the supplier.
    SupplierKnown,
    /// The document asks to be paid to an account that the ERP has on file for the supplier.
    AccountOnFile,
    /// The ERP has not posted the document yet.
    InvoiceNew,
}

/// An invoice without findings: what is needed to pay it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckedInvoice {
    /// Invoice or credit note.
    pub kind: Kind,
    /// BT-1 as the document writes it.
    pub number: String,
    /// The ERP's identifier of the supplier.
    pub supplier: String,
    /// BT-27.
    pub supplier_name: String,
    /// BT-44.
    pub buyer_name: String,
    /// BT-2.
    pub issue_date: Date,
    /// BT-9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// BT-115 as the document writes it.
    pub amount_due: Number,
    /// BT-5.
    pub currency: String,
    /// The account to pay to, without spaces: an IBAN within SEPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// BT-83.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance: Option<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What no rule forbids and a person should still see before paying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Finding>,
}
