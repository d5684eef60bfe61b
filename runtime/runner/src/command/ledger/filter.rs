//! Which events are meant.

use super::moment;
use crate::running::live::now_us;
use clap::{Args, builder::PossibleValuesParser};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_ledger::event::{Event, Name, What};

/// The rule that a moment is one.
const MOMENT: Rule = Rule::new("moment");

/// Which events are shown: those that fit everything that is named.
#[derive(Args)]
pub(super) struct Filter {
    /// Of this run
    #[arg(long, value_name = "RUN")]
    pub(super) run: Option<String>,
    /// Of this step
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// By this person, robot or step, or by anyone of a kind: service, step, person, robot
    #[arg(long, value_name = "NAME|KIND")]
    actor: Option<String>,
    /// What happened, such as call-intended
    #[arg(long, value_name = "WORD", value_parser = PossibleValuesParser::new(What::ACTIONS))]
    action: Option<String>,
    /// What was decided or came of it, such as refused, unknown or failed
    #[arg(
        long,
        visible_alias = "decision",
        value_name = "WORD",
        value_parser = PossibleValuesParser::new(What::verdicts())
    )]
    verdict: Option<String>,
    /// Not before this moment (RFC 3339), or this long ago: 90s, 30m, 2h, 7d
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Not after it
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

/// A filter whose moments were read.
pub(super) struct Wanted<'a> {
    filter: &'a Filter,
    since: Option<u64>,
    until: Option<u64>,
}

impl Filter {
    pub(super) fn read(&self) -> Result<Wanted<'_>, Fault> {
        let now = now_us();
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| moment::parse(text, now).ok_or_else(|| unread(text)))
        };
        Ok(Wanted {
            filter: self,
            since: read(&self.since).transpose()?,
            until: read(&self.until).transpose()?,
        })
    }
}

impl Wanted<'_> {
    /// Whether an event is meant.
    pub(super) fn fits(&self, event: &Event) -> bool {
        let Filter { run, step, actor, action, verdict, .. } = self.filter;
        let name =
            |wanted: &Option<String>, name: Option<&Name>| is(wanted.as_deref(), name.map(Name::as_str));
        let by = is(actor.as_deref(), Some(event.actor.kind())) || name(actor, event.actor.name());
        name(run, event.run.as_ref())
            && name(step, event.step.as_ref())
            && by
            && is(action.as_deref(), Some(event.what.action()))
            && is(verdict.as_deref(), event.what.verdict())
            && self.since.is_none_or(|since| event.stamp.unix_us >= since)
            && self.until.is_none_or(|until| event.stamp.unix_us <= until)
    }
}

fn is(wanted: Option<&str>, found: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

fn unread(text: &str) -> Fault {
    Fault::new(Class::Usage, Owner::Caller, MOMENT)
        .says(format_args!("`{}` is no moment", shown(text)))
        .hint("write 2026-11-21T10:42:56Z or 2026-11-21, or how long ago: 90s, 30m, 2h, 7d, 2w")
}
