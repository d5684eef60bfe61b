//! Reads a UBL 2.1 invoice or credit note into the normalised document.
//!
//! The step has no grants: XML from strangers is parsed where it can reach nothing.
#![forbid(unsafe_code)]

mod parts;
mod ubl;
mod xml;

pub use ubl::read;
pub use xml::{Code, ReadError};

use invoice_model::Invoice;
use stepward_sdk::{StepError, step};

/// Reads the XML text of a document.
///
/// # Errors
/// Permanent, with the name of the [`Code`], and the place in the document.
#[step]
#[expect(clippy::needless_pass_by_value, reason = "a step owns its input")]
pub fn read_invoice(document: String) -> Result<Invoice, StepError> {
    read(&document).map_err(|error| StepError::permanent(error.code.as_str(), error.message))
}
