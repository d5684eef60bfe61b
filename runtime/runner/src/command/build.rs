//! `stepward build`

use crate::{
    build::pipeline::{self, Built, Mode},
    files,
    project::LOCK_FILE,
    render::{GOOD, Table, WARN, bytes, reveals, styled},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::{Fault, shown};
use stepward_seam::Interface;
use stepward_trust::{Difference, LockedStep};

/// Builds the steps into sealed components and pins them in stepward.lock.
///
/// Compiles every step for wasm32-unknown-unknown, seals each into a component, writes its world
/// to steps/NAME/wit/world.wit for review, and pins all of it in stepward.lock. Equal sources and an
/// equal toolchain give equal bytes, wherever the project lies.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Fails instead of changing stepward.lock, a world file or Cargo.lock
    #[arg(long)]
    locked: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    steps: Vec<Step<'a>>,
    changes: &'a [Difference],
}

#[derive(Serialize)]
struct Step<'a> {
    name: &'a str,
    component: String,
    size: u64,
    imports: &'a [String],
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let project = session.project()?;
    let mode = if arguments.locked { Mode::Locked } else { Mode::Update };
    let built = pipeline::build(&project, mode, session.output())?;
    show(session, &built);
    if !arguments.locked {
        session.output().line(format_args!("\npinned in {}", files::place(&project.root().join(LOCK_FILE))));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(session: &Session, built: &Built) {
    let steps = built.lock.steps.iter().map(|(name, step)| Step {
        name,
        component: step.component.to_string(),
        size: step.size,
        imports: &step.imports,
    });
    session
        .output()
        .json("stepward.build/1", &Report { steps: steps.collect(), changes: &built.differences });
    table(session, built);
    for difference in &built.differences {
        session.output().line(format_args!("  changed: {}", shown(&difference.to_string())));
    }
}

/// Shows what each step is and reaches.
pub(crate) fn table(session: &Session, built: &Built) {
    let mut table = Table::new(&["step", "size", "component", "reaches"]);
    for (name, step) in &built.lock.steps {
        table.row([styled(GOOD, name), bytes(step.size), short(step), reaches(step)]);
    }
    session.output().line(table);
}

/// Enough of a digest to tell two builds apart by eye; the lock has all of it.
fn short(step: &LockedStep) -> String {
    step.component.to_string().chars().take("sha256:".len() + 12).collect()
}

fn reaches(step: &LockedStep) -> String {
    if step.imports.is_empty() {
        return "nothing".to_owned();
    }
    let imports = step.imports.iter().map(|import| match import.split_once(": ") {
        Some((label, interface)) if interface == Interface::Secret.id() => {
            styled(WARN, reveals(shown(label)))
        }
        Some(_) | None => shown(import).to_string(),
    });
    imports.collect::<Vec<_>>().join(", ")
}
