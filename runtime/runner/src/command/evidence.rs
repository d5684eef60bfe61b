//! `stepward evidence`

use super::ledger::{Whose, counted, covering, prove, vkeys};
use crate::{
    files::{self, Staged},
    render::{GOOD, styled},
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Act, Event},
    runs::{Fold, Run},
};
use stepward_trust::Digest;

/// The rule that evidence is put where nothing is.
const TAKEN: Rule = Rule::new("evidence-folder");
/// The rule that there is a run.
const UNKNOWN: Rule = Rule::new("run-unknown");

/// Checks the folder with Python and nothing else.
const VERIFIER: &str = include_str!("../../../../tests/verify_log.py");

/// Takes out everything that shows what a run did.
///
/// The folder holds the run's events, byte for byte, a proof for each that it is in the log, the
/// newest checkpoint over all of them that enough of the environment's witnesses cosigned, or else the
/// newest, the public keys, and a script that checks all of it with Python
/// alone. That the evidence was taken out is written into the log first. Events hold names, decisions
/// and pseudonyms; they hold no data of the run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    /// The folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    folder: String,
    events: usize,
    vkeys: &'a [String],
    /// The digest of the script: whoever gets the folder can see whether it is still this one.
    verifier: Digest,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let folder = absolute(&arguments.out);
    check_empty(&folder)?;
    let here = arguments.whose.find(session)?;
    if follows(&here.view()?.events(&arguments.run)?)?.is_none() {
        return Err(Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
            .says(format_args!("the log has no run `{}`", arguments.run))
            .hint("`stepward runs list` shows those that it has"));
    }
    here.record(session, Act::Evidence)?;
    let view = here.view()?;
    let events = view.events(&arguments.run)?;
    follows(&events)?;
    let (witnesses, output) = (here.witnesses(session), session.output());
    let last = events.last().map_or(0, |event| event.sequence);
    let newest = &covering::of_event(&view, witnesses.as_ref(), last, output)?;
    let vkeys = vkeys(&view, witnesses.as_ref(), newest);
    let staged = Staged::new(folder.parent().unwrap_or(Path::new("/")))?;
    staged.write("keys.txt", &(vkeys.join("\n") + "\n"))?;
    staged.write("checkpoint", &newest.to_string())?;
    staged.write("events.jsonl", &lines(&events))?;
    for event in &events {
        let proof = prove::prove(view.records(), newest, event.sequence)?;
        staged.write(&format!("proofs/{}.tlog-proof", event.sequence), &proof)?;
    }
    staged.write("verify.py", VERIFIER)?;
    staged.write("README.txt", &readme(&arguments.run, events.len(), newest.origin().as_str()))?;
    staged.rename_to(&folder)?;
    let report = Report {
        run: &arguments.run,
        folder: files::from_here(&folder),
        events: events.len(),
        vkeys: &vkeys,
        verifier: Digest::of(VERIFIER.as_bytes()),
    };
    output.json("stepward.evidence/1", &report);
    output.line(format_args!(
        "{}: {} of run {}; check it with\n  python3 {}/verify.py evidence {} --key {}",
        styled(GOOD, files::place(&folder)),
        counted(report.events as u64, "event"),
        report.run,
        files::place(&folder),
        files::place(&folder),
        vkeys.join(" --key ")
    ));
    output.line(format_args!(
        "tell whoever checks it, by another way than the folder: verify.py is {}",
        report.verifier
    ));
    Ok(ExitCode::SUCCESS)
}

/// The run that the events give. Refused where one does not follow: then it is not the whole run.
fn follows(events: &[Event]) -> Result<Option<Run>, Fault> {
    let mut fold = Fold::default();
    events.iter().try_for_each(|event| fold.event(event))?;
    Ok(fold.finish())
}

fn lines(events: &[Event]) -> String {
    events.iter().map(|event| String::from_utf8(event.encode()).unwrap_or_default() + "\n").collect()
}

fn check_empty(folder: &Path) -> Result<(), Fault> {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        // Nothing is there, or something that is no folder.
        Err(_) => folder.symlink_metadata().is_ok(),
    };
    if !taken {
        return Ok(());
    }
    Err(Fault::new(Class::Refused, Owner::Caller, TAKEN)
        .at(files::place(folder))
        .says("something is there already")
        .hint("name a new folder with --out; evidence is never mixed with other files"))
}

fn readme(run: &str, events: usize, origin: &str) -> String {
    let events = counted(events as u64, "event");
    format!(
        "Evidence of run {run}
{underline}

These files show what run {run} did: {events} of the log
    {origin}
in the order in which they were written.

    events.jsonl    the events, one a line, byte for byte as the log hashed them
    proofs/         for each event, by its number, a proof that it is in the log (C2SP tlog-proof)
    checkpoint      the signed state of the log that the proofs lead to (C2SP tlog-checkpoint)
    keys.txt        the public keys of the log and of the witnesses that cosigned (C2SP signed-note)
    verify.py       checks all of this with Python 3.8 or later and nothing else

To check it:

    python3 verify.py evidence . --key KEY

KEY is the log's public key. Ask its operator for it, or take it from where they publish it. Without
--key the script goes by keys.txt alone, and whoever made this folder could have made those keys, too.

verify.py came with the folder, too: whoever handed it over could have put another script in its place,
which says that everything holds. Use tests/verify_log.py of a release of Stepward that you got yourself, or
see that the digest is the one that `stepward evidence` told the operator and that a release of that version
has:

    sha256sum verify.py

`stepward verify` does the same, and any other tool that knows the formats will do.

What it shows: each of these events is in the log, unchanged, and every effect's intent stands before
its answer. What it cannot show: that the run has no other events, that there is no newer or second log
under this name, and what was in the run's documents, which the log does not hold.
",
        underline = "=".repeat(16 + run.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::follows;
    use stepward_fault::Class;
    use stepward_ledger::event::{Draft, Name, Outcome, Stamp, What};
    use stepward_trust::Digest;

    #[test]
    fn half_a_run_is_no_evidence() {
        let (name, digest) = (Name::new("r").unwrap(), Digest::of(b"policy"));
        let start = What::RunStarted { object: name.clone(), definition: digest, policy: digest };
        let whats = [start, What::RunEnded { outcome: Outcome::Failed }];
        let events = whats.into_iter().zip(0..).map(|(what, sequence)| {
            let draft = Draft { run: Some(name.clone()), ..Draft::service(what) };
            draft.at(sequence, name.clone(), Stamp { unix_us: 1, error_us: None, mono_us: 1 })
        });
        let events = events.collect::<Vec<_>>();
        assert_eq!(follows(&events).unwrap().unwrap().name, name);
        assert_eq!(follows(&events[1..]).unwrap_err().class(), Class::EvidenceInvalid);
        assert!(follows(&[]).unwrap().is_none());
    }
}
