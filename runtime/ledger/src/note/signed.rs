//! Texts that one or more keys signed.

use super::key::{KeyId, LogVerifier};
use super::{KeyName, base64_decode, base64_encode, error::NoteError, name::is_key_name};
use std::fmt;

/// Largest note in bytes, 128 KiB: room for the 16 signatures that every verifier must accept (C2SP
/// signed-note, "Format"), each of the nearly 5 kB that post-quantum ones have, in base64.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;

/// Most signatures of a note, four times what every verifier must accept.
pub const MAX_SIGNATURES: usize = 64;

/// What each signature line begins with: U+2014 and a space.
const LINE_START: &str = "— ";

/// One signature line of a note. It may come from anyone and says nothing until it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: Box<str>,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    pub(super) fn new(name: &KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name: name.as_str().into(), id, bytes }
    }

    /// Reads a line without its newline.
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let bytes = base64_decode(encoded)?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        (is_key_name(name) && !signature.is_empty()).then(|| Self {
            name: name.into(),
            id: KeyId::from_bytes(*id),
            bytes: signature.to_vec(),
        })
    }

    /// Reads lines that each end in a newline, and at least one.
    pub(crate) fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        let lines = text.strip_suffix('\n').ok_or(NoteError::NoFinalNewline)?;
        if lines.split('\n').nth(MAX_SIGNATURES).is_some() {
            return Err(NoteError::TooManySignatures);
        }
        let parse = |(index, line)| Self::parse(line).ok_or(NoteError::SignatureLine { line: index });
        (1..).zip(lines.split('\n')).map(parse).collect()
    }

    /// The name of the key that is said to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ID of that key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The signature itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The line with its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_bytes().as_slice(), &self.bytes].concat();
        writeln!(f, "{LINE_START}{} {}", self.name, base64_encode(bytes))
    }
}

/// A text and its signatures, well formed and not checked (C2SP signed-note, "Format"). Printing it gives
/// the very bytes that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// The text of a note that every one of some known keys that claims to have signed it did sign, and at
/// least one. Only [`SignedNote::verify`] makes one.
///
/// ```compile_fail,E0451
/// use stepward_ledger::note::Verified;
///
/// fn forge(text: &str) -> Verified<'_> {
///     Verified { text, signers: Vec::new() }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Verified<'a> {
    text: &'a str,
    signers: Vec<&'a LogVerifier>,
}

impl<'a> Verified<'a> {
    /// The signed text, with its final newline.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The keys that signed; never empty.
    pub fn signers(&self) -> &[&'a LogVerifier] {
        &self.signers
    }
}

impl SignedNote {
    pub(super) fn new(text: String, signature: Signature) -> Self {
        Self { text, signatures: vec![signature] }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// When it is larger than [`MAX_NOTE_BYTES`], is not UTF-8, has a control character other than newline,
    /// or does not end in an empty line and 1 to [`MAX_SIGNATURES`] signature lines.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        let note = plain_text(note, MAX_NOTE_BYTES)?;
        // The last empty line separates; empty lines before it belong to the text.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        Ok(Self { text: format!("{text}\n"), signatures: Signature::parse_lines(signatures)? })
    }

    /// The text with its final newline. Do not act on it: nothing was checked.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signatures in their order, known and unknown ones.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Checks the signatures of known keys (C2SP signed-note, "Signatures"). Those of unknown keys are
    /// ignored. A key that signed more than once must have done so rightly each time.
    ///
    /// # Errors
    /// When a signature of a known key does not verify, or there is none.
    pub fn verify<'a>(&'a self, known: &'a [LogVerifier]) -> Result<Verified<'a>, NoteError> {
        let mut signers = Vec::new();
        for verifier in known {
            let mut signed = false;
            for signature in verifier.0.claimed(self) {
                verifier.0.check(self.text.as_bytes(), signature.bytes())?;
                signed = true;
            }
            signers.extend(signed.then_some(verifier));
        }
        if signers.is_empty() {
            return Err(NoteError::NoKnownKey { keys: known.iter().map(|key| key.name().clone()).collect() });
        }
        Ok(Verified { text: &self.text, signers })
    }

    /// Drops the signatures that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Signature) -> bool) {
        self.signatures.retain(keep);
    }

    /// Adds a signature behind the others.
    pub(super) fn push(&mut self, signature: Signature) {
        self.signatures.push(signature);
    }
}

/// The whole note.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

/// Bytes as text without control characters other than newline.
pub(crate) fn plain_text(bytes: &[u8], most: usize) -> Result<&str, NoteError> {
    if bytes.len() > most {
        return Err(NoteError::TooLarge { bytes: bytes.len(), most });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| NoteError::NotUtf8 { offset: error.valid_up_to() })?;
    match text.bytes().position(|b| b < b' ' && b != b'\n') {
        Some(offset) => Err(NoteError::ControlCharacter { offset }),
        None => Ok(text),
    }
}
