//! The bodies of a run, for a person who may see them.

use super::{Journal, blocking, history::key_of, name};
use std::sync::Arc;
use stepward_fault::Fault;
use stepward_ledger::{
    event::{Act, Actor},
    log::Durable,
    runs,
};
use stepward_vault::{BodyContext, Commitment};

/// A body that was opened.
pub struct OpenedBody {
    /// The event that it belongs to.
    pub sequence: u64,
    /// That event's action.
    pub kind: &'static str,
    /// What it says: the input or output of a step, a call, a reply. It is as confidential as the run.
    /// None where the body is missing although nobody erased it: somebody removed it.
    pub bytes: Option<Vec<u8>>,
}

impl std::fmt::Debug for OpenedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedBody").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens every body of a run, in the order of its events, each checked against its event. One that is
    /// missing is told as such. That somebody did is durable before the first one is opened.
    ///
    /// # Errors
    /// When there is no such run, its bodies were erased or are not what their events say, or the log
    /// cannot be written.
    pub async fn bodies(&self, run: &str, actor: Actor) -> Result<Vec<OpenedBody>, Fault> {
        let (run, head, open) = (name(run)?, self.0.log.head(), self.0.log.open_run(run));
        let of = run.clone();
        let sealed = self
            .0
            .log
            .read(move |records| {
                let with_bodies = |event: stepward_ledger::event::Event| {
                    event.body.map(|commitment| (event.sequence, event.what.action(), commitment))
                };
                let events = match open {
                    Some(open) => runs::open_events(records, &open)?,
                    None => runs::events(records, head, of.as_str())?,
                };
                let events = events.into_iter().filter_map(with_bodies);
                events
                    .map(|(sequence, kind, commitment)| {
                        Ok((sequence, kind, commitment, records.body(sequence)?))
                    })
                    .collect::<Result<Vec<_>, Fault>>()
            })
            .await?;
        let (keys, of) = (Arc::clone(&self.0.keys), run.clone());
        let key = blocking(move || key_of(&keys, &of)).await?;
        let _: Durable = self.acted(Act::BodiesOpened, Some(run.as_str()), actor).await?;
        let environment = self.0.environment.as_str();
        let opened = sealed.into_iter().map(|(sequence, kind, commitment, sealed)| {
            let context = BodyContext { environment, run: run.as_str(), kind };
            let commitment = Commitment::from_bytes(*commitment.as_bytes());
            let opened = sealed.map(|sealed| key.open(context, &commitment, &sealed)).transpose();
            opened
                .map(|bytes| OpenedBody { sequence, kind, bytes })
                .map_err(|fault| fault.at(format_args!("the body of event {sequence}")))
        });
        opened.collect()
    }
}
