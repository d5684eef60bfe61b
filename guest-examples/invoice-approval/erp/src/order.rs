//! Payment orders: read only after their signature held.

use crate::reply::Refusal;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::http::StatusCode;
use serde::Deserialize;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that a payer's key is 32 bytes in hex.
const PAYER_KEY: Rule = Rule::new("erp-payer-key");
/// The version of the one key that is registered.
pub(crate) const KEY_VERSION: &str = "1";
/// Bytes of an Ed25519 public key (RFC 8032, section 5.1.5).
const KEY_BYTES: usize = 32;
/// Most digits of an amount, separators left out: far above any real one, and small in a page.
const AMOUNT_CHARS: usize = 24;
/// Most characters of a supplier's id, an invoice number or an account.
const NAME_CHARS: usize = 128;

/// The payer's public Ed25519 key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PayerKey([u8; KEY_BYTES]);

impl PayerKey {
    /// Reads 64 hex digits; white space around them does not count.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|e| {
            Fault::new(Class::BadInput, Owner::Operator, PAYER_KEY)
                .says(format_args!("the payer's key is not 32 bytes in hex: {e}"))
                .hint("give the raw Ed25519 public key as 64 hex digits")
        })?;
        Ok(Self(bytes))
    }

    /// A key that is known to have the right length.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for PayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayerKey({})", hex::encode(self.0))
    }
}

/// The body of `POST /payments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedOrder {
    order: String,
    signature: String,
    algorithm: String,
    key_version: String,
}

/// An order whose signature held and whose fields make sense. Only [`SignedOrder::verify`] makes
/// one, and a payment cannot be booked without it.
#[derive(Debug)]
pub(crate) struct VerifiedOrder {
    text: String,
    fields: Fields,
    key_version: String,
}

/// What the ERP reads of an order. Other fields are kept with the text.
#[derive(Debug, Deserialize)]
struct Fields {
    supplier: String,
    invoice: String,
    amount: Amount,
    currency: String,
    iban: Option<String>,
    due_date: Option<String>,
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Text(String),
    Number(serde_json::Number),
}

impl SignedOrder {
    /// Reads the body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|e| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "body-malformed",
                format!("the body is not a signed order: {e}"),
            )
        })
    }

    /// Which key the sender says to have used.
    pub(crate) fn key_version(&self) -> &str {
        &self.key_version
    }

    /// Checks the signature over the exact text of the order, then reads the text.
    pub(crate) fn verify(self, key: Option<&PayerKey>) -> Result<VerifiedOrder, Refusal> {
        let invalid = |why: &str| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "signature-invalid", why);
        let key = key.ok_or_else(|| invalid("no payer's key of this version is registered"))?;
        if self.algorithm != "ed25519" {
            return Err(invalid("the algorithm must be ed25519"));
        }
        let signature = hex::decode(&self.signature).map_err(|_| invalid("the signature is not hex"))?;
        UnparsedPublicKey::new(&ED25519, key.as_bytes())
            .verify(self.order.as_bytes(), &signature)
            .map_err(|_| invalid("the signature does not fit the order and the registered key"))?;
        let mut fields: Fields = serde_json::from_str(&self.order).map_err(|e| malformed(&e.to_string()))?;
        fields.tidy()?;
        Ok(VerifiedOrder { text: self.order, fields, key_version: self.key_version })
    }
}

impl Fields {
    fn tidy(&mut self) -> Result<(), Refusal> {
        for name in [&mut self.supplier, &mut self.invoice] {
            *name = name.trim().to_owned();
            if name.is_empty() || name.chars().count() > NAME_CHARS {
                return Err(malformed("supplier and invoice must have 1 to 128 characters"));
            }
        }
        for text in [&self.iban, &self.due_date, &self.kind].into_iter().flatten() {
            if text.chars().count() > NAME_CHARS {
                return Err(malformed("iban, due_date and kind have at most 128 characters"));
            }
        }
        let amount = self.amount.text();
        let digits = amount.strip_prefix('-').unwrap_or(&amount);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let decimal = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !decimal(whole) || !decimal(fraction) || amount.len() > AMOUNT_CHARS {
            return Err(malformed("the amount is not a decimal number such as 1250.00"));
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(malformed("the currency is not an ISO 4217 code such as EUR"));
        }
        Ok(())
    }
}

impl Amount {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl VerifiedOrder {
    /// The signed text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The supplier's id as the order spells it.
    pub(crate) fn supplier(&self) -> &str {
        &self.fields.supplier
    }

    /// The invoice's number.
    pub(crate) fn invoice(&self) -> &str {
        &self.fields.invoice
    }

    /// The amount, decimal.
    pub(crate) fn amount(&self) -> String {
        self.fields.amount.text()
    }

    /// The currency, ISO 4217.
    pub(crate) fn currency(&self) -> &str {
        &self.fields.currency
    }

    /// The payee's account.
    pub(crate) fn iban(&self) -> Option<&str> {
        self.fields.iban.as_deref()
    }

    /// When it is due.
    pub(crate) fn due_date(&self) -> Option<&str> {
        self.fields.due_date.as_deref()
    }

    /// Invoice or credit note, in the sender's words.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.fields.kind.as_deref()
    }

    /// The version of the key that signed.
    pub(crate) fn key_version(&self) -> &str {
        &self.key_version
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "order-malformed", why)
}
