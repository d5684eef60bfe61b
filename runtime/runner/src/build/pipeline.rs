//! From a project's sources to pinned components, all or nothing.

use super::{
    cargo::Crates,
    componentize::componentize,
    facts,
    toolchain::{TARGET, Toolchain},
};
use crate::{
    files::{self, Purpose, Readers},
    project::{FILE, LOCK_FILE, Project},
    render::Output,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_flow::Source;
use stepward_seam::Label;
use stepward_trust::{Difference, Lock, LockedStep};

/// The rule that a locked build changes nothing.
pub(crate) const LOCKED: Rule = Rule::new("lock-differs");
/// The rule that a step has the name that its function gives it.
const NAME: Rule = Rule::new("step-name");
/// The rule that a project has steps to build.
const NO_STEPS: Rule = Rule::new("project-empty");

/// How to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write what comes out.
    Update,
    /// Refuse to change the lock or a world file.
    Locked,
}

/// What a build made.
pub(crate) struct Built {
    /// The new lock.
    pub(crate) lock: Lock,
    /// In what it differs from the one before; empty at the first build.
    pub(crate) differences: Vec<Difference>,
}

/// One step, built but not yet written.
struct Sealed {
    bytes: Vec<u8>,
    world: Option<String>,
    locked: LockedStep,
}

/// Builds every step of a project, and writes components, worlds and lock.
pub(crate) fn build(project: &Project, mode: Mode, output: &Output) -> Result<Built, Fault> {
    if project.steps().is_empty() {
        return Err(Fault::new(Class::BadInput, Owner::WorkflowAuthor, NO_STEPS)
            .at(files::place(&project.root().join(FILE)))
            .says("the project has no steps")
            .hint("add one: [steps.my-step]\n         crate = \"steps/my-step\""));
    }
    let old = project.lock_if_any()?;
    let (rustc, cores) = compile(project, mode, output)?;
    let mut sealed = BTreeMap::new();
    for (name, source) in project.steps() {
        let step = match source {
            Source::Component(path) => foreign(&project.root().join(path)),
            Source::Crate(_) => cores.get(name).map_or_else(|| Err(not_built(name)), |core| seal(name, core)),
        };
        sealed.insert(name, step?);
    }
    let steps = sealed.iter().map(|(name, step)| (name.to_string(), step.locked.clone())).collect();
    let toolchain = stepward_trust::Toolchain {
        rustc,
        target: TARGET.to_owned(),
        stepward: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let lock = Lock::new(toolchain, steps);
    let differences = old.as_ref().map_or_else(Vec::new, |old| old.differences(&lock));
    if mode == Mode::Locked {
        refuse_changes(project, old.is_none(), &differences, &sealed)?;
    }
    for (name, step) in &sealed {
        write_step(project, name, step)?;
    }
    if mode == Mode::Update && old.as_ref() != Some(&lock) {
        files::write(&project.root().join(LOCK_FILE), lock.render().as_bytes(), Readers::Public)?;
    }
    Ok(Built { lock, differences })
}

/// Compiles the crates among the steps; the compiler's version and each core module.
fn compile(
    project: &Project,
    mode: Mode,
    output: &Output,
) -> Result<(String, BTreeMap<Label, PathBuf>), Fault> {
    let crates = project
        .steps()
        .iter()
        .filter_map(|(name, source)| match source {
            Source::Crate(path) => Some((name.clone(), project.root().join(path))),
            Source::Component(_) => None,
        })
        .collect();
    let Some(crates) = Crates::find(&crates)? else { return Ok(("none".to_owned(), BTreeMap::new())) };
    let toolchain = Toolchain::find(crates.workspace(), |text| output.progress(text))?;
    let cores = crates.compile(&toolchain, mode == Mode::Locked, output.is_json())?;
    Ok((toolchain.rustc().to_owned(), cores))
}

fn not_built(name: &Label) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, NO_STEPS)
        .says(format_args!("no core module was made for {name:?}"))
        .hint("please report this with the project's stepward.toml")
}

fn seal(name: &Label, core: &Path) -> Result<Sealed, Fault> {
    let made = componentize(&files::read(core, Purpose::CoreModule)?).map_err(|fault| fault.at(name))?;
    if let Some(own) = made.step_name.as_deref()
        && own != name.as_str()
    {
        return Err(Fault::new(Class::BadInput, Owner::StepAuthor, NAME)
            .at(name)
            .says(format_args!("the step's function calls itself `{own}`, but the project calls it {name:?}"))
            .hint(format_args!("rename one of the two: [steps.{own}] in {FILE}, or the function")));
    }
    let component = facts::inspect_unpinned(made.bytes).map_err(|fault| fault.at(name))?;
    let locked = facts::locked_step(&component, Some(&made.world_wit));
    Ok(Sealed { bytes: component.bytes().to_vec(), world: Some(made.world_wit), locked })
}

/// A component that somebody else built: pinned as it is.
fn foreign(path: &Path) -> Result<Sealed, Fault> {
    let component = facts::inspect_unpinned(files::read(path, Purpose::Component)?)
        .map_err(|fault| fault.at(files::place(path)))?;
    Ok(Sealed {
        bytes: component.bytes().to_vec(),
        world: None,
        locked: facts::locked_step(&component, None),
    })
}

/// Where the world of a crate's step is written for review.
pub(crate) fn world_file(project: &Project, step: &Label) -> Result<Option<PathBuf>, Fault> {
    Ok(match project.source(step)? {
        Source::Crate(path) => Some(project.root().join(path).join("wit/world.wit")),
        Source::Component(_) => None,
    })
}

fn refuse_changes(
    project: &Project,
    no_lock: bool,
    differences: &[Difference],
    sealed: &BTreeMap<&Label, Sealed>,
) -> Result<(), Fault> {
    let mut changes = differences.iter().map(ToString::to_string).collect::<Vec<_>>();
    if no_lock {
        changes.push(format!("there is no {LOCK_FILE}"));
    }
    for (name, step) in sealed {
        if let (Some(file), Some(world)) = (world_file(project, name)?, &step.world)
            && files::read_text(&file, Purpose::World).ok().as_ref() != Some(world)
        {
            changes.push(format!("{name}: {} is not the world of the component", files::place(&file)));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    Err(Fault::new(Class::Refused, Owner::StepAuthor, LOCKED)
        .at(files::place(&project.root().join(LOCK_FILE)))
        .says(format_args!("the build differs from what is committed: {}", changes.join("; ")))
        .hint("nothing was changed; if the change is meant, run `stepward build` without --locked and review it"))
}

fn write_step(project: &Project, name: &Label, step: &Sealed) -> Result<(), Fault> {
    let Some(world) = &step.world else { return Ok(()) };
    let component = project.component(name)?;
    files::make_folder(&project.components())?;
    files::write(&component, &step.bytes, Readers::Public)?;
    if let Some(file) = world_file(project, name)?
        && files::read_text(&file, Purpose::World).ok().as_ref() != Some(world)
    {
        files::make_folder(file.parent().unwrap_or(project.root()))?;
        files::write(&file, world.as_bytes(), Readers::Public)?;
    }
    Ok(())
}
