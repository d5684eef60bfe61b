//! Percent-encoding (RFC 3986, section 2).

/// Appends `bytes` with everything but unreserved characters percent-encoded.
///
/// The percent sign is encoded too, so whatever a guest encoded itself arrives as the literal text
/// that it wrote, and can become no slash, dot segment or query on the way.
pub(crate) fn push(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                text.extend(DIGITS.get(usize::from(digit)));
            }
        }
    }
}
