//! The project: its file, `stepward.toml`, and where its other files lie.

use crate::files::{self, Purpose};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_flow::{ProjectDefinition, Source, Workflow};
use stepward_seam::{Label, LimitTable};
use stepward_trust::{Digest, Lock};

/// The name of the project file.
pub(crate) const FILE: &str = "stepward.toml";
/// The name of the lock file.
pub(crate) const LOCK_FILE: &str = "stepward.lock";

/// The rule that a command needs a project.
pub(crate) const NO_PROJECT: Rule = Rule::new("project-missing");
/// The rule that a run needs a lock.
const NO_LOCK: Rule = Rule::new("lock-missing");
/// The rule that a workflow's file carries its name.
const WORKFLOW_NAME: Rule = Rule::new("workflow-name");
/// The rule that a step must be in the project file.
pub(crate) const UNKNOWN_STEP: Rule = Rule::new("step-unknown");

/// A project that was found and read.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
    definition: ProjectDefinition,
}

impl Project {
    /// Finds the project file in `start` or the nearest folder above it, and reads it.
    pub(crate) fn find(start: &Path) -> Result<Self, Fault> {
        let root = start.ancestors().find(|folder| folder.join(FILE).is_file()).ok_or_else(|| {
            Fault::new(Class::BadInput, Owner::Caller, NO_PROJECT)
                .at(start.display())
                .says(format_args!("no {FILE} here or in a folder above"))
                .hint("go to a project, name one with `--project DIR`, or make one with `stepward new NAME`")
        })?;
        Self::open(root)
    }

    /// Reads the project file in `root`.
    pub(crate) fn open(root: &Path) -> Result<Self, Fault> {
        let path = root.join(FILE);
        let text = files::read_text(&path, Purpose::Project)?;
        let definition = ProjectDefinition::parse(&text, &files::place(&path))?;
        Ok(Self { root: root.to_owned(), definition })
    }

    /// The folder of the project file.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The project's name.
    pub(crate) fn name(&self) -> &Label {
        self.definition.name()
    }

    /// The steps, by name.
    pub(crate) fn steps(&self) -> &BTreeMap<Label, Source> {
        self.definition.steps()
    }

    /// The limits that every step starts from.
    pub(crate) fn defaults(&self) -> &LimitTable {
        self.definition.defaults()
    }

    /// Where one step comes from.
    pub(crate) fn source(&self, step: &Label) -> Result<&Source, Fault> {
        self.steps().get(step).ok_or_else(|| {
            let known = self.steps().keys().map(Label::as_str).collect::<Vec<_>>().join(", ");
            Fault::new(Class::BadInput, Owner::WorkflowAuthor, UNKNOWN_STEP)
                .at(files::place(&self.root.join(FILE)))
                .says(format_args!("there is no step {step:?}"))
                .hint(format_args!(
                    "the project's steps: {known}\nadd it: [steps.{step}]\n        crate = \"steps/{step}\""
                ))
        })
    }

    /// Where `build` puts a step's component, or where it lies when somebody else built it.
    pub(crate) fn component(&self, step: &Label) -> Result<PathBuf, Fault> {
        Ok(match self.source(step)? {
            Source::Crate(_) => self.components().join(format!("{step}.wasm")),
            Source::Component(path) => self.root.join(path),
        })
    }

    /// The folder of built components.
    pub(crate) fn components(&self) -> PathBuf {
        self.root.join("target/stepward/components")
    }

    /// The lock, if there is one.
    pub(crate) fn lock_if_any(&self) -> Result<Option<Lock>, Fault> {
        Ok(self.read_lock()?.map(|(lock, _)| lock))
    }

    fn read_lock(&self) -> Result<Option<(Lock, Digest)>, Fault> {
        let path = self.root.join(LOCK_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path, Purpose::Lock)?;
        let lock = Lock::parse(&text, &files::place(&path))?;
        Ok(Some((lock, Digest::of(text.as_bytes()))))
    }

    /// The lock that a run needs.
    pub(crate) fn lock(&self) -> Result<Lock, Fault> {
        self.locked().map(|(lock, _)| lock)
    }

    /// The lock that a run needs, and the digest of its file, which names all that it pins together.
    pub(crate) fn locked(&self) -> Result<(Lock, Digest), Fault> {
        self.read_lock()?.ok_or_else(|| {
            Fault::new(Class::Refused, Owner::WorkflowAuthor, NO_LOCK)
                .at(files::place(&self.root.join(LOCK_FILE)))
                .says("nothing is pinned yet, so nothing may run")
                .hint("run `stepward build`, review stepward.lock, and commit it")
        })
    }

    /// The workflow files, sorted.
    pub(crate) fn workflow_files(&self) -> Result<Vec<PathBuf>, Fault> {
        files::list(&self.root.join("workflows"), "toml")
    }

    /// The file of one workflow.
    pub(crate) fn workflow_file(&self, name: &str) -> PathBuf {
        self.root.join("workflows").join(format!("{name}.toml"))
    }

    /// Reads one workflow file, and checks that it carries its file's name.
    pub(crate) fn workflow(path: &Path) -> Result<Workflow, Fault> {
        let place = files::place(path);
        let workflow = Workflow::parse(&files::read_text(path, Purpose::Workflow)?, &place)?;
        if path.file_stem().and_then(|stem| stem.to_str()) != Some(workflow.name().as_str()) {
            return Err(Fault::new(Class::BadInput, Owner::WorkflowAuthor, WORKFLOW_NAME)
                .at(place)
                .says(format_args!("the file holds the workflow {:?}", workflow.name()))
                .hint(format_args!("name the file {}.toml, or change its `name`", workflow.name())));
        }
        Ok(workflow)
    }

    /// The folder of the environments.
    pub(crate) fn environments(&self) -> PathBuf {
        self.root.join("environments")
    }

    /// The folder of an environment's reviewed files.
    pub(crate) fn environment(&self, name: &Label) -> PathBuf {
        self.environments().join(name.as_str())
    }
}
