//! The forms of a secret that are searched for as they stand.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// One way of writing the material. Wiped when dropped.
pub(super) type Form = Zeroizing<Vec<u8>>;

/// Largest part of a material that is searched for, in bytes. Of a larger one the middle stands
/// for the whole: the ends of keys and certificates are often the same for all of them.
const WINDOW_BYTES: usize = 1 << 10;

/// Each form once: the bytes themselves, hexadecimal in both cases, and base64 in both alphabets at
/// each of three offsets.
pub(super) fn of(material: &[u8]) -> Vec<Form> {
    let skipped = material.len().saturating_sub(WINDOW_BYTES) / 2;
    let window = material.get(skipped..).unwrap_or_default();
    let window = window.get(..WINDOW_BYTES.min(window.len())).unwrap_or_default();
    let mut forms = vec![Zeroizing::new(window.to_vec())];
    let encoded = (0..3).flat_map(|offset| base64(window, offset));
    for text in encoded.chain([hex::encode(window), hex::encode_upper(window)]) {
        let form = Zeroizing::new(text.into_bytes());
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
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
