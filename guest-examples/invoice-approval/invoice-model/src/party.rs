//! Who sells, buys, is paid and receives.

use crate::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An identifier and the scheme that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The identifier.
    pub value: String,
    /// The scheme, such as `0088` for a GLN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// A seller (BG-4) or a buyer (BG-7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// BT-27 or BT-44, the full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// BT-28 or BT-45, the name it trades under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trading_name: Option<String>,
    /// BT-29 or BT-46. The bank's creditor identifier (scheme SEPA) is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Identifier>,
    /// BT-30 or BT-47, the number in a register of companies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<Identifier>,
    /// BT-31 or BT-48, the VAT identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// BT-32, the registration for another tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_registration: Option<String>,
    /// BT-34 or BT-49, the electronic address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Identifier>,
    /// BG-5 or BG-8, the postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A postal address (BG-5, BG-8, BG-12, BG-15).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// First line, usually street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Town or city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// BT-40, BT-55, BT-69 or BT-80, the country as ISO 3166-1 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Who is paid where that is not the seller (BG-10).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// BT-59, the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// BT-60, the identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Identifier>,
    /// BT-61, the number in a register of companies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<Identifier>,
}

/// Who answers for the seller's VAT (BG-11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRepresentative {
    /// BT-62, the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// BT-63, the VAT identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// BG-12, the postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// Where and when goods or services were delivered (BG-13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// BT-72, the day of delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// BG-15, the address of delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}
