//! Under which name and key a log signs its checkpoints.

use std::num::NonZeroU32;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, What},
    log::Trusted,
    note::{LogSigner, LogVerifier, NoteError, SignedCheckpoint},
    runs::RESTORED_FACT,
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

/// The log's key under each name that it has had: one for each time that it was restored.
pub(crate) struct Signing {
    generation: NonZeroU32,
    signer: LogSigner,
    /// Those of the generations before, the latest first.
    earlier: Vec<LogVerifier>,
}

impl Signing {
    /// The key of an environment's log, under the name of the generation that the log says.
    pub(crate) fn of(
        records: &dyn Records,
        environment: &Label,
        root: &EnvironmentRoot,
    ) -> Result<Self, Fault> {
        let generation = generation(records)?;
        let seed = root.log_signing_seed();
        let signer = |generation| {
            LogSigner::of_environment(environment.as_str(), generation, &seed).map_err(|error| {
                Fault::new(Class::Internal, Owner::Stepward, SIGNER)
                    .says(format_args!("the log of {environment} cannot sign: {error}"))
                    .hint("please report this")
            })
        };
        let earlier = (1..generation.get()).rev().filter_map(NonZeroU32::new);
        let earlier = earlier.map(|earlier| Ok(signer(earlier)?.verifier())).collect::<Result<_, Fault>>()?;
        Ok(Self { generation, signer: signer(generation)?, earlier })
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

    /// That checkpoint, as what the log must extend.
    pub(super) fn trusted(&self, records: &dyn Records) -> Result<Option<Trusted>, Fault> {
        let newest = self.newest(records)?;
        Ok(newest.map(|newest| Trusted { head: newest.head(), source: OWN.to_owned() }))
    }

    /// Opens a checkpoint of this log, of whatever generation.
    fn open(&self, note: &[u8], place: &str) -> Result<SignedCheckpoint, Fault> {
        let opened = SignedCheckpoint::open(note, &self.signer.verifier());
        let opened = opened.or_else(|error: NoteError| {
            self.earlier.iter().find_map(|earlier| SignedCheckpoint::open(note, earlier).ok()).ok_or(error)
        });
        opened.map_err(|error| {
            error.fault(place).hint(
                "the environment's key is not the one that this log was written under, or the checkpoint was \
                 changed: put the right key back, or `stepward restore` a backup",
            )
        })
    }
}

/// How often the log was restored, and one. The log says so in an event that its database remembers; a
/// wrong memory gives a name under which no checkpoint of this log is signed.
fn generation(records: &dyn Records) -> Result<NonZeroU32, Fault> {
    let Some(value) = records.fact(RESTORED_FACT)? else { return Ok(NonZeroU32::MIN) };
    let unknown = || {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, GENERATION)
            .says("the log remembers that it was restored, and not by which event")
            .hint("`stepward verify` looks through the whole log; compare it with a backup")
    };
    let sequence = <[u8; 8]>::try_from(value).map(u64::from_be_bytes).map_err(|_| unknown())?;
    let leaf = records.leaf(sequence)?.ok_or_else(unknown)?;
    match Event::decode(&leaf.bytes)?.what {
        What::LogRestored { generation, .. } => {
            u32::try_from(generation).ok().and_then(NonZeroU32::new).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}
