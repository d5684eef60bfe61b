//! What the advisories need of the embedder, and this one does not have: other crates, other parts of
//! the engine, other interfaces.

use std::collections::HashSet;
use std::path::Path;
use wasmtime::{Config, Engine, Strategy};

pub(crate) const LOCK: &str = include_str!("../../../../Cargo.lock");
const MANIFEST: &str = include_str!("../../../../Cargo.toml");

/// The names and versions of all packages that the workspace is built of.
pub(crate) fn packages() -> Vec<(&'static str, &'static str)> {
    let field = |line: Option<&'static str>, name: &str| {
        line.and_then(|l| l.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    LOCK.split("[[package]]")
        .skip(1)
        .map(|package| {
            let mut lines = package.trim_start().lines();
            (field(lines.next(), "name").unwrap(), field(lines.next(), "version").unwrap())
        })
        .collect()
}

/// The parts of wasmtime that are compiled in.
fn parts() -> Vec<&'static str> {
    let entry = MANIFEST.split_once("\nwasmtime = {").unwrap().1.split_once('}').unwrap().0;
    assert!(entry.contains("default-features = false"));
    let parts = entry.split_once("features = [").unwrap().1.split_once(']').unwrap().0;
    parts.split(',').filter_map(|part| part.trim().strip_prefix('"')?.strip_suffix('"')).collect()
}

#[test]
fn no_wasi_no_winch_no_c_interface() {
    let packages = packages();
    assert!(packages.iter().any(|(name, _)| *name == "wasmtime"), "the lock file must be read rightly");
    for (name, _) in packages {
        let foreign = name.starts_with("wasmtime-wasi")
            || name.contains("winch")
            || name.contains("c-api")
            || ["wasi-common", "wiggle", "wasmtime-cli", "wasmtime-internal-cache"].contains(&name);
        assert!(!foreign, "{name} must not be part of the program");
    }
}

/// Winch is not there to be chosen.
#[test]
fn cranelift_is_the_only_compiler() {
    let mut config = Config::new();
    config.strategy(Strategy::Winch);
    let error = Engine::new(&config).map(drop).unwrap_err();
    assert!(format!("{error:#}").contains("not compiled in"), "{error:#}");
}

/// Two advisories hold for engines that lack a part, the others for parts that are not there.
#[test]
fn parts_of_the_engine() {
    let parts = parts();
    for needed in ["gc", "threads"] {
        assert!(parts.contains(&needed), "an engine without `{needed}` can be made to abort");
    }
    for absent in
        ["component-model-async", "stack-switching", "gc-drc", "gc-copying", "winch", "wat", "cache"]
    {
        assert!(!parts.contains(&absent), "{absent}");
    }
}

/// This crate's code, without its comments and unit tests, which end each file.
fn code() -> String {
    fn read(folder: &Path, code: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, code);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for line in source.split("\n#[cfg(test)]").next().unwrap_or_default().lines() {
                code.push_str(line.split("//").next().unwrap_or_default());
                code.push('\n');
            }
        }
    }
    let mut code = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    code
}

/// GHSA-hfr4-7c6c-48w2: the copy of a linker outlived what it pointed into. Each is made anew here,
/// for one component or one module.
#[test]
fn the_linker_is_not_copied() {
    let code = code();
    assert!(code.contains("Linker::new("), "the sources must be read rightly");
    for copied in ["linker.clone()", "Linker::clone", "linker.to_owned()"] {
        assert!(!code.contains(copied), "{copied}");
    }
}

/// Some advisories hold only for hosts that call an interface of the engine. This crate is the only
/// one that knows the engine, and calls none of these.
#[test]
fn interfaces_that_are_not_called() {
    let code = code();
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect::<HashSet<_>>();
    let uses = |word: &str| words.contains(word);
    for word in ["Linker", "ResourceLimiter", "call_async", "instantiate_async", "set_hostcall_fuel"] {
        assert!(uses(word), "the sources must be read rightly: `{word}`");
    }
    for (advisory, unused) in [
        ("GHSA-hc7m-r6v8-hg9q", &["SharedMemory"][..]),
        ("GHSA-m758-wjhj-p3jq", &["Val"]),
        ("GHSA-jqpg-j7w6-42pr", &["Val"]),
        ("GHSA-hj27-mpw9-ff4c", &["get_module_export"]),
        ("GHSA-qw58-7h65-crq2", &["StructType", "StructRef", "StructRefPre", "ArrayType"]),
        ("GHSA-3982-jqvv-277m", &["I31", "NoneRef", "AnyRef", "ExternRef", "NullRef"]),
        ("GHSA-2hw9-mc66-jc2q", &["epoch_deadline_callback", "epoch_interruption", "call_hook"]),
        ("GHSA-wvgq-g5hf-6gm6", &["gc_heap_reservation", "gc_heap_reservation_for_growth"]),
        ("GHSA-vcg5-q8m5-8379", &["func_wrap_concurrent", "func_new_concurrent", "start_call_concurrent"]),
        ("GHSA-m6w2-jwq2-cv2c", &["call_concurrent", "run_concurrent", "func_wrap_concurrent"]),
        ("GHSA-9pvw-hwfg-92h5", &["StreamReader", "FutureReader", "StreamAny"]),
        ("GHSA-m9w2-8782-2946", &["Winch", "Strategy", "strategy"]),
        ("GHSA-6wgr-89rj-399p", &["memory_guard_size", "memory_reservation", "signals_based_traps"]),
    ] {
        for word in unused {
            assert!(!uses(word), "{advisory}: `{word}` is used; review the manual's row");
        }
    }
}
