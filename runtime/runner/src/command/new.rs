//! `stepward new`

use crate::{
    files,
    session::{Session, absolute},
    vendored,
};
use clap::Args;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::Label;

/// The rule that a new project is made where nothing is yet.
const EXISTS: Rule = Rule::new("project-exists");
/// The rule that a project's name is a label.
const NAME: Rule = Rule::new("project-name");

/// Makes a project with one step that builds and tests.
///
/// Beside the step come its cases, a workflow and an environment. The guest SDK travels in this
/// binary and is written to vendor/, so the project builds anywhere.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to make; its last part is the project's name
    #[arg(value_name = "NAME")]
    path: PathBuf,
}

#[derive(Serialize)]
struct Made {
    project: String,
    files: Vec<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let root = absolute(&arguments.path);
    let name = name(&root)?;
    if root.exists() {
        return Err(Fault::new(Class::Refused, Owner::Caller, EXISTS)
            .at(files::place(&root))
            .says("there is something of that name already")
            .hint("choose another name, or move it away; nothing was changed"));
    }
    let files = content(&name)?;
    // Made beside its place and then moved there, so that an error leaves no half of a project.
    let parent = root.parent().unwrap_or(Path::new("/"));
    files::make_folder(parent)?;
    let made = files::Staged::new(parent)?;
    for (path, text) in &files {
        made.write(path, text)?;
    }
    made.rename_to(&root)?;
    let output = session.output();
    output.json(
        "stepward.new/1",
        &Made { project: name.to_string(), files: files.into_iter().map(|(path, _)| path).collect() },
    );
    output.line(format_args!("made the project {name} in {}", files::place(&root)));
    output.line(format_args!("next:\n  cd {}\n  stepward build\n  stepward test\n  stepward run hello --input steps/hello/ada.json", shown(&arguments.path.display().to_string())));
    Ok(ExitCode::SUCCESS)
}

fn name(root: &Path) -> Result<Label, Fault> {
    let last = root.file_name().unwrap_or_default().to_string_lossy();
    Label::new(&last).map_err(|why| {
        Fault::new(Class::Usage, Owner::Caller, NAME)
            .says(format_args!("`{last}` cannot name a project: {why}"))
            .hint("such as `stepward new order-intake`")
    })
}

/// Every file of the project: path and content.
fn content(name: &Label) -> Result<Vec<(String, String)>, Fault> {
    let named = |text: &str| text.replace("@NAME@", name.as_str());
    let mut manifest = include_str!("../../templates/Cargo.toml").to_owned();
    for dependency in ["schemars", "serde", "serde_json"] {
        manifest = manifest.replace(&format!("@{dependency}@"), &vendored::version(dependency)?);
    }
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest),
        ("Cargo.lock".to_owned(), vendored::cargo_lock()),
        ("rust-toolchain.toml".to_owned(), vendored::TOOLCHAIN.to_owned()),
        ("README.md".to_owned(), named(include_str!("../../templates/README.md"))),
        (".gitignore".to_owned(), include_str!("../../templates/gitignore").to_owned()),
        ("stepward.toml".to_owned(), named(include_str!("../../templates/stepward.toml"))),
        ("steps/hello/Cargo.toml".to_owned(), include_str!("../../templates/step.Cargo.toml").to_owned()),
        ("steps/hello/src/lib.rs".to_owned(), include_str!("../../templates/step.rs").to_owned()),
        ("steps/hello/ada.json".to_owned(), include_str!("../../templates/ada.json").to_owned()),
        ("steps/hello/cases/ada.json".to_owned(), include_str!("../../templates/ada.case.json").to_owned()),
        (
            "steps/hello/cases/nobody.json".to_owned(),
            include_str!("../../templates/nobody.case.json").to_owned(),
        ),
        ("workflows/hello.toml".to_owned(), include_str!("../../templates/workflow.toml").to_owned()),
        (
            "environments/dev/environment.toml".to_owned(),
            include_str!("../../templates/environment.toml").to_owned(),
        ),
    ];
    files.extend(vendored::sdk()?.into_iter().map(|(path, text)| (format!("vendor/stepward/{path}"), text)));
    Ok(files)
}
