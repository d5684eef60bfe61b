//! Labels: the names of imports.

use proc_macro2::Ident;
use syn::{Error, Result, ext::IdentExt as _};

/// Longest label, in bytes; what hosts accept.
const LABEL_BYTES: usize = 64;

/// The name of one import: lower-case ASCII words of letters and digits, each starting with a
/// letter, joined by single dashes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Label(String);

impl Label {
    /// Spells a Rust name in kebab case.
    ///
    /// `use_of_name` tells the author what the label is for.
    pub(crate) fn from_ident(ident: &Ident, use_of_name: &str) -> Result<Self> {
        let refuse = |why: &str| {
            let unraw = ident.unraw();
            Err(Error::new(ident.span(), format!("`{unraw}` cannot be {use_of_name}: {why}")))
        };
        let text = ident.to_string();
        let word = |w: &str| {
            w.starts_with(|c: char| c.is_ascii_lowercase())
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.starts_with("r#") {
            refuse("it is a keyword of Rust; choose another name")
        } else if text.len() > LABEL_BYTES {
            refuse("it has more than 64 bytes; choose a shorter name")
        } else if !text.split('_').all(word) {
            refuse(
                "write lower-case ASCII words of letters and digits, each starting with a letter, joined by \
                 single underscores, such as `payment_signing`",
            )
        } else {
            Ok(Self(text.replace('_', "-")))
        }
    }

    /// The label's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
