//! `stepward ledger prove`

use super::{Whose, counted, covering, out::Out, vkeys};
use crate::{
    files,
    render::{GOOD, styled},
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    merkle::{Inclusion, LeafIndex},
    note::SignedCheckpoint,
    proof::LogProof,
    store::{Nodes, Records},
};

/// The rule that an event that is proven is in the log.
const MISSING: Rule = Rule::new("event-missing");

/// Proves that one event is in the log.
///
/// Writes FILE, a C2SP tlog-proof with the newest checkpoint over the event that enough of the
/// environment's witnesses cosigned, or else with the newest, and FILE.leaf, the event byte for byte.
/// Both together and the public keys that are printed, of the log and of the witnesses that cosigned, are all
/// that it takes to check it, with `stepward verify` or with other tools.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The number of the event, as `stepward ledger show` shows it
    #[arg(value_name = "EVENT")]
    event: u64,
    /// Where the proof is written, and where nothing is yet [default: event-EVENT.tlog-proof]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report {
    event: u64,
    proof: String,
    leaf: String,
    bytes: usize,
    size: u64,
    /// The key of the log, and those of the witnesses that cosigned.
    vkeys: Vec<String>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let here = arguments.whose.find(session)?;
    let view = here.view()?;
    let event = arguments.event;
    if event >= view.head().size.get() {
        return Err(missing(event, format_args!("the log has {}", counted(view.head().size.get(), "event"))));
    }
    let witnesses = here.witnesses(session);
    let newest = &covering::of_event(&view, witnesses.as_ref(), event, session.output())?;
    let leaf = view.event(event)?.encode();
    let proof = prove(view.records(), newest, event)?;
    let path = arguments.out.clone().unwrap_or_else(|| format!("event-{event}.tlog-proof").into());
    let (proof_path, leaf_path) = (absolute(&path), absolute(&leaf_of(&path)));
    let (proof_out, leaf_out) = (Out::start(proof_path.clone())?, Out::start(leaf_path.clone())?);
    // The proof last: where it is, its event is.
    leaf_out.write_all(&leaf)?;
    proof_out.write_all(proof.as_bytes())?;
    let report = Report {
        event,
        proof: files::from_here(&proof_path),
        leaf: files::from_here(&leaf_path),
        bytes: proof.len(),
        size: newest.head().size.get(),
        vkeys: vkeys(&view, witnesses.as_ref(), newest),
    };
    let output = session.output();
    output.json("stepward.proof/1", &report);
    output.line(format_args!(
        "{}: event {event} is in the log of {}; check it with\n  stepward verify {} --key {}",
        styled(GOOD, files::place(&proof_path)),
        counted(report.size, "event"),
        files::place(&proof_path),
        report.vkeys.join(" --key ")
    ));
    Ok(ExitCode::SUCCESS)
}

/// The text of a proof.
pub(crate) fn prove(records: &dyn Records, newest: &SignedCheckpoint, event: u64) -> Result<String, Fault> {
    let index = LeafIndex::new(event).map_err(|error| missing(event, error))?;
    let inclusion = Inclusion::prove(&Nodes::of(records), index, newest.head().size);
    Ok(LogProof::new(inclusion.map_err(|error| missing(event, error))?, newest).to_string())
}

/// The file with the event, beside that of its proof.
pub(crate) fn leaf_of(proof: &Path) -> PathBuf {
    let mut name = proof.as_os_str().to_owned();
    name.push(".leaf");
    name.into()
}

fn missing(event: u64, why: impl std::fmt::Display) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, MISSING)
        .at(format_args!("event {event}"))
        .says(format_args!("it cannot be proven: {why}"))
        .hint("`stepward ledger show` lists the events with their numbers")
}
