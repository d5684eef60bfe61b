//! Ways to read a text whose writer escaped characters.
//!
//! Writers differ in what they escape, so the text is read back instead of every spelling of a
//! secret being searched for. One level is read back: JSON inside JSON is not.

use std::str;

/// How a text is read.
#[derive(Clone, Copy)]
pub(super) enum View {
    /// `%2F` is `/` (RFC 3986).
    Percent,
    /// As above, and `+` is a space (HTML forms).
    Form,
    /// `\u002f`, `\/` and the other escapes of JSON strings (RFC 8259).
    Json,
    /// `&amp;`, `&#47;` and `&#x2f;` (XML, HTML).
    Xml,
    /// Without its line breaks, where encoders put base64 and hexadecimal into lines (RFC 2045).
    Lines,
}

/// What an escape stands for, and how many bytes it takes.
enum Unit {
    Nothing(usize),
    Byte(u8, usize),
    Char(char, usize),
}

/// Longest entity that is read, `&#x10FFFF;`.
const ENTITY_BYTES: usize = 10;

impl View {
    pub(super) const ALL: [Self; 5] = [Self::Percent, Self::Form, Self::Json, Self::Xml, Self::Lines];

    /// The byte without which a text reads the same in this view as it stands.
    fn mark(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Form => b'+',
            Self::Json => b'\\',
            Self::Xml => b'&',
            Self::Lines => b'\n',
        }
    }

    /// The text read back, unless it reads as it stands.
    pub(super) fn read(self, text: &[u8]) -> Option<Vec<u8>> {
        text.contains(&self.mark()).then(|| {
            let mut read = Vec::with_capacity(text.len());
            self.walk(text, |_, bytes| read.extend_from_slice(bytes));
            read
        })
    }

    /// For each byte of the text read back the place in the text that it came from, and the text's
    /// length at the end.
    pub(super) fn places(self, text: &[u8]) -> Vec<usize> {
        let mut places = Vec::with_capacity(text.len() + 1);
        self.walk(text, |place, bytes| places.extend(bytes.iter().map(|_| place)));
        places.push(text.len());
        places
    }

    fn walk(self, text: &[u8], mut each: impl FnMut(usize, &[u8])) {
        let mut place = 0;
        while let Some((&first, rest)) = text.get(place..).and_then(<[u8]>::split_first) {
            let length = match self.unit(first, rest) {
                None => {
                    each(place, &[first]);
                    1
                }
                Some(Unit::Nothing(length)) => length,
                Some(Unit::Byte(byte, length)) => {
                    each(place, &[byte]);
                    length
                }
                Some(Unit::Char(c, length)) => {
                    each(place, c.encode_utf8(&mut [0; 4]).as_bytes());
                    length
                }
            };
            place += length;
        }
    }

    fn unit(self, first: u8, rest: &[u8]) -> Option<Unit> {
        match (self, first) {
            (Self::Percent | Self::Form, b'%') => {
                let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
                let value = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
                Some(Unit::Byte(value, 3))
            }
            (Self::Form, b'+') => Some(Unit::Byte(b' ', 1)),
            (Self::Json, b'\\') => json(rest),
            (Self::Xml, b'&') => entity(rest),
            (Self::Lines, b'\r' | b'\n') => Some(Unit::Nothing(1)),
            (Self::Percent | Self::Form | Self::Json | Self::Xml | Self::Lines, _) => None,
        }
    }
}

/// A JSON escape after its backslash.
fn json(rest: &[u8]) -> Option<Unit> {
    let byte = match rest.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => return utf16(rest.get(1..)?),
        sign @ (b'"' | b'\\' | b'/' | b'\'') => *sign,
        _ => return None,
    };
    Some(Unit::Byte(byte, 2))
}

/// One `\u` escape after its `u`, or the two of a surrogate pair.
fn utf16(rest: &[u8]) -> Option<Unit> {
    let digits = |from: usize| {
        let digits = rest.get(from..from + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = digits(0)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some(Unit::Char(c, 6));
    }
    rest.get(4..6).filter(|mark| mark == b"\\u")?;
    let c = char::decode_utf16([first, digits(6)?]).next()?.ok()?;
    Some(Unit::Char(c, 12))
}

/// An entity after its ampersand.
fn entity(rest: &[u8]) -> Option<Unit> {
    let end = rest.iter().take(ENTITY_BYTES).position(|byte| *byte == b';')?;
    let name = str::from_utf8(rest.get(..end)?).ok()?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(value.ok()?)?
        }
    };
    Some(Unit::Char(c, end + 2))
}
