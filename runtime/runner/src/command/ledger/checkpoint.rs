//! `stepward ledger checkpoint`

use super::{Here, OWNED, Whose};
use crate::{
    render::{raw, utc},
    running::{
        book::{self, Signing, clock::SystemClock},
        live::Found,
        signals, witnesses,
    },
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::{process::ExitCode, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    log::{Log, Trusted},
    note::SignedCheckpoint,
    store::{
        Records,
        sqlite::{Reader, Writer},
    },
    tiles::TileDir,
};
use stepward_vault::EnvironmentRoot;

/// Prints the newest checkpoint of the log: a C2SP signed note.
///
/// Where the log has grown since and no process owns it, a new one is signed first, kept in the log and
/// published in its tiles. Whoever keeps a checkpoint elsewhere can tell later that the log was cut
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
    let view = here.view()?;
    let covered = view.newest().map(SignedCheckpoint::head);
    if covered != Some(view.head()) {
        match signals::block_on(sign(&here)) {
            Err(fault) if fault.rule().as_str() == OWNED => {
                session.output().progress(format_args!("no new checkpoint from here: {}", fault.message()));
            }
            other => other?,
        }
    }
    let view = here.view()?;
    let newest = super::covering(&view, 0)?;
    let (head, size) = (newest.head(), view.head().size.get());
    let report = Report {
        environment: here.environment.name.as_str(),
        origin: newest.origin().as_str(),
        size: head.size.get(),
        root: head.root.to_string(),
        after: size - head.size.get(),
        cosignatures: cosignatures(session, &here, newest)?,
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
    checkpoint: &SignedCheckpoint,
) -> Result<Vec<Cosignature>, Fault> {
    let found = Found::at_hand(session.project().ok().as_ref(), &here.environment.name)?;
    let Some(rules) = found.as_ref().and_then(|found| found.environment.witnesses()) else {
        session.output().progress(format_args!(
            "the environment {} has {}",
            here.environment.name,
            witnesses::NONE
        ));
        return Ok(Vec::new());
    };
    let mut seen = Vec::new();
    for witness in witnesses::policy(rules)?.witnesses() {
        let cosigned =
            checkpoint.cosigned_by(witness).map_err(|error| error.fault("the newest checkpoint"))?;
        seen.extend(cosigned.map(|cosigned| Cosignature {
            witness: cosigned.witness().to_string(),
            at: utc(cosigned.time().get()),
        }));
    }
    Ok(seen)
}

/// The rule that what is signed goes on from something that was signed.
const UNSIGNED: Rule = Rule::new("log-unsigned");

/// Signs what is there, keeps it and publishes it; appends nothing.
async fn sign(here: &Here) -> Result<(), Fault> {
    let state = &here.state;
    let ownership = book::own(state)?;
    let root = EnvironmentRoot::derive(&state.existing_environment_key()?)?;
    let store = Writer::open(&state.ledger(), ownership)?;
    let signing = Signing::of(&store, &here.environment.name, &root)?;
    let tiles = TileDir::new(state.tiles()?);
    let known = [
        (signing.newest(&store)?, "the newest checkpoint in ledger.db"),
        (tiles.checkpoint(&signing.signer().verifier())?, "the checkpoint in tiles/"),
    ];
    let trusted = known.into_iter().filter_map(|(newest, source)| {
        newest.map(|newest| Trusted { head: newest.head(), source: source.to_owned() })
    });
    let trusted = trusted.collect::<Vec<_>>();
    if trusted.is_empty() {
        // Whoever signs vouches for what came before. Here nothing says what that was.
        return Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, UNSIGNED)
            .at(crate::files::place(&state.ledger()))
            .says("the log has events and no checkpoint, here or in tiles/: nothing vouches for them")
            .hint("put tiles/ back, or `stepward restore` a backup"));
    }
    let (log, _) = Log::open(
        Box::new(store),
        Arc::new(SystemClock::start()),
        &trusted,
        &book::sequence,
        &stepward::journal::sealer(&root),
    )?;
    let (signer, mut signed) = (signing.signer(), None);
    log.checkpoint(|head| Ok(signed.insert(signer.sign(head)).to_string())).await?;
    if let Some(newest) = signed {
        let reader = Reader::open(&state.ledger())?;
        let records: &dyn Records = &reader;
        tiles.publish(records, &signer.verifier(), &newest)?;
    }
    log.close().await.map(drop)
}
