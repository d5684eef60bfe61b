//! The keys that a verification goes by.

use super::report::{Cosigner, Findings, Signed, Trust};
use crate::note::{
    Cosigned, KeyName, LogVerifier, NoteError, SignedCheckpoint, SignedNote, VerifierKey, WitnessVerifier,
};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule, shown};

const NO_KEY: Rule = Rule::new("verify-no-key");
const NOT_COSIGNED: Rule = Rule::new("verify-not-cosigned");
const KEY: Rule = Rule::new("verify-key");
const OTHER_KEY: Rule = Rule::new("verify-key-of-another");

/// Public keys: those that whoever asks named, and those that came with the file. Each of them that is
/// a log's must have signed, and each that is a witness's must have cosigned, but for those that are
/// only [known](Self::knowing).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    logs: Vec<(LogVerifier, Trust)>,
    witnesses: Vec<Witness>,
}

/// A witness whose cosignatures are checked.
#[derive(Clone, Debug)]
struct Witness {
    key: WitnessVerifier,
    trust: Trust,
    demand: Demand,
}

/// What is asked of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// It must have cosigned.
    Cosigns,
    /// What claims to be by it must be.
    Nothing,
}

/// A checkpoint of which a key of the log signed every letter.
pub(super) struct Checked {
    pub(super) checkpoint: SignedCheckpoint,
    key: LogVerifier,
    trust: Trust,
    cosigned: Vec<(Witness, Cosigned)>,
}

impl Keys {
    /// Takes keys that whoever asks named.
    pub fn new(given: impl IntoIterator<Item = VerifierKey>) -> Self {
        let mut keys = Self::default();
        given.into_iter().for_each(|key| keys.add(key, Trust::Given));
        keys
    }

    /// Adds a key that whoever asks knows.
    #[must_use]
    pub fn with(mut self, key: VerifierKey) -> Self {
        self.add(key, Trust::Given);
        self
    }

    /// Adds a witness that whoever asks knows and that need not have cosigned. A cosignature that claims
    /// to be by it must be.
    #[must_use]
    pub fn knowing(mut self, witness: WitnessVerifier) -> Self {
        self.add_witness(witness, Trust::Given, Demand::Nothing);
        self
    }

    /// Whether there is a key that a log signs with.
    pub fn has_log(&self) -> bool {
        !self.logs.is_empty()
    }

    /// Adds a key that came with the file. A malformed one is a finding, and so is one that has the name of
    /// a key that was named and is another: whoever reads the name would take the one for the other.
    pub(super) fn find_or_tell(&mut self, text: &str, place: impl fmt::Display, findings: &mut Findings) {
        let invalid = |rule| Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(&place);
        match VerifierKey::parse(text) {
            Err(error) => findings.push(
                invalid(KEY)
                    .says(format_args!("a key that came with the file is none: {error}"))
                    .hint("ask for the file again: it was changed or cut"),
            ),
            Ok(key) if self.poses(&key) => findings.push(
                invalid(OTHER_KEY)
                    .says(format_args!(
                        "the key {}, which came with the file, has the name of one that was named, and is another",
                        shown(text)
                    ))
                    .hint(
                        "keep this file: somebody made a key under that name; or, if its owner changed keys, name \
                         the one that was in use then",
                    ),
            ),
            Ok(key) => self.add(key, Trust::Found),
        }
    }

    /// Whether a key has the name of one that whoever asks named, and is another.
    fn poses(&self, key: &VerifierKey) -> bool {
        match key {
            VerifierKey::Log(key) => self.logs.iter().any(|(known, trust)| {
                *trust == Trust::Given
                    && base(known.name().as_str()) == base(key.name().as_str())
                    && known.public_key() != key.public_key()
            }),
            VerifierKey::Witness(key) => self.witnesses.iter().any(|known| {
                known.trust == Trust::Given && known.key.name() == key.name() && known.key != *key
            }),
        }
    }

    fn add(&mut self, key: VerifierKey, trust: Trust) {
        match key {
            VerifierKey::Log(key) if self.logs.iter().any(|(known, _)| *known == key) => {}
            VerifierKey::Log(key) => self.logs.push((key, trust)),
            VerifierKey::Witness(key) => self.add_witness(key, trust, Demand::Cosigns),
        }
    }

