//! The normalised invoice that the example's steps hand to each other.
//!
//! Fields carry the business terms (BT) and groups (BG) of EN 16931-1, which is the semantic model
//! behind every European electronic invoice. Whatever a document leaves out is `None` or an empty
//! list here: reading does not judge, the check step does.
#![forbid(unsafe_code)]

mod amounts;
mod checked;
mod date;
mod number;
mod party;

pub use amounts::{AllowanceCharge, Line, PaymentMeans, Price, TaxTotal, Totals, VatBreakdown, VatCategory};
pub use checked::{Check, CheckedInvoice, Finding};
pub use date::{Date, DateError};
pub use number::{Number, NumberError};
pub use party::{Address, Delivery, Identifier, Party, Payee, TaxRepresentative};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which of the two UBL documents it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// UBL `Invoice`: the buyer owes the amount due.
    Invoice,
    /// UBL `CreditNote`: the seller owes the amount due.
    CreditNote,
}

/// An EN 16931 invoice or credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Invoice or credit note.
    pub kind: Kind,
    /// BT-24, the specification that the document claims to follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification: Option<String>,
    /// BT-1, the document's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// BT-2, the date of issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// BT-9, the date on which payment is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// BT-3, the type code of UNTDID 1001, such as 380 or 381.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_code: Option<String>,
    /// BT-5, the currency of every amount but BT-111, as ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// BT-6, the currency in which the seller accounts for VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_currency: Option<String>,
    /// Every currency that an amount outside the tax totals names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub amount_currencies: BTreeSet<String>,
    /// BT-7, the date on which VAT becomes accountable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_point_date: Option<Date>,
    /// BG-14, the period that the document covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// BT-20, the terms of payment in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_terms: Option<String>,
    /// Orders, contracts and earlier documents.
    #[serde(default)]
    pub references: References,
    /// BG-4, who sells.
    #[serde(default)]
    pub seller: Party,
    /// BG-7, who buys.
    #[serde(default)]
    pub buyer: Party,
    /// BG-10, who is paid where that is not the seller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<Payee>,
    /// BG-11, who answers for the seller's VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_representative: Option<TaxRepresentative>,
    /// BG-13, where and when the goods went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// BG-16, how to pay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_means: Vec<PaymentMeans>,
    /// BG-20, allowances on the whole document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowances: Vec<AllowanceCharge>,
    /// BG-21, charges on the whole document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<AllowanceCharge>,
    /// BT-110 and BT-111 with the VAT breakdown (BG-23), as the document groups them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax_totals: Vec<TaxTotal>,
    /// BG-22, the totals of the document.
    #[serde(default)]
    pub totals: Totals,
    /// BG-25, the lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// BG-24, supporting documents. Embedded content is measured and left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl Invoice {
    /// An empty document, which breaks almost every rule.
    pub fn empty(kind: Kind) -> Self {
        Self {
            kind,
            specification: None,
            number: None,
            issue_date: None,
            due_date: None,
            type_code: None,
            currency: None,
            tax_currency: None,
            amount_currencies: BTreeSet::new(),
            tax_point_date: None,
            period: None,
            payment_terms: None,
            references: References::default(),
            seller: Party::default(),
            buyer: Party::default(),
            payee: None,
            tax_representative: None,
            delivery: None,
            payment_means: Vec::new(),
            allowances: Vec::new(),
            charges: Vec::new(),
            tax_totals: Vec::new(),
            totals: Totals::default(),
            lines: Vec::new(),
            attachments: Vec::new(),
        }
    }

    /// Every group of the VAT breakdown (BG-23), in document order.
    pub fn vat_breakdown(&self) -> impl Iterator<Item = &VatBreakdown> {
        self.tax_totals.iter().flat_map(|total| &total.breakdown)
    }
}

/// A period of invoicing (BG-14, BG-26).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// BT-73 or BT-134, the first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
    /// BT-74 or BT-135, the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    /// BT-8, the event that makes VAT accountable, as code of UNTDID 2005.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_point_code: Option<String>,
}

/// What the document refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// BT-10, the buyer's own routing reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer: Option<String>,
    /// BT-13, the purchase order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// BT-14, the seller's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_order: Option<String>,
    /// BT-12, the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// BG-3, earlier invoices that this document corrects or completes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preceding: Vec<Preceding>,
}

/// An earlier invoice (BG-3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preceding {
    /// BT-25, its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// BT-26, its date of issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
}

/// A supporting document (BG-24).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// BT-122, its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// BT-123, what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// BT-125, the file name of the embedded document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// BT-125, the media type of the embedded document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Size of the embedded document, decoded, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}
