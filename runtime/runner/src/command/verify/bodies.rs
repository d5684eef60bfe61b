//! Opening the bodies of a log, to see that each is what its event committed to.

use crate::running::{book, state::State};
use std::{cell::RefCell, path::Path};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, Name},
    store::owner::Ownership,
    verify::Opening,
};
use stepward_seam::Label;
use stepward_vault::{BodyContext, Commitment, EnvironmentRoot, Lookup, RunKey, RunKeys};

/// The rule that the keys know every run of the log.
const KEYS_BEHIND: Rule = Rule::new("keys-behind-log");
/// The rule that a body belongs to a run.
const NO_RUN: Rule = Rule::new("log-body-stray");

/// The keys of an environment's runs, held for as long as bodies are opened.
pub(super) struct Bodies {
    environment: Label,
    keys: RunKeys,
    /// The run that was asked for last.
    last: RefCell<Option<(Name, Lookup)>>,
    /// The keys have one user at a time.
    _ownership: Ownership,
}

impl Bodies {
    /// Takes the keys of a state folder.
    pub(super) fn of(folder: &Path, environment: Label, root: &EnvironmentRoot) -> Result<Self, Fault> {
        let base = folder.parent().unwrap_or(folder);
        let state = State::open_in(base, crate::files::Links::Followed, &environment)?;
        let ownership = book::own(&state)?;
        let keys = RunKeys::open(&state.run_keys(), &state.wrapping_keys(), root)?;
        Ok(Self { environment, keys, last: RefCell::new(None), _ownership: ownership })
    }

    /// Opens the body of an event.
    pub(super) fn open(&self, event: &Event, sealed: &[u8]) -> Result<Opening, Fault> {
        let (Some(run), Some(commitment)) = (&event.run, event.body) else {
            return Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, NO_RUN)
                .says("the body belongs to no run")
                .hint("compare the log with a backup"));
        };
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(name, _)| name != run) {
            *last = Some((run.clone(), self.keys.get(run.as_str())?));
        }
        match last.as_ref().map(|(_, lookup)| lookup) {
            Some(Lookup::Key(key)) => {
                self.unseal(key, run, event, &Commitment::from_bytes(*commitment.as_bytes()), sealed)
            }
            Some(Lookup::Erased { .. }) => Ok(Opening::KeyErased),
            Some(Lookup::Damaged(fault)) => Err(fault.clone()),
            Some(Lookup::Never) | None => {
                Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, KEYS_BEHIND)
                    .says(format_args!("the store of keys has never heard of run {run}: it is an older copy"))
                    .hint("put back the keys.db and wrapping.db that belong to this log"))
            }
        }
    }

    fn unseal(
        &self,
        key: &RunKey,
        run: &Name,
        event: &Event,
        commitment: &Commitment,
        sealed: &[u8],
    ) -> Result<Opening, Fault> {
        let context = BodyContext {
            environment: self.environment.as_str(),
            run: run.as_str(),
            kind: event.what.action(),
        };
        key.open(context, commitment, sealed).map(|_| Opening::Opened)
    }
}
