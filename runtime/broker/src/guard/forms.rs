//! The forms of a secret that are searched for as they stand.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// One way of writing the material.
pub(super) struct Form {
    /// What is searched for. Wiped when dropped.
    pub(super) text: Zeroizing<Vec<u8>>,
    /// How much of the material stands before it, and how much after it, in bytes of this form.
    pub(super) around: (usize, usize),
}

/// Largest part of a material that is searched for, in bytes. Of a larger one the middle stands
/// for the whole: the ends of keys and certificates are often the same for all of them. More would
/// find no more, and the search's table grows with it: 3 MiB for each secret of this size.
const WINDOW_BYTES: usize = 256;

/// Each form once: the bytes themselves, hexadecimal in both cases, and base64 in both alphabets at
/// each of three offsets.
pub(super) fn of(material: &[u8]) -> Vec<Form> {
    let skipped = material.len().saturating_sub(WINDOW_BYTES) / 2;
    let window = material.get(skipped..).unwrap_or_default();
    let window = window.get(..WINDOW_BYTES.min(window.len())).unwrap_or_default();
    let left = material.len() - skipped - window.len();
    let mut forms = vec![Form { text: Zeroizing::new(window.to_vec()), around: (skipped, left) }];
    let encoded = (0..3).flat_map(|offset| base64(window, offset));
    let encoded = encoded.map(|text| (text, (base64_length(skipped), base64_length(left))));
    let hex = [hex::encode(window), hex::encode_upper(window)].map(|text| (text, (2 * skipped, 2 * left)));
    for (text, around) in encoded.chain(hex) {
        let text = Zeroizing::new(text.into_bytes());
        if !forms.iter().any(|form| form.text == text) {
            forms.push(Form { text, around });
        }
    }
    forms
}

/// The most base64 characters that `bytes` bytes have a part in, wherever they begin.
fn base64_length(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes * 8).div_ceil(6) + 1 }
}

/// The characters of the base64 of `PREFIX ++ material ++ SUFFIX` that depend on the material
/// alone, where the prefix has `offset` bytes more than a multiple of three (RFC 4648).
fn base64(material: &[u8], offset: usize) -> [String; 2] {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(material);
    let first = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    let inner = |text: String| text.get(first..end).unwrap_or_default().to_owned();
    [inner(STANDARD_NO_PAD.encode(&padded)), inner(URL_SAFE_NO_PAD.encode(&padded))]
}
