//! What is said of runs that have not ended.

use crate::render::Output;
use stepward::journal::Unfinished;
use stepward_ledger::runs::{Doubt, Standing};
use stepward_seam::Label;

/// Runs that are told one by one: more would hide what the command itself has to say.
const TOLD: usize = 5;

/// Tells of each run but one, with what to type.
pub(super) fn tell(all: &[Unfinished], environment: &Label, but: Option<&str>, output: &Output) {
    let others = || all.iter().filter(|run| Some(run.name.as_str()) != but);
    for Unfinished { name, standing } in others().take(TOLD) {
        output.warning(match standing {
            Ok(standing) => {
                let what = what_to_type(name, standing, environment);
                format!("run {name} was interrupted and {}: {what}", said(standing))
            }
            Err(fault) => format!("run {name} was interrupted and its record cannot be read: {fault}"),
        });
    }
    let more = others().count().saturating_sub(TOLD);
    if more > 0 {
        output
            .warning(format_args!("{more} more runs were interrupted: `{}`", typed("list", "", environment)));
    }
}

/// Where a run stands, in words.
pub(crate) const fn said(standing: &Standing) -> &'static str {
    match standing {
        Standing::Finished(_) => "has ended",
        Standing::NotStarted => "had not started a step",
        Standing::CanGoOn => "can go on",
        Standing::InDoubt(_) => "is in doubt",
        Standing::Erased => "cannot go on, since its bodies were erased",
    }
}

/// What brings a run further.
pub(crate) fn what_to_type(run: &str, standing: &Standing, environment: &Label) -> String {
    let command =
        |verb: &str, rest: &str| format!("`{}`", typed(verb, &format!(" {run}{rest}"), environment));
    match standing {
        Standing::Finished(_) | Standing::Erased => command("show", ""),
        Standing::NotStarted | Standing::CanGoOn => command("resume", ""),
        Standing::InDoubt(doubts) => {
            let decide = |doubt: &Doubt| match doubt {
                Doubt::Call { step, call, object } => format!(
                    "look whether {object} acted on call {call} of step {step}, then {}",
                    command("resolve", &format!(" {call} --as applied|not-applied --reason TEXT"))
                ),
                Doubt::Restored { .. } => format!(
                    "look what it did since the backup, then {}",
                    command("resolve", " since-restore --as applied|not-applied --reason TEXT")
                ),
            };
            doubts.iter().map(decide).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A command on runs, as it is typed for this environment.
fn typed(verb: &str, rest: &str, environment: &Label) -> String {
    let environment = match environment.as_str() {
        crate::running::live::DEFAULT => String::new(),
        name => format!(" --env {name}"),
    };
    format!("stepward runs {verb}{rest}{environment}")
}
