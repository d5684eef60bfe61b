//! Lines, allowances, VAT and totals.

use crate::{Number, Period};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to pay (BG-16).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentMeans {
    /// BT-81, the code of UNTDID 4461: 30 and 58 are credit transfers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// BT-83, the text that the seller wants to see on the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance: Option<String>,
    /// BT-84, the account to pay to: an IBAN within SEPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// BT-85, the holder of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// BT-86, the bank: a BIC within SEPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Whether the document has an account group at all, with or without an identifier (BG-17).
    #[serde(default)]
    pub has_account: bool,
}

/// A VAT category and its rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VatCategory {
    /// BT-95, BT-102, BT-118 or BT-151, the code of UNTDID 5305: S, Z, E, AE, K, G, O, L or M.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// BT-96, BT-103, BT-119 or BT-152, the rate in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Number>,
}

/// An allowance or a charge, on a line (BG-27, BG-28) or on the document (BG-20, BG-21).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowanceCharge {
    /// BT-92, BT-99, BT-136 or BT-141.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Number>,
    /// BT-93, BT-100, BT-137 or BT-142, the amount that the percentage applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_amount: Option<Number>,
    /// BT-94, BT-101, BT-138 or BT-143.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Number>,
    /// BT-97, BT-104, BT-139 or BT-144, the reason in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// BT-98, BT-105, BT-140 or BT-145, the reason as code of UNTDID 5189 or 7161.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// The VAT category, on the document only: on a line the line's applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat: Option<VatCategory>,
}

/// A total of VAT in one currency (BT-110, BT-111) and its breakdown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxTotal {
    /// BT-110 in the document's currency, BT-111 in the accounting currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Number>,
    /// The currency that the amount names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// BG-23.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breakdown: Vec<VatBreakdown>,
}

/// The VAT of one category and rate (BG-23).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VatBreakdown {
    /// BT-116, the amount that is taxed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxable: Option<Number>,
    /// BT-117, the tax on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Number>,
    /// BT-118 and BT-119.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat: Option<VatCategory>,
    /// BT-120, why no tax is due, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption_reason: Option<String>,
    /// BT-121, why no tax is due, as VATEX code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption_code: Option<String>,
}

/// The totals of a document (BG-22); those of VAT are in [`TaxTotal`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// BT-106, the sum of the lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Number>,
    /// BT-107, the sum of the document's allowances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowances: Option<Number>,
    /// BT-108, the sum of the document's charges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charges: Option<Number>,
    /// BT-109, without VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_vat: Option<Number>,
    /// BT-112, with VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_vat: Option<Number>,
    /// BT-113, paid already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepaid: Option<Number>,
    /// BT-114, added to round the amount due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Number>,
    /// BT-115, due for payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Number>,
}

/// A line (BG-25).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// BT-126, the line's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// BT-129, how much was invoiced or credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Number>,
    /// BT-130, the unit as code of UN/ECE recommendation 20 or 21.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// BT-131, the line's amount with its allowances and charges, without VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_amount: Option<Number>,
    /// BG-26, the period that the line covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// BT-153, the item's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// BT-155, the seller's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller_item_id: Option<String>,
    /// BT-151 and BT-152.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat: Option<VatCategory>,
    /// BG-29.
    #[serde(default)]
    pub price: Price,
    /// BG-27.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowances: Vec<AllowanceCharge>,
    /// BG-28.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<AllowanceCharge>,
}

/// The price of an item (BG-29).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// BT-146, the price after the discount, without VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Number>,
    /// BT-147, the discount on the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Number>,
    /// BT-148, the price before the discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross: Option<Number>,
    /// BT-149, how many units the price is for; one where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_quantity: Option<Number>,
}
