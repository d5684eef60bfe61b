//! The workflow file and what it must say to become a [`Workflow`].

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::collections::BTreeSet;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Grant, Grants, Label, LimitTable, Limits};
use toml::Spanned;

/// The rule that a workflow file is well formed.
pub const DEFINITION: Rule = Rule::new("workflow-definition");

/// Most steps in one workflow. Each step is a compiled component in memory and a trace on disk; the
/// longest approval chains that we know of have a few dozen.
pub const MAX_STEPS: usize = 100;

/// A workflow whose file was read and found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    name: Label,
    steps: Vec<Step>,
}

/// One step of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    name: Label,
    runs: Label,
    grants: Grants,
    limits: LimitTable,
}

/// A workflow file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Workflow")]
struct File {
    /// The workflow's name; the file is `workflows/NAME.toml`.
    name: Label,
    /// The steps, in the order in which they run.
    #[schemars(with = "Vec<StepTable>", length(min = 1, max = MAX_STEPS))]
    steps: Spanned<Vec<StepTable>>,
}

/// One `[[steps]]` table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepTable {
    /// The step's name within this workflow.
    #[schemars(with = "Label")]
    name: Spanned<Label>,
    /// The step's name in `stepward.toml`, where that is another one.
    #[serde(default)]
    step: Option<Label>,
    /// What the step is granted, by kind and label.
    #[serde(default)]
    grants: Grants,
    /// Limits of this step. The environment's ceilings still apply.
    #[serde(default = "no_limits")]
    #[schemars(with = "LimitTable")]
    limits: Spanned<LimitTable>,
}

fn no_limits() -> Spanned<LimitTable> {
    Spanned::new(0..0, LimitTable::default())
}

/// The label of an endpoint grant that allows no request at all.
fn empty_grant(grants: &Grants) -> Option<&Label> {
    grants.iter().find_map(|(label, grant)| match grant {
        Grant::Endpoint(endpoint) => {
            (endpoint.methods.is_empty() || endpoint.paths.is_empty()).then_some(label)
        }
        Grant::Signer | Grant::Secret | Grant::Clock | Grant::Random => None,
    })
}

impl Workflow {
    /// Reads a workflow file. `place` is what messages call it, such as `workflows/approve.toml`.
    ///
    /// # Errors
    /// A fault of the workflow's author, with line and column: not TOML, an unknown or missing key,
    /// no step or more than [`MAX_STEPS`], a name used twice, a label granted twice, a limit that
    /// is 0 or above what any file can give.
    pub fn parse(text: &str, place: &str) -> Result<Self, Fault> {
        let refuse = |offset: usize| {
            Fault::new(Class::BadInput, Owner::WorkflowAuthor, DEFINITION)
                .at_offset(place, text, offset)
                .hint("`stepward schema workflow` prints what a workflow file may say")
        };
        let file: File = toml::from_str(text).map_err(|error| {
            refuse(error.span().map_or(0, |span| span.start)).says(error.message().trim_end())
        })?;
        let all = file.steps.span();
        let tables = file.steps.into_inner();
        if tables.is_empty() {
            return Err(refuse(all.start).says("a workflow has at least one step"));
        }
        if tables.len() > MAX_STEPS {
            return Err(refuse(all.start)
                .says(format_args!("{} steps; a workflow has at most {MAX_STEPS}", tables.len())));
        }
        let mut names = BTreeSet::new();
        let mut steps = Vec::with_capacity(tables.len());
        for table in tables {
            let at = table.name.span().start;
            let name = table.name.into_inner();
            if !names.insert(name.clone()) {
                return Err(refuse(at)
                    .says(format_args!("two steps are named {name:?}"))
                    .hint("give one of them another `name` and say which step it is: `step = \"…\"`"));
            }
            let limits_at = table.limits.span().start;
            let limits = table.limits.into_inner();
            limits.over(Limits::default()).map_err(|error| refuse(limits_at).says(error))?;
            if let Some(label) = empty_grant(&table.grants) {
                return Err(refuse(at)
                    .says(format_args!("the grant of {label:?} lists no method or no path, so it grants nothing"))
                    .hint("write what the step needs, such as `methods = [\"GET\"]` and `paths = [\"/suppliers/*\"]`, \
                           or remove the grant"));
            }
            let runs = table.step.unwrap_or_else(|| name.clone());
            steps.push(Step { name, runs, grants: table.grants, limits });
        }
        Ok(Self { name: file.name, steps })
    }

    /// The workflow's name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// Its steps in order; never empty.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The JSON Schema of a workflow file.
    pub fn schema() -> Schema {
        schema_for!(File)
    }
}

impl Step {
    /// The name within the workflow.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// The name in the project file.
    pub fn step(&self) -> &Label {
        &self.runs
    }

    /// What the workflow grants to it.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The limits that the workflow declares for it.
    pub fn limits(&self) -> &LimitTable {
        &self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_STEPS, Workflow};
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use stepward_seam::{Label, LimitName};

    const GOOD: &str = r#"
name = "approve"

[[steps]]
name = "read"
step = "read-invoice"

[[steps]]
name = "post-payment"
[steps.limits]
host-calls = 10
[steps.grants.endpoint.erp]
methods = ["POST"]
paths = ["/payments"]
[steps.grants.signer.payment-signing]
"#;

