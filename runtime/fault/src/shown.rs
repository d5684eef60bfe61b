//! Text that somebody else wrote, made safe for a terminal, a log line or a page.

use std::fmt::{self, Write as _};

/// A view of untrusted text whose [`fmt::Display`] cannot move a cursor, start a line, colour a
/// terminal or reverse the reading direction.
#[derive(Clone, Copy)]
pub struct Shown<'a>(&'a str);

/// Shows `text` with every character that could forge or hide something written as `\u{…}`.
///
/// Escaped are the C0 and C1 controls (tab and newline too), DEL, the bidirectional controls and
/// isolates of Unicode TR 9, the line and paragraph separators, zero-width characters, the
/// byte-order mark, and tag characters.
///
/// ```
/// assert_eq!(stepward_fault::shown("a\u{1b}[2Jb\n").to_string(), "a\\u{1b}[2Jb\\u{a}");
/// ```
pub fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_deceptive(c) {
                write!(f, "\\u{{{:x}}}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn nothing_deceptive_survives() {
        for c in ('\0'..='\u{1f}').chain(['\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}'])
        {
            let text = shown(&format!("a{c}b")).to_string();
            assert!(!text.contains(c), "{text:?} still holds {c:?}");
        }
    }

    #[test]
    fn ordinary_text_is_untouched() {
        assert_eq!(shown("Bjerkåsholmen 125, 東京 — ok").to_string(), "Bjerkåsholmen 125, 東京 — ok");
    }
}
