//! What is to run: which component under which pin, with which grants and limits.

use crate::{
    files,
    project::{NO_PROJECT, Project},
    session::{Session, absolute},
};
use serde_json::json;
use std::path::{Path, PathBuf};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_flow::Workflow;
use stepward_seam::{Grants, Label, LimitName, LimitTable, Limits};
use stepward_trust::{Digest, LockedStep};

/// The rule that a component file is run only under a digest.
const DIGEST_NEEDED: Rule = Rule::new("digest-missing");
/// The rule that a digest is given for component files only.
const DIGEST_UNUSED: Rule = Rule::new("digest-unused");
/// The rule that what is run exists.
const UNKNOWN: Rule = Rule::new("target-unknown");
/// The rule that a step with different grants is named with its workflow.
const AMBIGUOUS: Rule = Rule::new("target-ambiguous");
/// The rule that a step has an entry in the lock.
const NOT_LOCKED: Rule = Rule::new("lock-step-missing");
/// The rule that a declared limit has an effect.
const CEILING: Rule = Rule::new("limit-above-ceiling");
/// The rule that the command line only lowers limits.
const RAISED: Rule = Rule::new("limit-raised");

/// The rule that a plan can be named by its digest (RFC 8785).
const DEFINITION: Rule = Rule::new("plan-definition");

/// Whether a name is that of a WebAssembly file.
fn is_wasm(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"))
}

/// Whether a component's file is meant: by its ending, or since it is a file and no workflow or step
/// is called so.
fn is_file(session: &Session, target: &str) -> bool {
    if is_wasm(target) {
        return true;
    }
    if !absolute(Path::new(target)).is_file() {
        return false;
    }
    match session.project() {
        Ok(project) => {
            let step = Label::new(target).is_ok_and(|label| project.steps().contains_key(&label));
            let workflow = target.split_once('/').map_or(target, |(workflow, _)| workflow);
            !step && !project.workflow_file(workflow).exists()
        }
        Err(fault) => fault.rule() == NO_PROJECT,
    }
}

/// What one command is to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The workflow's or the step's name.
    pub(crate) name: String,
    /// The steps in order.
    pub(crate) steps: Vec<PlannedStep>,
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlannedStep {
    /// The name in the workflow.
    pub(crate) name: String,
    /// Where its grants stand, for messages.
    pub(crate) place: String,
    /// The component's file.
    pub(crate) component: PathBuf,
    /// What it must be.
    pub(crate) pin: Pin,
    /// What pins it together with others; none for a component's file.
    pub(crate) bundle: Option<Digest>,
    /// What it may reach.
    pub(crate) grants: Grants,
    /// The limits that files declare for it.
    pub(crate) declared: LimitTable,
    /// The limits that the project declares for every step.
    pub(crate) defaults: LimitTable,
}

/// What a component must be.
#[derive(Clone, Debug)]
pub(crate) enum Pin {
    /// What the lock says, and the world file that belongs to it.
    Locked(Box<LockedStep>, Option<PathBuf>),
    /// What the caller says.
    Given(Digest),
}

impl Pin {
    /// The digest that the component must have.
    pub(crate) fn component(&self) -> Digest {
        match self {
            Self::Locked(locked, _) => locked.component,
            Self::Given(digest) => *digest,
        }
    }
}

impl Plan {
    /// The digest of what a run of this plan is: the order of its steps, the component, the grants and the
    /// declared limits of each. What the environment or a command line lower is not in it.
    pub(crate) fn definition(&self) -> Result<Digest, Fault> {
        let steps = self.steps.iter().map(|step| {
            json!({
                "name": step.name,
                "component": step.pin.component(),
                "grants": step.grants,
                "limits": step.declared,
                "defaults": step.defaults,
            })
        });
        let definition = json!({ "format": "stepward.definition/1", "steps": steps.collect::<Vec<_>>() });
        let canonical = serde_json_canonicalizer::to_vec(&definition).map_err(|error| {
            Fault::new(Class::Internal, Owner::Stepward, DEFINITION)
                .at(&self.name)
                .says(format_args!("the plan has no canonical form: {error}"))
                .hint("please report this with the workflow file")
        })?;
        Ok(Digest::of(&canonical))
    }

