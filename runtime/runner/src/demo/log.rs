//! What the log has of the demonstration.

use super::stage::{Stage, broken};
use crate::{
    render::{Output, Table},
    running::{book::View, state::State},
};
use stepward_fault::Fault;
use stepward_ledger::event::{Event, What};

/// What the log has of one run.
pub(crate) struct Logged {
    /// How many effects were sent.
    pub(crate) effects: usize,
    /// How many events the whole log has.
    pub(crate) size: u64,
    shown: Vec<Event>,
}

impl Logged {
    /// Reads the events of a run, each checked against the tree, and checks that no effect was answered
    /// that was not intended before.
    pub(crate) fn of(run: &str, state: &State, stage: &Stage) -> Result<Self, Fault> {
        let view = View::open(state, stage.name(), &state.existing_environment_key()?)?;
        let events = view.events(run)?;
        let answered =
            || events.iter().enumerate().filter(|(_, event)| attempt(event, Side::Answer).is_some());
        for (at, answer) in answered() {
            let intended = events.iter().take(at).any(|intent| {
                attempt(intent, Side::Intent) == attempt(answer, Side::Answer)
                    && (&intent.step, intent.call) == (&answer.step, answer.call)
            });
            if !intended {
                return Err(broken(format_args!("event {} answers what nobody intended", answer.sequence)));
            }
        }
        let effects = answered().count();
        let shown = events.into_iter().filter(|event| event.call.is_some()).collect();
        Ok(Self { effects, size: view.head().size.get(), shown })
    }

    /// The calls, as the log has them.
    pub(crate) fn show(&self, output: &Output) {
        let mut table = Table::new(&["event", "step", "call", "what", "of"]);
        for event in &self.shown {
            let name = |name: Option<&stepward_ledger::event::Name>| {
                name.map(ToString::to_string).unwrap_or_default()
            };
            table.row([
                event.sequence.to_string(),
                name(event.step.as_ref()),
                event.call.map(|call| call.to_string()).unwrap_or_default(),
                event.what.action().to_owned(),
                name(event.what.object()),
            ]);
        }
        output.line(table);
    }
}

/// Which event of an effect is meant.
#[derive(Clone, Copy)]
enum Side {
    Intent,
    Answer,
}

/// Which attempt at its call an event intends or answers.
fn attempt(event: &Event, side: Side) -> Option<u64> {
    match (&event.what, side) {
        (What::CallIntended { attempt, .. }, Side::Intent)
        | (What::CallAnswered { attempt, .. }, Side::Answer) => Some(*attempt),
        _ => None,
    }
}
