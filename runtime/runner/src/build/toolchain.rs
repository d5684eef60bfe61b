//! The Rust toolchain of the person who builds: how it is started, and what must be installed.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The target that steps are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The rule that a build needs rustc and cargo.
const MISSING: Rule = Rule::new("toolchain-missing");
/// The rule that a build needs the std of its target.
const NO_TARGET: Rule = Rule::new("toolchain-target");

/// Variables that a build sees; all others could change the bytes or carry something that build
/// scripts have no business with. `RUSTFLAGS` and its like are left out on purpose.
const VARIABLES: [&str; 25] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "TERM",
    "LANG",
    "LC_ALL",
    "NO_COLOR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "CARGO_TERM_COLOR",
    "CARGO_HTTP_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NO_PROXY",
];

/// A toolchain that was found and has the target.
pub(crate) struct Toolchain {
    folder: PathBuf,
    rustc: String,
    commit: String,
    sysroot: PathBuf,
}

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that reads the environment")]
    std::env::var_os(name)
}

/// A program that sees nothing of the environment but the listed variables.
pub(crate) fn program(name: &str, folder: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that starts processes")]
    let mut command = Command::new(name);
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    for name in VARIABLES {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    command
}

fn refused(rule: Rule) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, rule)
}

/// What a program printed; a fault when it could not be started or failed.
pub(crate) fn output_of(command: &mut Command, rule: Rule) -> Result<String, Fault> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        refused(MISSING)
            .says(format_args!("`{name}` cannot be started: {error}"))
            .hint("install Rust with rustup (https://rustup.rs); it brings cargo and rustc")
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let first =
            text.lines().find(|line| line.contains("error")).or(text.lines().next()).unwrap_or_default();
        return Err(refused(rule)
            .says(format_args!("`{name}` failed: {}", first.trim_start_matches("error: ")))
            .hint(text.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Toolchain {
    /// Finds the toolchain that applies in `folder`, and adds the target when rustup can.
    pub(crate) fn find(folder: &Path, progress: impl Fn(&str)) -> Result<Self, Fault> {
        let version = output_of(program("rustc", folder).arg("-vV"), MISSING)?;
        let line = |key: &str| {
            version.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned()
        };
        let sysroot =
            PathBuf::from(output_of(program("rustc", folder).args(["--print", "sysroot"]), MISSING)?);
        let found = Self {
            folder: folder.to_owned(),
            rustc: version.lines().next().unwrap_or_default().to_owned(),
            commit: line("commit-hash: "),
            sysroot,
        };
        if !found.has_target() {
            progress(&format!("adding the target {TARGET} to the Rust toolchain"));
            found.add_target()?;
        }
        Ok(found)
    }

    fn has_target(&self) -> bool {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
    }

    fn add_target(&self) -> Result<(), Fault> {
        let hint = format!(
            "run `rustup target add {TARGET}`; where Rust did not come with rustup, install the package that holds \
             the std of that target, or install rustup (https://rustup.rs)"
        );
        output_of(program("rustup", &self.folder).args(["target", "add", TARGET]), NO_TARGET).map_err(
            |fault| {
                refused(NO_TARGET)
                    .says(format_args!("the target {TARGET} is missing: {}", fault.message()))
                    .hint(&hint)
            },
        )?;
        if self.has_target() {
            return Ok(());
        }
        Err(refused(NO_TARGET)
            .says(format_args!("the target {TARGET} is missing from {}", self.sysroot.display()))
            .hint(hint))
    }

    /// The first line of `rustc -vV`.
    pub(crate) fn rustc(&self) -> &str {
        &self.rustc
    }

    /// The prefixes of paths that must not reach the bytes, and what stands there instead. The last
    /// that fits is the one that applies.
    pub(crate) fn remapped(&self, workspace: &Path) -> Vec<(PathBuf, String)> {
        let home = variable("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&variable("HOME")?).join(".cargo")));
        let mut all = vec![(workspace.to_owned(), ".".to_owned())];
        all.extend(home.map(|home| (home, "/cargo".to_owned())));
        all.push((self.sysroot.clone(), "/rust".to_owned()));
        all.push((self.sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", self.commit)));
        all
    }
}
