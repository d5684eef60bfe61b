//! `stepward runs resume`

use super::Whose;
use crate::{
    command::run::{self, Asked, limit},
    session::Session,
};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};
use stepward_seam::LimitName;

/// Goes on with a run that was interrupted, in the same project.
///
/// Steps that ended are not run again. The step that was interrupted is run again, and told what it was
/// told before as far as the log goes; an effect that was answered is not repeated. Exit code 6 where
/// nobody knows what came of an effect: look at the service and say so with `stepward runs resolve`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    whose: Whose,
    /// Lowers a limit, such as fuel=1000000; repeatable
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<(LimitName, u64)>,
    /// Writes what the steps do now as cases
    #[arg(long, value_name = "CASE")]
    record: Option<PathBuf>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> ExitCode {
    let asked = Asked {
        target: None,
        digest: None,
        env: arguments.whose.env.as_deref(),
        limits: &arguments.limits,
        record: arguments.record.as_deref(),
    };
    run::go_on(session, &arguments.run, &asked)
}
