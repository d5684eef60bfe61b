//! What the same work costs sealed by Stepward, in Extism and in a child process.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml [-- --json]
//! ```
//!
//! Every contender prices the same order of 34 lines ([`peer_work::price`]) and starts fresh for
//! every call: Stepward and Extism with a guest that was compiled once and a new instance each time,
//! the child process with a new process. The plain function call is the floor. Each answer is compared with
//! the floor's, so that nothing is measured that does not do the work.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark tells the time, starts its contenders and finds them beside itself"
)]

use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use std::{
    env,
    error::Error,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use stepward::{
    Broker, Case, Deadline, Digest, Engine, EngineOptions, Grants, Inspected, Job, Limits, Outcome, Pinned,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WASM: &str = "wasm32-unknown-unknown";
/// Calls before the clock counts: caches, branch predictors and the allocator settle.
const WARM_UP: usize = 100;
/// Calls of a contender inside this process.
const CALLS: usize = 5_000;
/// Calls of a contender that starts a process; each costs about a hundred times more.
const STARTS: usize = 500;
/// The limits of the limited row: what a step of Stepward has by default, as far as Extism has it.
const MEMORY_PAGES: u32 = 1024;
const FUEL: u64 = 2_000_000_000;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("an unoptimised build measures nothing: add --release".into());
    }
    let json = env::args().any(|argument| argument == "--json");
    let parts = Parts::build()?;
    let document = peer_work::sample();
    let expected = peer_work::price(&document)?;
    let bench = Bench { document: &document, expected: &expected };
    let rows = [
        bench.row("function call", CALLS, || Ok(peer_work::price(&document)?))?,
        bench.row("Extism 1.13, fresh instance", CALLS, extism(&parts, false, &document)?)?,
        bench.row("Extism 1.13, fresh instance, limits", CALLS, extism(&parts, true, &document)?)?,
        bench.row("Stepward, sealed step", CALLS, sealed(&document)?)?,
        bench.row("child process", STARTS, || child(&parts, &document))?,
    ];
    if !json {
        println!("| the same work | median | 95th percentile | calls |\n| --- | ---: | ---: | ---: |");
    }
    for row in rows {
        row.print(json);
    }
    Ok(())
}

/// The compiled contenders.
struct Parts {
    guest: PathBuf,
    child: PathBuf,
}

impl Parts {
    /// Builds them into the target directory that this program runs from.
    fn build() -> Result<Self> {
        let exe = env::current_exe()?;
        let target = exe.parent().and_then(Path::parent).ok_or("run this with `cargo run --release`")?;
        let build = |package: &[&str]| -> Result<()> {
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let status = Command::new(cargo)
                .args(["build", "--quiet", "--manifest-path"])
                .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
                .arg("--target-dir")
                .arg(target)
                .args(package)
                .status()?;
            if status.success() {
                Ok(())
            } else {
                Err(format!("cargo build {} failed", package.join(" ")).into())
            }
        };
        build(&["--profile", "guest", "-p", "peer-guest", "--target", WASM])?;
        build(&["--release", "-p", "peer-child"])?;
        Ok(Self {
            guest: target.join(WASM).join("guest/peer_guest.wasm"),
            child: target.join("release/peer-child"),
        })
    }
}

/// Compiles the plug-in once; the closure makes an instance, calls it and drops it.
fn extism<'a>(
    parts: &Parts,
    limits: bool,
    document: &'a str,
) -> Result<impl FnMut() -> Result<String> + use<'a>> {
    let mut manifest = Manifest::new([Wasm::data(fs::read(&parts.guest)?)]);
    if limits {
        manifest = manifest.with_memory_max(MEMORY_PAGES).with_timeout(TIMEOUT);
    }
    let mut builder = PluginBuilder::new(manifest).with_wasi(false).with_cache_disabled();
    if limits {
        builder = builder.with_fuel_limit(FUEL);
    }
    let compiled = CompiledPlugin::new(builder)?;
    Ok(move || {
        let mut plugin = Plugin::new_from_compiled(&compiled)?;
        Ok(plugin.call::<&str, String>("run", document)?)
    })
}

/// Builds the benchmarks' step with the product itself and prepares it once; the closure runs it with
/// every limit and its trace.
fn sealed(document: &str) -> Result<impl FnMut() -> Result<String> + use<'_>> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let project = house.join("benches/project");
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--manifest-path"])
        .arg(house.join("Cargo.toml"))
        .args(["-p", "stepward-runner", "--bin", "stepward", "--", "build", "--project"])
        .arg(&project)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the step does not build".into());
    }
    let bytes = fs::read(project.join("target/stepward/components/price.wasm"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let engine = Engine::new(EngineOptions { concurrency: 16 })?;
    let limits = Limits::default();
    let pin = Digest::of(&bytes);
    let admitted = Inspected::read(Pinned::check(bytes, pin)?, &limits)?.admit(&Grants::default())?;
    let step = runtime.block_on(engine.prepare(admitted, None, &limits, Deadline::start(&limits)))?;
    // A broker of a step that may ask nothing: an empty script.
    let script = Case::from_json(r#"{"input":null,"expect":{"output":null}}"#, "script")?;
    let broker: Arc<dyn Broker> = Arc::new(script.broker());
    Ok(move || {
        let job = Job::new("run", "price", document, limits.clone(), Arc::clone(&broker));
        let finished = runtime.block_on(engine.run(&step, job, Deadline::start(&limits)));
        match finished.outcome {
            Outcome::Succeeded(output) => Ok(output),
            other => Err(format!("{other:?}").into()),
        }
    })
}

/// Starts the program, writes the document, reads the answer, waits for the end.
fn child(parts: &Parts, document: &str) -> Result<String> {
    let mut child = Command::new(&parts.child).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("no standard input")?.write_all(document.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("the child process ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What every contender is given, and must answer.
struct Bench<'a> {
    document: &'a str,
    expected: &'a str,
}

/// One contender's figures.
struct Row {
    name: &'static str,
    calls: usize,
    median: Duration,
    p95: Duration,
}

impl Bench<'_> {
    fn row(&self, name: &'static str, calls: usize, mut call: impl FnMut() -> Result<String>) -> Result<Row> {
        let mut times = Vec::with_capacity(calls);
        for n in 0..WARM_UP + calls {
            let began = Instant::now();
            let answer = call()?;
            let took = began.elapsed();
            if answer != self.expected {
                return Err(format!(
                    "{name} answered {} bytes with something else: {answer}",
                    self.document.len()
                )
                .into());
            }
            if n >= WARM_UP {
                times.push(took);
            }
        }
        times.sort_unstable();
        Ok(Row { name, calls, median: times[calls / 2], p95: times[calls * 95 / 100] })
    }
}

impl Row {
    fn print(&self, json: bool) {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        let (median, p95) = (us(self.median), us(self.p95));
        if json {
            let row = serde_json::json!({
                "name": self.name, "calls": self.calls, "median_us": median, "p95_us": p95,
            });
            println!("{row}");
        } else {
            println!("| {} | {median:.1} µs | {p95:.1} µs | {} |", self.name, self.calls);
        }
    }
}
