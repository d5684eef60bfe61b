//! The one call of cargo that compiles every step of a project to a core module.

use super::toolchain::{TARGET, Toolchain, output_of, program};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, ErrorKind},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::Label;

/// The rule that a step's crate must be part of a cargo workspace.
const CRATE: Rule = Rule::new("step-crate");
/// The rule that a step must compile.
const COMPILES: Rule = Rule::new("step-compiles");

/// Stack of a guest. It lies first in memory, so stack, data and heap together stay within what the
/// engine's pool keeps resident, and a run costs about a third less than with the linker's 1 MiB.
/// JSON nested 125 deep needs half of it; more ends in a trap, never in other data.
const GUEST_STACK_BYTES: u32 = 128 << 10;

/// The profile of sealed steps. It is given whole on the command line, so that no profile of the
/// project changes the bytes.
const PROFILE: [&str; 9] = [
    "inherits=\"release\"",
    // Beside `s`, on a step of 34 lines of JSON: 18 % larger, a quarter less fuel, 45 µs instead of
    // 53 µs a run. `z` takes 63 µs; 2, thin LTO and SIMD gained nothing over this.
    "opt-level=3",
    "lto=\"fat\"",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=true",
    "debug=false",
    "incremental=false",
    "overflow-checks=true",
];

/// What `cargo metadata` says about a workspace; keys that are not needed are left out.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Target {
    fn is_cdylib(&self) -> bool {
        self.kind.iter().any(|kind| kind == "cdylib")
    }
}

/// A line of cargo's output in JSON.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

/// The crates of a project and the workspace that they are members of.
pub(crate) struct Crates {
    workspace: PathBuf,
    target: PathBuf,
    /// Package identifier by step.
    packages: BTreeMap<Label, String>,
}

/// What to do where there is no cargo.
const INSTALL: &str = "install Rust with rustup (https://rustup.rs); it brings cargo and rustc";

/// What to do where there is no C compiler.
const NO_LINKER: &str = "there is no C compiler `cc` on this machine, and Rust links build scripts and macros with it: \
     install one (Debian: `apt install build-essential`; Fedora: `dnf install gcc`; macOS: `xcode-select --install`)";

/// What to do about a crate that does not compile. The compiler says so itself, but for the linker:
/// what it says of that is easily taken for a defect of the crate.
fn correct(folder: &Path, otherwise: &str) -> String {
    match program("cc", folder).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => format!("{NO_LINKER}\n{otherwise}"),
        Ok(_) | Err(_) => otherwise.to_owned(),
    }
}

fn refused(rule: Rule) -> Fault {
    Fault::new(Class::BadInput, Owner::StepAuthor, rule)
}

impl Crates {
    /// Finds each step's package. `steps` holds the folder of each crate.
    pub(crate) fn find(steps: &BTreeMap<Label, PathBuf>) -> Result<Option<Self>, Fault> {
        let Some(first) = steps.values().next() else { return Ok(None) };
        for (step, folder) in steps {
            if !folder.join("Cargo.toml").is_file() {
                return Err(refused(CRATE)
                    .at(folder.display())
                    .says(format_args!("the step {step:?} is no crate: it has no Cargo.toml"))
                    .hint("check the step's `crate` in stepward.toml"));
            }
        }
        let text = output_of(
            program("cargo", first).args(["metadata", "--no-deps", "--format-version", "1"]),
            CRATE,
        )?;
        let metadata: Metadata = serde_json::from_str(&text).map_err(|error| {
            refused(CRATE).says(format_args!("`cargo metadata` cannot be read: {error}")).hint(
                "check with `cargo --version` that it is the toolchain you expect; `rustup update` renews it",
            )
        })?;
        let packages = steps
            .iter()
            .map(|(step, folder)| Ok((step.clone(), metadata.package(step, folder)?)))
            .collect::<Result<_, Fault>>()?;
        let target = metadata.target_directory.join("stepward");
        Ok(Some(Self { workspace: metadata.workspace_root, target, packages }))
    }

