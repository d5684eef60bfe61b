//! A net for secrets that come back by accident.
//!
//! Whatever an endpoint answers and whatever a step says is searched for the secrets that the step
//! works with, plain and in the usual encodings, over whole values, so that no chunk border hides
//! one. It is a net for accidents and no more: a service or a step that *means* to pass a secret on
//! can encrypt it, cut it up or spell it backwards, and nothing here would notice. What keeps a
//! secret from a step is that the step is never given it.

mod forms;
mod view;

use aho_corasick::AhoCorasick;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::Label;
use view::View;

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
    /// The secret that each of the matcher's patterns belongs to.
    owners: Vec<Label>,
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
    patterns: Vec<forms::Form>,
    owners: Vec<Label>,
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
            self.patterns.push(form);
            self.owners.push(secret.clone());
        }
        Ok(())
    }

    /// Builds the search.
    pub(crate) fn build(self) -> Result<Guard, Fault> {
        let matcher =
            AhoCorasick::new(self.patterns.iter().map(|pattern| pattern.as_slice())).map_err(|error| {
                Fault::new(Class::Refused, Owner::Operator, TOO_MUCH)
                    .says(format_args!("the secrets of this step cannot be searched for: {error}"))
                    .hint("grant the step fewer secrets")
            })?;
        Ok(Guard { matcher, owners: self.owners })
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
            Some(found) => Err(Leak { secret: self.owner(found.pattern().as_usize()) }),
        }
    }

    /// The bytes with `{{secret NAME}}` in the place of each secret, for what is written down.
    pub fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        let mut redacted = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for (start, end, pattern) in self.stretches(bytes) {
            redacted.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
            redacted.extend_from_slice(format!("{{{{secret {}}}}}", self.owner(pattern)).as_bytes());
            copied = end;
        }
        redacted.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        redacted
    }

    /// As [`redact`](Self::redact), for text.
    pub fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// The stretches that secrets cover. Overlapping ones are one, so that no end of a second
    /// secret is left standing.
    fn stretches(&self, bytes: &[u8]) -> Vec<(usize, usize, usize)> {
        let hits = |text: &[u8]| -> Vec<(usize, usize, usize)> {
            let hits = self.matcher.find_overlapping_iter(text);
            hits.map(|hit| (hit.start(), hit.end(), hit.pattern().as_usize())).collect()
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

    fn owner(&self, pattern: usize) -> Label {
        // The matcher numbers its patterns in the order in which they were added.
        #[expect(clippy::indexing_slicing, reason = "one owner was pushed for each pattern")]
        self.owners[pattern].clone()
    }
}

/// How much is searched for, and never what.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({} patterns)", self.owners.len())
    }
}

#[cfg(test)]
mod tests;
