//! Signs a payment order for a checked invoice and posts it to the ERP, once.
#![forbid(unsafe_code)]

mod order;

pub use order::{Order, operation};

use invoice_model::{CheckedInvoice, Number};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepward_sdk::{Algorithm, Endpoint, Response, Signature, Signer, StepError, step};

/// What remains of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The ERP's number of the payment.
    pub payment_id: String,
    /// Whether this run posted it or found it posted.
    pub outcome: Outcome,
    /// The ERP's identifier of the supplier.
    pub supplier: String,
    /// The number of the invoice.
    pub invoice: String,
    /// What was ordered to be paid; negative when the supplier owes it.
    pub amount: Number,
    /// ISO 4217.
    pub currency: String,
    /// The version of the key that signed the order.
    pub key_version: String,
}

/// How the payment came to be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// By this call.
    Posted,
    /// By an earlier attempt at the same call.
    AlreadyPosted,
}

/// The body of the request. The order travels as the very text that was signed.
#[derive(Debug, Serialize)]
struct SignedOrder<'a> {
    order: &'a str,
    signature: String,
    algorithm: &'static str,
    key_version: &'a str,
}

/// Posts a payment.
///
/// # Errors
/// The ERP's own code where it refuses the order (permanent) or takes no more for now (retryable).
/// `call-in-doubt` where it failed, for it may have booked the payment before (permanent). The errors
/// of the SDK where there is no answer.
#[step]
pub fn post_payment(
    invoice: CheckedInvoice,
    erp: &Endpoint,
    payment_signing: &Signer,
) -> Result<Receipt, StepError> {
    let order = Order::of(&invoice);
    let text = order.canonical()?;
    let signature = payment_signing.sign(text.as_bytes())?;
    let body = SignedOrder {
        order: &text,
        signature: signature.to_hex(),
        algorithm: algorithm(&signature),
        key_version: signature.key_version(),
    };
    let label = operation(&invoice.supplier, &invoice.number);
    let response = erp.post(["payments"]).json(&body).operation(label).send()?;
    let (payment_id, outcome) = posted(&response)?;
    Ok(Receipt {
        payment_id,
        outcome,
        supplier: invoice.supplier,
        invoice: invoice.number,
        amount: order.amount,
        currency: invoice.currency,
        key_version: signature.key_version().to_owned(),
    })
}

fn algorithm(signature: &Signature) -> &'static str {
    match signature.algorithm() {
        Algorithm::Ed25519 => "ed25519",
        Algorithm::HmacSha256 => "hmac-sha256",
    }
}

/// What the ERP answers when a payment is posted.
#[derive(Debug, Deserialize)]
struct Payment {
    payment_id: String,
}

/// What the ERP answers when it is not.
#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    message: String,
}

fn posted(response: &Response) -> Result<(String, Outcome), StepError> {
    let outcome = match response.status() {
        201 => Outcome::Posted,
        200 => Outcome::AlreadyPosted,
        status => return Err(refused(response, status)),
    };
    Ok((response.json::<Payment>()?.payment_id, outcome))
}

/// The ERP's refusal. Its code becomes the step's, so that a workflow can match on it.
fn refused(response: &Response, status: u16) -> StepError {
    let (code, message) = match response.json::<Problem>() {
        Ok(problem) if is_code(&problem.code) => {
            (problem.code, format!("{} (status {status})", problem.message))
        }
        Ok(_) | Err(_) => ("payment-refused".to_owned(), format!("the ERP answered with status {status}")),
    };
    match status {
        429 => StepError::retryable(code, message),
        500.. => {
            StepError::permanent("call-in-doubt", format!("the ERP may have booked the payment: {message}"))
        }
        _ => StepError::permanent(code, message),
    }
}

/// Longest code that is taken over, in bytes.
const CODE_BYTES: usize = 64;

/// Whether a text from the network can be a code: lower-case words joined by dashes.
fn is_code(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= CODE_BYTES && text.bytes().all(word)
}

#[cfg(test)]
mod tests;