    /// Finds what `target` means: `WORKFLOW`, `WORKFLOW/STEP`, `STEP`, or a component's file when
    /// its digest is given.
    pub(crate) fn find(session: &Session, target: &str, digest: Option<Digest>) -> Result<Self, Fault> {
        if let Some(digest) = digest {
            return Self::bare(target, digest);
        }
        if is_file(session, target) {
            return Err(Fault::new(Class::Refused, Owner::Caller, DIGEST_NEEDED)
                .at(target)
                .says("a component file runs only under the digest that was approved")
                .hint("add `--digest sha256:…`; `stepward inspect FILE` shows the digest it has and what it can reach"));
        }
        let project = session.project()?;
        match target.split_once('/') {
            Some((workflow, step)) => Self::one_of(&project, workflow, step),
            None if project.workflow_file(target).exists() => Self::workflow(&project, target),
            None => Self::step(&project, target),
        }
    }

    fn bare(target: &str, digest: Digest) -> Result<Self, Fault> {
        let path = absolute(Path::new(target));
        if !path.is_file() && !is_wasm(target) {
            return Err(Fault::new(Class::Usage, Owner::Caller, DIGEST_UNUSED)
                .at(target)
                .says("--digest belongs to a component file; steps of a project are pinned in stepward.lock")
                .hint("leave --digest out, or name the file"));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let step = PlannedStep {
            place: files::place(&path),
            name: name.clone(),
            component: path,
            pin: Pin::Given(digest),
            bundle: None,
            grants: Grants::default(),
            declared: LimitTable::default(),
            defaults: LimitTable::default(),
        };
        Ok(Self { name, steps: vec![step] })
    }

    fn workflow(project: &Project, name: &str) -> Result<Self, Fault> {
        Self::of_workflow(project, &Project::workflow(&project.workflow_file(name))?)
    }

    /// The plan of a whole workflow.
    pub(crate) fn of_workflow(project: &Project, workflow: &Workflow) -> Result<Self, Fault> {
        let steps =
            workflow.steps().iter().map(|step| planned(project, workflow, step)).collect::<Result<_, _>>()?;
        Ok(Self { name: workflow.name().to_string(), steps })
    }

    fn one_of(project: &Project, workflow: &str, step: &str) -> Result<Self, Fault> {
        let mut plan = Self::workflow(project, workflow)?;
        let known = plan.steps.iter().map(|planned| planned.name.clone()).collect::<Vec<_>>().join(", ");
        plan.steps.retain(|planned| planned.name == step);
        if plan.steps.is_empty() {
            return Err(Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
                .at(files::place(&project.workflow_file(workflow)))
                .says(format_args!("the workflow has no step `{step}`"))
                .hint(format_args!("its steps: {known}")));
        }
        Ok(plan)
    }

    /// One step, with the grants and limits of the workflow that uses it.
    fn step(project: &Project, name: &str) -> Result<Self, Fault> {
        let known = Label::new(name).ok().filter(|label| project.steps().contains_key(label));
        let Some(label) = known else { return Err(unknown(project, name)) };
        let mut uses = uses(project, &label)?;
        let Some((_, first)) = uses.pop() else {
            let step = unused(project, &label)?;
            return Ok(Self { name: name.to_owned(), steps: vec![step] });
        };
        if uses.iter().any(|(_, other)| other.grants != first.grants || other.declared != first.declared) {
            let names =
                uses.iter().map(|(workflow, other)| format!("{workflow}/{}", other.name)).collect::<Vec<_>>();
            return Err(Fault::new(Class::Usage, Owner::Caller, AMBIGUOUS)
                .says(format_args!("the step {label:?} is used with different grants or limits"))
                .hint(format_args!("say which: {}/{} or {}", first.place, first.name, names.join(" or "))));
        }
        Ok(Self { name: name.to_owned(), steps: vec![first] })
    }
}

/// Every use of a step in the project's workflows: the workflow's name and the planned step.
pub(crate) fn uses(project: &Project, step: &Label) -> Result<Vec<(String, PlannedStep)>, Fault> {
    let mut all = Vec::new();
    for file in project.workflow_files()? {
        let workflow = Project::workflow(&file)?;
        for used in workflow.steps().iter().filter(|used| used.step() == step) {
            all.push((workflow.name().to_string(), planned(project, &workflow, used)?));
        }
    }
    Ok(all)
}

/// A step that no workflow uses: nothing is granted, and the project's limits apply.
pub(crate) fn unused(project: &Project, label: &Label) -> Result<PlannedStep, Fault> {
    let component = project.component(label)?;
    let (pin, bundle) = pin(project, label)?;
    Ok(PlannedStep {
        name: label.to_string(),
        place: files::place(&component),
        component,
        pin,
        bundle: Some(bundle),
        grants: Grants::default(),
        declared: LimitTable::default(),
        defaults: project.defaults().clone(),
    })
}

pub(crate) fn planned(
    project: &Project,
    workflow: &Workflow,
    step: &stepward_flow::Step,
) -> Result<PlannedStep, Fault> {
    let file = files::place(&project.workflow_file(workflow.name().as_str()));
    let component = project.component(step.step()).map_err(|fault| fault.at(&file))?;
    let (pin, bundle) = pin(project, step.step())?;
    Ok(PlannedStep {
        place: format!("{file}: step {}", step.name()),
        component,
        pin,
        bundle: Some(bundle),
        name: step.name().to_string(),
        grants: step.grants().clone(),
        declared: step.limits().clone(),
        defaults: project.defaults().clone(),
    })
}

/// What the lock says of a step, and which lock that is.
fn pin(project: &Project, step: &Label) -> Result<(Pin, Digest), Fault> {
    let (mut lock, bundle) = project.locked()?;
    let locked = lock.steps.remove(step.as_str()).ok_or_else(|| {
        Fault::new(Class::Refused, Owner::WorkflowAuthor, NOT_LOCKED)
            .at(crate::project::LOCK_FILE)
            .says(format_args!("the step {step:?} is not pinned"))
            .hint("run `stepward build`, review stepward.lock, and commit it")
    })?;
    Ok((Pin::Locked(Box::new(locked), crate::build::pipeline::world_file(project, step)?), bundle))
}

fn unknown(project: &Project, name: &str) -> Fault {
    let workflows = project.workflow_files().unwrap_or_default();
    let workflows = workflows.iter().filter_map(|file| file.file_stem()).map(|stem| stem.to_string_lossy());
    let steps = project.steps().keys().map(ToString::to_string).collect::<Vec<_>>();
    Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
        .says(format_args!("there is no workflow and no step `{name}` in the project {}", project.name()))
        .hint(format_args!(
            "workflows: {}\nsteps: {}",
            workflows.collect::<Vec<_>>().join(", "),
            steps.join(", ")
        ))
}

impl PlannedStep {
    /// The limits of a run: what files declare, under the environment's ceilings, lowered by what
    /// the command line says.
    pub(crate) fn limits(&self, ceilings: &Limits, lowered: &[(LimitName, u64)]) -> Result<Limits, Fault> {
        let refuse = |rule, owner| Fault::new(Class::Refused, owner, rule).at(&self.place);
        for (name, value) in self.defaults.iter().chain(self.declared.iter()) {
            if value > ceilings.get(name) {
                return Err(refuse(CEILING, Owner::WorkflowAuthor)
                    .says(format_args!(
                        "the limit {name} = {value} is above the environment's ceiling of {}",
                        ceilings.get(name)
                    ))
                    .hint(format_args!(
                        "lower it to {}, or let the operator raise `ceilings.{name}`",
                        ceilings.get(name)
                    )));
            }
        }
        let table = |table: &LimitTable, base| {
            table.over(base).map_err(|error| {
                refuse(CEILING, Owner::WorkflowAuthor)
                    .says(error)
                    .hint("correct it in the workflow file or in stepward.toml")
            })
        };
        let mut limits = table(&self.declared, table(&self.defaults, Limits::default())?)?.under(ceilings);
        for (name, value) in lowered {
            if *value > limits.get(*name) {
                return Err(refuse(RAISED, Owner::Caller)
                    .says(format_args!(
                        "--limit {name}={value} is above the {} that files allow",
                        limits.get(*name)
                    ))
                    .hint("the command line only lowers limits; raise it in the workflow file"));
            }
            limits.set(*name, *value).map_err(|error| {
                refuse(RAISED, Owner::Caller).says(error).hint("give --limit a value of at least 1")
            })?;
        }
        Ok(limits)
    }
}
