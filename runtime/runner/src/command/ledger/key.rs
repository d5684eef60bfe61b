//! `stepward ledger key`

use super::Whose;
use crate::{render::raw, session::Session};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::Fault;

/// Prints the public key that checks the log.
///
/// It is a verifier key of C2SP signed-note. Publish it where the log's owner cannot change it
/// unnoticed: whoever checks a log, an export or a proof needs it from elsewhere than the log. After a
/// restore the log has another name, and this another beginning; the key itself stays.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a str,
    origin: &'a str,
    vkey: &'a str,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let here = arguments.whose.find(session)?;
    let view = here.view()?;
    let signer = view.signing().signer();
    let vkey = signer.verifier().to_string();
    let (environment, origin) = (here.environment.name.as_str(), signer.origin().as_str());
    session.output().json("stepward.ledger-key/1", &Report { environment, origin, vkey: &vkey });
    if !session.output().is_json() {
        raw(&vkey);
    }
    Ok(ExitCode::SUCCESS)
}
