//! `stepward ledger checkpoint`

use super::{Here, OWNED, Whose, covering::is_cosigned};
use crate::{
    render::{raw, utc},
    running::{book, live::Found, signals, witnesses},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::Fault;
use stepward_ledger::{note::SignedCheckpoint, witness::Policy};

/// Prints the newest checkpoint of the log: a C2SP signed note.
///
/// Where the log has grown since and no process owns it, a new one is signed first, kept in the log and
/// published in its tiles, and the environment's witnesses are asked to cosign it; they are asked as well
/// where too few of them cosigned the newest. Whoever keeps a checkpoint elsewhere can tell later that the log was cut
/// back, rolled back or rewritten: `stepward verify --checkpoint FILE`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a str,
    origin: &'a str,
    size: u64,
    root: String,
    /// Events that came after it.
    after: u64,
    /// The environment's witnesses that have seen it.
    cosignatures: Vec<Cosignature>,
    note: String,
}

/// What a witness saw, and when by its clock.
#[derive(Serialize)]
struct Cosignature {
    witness: String,
    at: String,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let here = arguments.whose.find(session)?;
    let (view, witnesses) = (here.view()?, here.witnesses(session));
    let newest = view.newest();
    let covers = newest.map(SignedCheckpoint::head) == Some(view.head());
    let is_seen = |policy: &Policy| newest.is_some_and(|newest| is_cosigned(policy, newest));
    if !covers || !witnesses.as_ref().is_none_or(is_seen) {
        match signals::block_on(sign(session, &here)) {
            Err(fault) if fault.rule().as_str() == OWNED => {
                session.output().progress(format_args!("no new checkpoint from here: {}", fault.message()));
            }
            other => other?,
        }
    }
    let view = here.view()?;
    let newest = super::newest(&view, 0)?;
    let (head, size) = (newest.head(), view.head().size.get());
    let report = Report {
        environment: here.environment.name.as_str(),
        origin: newest.origin().as_str(),
        size: head.size.get(),
        root: head.root.to_string(),
        after: size - head.size.get(),
        cosignatures: cosignatures(session, &here, witnesses.as_ref(), newest),
        note: newest.to_string(),
    };
    session.output().json("stepward.checkpoint/1", &report);
    if !session.output().is_json() {
        raw(&report.note);
    }
    for Cosignature { witness, at } in &report.cosignatures {
        session.output().progress(format_args!("{witness} saw it at {at}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Which of the environment's witnesses cosigned a checkpoint. Without the environment's file nobody knows
/// them.
fn cosignatures(
    session: &Session,
    here: &Here,
    witnesses: Option<&Policy>,
    checkpoint: &SignedCheckpoint,
) -> Vec<Cosignature> {
    let output = session.output();
    let Some(policy) = witnesses else {
        let name = &here.environment.name;
        output.progress(format_args!("the environment {name} has {}", witnesses::NONE));
        return Vec::new();
    };
    let mut seen = Vec::new();
    for witness in policy.witnesses() {
        match checkpoint.cosigned_by(witness) {
            Ok(cosigned) => seen.extend(cosigned.map(|cosigned| Cosignature {
                witness: cosigned.witness().to_string(),
                at: utc(cosigned.time().get()),
            })),
            Err(error) => output.warning(error.fault("the newest checkpoint")),
        }
    }
    seen
}

/// Signs what is there, as a start of the log does, and asks its witnesses.
async fn sign(session: &Session, here: &Here) -> Result<(), Fault> {
    let name = &here.environment.name;
    // A file that cannot be read was warned of.
    let found = Found::at_hand(session.project().ok().as_ref(), name).ok().flatten();
    let witnesses = found.map_or(Ok(None), |found| found.witnesses())?;
    let key = here.state.existing_environment_key()?;
    book::sign(&here.state, name, &key, witnesses, session.output()).await
}
