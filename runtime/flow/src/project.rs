//! The project file, `stepward.toml`, and what it must say to become a [`ProjectDefinition`].
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

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Component, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Label, LimitTable, Limits};
use toml::Spanned;

/// The rule that a project file is well formed.
const DEFINITION: Rule = Rule::new("project-definition");

/// A project whose file was read and found sound. Nothing that it names was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDefinition {
    name: Label,
    steps: BTreeMap<Label, Source>,
    defaults: LimitTable,
}

/// Where a step comes from. The path is relative to the project file and stays below its folder, as
/// far as its text goes: what links in that folder lead to is for whoever opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
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

impl ProjectDefinition {
    /// Reads a project file. `place` is what messages call it, such as `stepward.toml`.
    ///
    /// # Errors
    /// A fault of the workflow's author, with line and column: not TOML, an unknown or missing key, a
    /// step with no source or two, a path that leaves the project, a limit that is 0 or above what any
    /// file can give.
    pub fn parse(text: &str, place: &str) -> Result<Self, Fault> {
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
        Ok(Self { name: file.project.name, steps, defaults })
    }

    /// The project's name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// The steps, by name.
    pub fn steps(&self) -> &BTreeMap<Label, Source> {
        &self.steps
    }

    /// The limits that every step starts from.
    pub fn defaults(&self) -> &LimitTable {
        &self.defaults
    }

    /// The JSON Schema of a project file.
    pub fn schema() -> Schema {
        schema_for!(File)
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
    use super::{ProjectDefinition, Source};
    use insta::assert_snapshot;
    use proptest::prelude::*;

    const GOOD: &str = "[project]\nname='p'\n[steps.a]\ncrate='steps/a'\n[steps.b]\ncomponent='b.wasm'\n[defaults.limits]\nfuel = 7\n";

    fn refused(text: &str) -> String {
        ProjectDefinition::parse(text, "stepward.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_good_file() {
        let project = ProjectDefinition::parse(GOOD, "stepward.toml").unwrap();
        let sources = project.steps().values().cloned().collect::<Vec<_>>();
        assert_eq!(sources, [Source::Crate("steps/a".into()), Source::Component("b.wasm".into())]);
        assert_eq!(project.name().as_str(), "p");
        assert_eq!(project.defaults().iter().count(), 1);
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

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            drop(ProjectDefinition::parse(&text, "p"));
        }

        #[test]
        fn one_changed_byte_is_read_or_refused_with_a_place(at in 0..GOOD.len(), byte in 0x20u8..0x7f) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Err(fault) = ProjectDefinition::parse(std::str::from_utf8(&bytes).unwrap(), "p") {
                prop_assert!(fault.place().starts_with("p:"));
            }
        }
    }
}
