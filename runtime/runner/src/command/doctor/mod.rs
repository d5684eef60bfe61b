//! `stepward doctor`

mod machine;
mod show;
mod trial;

use crate::{
    running::{
        live::{Found, Wanted},
        remedy::remedy,
        signals, witnesses,
        workplace::Workplace,
    },
    session::Session,
};
use clap::Args;
use machine::{Machine, Own};
use serde::Serialize;
use std::{ffi::OsString, process::ExitCode};
use stepward::worker::lockdown::{Kind, Promise, Promises, probe::probe_main};
use stepward_fault::{Class, Fault, Owner, Rule};
use trial::{Trial, Tried};

/// The rule that what workers are locked against fails.
const OPEN: Rule = Rule::new("protection-open");
/// The rule that every protection can be tried.
const UNKNOWN: Rule = Rule::new("protection-unknown");
/// The rule that the memory of this process stays in it.
const OWN: Rule = Rule::new("process-memory");

/// Shows which protections hold on this machine, by trying them.
///
/// Asks worker processes of both kinds what they promise, and then tries everything that an escaped
/// guest would try, each in a locked worker of its own. Nothing is changed, and no step is run.
///
/// The exit code is 0 when everything that is demanded is promised and every attempt failed, 7 when
/// this machine lacks something, and 70 when an attempt succeeded although every promise holds.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Demands what this environment demands [default: every promise]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// What was found.
#[derive(Serialize)]
struct Report {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// Who watches its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<String>,
    machine: Machine,
    process: Vec<Own>,
    promises: Vec<Promised>,
    attempts: Vec<Tried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// The findings in one word.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// Everything that is demanded holds.
    Sound,
    /// Something that is demanded does not hold, or could not be tried.
    Lacking,
    /// Something succeeded that workers are locked against.
    Open,
}

/// One promise, for both kinds of workers.
#[derive(Serialize)]
struct Promised {
    name: Promise,
    meaning: &'static str,
    demanded: bool,
    compiler: Kept,
    runner: Kept,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

/// What became of a promise.
#[derive(PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
enum Kept {
    Held,
    Missing { why: String },
}

impl Kept {
    fn of(promises: &Promises, promise: Promise) -> Self {
        match promises.why_missing(promise) {
            None => Self::Held,
            Some(why) => Self::Missing { why: why.to_owned() },
        }
    }
}

impl Promised {
    fn is_held(&self) -> bool {
        (&self.compiler, &self.runner) == (&Kept::Held, &Kept::Held)
    }
}

/// The child's side: locks this process as a worker is locked, and tries one thing.
pub(crate) fn probe(words: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Option<Vec<String>> = words.map(|word| word.into_string().ok()).collect();
    match words.map(|words| probe_main(&words)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        // Nobody but a prober starts this, and it sees that nothing was said.
        Some(Err(_)) | None => ExitCode::from(Class::Usage.exit_code()),
    }
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (workplace, environment, witnesses) = match &arguments.env {
        None => (Workplace::demanding(), None, None),
        Some(name) => {
            let wanted = Wanted::new(Some(name))?;
            let found = Found::read(Some(&session.project()?), &wanted, &[])?;
            let witnesses = witnesses::told(found.environment.witnesses());
            (found.workplace, Some(wanted.name.to_string()), Some(witnesses))
        }
    };
    let output = session.output();
    output.progress("trying each protection in a worker process of its own …");
    let trial = Trial::start()?;
    let compiler = trial.promises(Kind::Compiler)?;
    // Of a worker that would really run steps, its engine and all.
    let runner = signals::block_on(workplace.promises())?;
    let promised = |promise: Promise| {
        let kept = (Kept::of(&compiler, promise), Kept::of(&runner, promise));
        let remedy = (kept != (Kept::Held, Kept::Held)).then(|| remedy(promise));
        Promised {
            name: promise,
            meaning: promise.meaning(),
            demanded: workplace.demanded().contains(&promise),
            compiler: kept.0,
            runner: kept.1,
            remedy,
        }
    };
    let mut report = Report {
        status: Status::Sound,
        environment,
        witnesses,
        machine: Machine::look(),
        process: machine::own(),
        promises: Promise::ALL.iter().map(|promise| promised(*promise)).collect(),
        attempts: trial.all(),
        error: None,
    };
    let lacking = [compiler, runner].into_iter().find_map(|promises| workplace.hold(promises).err());
    report.judge(lacking);
    output.json("stepward.doctor/1", &report);
    show::report(output, &report);
    Ok(match &report.error {
        None => ExitCode::SUCCESS,
        Some(fault) if output.is_json() => ExitCode::from(fault.class().exit_code()),
        Some(fault) => output.fault(fault),
    })
}

impl Report {
    /// The worst of what was found.
    fn judge(&mut self, lacking: Option<Fault>) {
        let open = trial::names(&self.attempts, trial::End::is_success);
        let unknown = trial::names(&self.attempts, trial::End::is_unknown);
        let (status, error) = if !open.is_empty() {
            (Status::Open, Some(self.open(&open, lacking)))
        } else if let Some(fault) = lacking {
            (Status::Lacking, Some(fault))
        } else if let Some(own) = self.process.iter().find(|own| !own.is_held()) {
            (Status::Lacking, Some(own.fault()))
        } else if !unknown.is_empty() {
            let fault = Fault::new(Class::Unavailable, Owner::Operator, UNKNOWN)
                .says(format_args!("these attempts could not be made, so nothing is known: {unknown}"))
                .hint("look at the limits on processes, memory and open files (`ulimit -a`), and try again");
            (Status::Lacking, Some(fault))
        } else {
            (Status::Sound, None)
        };
        (self.status, self.error) = (status, error);
    }

    /// An attempt that succeeded: for want of a promise, or against our word.
    fn open(&self, open: &str, lacking: Option<Fault>) -> Fault {
        let says = format!("an escaped guest would succeed here with: {open}");
        if let Some(lacking) = lacking {
            return Fault::new(Class::Unavailable, Owner::Operator, OPEN)
                .says(format_args!("{says}; {}", lacking.message()))
                .hint(lacking.remedy());
        }
        let remedies = self
            .promises
            .iter()
            .filter_map(|promised| promised.remedy.map(|remedy| format!("{}: {remedy}", promised.name)));
        let remedies = remedies.collect::<Vec<_>>();
        if remedies.is_empty() {
            Fault::new(Class::Internal, Owner::Stepward, OPEN)
                .says(format_args!("{says}, although every promise holds"))
                .hint("please report this privately, with what `stepward doctor --json` prints: see SECURITY.md")
        } else {
            Fault::new(Class::Unavailable, Owner::Operator, OPEN)
                .says(format_args!("{says}; the environment does not demand what is missing"))
                .hint(remedies.join("\n"))
        }
    }
}
