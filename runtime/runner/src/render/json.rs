//! JSON that a terminal can be shown.

use std::fmt::Write as _;
use stepward_fault::shown;

/// The same JSON value, with every character that could forge or hide something on a terminal
/// written as `\uXXXX`. Documents of guests hold them as they are: JSON asks for escapes of C0 alone.
pub(crate) fn plain(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Whitespace between tokens: within strings JSON escapes it.
            '\r' => plain.push(' '),
            '\n' | '\t' | ' '..='~' => plain.push(c),
            _ => {
                let one = c.to_string();
                if shown(&one).to_string() == one {
                    plain.push(c);
                    continue;
                }
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(plain, "\\u{unit:04x}");
                }
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn the_value_stays_and_nothing_deceptive_is_printed() {
        let value = serde_json::json!({ "\u{202e}k": "a\u{9b}b\u{7f}\u{e0041}\u{1b}\n\t東京 — ok 🙂" });
        let text = plain(&format!(" \t\r\n{value}"));
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{7f}', '\u{e0041}', '\u{1b}', '\r']), "{text}");
        assert!(text.contains("東京 — ok 🙂") && text.contains("\\udb40\\udc41"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
