//! Under which name and key a log signs its checkpoints.

use std::num::NonZeroU32;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, What},
    facts,
    log::Trusted,
    note::{KeyName, LogSigner, LogVerifier, NoteError, SignedCheckpoint, SignedNote},
    store::Records,
};
use stepward_seam::Label;
use stepward_vault::EnvironmentRoot;

/// The rule that an environment's log can sign.
const SIGNER: Rule = Rule::new("log-signer");
/// The rule that the log knows how often it was restored.
const GENERATION: Rule = Rule::new("log-generation");
/// What a checkpoint of the database is called.
const OWN: &str = "the newest checkpoint in ledger.db";

/// Generations that a log can have: one restore a day for 27 years. Whatever says more was edited.
pub(crate) const MAX_GENERATIONS: u32 = 10_000;

/// The names that an environment's log can have, all with one key: one for each time that it is
/// restored.
pub(crate) struct Names {
    environment: Label,
    first: LogVerifier,
}

impl Names {
    /// Those of the log of an environment.
    pub(crate) fn of(environment: &Label, root: &EnvironmentRoot) -> Result<Self, Fault> {
        let first = signer(environment, NonZeroU32::MIN, root)?.verifier();
        Ok(Self { environment: environment.clone(), first })
    }

    /// The key under the name of the first generation; verifiers find the others by it.
    pub(crate) fn first(&self) -> &LogVerifier {
        &self.first
    }

    /// Opens a checkpoint of a generation up to this one, the one that it names. Says which that is.
    pub(crate) fn open(
        &self,
        note: &[u8],
        most: NonZeroU32,
    ) -> Result<(NonZeroU32, SignedCheckpoint), NoteError> {
        let named = self.named(&SignedNote::parse(note)?).filter(|named| *named <= most);
        // Where it names none of them, it is refused as one of another log.
        let generation = named.unwrap_or(NonZeroU32::MIN);
        let key = *self.first.public_key();
        let verifier = KeyName::origin(self.environment.as_str(), &key, generation)
            .map_or_else(|_| self.first.clone(), |origin| LogVerifier::new(origin, key));
        SignedCheckpoint::open(note, &verifier).map(|checkpoint| (generation, checkpoint))
    }

    /// The generation whose name stands in the first line, if it is this log's. Whether it is written as
    /// it should be is seen when the name is made again.
    fn named(&self, note: &SignedNote) -> Option<NonZeroU32> {
        let origin = note.unverified_text().lines().next()?;
        match origin.strip_prefix(self.first.name().as_str())? {
            "" => Some(NonZeroU32::MIN),
            later => later.strip_prefix("/g")?.parse().ok(),
        }
    }
}

/// The log's key under its name of now, and the names before.
pub(crate) struct Signing {
    generation: NonZeroU32,
    signer: LogSigner,
    names: Names,
}

impl Signing {
    /// The key of an environment's log, under the name of the generation that the log says.
    pub(crate) fn of(
        records: &dyn Records,
        environment: &Label,
        root: &EnvironmentRoot,
    ) -> Result<Self, Fault> {
        let generation = generation(records)?;
        let signer = signer(environment, generation, root)?;
        Ok(Self { generation, signer, names: Names::of(environment, root)? })
    }

    /// How often the log was restored, and one.
    pub(crate) fn generation(&self) -> NonZeroU32 {
        self.generation
    }

    /// What signs.
    pub(crate) fn signer(&self) -> &LogSigner {
        &self.signer
    }

    /// The newest checkpoint that the database holds, checked.
    pub(crate) fn newest(&self, records: &dyn Records) -> Result<Option<SignedCheckpoint>, Fault> {
        records.checkpoint(u64::MAX)?.map(|kept| self.open(kept.note.as_bytes(), OWN)).transpose()
    }

    /// The newest checkpoint over at most so many events that the database holds, if the log signed it under
    /// its present name.
    pub(crate) fn kept(&self, records: &dyn Records, most: u64) -> Result<Option<SignedCheckpoint>, Fault> {
        let kept = records.checkpoint(most)?;
        // What cannot be opened here is told by `stepward verify`.
        let opened = kept.and_then(|kept| {
            let opened = SignedCheckpoint::open(kept.note.as_bytes(), &self.signer.verifier()).ok();
            opened.filter(|checkpoint| checkpoint.head().size.get() == kept.size)
        });
        Ok(opened)
    }

    /// The newest checkpoint, as what the log must extend.
    pub(super) fn trusted(&self, records: &dyn Records) -> Result<Option<Trusted>, Fault> {
        let newest = self.newest(records)?;
        Ok(newest.map(|newest| Trusted { head: newest.head(), source: OWN.to_owned() }))
    }