    fn refused(text: &str) -> String {
        let fault = Workflow::parse(text, "workflows/w.toml").unwrap_err();
        assert_eq!(fault.class().exit_code(), 9);
        assert!(!fault.remedy().is_empty());
        fault.to_string()
    }

    #[test]
    fn a_good_file() {
        let workflow = Workflow::parse(GOOD, "w").unwrap();
        assert_eq!(workflow.name().as_str(), "approve");
        let [read, post] = workflow.steps() else { panic!("two steps") };
        assert_eq!((read.name().as_str(), read.step().as_str()), ("read", "read-invoice"));
        assert_eq!(post.step().as_str(), "post-payment");
        assert_eq!(post.limits().iter().collect::<Vec<_>>(), [(LimitName::HostCalls, 10)]);
        assert!(post.grants().get(&Label::new("erp").unwrap()).is_some());
        assert_eq!(read.grants().iter().count(), 0);
    }

    #[test]
    fn what_is_not_toml_or_not_a_workflow() {
        assert_snapshot!(refused(""), @"workflows/w.toml:1:1: missing field `name` [workflow-definition]");
        assert_snapshot!(refused("name = "), @"workflows/w.toml:1:8: string values must be quoted, expected literal string [workflow-definition]");
        assert_snapshot!(refused("name = 'a'\nsteps = []"), @"workflows/w.toml:2:9: a workflow has at least one step [workflow-definition]");
        assert_snapshot!(refused("name = 'a'\ncolour = 1\n[[steps]]\nname = 'b'"), @"workflows/w.toml:2:1: unknown field `colour`, expected `name` or `steps` [workflow-definition]");
        assert_snapshot!(refused("name = 'A'\n[[steps]]\nname = 'b'"), @"workflows/w.toml:1:8: a label is made of lower-case ASCII words of letters and digits, each starting with a letter, joined by single dashes, such as `payment-signing` [workflow-definition]");
        assert_snapshot!(refused("name = 'a'\n[[steps]]\nname = 'b'\nretries = 3"), @"workflows/w.toml:4:1: unknown field `retries`, expected one of `name`, `step`, `grants`, `limits` [workflow-definition]");
    }

    #[test]
    fn names_limits_and_grants_that_mislead() {
        assert_snapshot!(refused("name = 'a'\n[[steps]]\nname = 'b'\n[[steps]]\nname = 'b'"), @"workflows/w.toml:5:8: two steps are named `b` [workflow-definition]");
        let step = "name = 'a'\n[[steps]]\nname = 'b'\n";
        assert_snapshot!(refused(&format!("{step}[steps.limits]\nfule = 1")), @"workflows/w.toml:5:1: unknown variant `fule`, expected one of `fuel`, `memory-bytes`, `table-elements`, `instances`, `wall-time-ms`, `host-calls`, `bytes-out-per-call`, `bytes-in-per-call`, `bytes-out`, `bytes-in`, `log-lines`, `log-bytes`, `input-bytes`, `output-bytes`, `component-bytes`, `compile-time-ms` [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.limits]\nfuel = 0")), @"workflows/w.toml:4:1: the limit fuel is 0; the least is 1 units [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.limits]\nfuel = -1")), @"workflows/w.toml:5:8: invalid value: integer `-1`, expected u64 [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.limits]\nlog-lines = 100001")), @"workflows/w.toml:4:1: the limit log-lines = 100001 is above the ceiling of 100000 lines [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.grants.signer.k]\n[steps.grants.secret.k]")), @"workflows/w.toml:4:8: `k` is granted twice; a label names one thing of one kind [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.grants.endpoints.erp]\nmethods = []")), @"workflows/w.toml:4:15: unknown field `endpoints`, expected one of `endpoint`, `signer`, `secret`, `clock`, `random` [workflow-definition]");
        assert_snapshot!(refused(&format!("{step}[steps.grants.endpoint.erp]\nmethods = []\npaths = []")), @"workflows/w.toml:3:8: the grant of `erp` lists no method or no path, so it grants nothing [workflow-definition]");
        assert_snapshot!(
            refused(&format!("{step}[steps.grants.endpoint.erp]\nmethods = ['FETCH']\npaths = ['/']")), @"workflows/w.toml:5:12: unknown variant `FETCH`, expected one of `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH`, `DELETE` [workflow-definition]");
    }

    #[test]
    fn the_number_of_steps_is_bounded() {
        let steps = |count: usize| {
            (0..count).fold("name = 'a'\n".to_owned(), |text, n| format!("{text}[[steps]]\nname = 's{n}'\n"))
        };
        assert_eq!(Workflow::parse(&steps(MAX_STEPS), "w").unwrap().steps().len(), MAX_STEPS);
        assert_snapshot!(refused(&steps(MAX_STEPS + 1)), @"workflows/w.toml:2:1: 101 steps; a workflow has at most 100 [workflow-definition]");
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema = serde_json::to_string(&Workflow::schema()).unwrap();
        for key in ["name", "steps", "grants", "limits", "endpoint", "signer"] {
            assert!(schema.contains(&format!("\"{key}\"")), "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            drop(Workflow::parse(&text, "w"));
        }

        #[test]
        fn one_changed_byte_is_read_or_refused_with_a_place(at in 0..GOOD.len(), byte in 0x20u8..0x7f) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Err(fault) = Workflow::parse(std::str::from_utf8(&bytes).unwrap(), "w") {
                prop_assert!(fault.place().starts_with("w:"));
            }
        }
    }
}
