//! The project: `stepward.toml`, and where its other files lie.
//!
//! ```toml
//! [project]
//! name = "invoice-approval"
//!
//! [steps.read-invoice]
//! crate = "steps/read-invoice"
//!
//! [steps.translate]
//! component = "components/translate.wasm"
//!
//! [defaults.limits]
//! fuel = 500_000_000
//! ```

use crate::files::{self, Purpose};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_flow::Workflow;
use stepward_seam::{Label, LimitTable, Limits};
use stepward_trust::Lock;
use toml::Spanned;

/// The name of the project file.
pub(crate) const FILE: &str = "stepward.toml";
/// The name of the lock file.
pub(crate) const LOCK_FILE: &str = "stepward.lock";

/// The rule that a command needs a project.
pub(crate) const NO_PROJECT: Rule = Rule::new("project-missing");
/// The rule that a project file is well formed.
const DEFINITION: Rule = Rule::new("project-definition");
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
    name: Label,
    steps: BTreeMap<Label, Source>,
    defaults: LimitTable,
}

/// Where a step comes from; the path is relative to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A crate that is built.
    Crate(PathBuf),
    /// A component that somebody else built.
    Component(PathBuf),
}

/// A project file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Project")]
struct File {
    /// The project itself.
    project: ProjectTable,
    /// The steps, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Label, StepTable>")]
    steps: BTreeMap<Label, Spanned<StepTable>>,
    /// What applies to every step where its workflow says nothing else.
    #[serde(default)]
    defaults: Defaults,
}

/// `[project]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProjectTable {
    /// The project's name.
    name: Label,
}

/// `[steps.NAME]`: exactly one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepTable {
    /// The folder of the crate, relative to this file.
    #[serde(rename = "crate")]
    package: Option<PathBuf>,
    /// The component's file, relative to this file.
    component: Option<PathBuf>,
}

/// `[defaults]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Defaults {
    /// Limits.
    #[schemars(with = "LimitTable")]
    limits: Option<Spanned<LimitTable>>,
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
        Self::parse(&text, &files::place(&path), root)
    }

    fn parse(text: &str, place: &str, root: &Path) -> Result<Self, Fault> {
        let refuse = |offset: usize| {
            Fault::new(Class::BadInput, Owner::WorkflowAuthor, DEFINITION)
                .at_offset(place, text, offset)
                .hint("`stepward schema project` prints what a project file may say")
        };
        let file: File = toml::from_str(text).map_err(|error| {
            refuse(error.span().map_or(0, |span| span.start)).says(error.message().trim_end())
        })?;
        let mut steps = BTreeMap::new();
        for (name, table) in file.steps {
            let at = table.span().start;
            let source = table.into_inner().source().map_err(|message| refuse(at).says(message))?;
            steps.insert(name, source);
        }
        let mut defaults = LimitTable::default();
        if let Some(limits) = file.defaults.limits {
            let at = limits.span().start;
            defaults = limits.into_inner();
            defaults.over(Limits::default()).map_err(|error| refuse(at).says(error))?;
        }
        Ok(Self { root: root.to_owned(), name: file.project.name, steps, defaults })
    }

    /// The JSON Schema of a project file.
    pub(crate) fn schema() -> Schema {
        schema_for!(File)
    }

    /// The folder of the project file.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The project's name.
    pub(crate) fn name(&self) -> &Label {
        &self.name
    }

    /// The steps, by name.
    pub(crate) fn steps(&self) -> &BTreeMap<Label, Source> {
        &self.steps
    }

    /// The limits that every step starts from.
    pub(crate) fn defaults(&self) -> &LimitTable {
        &self.defaults
    }

    /// Where one step comes from.
    pub(crate) fn source(&self, step: &Label) -> Result<&Source, Fault> {
        self.steps.get(step).ok_or_else(|| {
            let known = self.steps.keys().map(Label::as_str).collect::<Vec<_>>().join(", ");
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
        let path = self.root.join(LOCK_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path, Purpose::Lock)?;
        Lock::parse(&text, &files::place(&path)).map(Some)
    }

    /// The lock that a run needs.
    pub(crate) fn lock(&self) -> Result<Lock, Fault> {
        self.lock_if_any()?.ok_or_else(|| {
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

impl StepTable {
    fn source(self) -> Result<Source, &'static str> {
        let (path, source): (_, fn(PathBuf) -> Source) = match (self.package, self.component) {
            (Some(path), None) => (path, Source::Crate),
            (None, Some(path)) => (path, Source::Component),
            (None, None) => return Err("the step says neither `crate` nor `component`"),
            (Some(_), Some(_)) => {
                return Err("the step says both `crate` and `component`; it is one of the two");
            }
        };
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if path.as_os_str().is_empty() || !inside {
            return Err(
                "a path in the project file is relative and stays inside the project, without `.` and `..`",
            );
        }
        Ok(source(path))
    }
}

#[cfg(test)]
mod tests {
    use super::{Project, Source};
    use insta::assert_snapshot;
    use std::path::Path;

    fn parse(text: &str) -> Result<Project, stepward_fault::Fault> {
        Project::parse(text, "stepward.toml", Path::new("/p"))
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_good_file() {
        let project =
            parse("[project]\nname='p'\n[steps.a]\ncrate='steps/a'\n[steps.b]\ncomponent='b.wasm'").unwrap();
        let sources = project.steps().values().cloned().collect::<Vec<_>>();
        assert_eq!(sources, [Source::Crate("steps/a".into()), Source::Component("b.wasm".into())]);
    }

    #[test]
    fn bad_files() {
        assert_snapshot!(refused(""), @"stepward.toml:1:1: missing field `project` [project-definition]");
        assert_snapshot!(refused("[project]\nname = 'p'\nversion = '1'"), @"stepward.toml:3:1: unknown field `version`, expected `name` [project-definition]");
        let project = "[project]\nname = 'p'\n";
        assert_snapshot!(refused(&format!("{project}[steps.a]")), @"stepward.toml:3:1: the step says neither `crate` nor `component` [project-definition]");
        assert_snapshot!(refused(&format!("{project}[steps.a]\ncrate='a'\ncomponent='b'")), @"stepward.toml:3:1: the step says both `crate` and `component`; it is one of the two [project-definition]");
        assert_snapshot!(refused(&format!("{project}[steps.A]\ncrate='a'")), @"stepward.toml:3:8: a label is made of lower-case ASCII words of letters and digits, each starting with a letter, joined by single dashes, such as `payment-signing` [project-definition]");
        assert_snapshot!(refused(&format!("{project}[steps.a]\ncrate='../a'")), @"stepward.toml:3:1: a path in the project file is relative and stays inside the project, without `.` and `..` [project-definition]");
        assert_snapshot!(refused(&format!("{project}[steps.a]\ncrate='/a'")), @"stepward.toml:3:1: a path in the project file is relative and stays inside the project, without `.` and `..` [project-definition]");
        assert_snapshot!(refused(&format!("{project}[steps.a]\ncrate=''")), @"stepward.toml:3:1: a path in the project file is relative and stays inside the project, without `.` and `..` [project-definition]");
        assert_snapshot!(refused(&format!("{project}[defaults.limits]\nfuel = 0")), @"stepward.toml:3:1: the limit fuel is 0; the least is 1 units [project-definition]");
        assert_snapshot!(refused(&format!("{project}[build]\nprofile = 'x'")), @"stepward.toml:3:2: unknown field `build`, expected one of `project`, `steps`, `defaults` [project-definition]");
    }
}