    /// Opens a checkpoint of this log, of whatever generation.
    fn open(&self, note: &[u8], place: &str) -> Result<SignedCheckpoint, Fault> {
        let opened = self.names.open(note, self.generation).map(|(_, checkpoint)| checkpoint);
        opened.map_err(|error| {
            error.fault(place).hint(
                "the environment's key is not the one that this log was written under, or the checkpoint was \
                 changed: put the right key back, or `stepward restore` a backup",
            )
        })
    }
}

/// What signs under the name of a generation.
fn signer(environment: &Label, generation: NonZeroU32, root: &EnvironmentRoot) -> Result<LogSigner, Fault> {
    LogSigner::of_environment(environment.as_str(), generation, &root.log_signing_seed()).map_err(|error| {
        Fault::new(Class::Internal, Owner::Stepward, SIGNER)
            .says(format_args!("the log of {environment} cannot sign: {error}"))
            .hint("please report this")
    })
}

/// How often the log was restored, and one. The log says so in an event that its database remembers; a
/// wrong memory gives a name under which no checkpoint of this log is signed.
fn generation(records: &dyn Records) -> Result<NonZeroU32, Fault> {
    let Some(value) = records.fact(facts::RESTORED)? else { return Ok(NonZeroU32::MIN) };
    let unknown = || {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, GENERATION)
            .says("the log remembers that it was restored, and not by which event")
            .hint("`stepward verify` looks through the whole log; compare it with a backup")
    };
    let sequence = <[u8; 8]>::try_from(value).map(u64::from_be_bytes).map_err(|_| unknown())?;
    let leaf = records.leaf(sequence)?.ok_or_else(unknown)?;
    match Event::decode(&leaf.bytes)?.what {
        What::LogRestored { generation, .. } => check_generation(generation),
        _ => Err(unknown()),
    }
}

/// A generation that a log can have.
fn check_generation(number: u64) -> Result<NonZeroU32, Fault> {
    let generation = u32::try_from(number).ok().filter(|number| *number <= MAX_GENERATIONS);
    generation.and_then(NonZeroU32::new).ok_or_else(|| {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, GENERATION)
            .says(format_args!(
                "the log says that it is generation {number}; they go from 1 to {MAX_GENERATIONS}"
            ))
            .hint("the event was edited: `stepward restore` a backup into another state")
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_GENERATIONS, Names, check_generation, signer};
    use std::num::NonZeroU32;
    use stepward_ledger::{
        merkle::{RootHash, TreeHead, TreeSize},
        note::NoteError,
    };
    use stepward_seam::{Label, SecretBytes};
    use stepward_vault::EnvironmentRoot;

    fn generation(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_checkpoint_is_opened_under_the_name_that_it_has() {
        let dev = Label::new("dev").unwrap();
        let root = EnvironmentRoot::derive(&SecretBytes::new(vec![7; 32])).unwrap();
        let head = TreeHead { size: TreeSize::new(3).unwrap(), root: RootHash::from_bytes([1; 32]) };
        let note = |number| signer(&dev, generation(number), &root).unwrap().sign(head).to_string();
        let names = Names::of(&dev, &root).unwrap();
        for number in [1, 2, MAX_GENERATIONS] {
            let note = note(number);
            let (named, checkpoint) = names.open(note.as_bytes(), generation(MAX_GENERATIONS)).unwrap();
            assert_eq!((named, checkpoint.head()), (generation(number), head));
            // An edited name is that of a key which did not sign it.
            let edited = note.replacen('\n', "/g77\n", 1);
            assert!(names.open(edited.as_bytes(), generation(MAX_GENERATIONS)).is_err());
        }
        // One that is yet to come has not signed anything.
        let later: Result<_, NoteError> = names.open(note(3).as_bytes(), generation(2));
        assert!(later.is_err());
        let other = EnvironmentRoot::derive(&SecretBytes::new(vec![8; 32])).unwrap();
        assert!(Names::of(&dev, &other).unwrap().open(note(2).as_bytes(), generation(2)).is_err());
    }

    #[test]
    fn no_log_has_more_generations_than_are_counted() {
        assert_eq!(check_generation(MAX_GENERATIONS.into()).unwrap(), generation(MAX_GENERATIONS));
        for number in [0, u64::from(MAX_GENERATIONS) + 1, u64::from(u32::MAX), u64::MAX] {
            let refused = check_generation(number).unwrap_err();
            assert_eq!(refused.rule().as_str(), "log-generation");
            assert!(refused.message().contains("from 1 to 10000"), "{refused}");
        }
    }
}