    /// The workspace's folder.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Compiles all steps; the path of each one's core module.
    pub(crate) fn compile(
        &self,
        toolchain: &Toolchain,
        locked: bool,
        quiet: bool,
    ) -> Result<BTreeMap<Label, PathBuf>, Fault> {
        let remaps = toolchain
            .remapped(&self.workspace)
            .into_iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
        let flags: Vec<_> = remaps.chain([format!("-Clink-arg=-zstack-size={GUEST_STACK_BYTES}")]).collect();
        let mut cargo = program("cargo", &self.workspace);
        cargo
            .args(["build", "--lib", "--target", TARGET, "--profile", "stepward-guest"])
            .args(["--message-format", "json-render-diagnostics", "--target-dir"])
            .arg(&self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            // Empty means none, also where a file of cargo's configuration names one.
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "");
        for setting in PROFILE {
            cargo.arg("--config").arg(format!("profile.stepward-guest.{setting}"));
        }
        cargo.args(locked.then_some("--locked")).args(quiet.then_some("--quiet"));
        for package in self.packages.values() {
            cargo.args(["--package", package]);
        }
        let mut child = cargo.stdout(Stdio::piped()).spawn().map_err(|error| {
            refused(COMPILES).says(format_args!("`cargo` cannot be started: {error}")).hint(INSTALL)
        })?;
        let mut built = BTreeMap::new();
        for artifact in artifacts(&mut child).filter(|artifact| artifact.target.is_cdylib()) {
            let wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
            if let Some(file) = artifact.filenames.into_iter().find(wasm) {
                built.insert(artifact.package_id, file);
            }
        }
        if !child.wait().is_ok_and(|status| status.success()) {
            return Err(refused(COMPILES)
                .says("the steps do not compile; what the compiler says stands above")
                .hint(correct(
                    &self.workspace,
                    if locked {
                        "correct the first of its errors; with --locked, Cargo.lock must be up to date too"
                    } else {
                        "correct the first of its errors and build again"
                    },
                )));
        }
        self.packages
            .iter()
            .map(|(step, package)| {
                let file = built.remove(package).ok_or_else(|| {
                    refused(CRATE)
                        .says(format_args!("cargo built no core module for the step {step:?}"))
                        .hint("its Cargo.toml needs:\n[lib]\ncrate-type = [\"cdylib\", \"lib\"]")
                })?;
                Ok((step.clone(), file))
            })
            .collect()
    }
}

/// Builds a program of the workspace that `folder` lies in, as `cargo build` does; its path.
pub(crate) fn build_program(folder: &Path, package: &str) -> Result<PathBuf, Fault> {
    let failed = |says: &str| {
        refused(COMPILES).at(package).says(says).hint(correct(
            folder,
            &format!("`cargo build --package {package}` in {} says more", folder.display()),
        ))
    };
    let mut child = program("cargo", folder)
        .args(["build", "--package", package, "--bins", "--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("`cargo` cannot be started: {error}")))?;
    let mut found = None;
    for artifact in artifacts(&mut child) {
        found = artifact.executable.or(found);
    }
    if !child.wait().is_ok_and(|status| status.success()) {
        return Err(failed("the program does not compile; what the compiler says stands above"));
    }
    found.ok_or_else(|| failed("cargo built no program"))
}

/// What cargo says that it made, while it works.
fn artifacts(child: &mut Child) -> impl Iterator<Item = Artifact> {
    let lines = child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
    lines.map_while(Result::ok).filter_map(|line| match serde_json::from_str(&line) {
        Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
        // Other messages, and what build scripts print.
        Ok(Message::Other) | Err(_) => None,
    })
}

impl Metadata {
    fn package(&self, step: &Label, folder: &Path) -> Result<String, Fault> {
        let manifest = folder.join("Cargo.toml").canonicalize().unwrap_or_default();
        let package =
            self.packages.iter().find(|package| package.manifest_path == manifest).ok_or_else(|| {
                refused(CRATE)
                    .at(folder.display())
                    .says(format_args!(
                        "the crate of {step:?} is not in the workspace {}",
                        self.workspace_root.display()
                    ))
                    .hint("add its folder to `members` of the workspace's Cargo.toml")
            })?;
        if !package.targets.iter().any(Target::is_cdylib) {
            return Err(refused(CRATE)
                .at(manifest.display())
                .says(format_args!("the package {} makes no component", package.name))
                .hint("add to its Cargo.toml:\n[lib]\ncrate-type = [\"cdylib\", \"lib\"]"));
        }
        Ok(package.id.clone())
    }
}