    fn add_witness(&mut self, key: WitnessVerifier, trust: Trust, demand: Demand) {
        match self.witnesses.iter_mut().find(|known| known.key == key) {
            Some(known) if demand == Demand::Cosigns => known.demand = demand,
            Some(_) => {}
            None => self.witnesses.push(Witness { key, trust, demand }),
        }
    }

    /// Checks that every key of a log signed a checkpoint, and every cosignature that claims to be by a
    /// known witness.
    pub(super) fn open(&self, note: &[u8], place: impl fmt::Display) -> Result<Checked, Fault> {
        let fault = |error: &NoteError| error.fault(&place);
        let parsed = SignedNote::parse(note).map_err(|error| fault(&error))?;
        let origin = parsed.unverified_text().lines().next().unwrap_or_default();
        let mut checked: Option<(SignedCheckpoint, LogVerifier, Trust)> = None;
        for (key, trust) in &self.logs {
            let key = of_generation(key, origin);
            let checkpoint = SignedCheckpoint::open(note, &key).map_err(|error| fault(&error))?;
            checked.get_or_insert((checkpoint, key, *trust));
        }
        let (checkpoint, key, trust) = checked.ok_or_else(|| {
            Fault::new(Class::EvidenceInvalid, Owner::Caller, NO_KEY)
                .at(&place)
                .says("there is no key of a log to check its checkpoint with")
                .hint("name the log's public key with --key; `stepward ledger key` prints it")
        })?;
        let mut cosigned = Vec::new();
        for witness in &self.witnesses {
            let seen = checkpoint.cosigned_by(&witness.key).map_err(|error| fault(&error))?;
            cosigned.extend(seen.map(|seen| (witness.clone(), seen)));
        }
        Ok(Checked { checkpoint, key, trust, cosigned })
    }

    /// Finds the witnesses whose cosignature is missing.
    pub(super) fn demand_cosignatures(
        &self,
        cosigned: &[Cosigner],
        place: impl fmt::Display,
        findings: &mut Findings,
    ) {
        // By the key: a name is what anyone can write.
        let missing = |witness: &&Witness| {
            witness.demand == Demand::Cosigns && cosigned.iter().all(|seen| seen.key != witness.key)
        };
        for Witness { key, .. } in self.witnesses.iter().filter(missing) {
            findings.push(
                Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_COSIGNED)
                    .at(&place)
                    .says(format_args!("the witness {} did not cosign it", key.name()))
                    .hint("leave out the key of a witness that this log does not have, or ask for a cosigned checkpoint"),
            );
        }
    }
}

impl Checked {
    /// The key that signed it.
    pub(super) fn key(&self) -> &LogVerifier {
        &self.key
    }

    /// The witnesses that cosigned.
    pub(super) fn cosigners(&self) -> impl Iterator<Item = Cosigner> {
        let size = self.checkpoint.head().size.get();
        self.cosigned.iter().map(move |(witness, seen)| Cosigner {
            witness: seen.witness().clone(),
            key: witness.key.clone(),
            trust: witness.trust,
            time: seen.time(),
            size,
        })
    }

    pub(super) fn signed(&self, cosigned: Vec<Cosigner>) -> Signed {
        Signed {
            origin: self.checkpoint.origin().clone(),
            head: self.checkpoint.head(),
            key: self.key.to_string(),
            trust: self.trust,
            cosigned,
        }
    }
}

/// The same key under the name that the log has in another generation: after a restore it signs with a
/// name that ends in another `/g` and number.
fn of_generation(key: &LogVerifier, origin: &str) -> LogVerifier {
    match KeyName::new(origin) {
        Ok(name) if base(origin) == base(key.name().as_str()) => LogVerifier::new(name, *key.public_key()),
        Ok(_) | Err(_) => key.clone(),
    }
}

/// A log's name without its generation.
fn base(name: &str) -> &str {
    match name.rsplit_once("/g") {
        Some((base, generation)) if generation.parse::<u32>().is_ok_and(|number| number > 1) => base,
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn generations_of_one_log_share_their_beginning() {
        assert_eq!(base("stepward/dev/0123456789abcdef/g2"), "stepward/dev/0123456789abcdef");
        for other in ["stepward/dev/0123456789abcdef", "stepward/g/0123", "stepward/dev/00/g1", "a/gx"] {
            assert_eq!(base(other), other);
        }
    }
}
