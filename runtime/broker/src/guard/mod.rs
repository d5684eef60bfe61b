//! A net for secrets that come back by accident.
//!
//! Whatever an endpoint answers and whatever a step says is searched for the secrets that the step
//! works with, plain and in the usual encodings, over whole values, so that no chunk border hides
//! one. It is a net for accidents and no more: a service or a step that *means* to pass a secret on
//! can encrypt it, cut it up or spell it backwards, and nothing here would notice. What keeps a
//! secret from a step is that the step is never given it.
//!
//! The search tells nothing of what it searches for but by its verdict. It takes one look at a table
//! for each byte, whatever the byte and the secret are: the shortcuts of a usual search jump over
//! text that shares no rare byte with the secret, which a step that may read a clock could measure,
//! byte by byte. A match ends the run, in one sentence for every encoding, place and length.

mod forms;
mod view;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::Label;
use view::View;
use zeroize::Zeroizing;

/// Secret material stood where a secret must not pass.
pub const SECRET_LEAK: Rule = Rule::new("secret-leak");
/// A secret is too short to be told from chance.
const TOO_SHORT: Rule = Rule::new("secret-too-short");
/// The secrets of one step are too many or too large to search for.
const TOO_MUCH: Rule = Rule::new("secret-too-much");

/// Shortest secret in bytes. Shorter ones appear by chance, and can be guessed besides.
pub const MATERIAL_BYTES: usize = 8;

/// Searches for the secrets of one step.
pub struct Guard {
    matcher: AhoCorasick,
    /// What each of the matcher's patterns stands for.
    meanings: Vec<Meaning>,
}

/// What a pattern stands for.
struct Meaning {
    secret: Label,
    /// How much of the secret may stand before and after the pattern.
    around: (usize, usize),
}

/// A value that was searched and holds no secret. Only [`Guard::clear`] makes it.
#[derive(Debug)]
pub struct Clear<T>(T);

impl<T> Clear<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A secret stood in a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Leak {
    secret: Label,
}

impl Leak {
    /// The name of the secret.
    pub fn secret(&self) -> &Label {
        &self.secret
    }

    /// The end of the run; `what` held the secret. Also raises the alert.
    pub(crate) fn alert(&self, place: impl fmt::Display, what: &str) -> Fault {
        let fault = Fault::new(Class::Refused, Owner::Operator, SECRET_LEAK)
            .at(place)
            .says(format_args!("{what} holds the secret {:?}; it was withheld and the run ended", self.secret))
            .hint(format_args!(
                "find out why {what} repeats it, issue a new secret, and change its version under [secrets.{}]",
                self.secret
            ));
        tracing::error!(target: "stepward::alert", secret = %self.secret, rule = %SECRET_LEAK, "{fault}");
        fault
    }
}

/// Gathers what a [`Guard`] searches for.
#[derive(Default)]
pub(crate) struct GuardBuilder {
    patterns: Vec<Zeroizing<Vec<u8>>>,
    meanings: Vec<Meaning>,
}

impl GuardBuilder {
    /// Adds one material of a secret: its bytes, or a part that is as good as the whole.
    ///
    /// # Errors
    /// When it is shorter than [`MATERIAL_BYTES`].
    pub(crate) fn add(&mut self, secret: &Label, material: &[u8]) -> Result<(), Fault> {
        if material.len() < MATERIAL_BYTES {
            return Err(Fault::new(Class::Refused, Owner::Operator, TOO_SHORT)
                .at(format_args!("secret {secret}"))
                .says(format_args!(
                    "the secret {secret:?}, or its password, is shorter than {MATERIAL_BYTES} bytes"
                ))
                .hint("issue a longer one: openssl rand -hex 32"));
        }
        for form in forms::of(material) {
            self.patterns.push(form.text);
            self.meanings.push(Meaning { secret: secret.clone(), around: form.around });
        }
        Ok(())
    }

    /// Builds the search.
    pub(crate) fn build(self) -> Result<Guard, Fault> {
        // A table without shortcuts: see the module's documentation.
        let mut search = AhoCorasickBuilder::new();
        search.kind(Some(AhoCorasickKind::DFA)).prefilter(false);
        let matcher =
            search.build(self.patterns.iter().map(|pattern| pattern.as_slice())).map_err(|error| {
                Fault::new(Class::Refused, Owner::Operator, TOO_MUCH)
                    .says(format_args!("the secrets of this step cannot be searched for: {error}"))
                    .hint("grant the step fewer secrets")
            })?;
        Ok(Guard { matcher, meanings: self.meanings })
    }
}

impl Guard {
    /// Lets a value pass that holds no secret.
    ///
    /// # Errors
    /// [`Leak`] names the secret that it holds.
    pub fn clear<T: AsRef<[u8]>>(&self, value: T) -> Result<Clear<T>, Leak> {
        let bytes = value.as_ref();
        let as_it_stands = self.matcher.find(bytes);
        let read_back = || View::ALL.into_iter().find_map(|view| self.matcher.find(&view.read(bytes)?));
        match as_it_stands.or_else(read_back) {
            None => Ok(Clear(value)),
            Some(found) => Err(Leak { secret: self.meaning(found.pattern().as_usize()).secret.clone() }),
        }
    }

    /// The bytes with `{{secret NAME}}` in the place of each secret, for what is written down.
    pub fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        let mut redacted = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for (start, end, pattern) in self.stretches(bytes) {
            redacted.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
            redacted.extend_from_slice(format!("{{{{secret {}}}}}", self.meaning(pattern).secret).as_bytes());
            copied = end;
        }
        redacted.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        redacted
    }

    /// As [`redact`](Self::redact), for text.
    pub fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// The stretches that secrets cover, with the room that the rest of a large one takes up.
    /// Overlapping ones are one, so that no end of a second secret is left standing.
    fn stretches(&self, bytes: &[u8]) -> Vec<(usize, usize, usize)> {
        let hits = |text: &[u8]| -> Vec<(usize, usize, usize)> {
            let whole = |hit: aho_corasick::Match| {
                let pattern = hit.pattern().as_usize();
                let (before, after) = self.meaning(pattern).around;
                (hit.start().saturating_sub(before), text.len().min(hit.end() + after), pattern)
            };
            self.matcher.find_overlapping_iter(text).map(whole).collect()
        };
        let mut found = hits(bytes);
        for view in View::ALL {
            let read = view.read(bytes).map(|read| hits(&read)).unwrap_or_default();
            if !read.is_empty() {
                let places = view.places(bytes);
                let place = |index: usize| places.get(index).copied().unwrap_or(bytes.len());
                found.extend(
                    read.into_iter().map(|(start, end, pattern)| (place(start), place(end), pattern)),
                );
            }
        }
        found.sort_unstable();
        let mut stretches: Vec<(usize, usize, usize)> = Vec::new();
        for (start, end, pattern) in found {
            match stretches.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => stretches.push((start, end, pattern)),
            }
        }
        stretches
    }

    fn meaning(&self, pattern: usize) -> &Meaning {
        // The matcher numbers its patterns in the order in which they were added.
        #[expect(clippy::indexing_slicing, reason = "one meaning was pushed for each pattern")]
        &self.meanings[pattern]
    }
}

/// How much is searched for, and never what.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({} patterns)", self.meanings.len())
    }
}

#[cfg(test)]
mod tests;
