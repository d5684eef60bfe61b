//! `stepward inspect`

use crate::{
    build::facts,
    files::{self, Purpose},
    project::{Project, UNKNOWN_STEP},
    render::{DIM, STRONG, WARN, bytes, reveals, styled},
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward::{ImportKind, Inspected};
use stepward_fault::{Class, Fault, Owner, shown};
use stepward_seam::{Interface, Label};

/// Shows what a component is and what it can reach.
///
/// All of it is read from the component's bytes; nothing is compiled and nothing is run. What is not
/// listed cannot be reached.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A step of the project, or a component's file
    #[arg(value_name = "STEP|FILE")]
    target: String,
}

#[derive(Serialize)]
struct Report {
    digest: String,
    size: usize,
    imports: Vec<Import>,
    exports: Vec<&'static str>,
    input_schema: Value,
    output_schema: Value,
}

#[derive(Serialize)]
struct Import {
    label: String,
    interface: &'static str,
    #[serde(skip)]
    revealed: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (path, project) = find(session, &arguments.target)?;
    let component = facts::inspect_unpinned(files::read(&path, Purpose::Component)?)
        .map_err(|fault| if fault.place().is_empty() { fault.at(files::place(&path)) } else { fault })?;
    let report = report(&component);
    session.output().json("stepward.inspect/1", &report);
    show(session, &path, &report);
    if let Some((project, step)) = project {
        show_pin(session, &project, &step, &component)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The file that is meant, and the step that it is of.
fn find(session: &Session, target: &str) -> Result<(PathBuf, Option<(Project, Label)>), Fault> {
    let path = absolute(Path::new(target));
    if path.is_file() || target.contains(['/', '.']) {
        return Ok((path, None));
    }
    let project = session.project()?;
    let step = Label::new(target).map_err(|why| {
        Fault::new(Class::BadInput, Owner::Caller, UNKNOWN_STEP)
            .says(format_args!("`{}` is neither a file nor a step: {why}", shown(target)))
            .hint("name a step of stepward.toml, or give the path of a component")
    })?;
    let component = project.component(&step)?;
    if !component.exists() {
        return Err(Fault::new(Class::BadInput, Owner::StepAuthor, files::READ)
            .at(files::place(&component))
            .says(format_args!("the step {step:?} is not built"))
            .hint("run `stepward build`"));
    }
    Ok((component, Some((project, step))))
}

fn report(component: &Inspected) -> Report {
    let schemas = facts::schemas(component);
    let schema = |name: &str| schemas.as_ref().and_then(|all| all.get(name)).cloned().unwrap_or_default();
    Report {
        digest: component.digest().to_string(),
        size: component.size(),
        imports: component
            .imports()
            .iter()
            .filter_map(|import| match &import.kind {
                // Every step may log; it reaches nothing.
                ImportKind::Log => None,
                ImportKind::Granted { label, interface } => Some(Import {
                    label: label.to_string(),
                    interface: import.interface,
                    revealed: *interface == Interface::Secret,
                }),
            })
            .collect(),
        // A component with any other export is refused before this.
        exports: vec!["run"],
        input_schema: schema("input"),
        output_schema: schema("output"),
    }
}

fn show(session: &Session, path: &Path, report: &Report) {
    let output = session.output();
    output.line(format_args!("{}  {}", styled(STRONG, files::place(path)), bytes(report.size as u64)));
    output.line(format_args!("  digest   {}", report.digest));
    if report.imports.is_empty() {
        output.line("  reaches  nothing");
    }
    for (number, import) in report.imports.iter().enumerate() {
        let head = if number == 0 { "reaches" } else { "" };
        output.line(format_args!(
            "  {head:7}  {} {}",
            if import.revealed { styled(WARN, reveals(&import.label)) } else { import.label.clone() },
            styled(DIM, format_args!("as {}", import.interface))
        ));
    }
    for (head, schema) in [("takes", &report.input_schema), ("gives", &report.output_schema)] {
        output.line(format_args!("  {head:7}  {}", shown(&summary(schema))));
    }
}

/// A schema in one line: its title and the names of its properties.
fn summary(schema: &Value) -> String {
    let names =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>().join(", "));
    let title = schema.get("title").or(schema.get("type")).and_then(Value::as_str).unwrap_or("not described");
    match schema.get("properties").and_then(names) {
        Some(properties) => format!("{title} {{ {properties} }}"),
        None => title.to_owned(),
    }
}

fn show_pin(session: &Session, project: &Project, step: &Label, component: &Inspected) -> Result<(), Fault> {
    let pinned = project.lock_if_any()?.and_then(|mut lock| lock.steps.remove(step.as_str()));
    session.output().line(match pinned {
        None => "  pinned   no: run `stepward build`".to_owned(),
        Some(pinned) if pinned.component == component.digest() => {
            "  pinned   yes, by stepward.lock".to_owned()
        }
        Some(pinned) => format!("  pinned   NO: stepward.lock says {}", pinned.component),
    });
    Ok(())
}
