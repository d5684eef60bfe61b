//! The seeds of the fuzz targets, through the decoders and the checks that the targets try.
#![allow(clippy::disallowed_methods, reason = "the seeds are files of this repository")]

use crate::support::sandbox::inspect;
use std::path::Path;
use stepward_fault::Fault;

mod log;

/// What the fuzz targets hold every input to.
#[path = "../../fuzz/checks"]
mod checks {
    pub(super) mod describe;
    pub(super) mod event;
    pub(super) mod evidence;
    pub(super) mod export;
    pub(super) mod grants;
    mod log;
    pub(super) mod merkle;
    pub(super) mod native;
    pub(super) mod note;
    pub(super) mod project;
    pub(super) mod proof;
    pub(super) mod protocol;
    mod report;
    pub(super) mod resolv;
    pub(super) mod runs;
    pub(super) mod schema;
    pub(super) mod sealed_body;
    pub(super) mod sealed_key;
    pub(super) mod tile_path;
    pub(super) mod vkey;
    pub(super) mod witness_response;
}

/// What a worker really says.
#[path = "../../fuzz/src/messages.rs"]
mod messages;

/// The seeds of one target, with their names, sorted.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let bytes = match path.extension().and_then(|extension| extension.to_str()) {
            Some("wat") => wat::parse_str(&text).unwrap(),
            Some("hex") => unhex(&text),
            Some("toml" | "json" | "txt") => text.into_bytes(),
            _ => panic!("{} is no seed", path.display()),
        };
        seeds.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    seeds.sort();
    seeds
}

fn unhex(text: &str) -> Vec<u8> {
    let code = text.lines().map(|line| line.split('#').next().unwrap());
    code.flat_map(str::split_whitespace).map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// What is said of each seed of a target, by name.
fn said(target: &str, say: impl Fn(&[u8]) -> String) -> String {
    let all = seeds(target).into_iter().map(|(name, bytes)| format!("{target}/{name}: {}", say(&bytes)));
    all.collect::<Vec<_>>().join("\n")
}

fn end<T>(result: Result<T, Fault>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(fault) if fault.place().is_empty() => fault.rule().to_string(),
        Err(fault) => format!("{} at {}", fault.rule(), fault.place()),
    }
}

/// What a decoder of text says of each seed of its target.
fn decoded<T>(target: &str, decode: impl Fn(&str, &str) -> Result<T, Fault>) -> String {
    said(target, |bytes| end(decode(std::str::from_utf8(bytes).unwrap(), "seed")))
}

#[test]
fn text_seeds() {
    let all = [
        decoded("project", checks::project::check),
        decoded("workflow", stepward_flow::Workflow::parse),
        decoded("environment", stepward::broker::Environment::parse),
        decoded("lock", stepward_trust::Lock::parse),
        decoded("case", stepward::Case::from_json),
        decoded("trace", stepward::Trace::from_json),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    project/a-lock: project-definition at seed:3:2
    project/both-sources: project-definition at seed:4:1
    project/cut-in-a-string: project-definition at seed:5:18
    project/deep-nesting: project-definition at seed:2:88
    project/dots-inside-a-path: accepted
    project/empty: project-definition at seed:1:1
    project/escaped-path: project-definition at seed:4:1
    project/limit-past-the-most: project-definition at seed:4:1
    project/many-steps: accepted
    project/path-outside: project-definition at seed:4:1
    project/whole: accepted
    workflow/label-twice: workflow-definition at seed:6:8
    workflow/limit-past-the-most: workflow-definition at seed:6:1
    workflow/whole: accepted
    environment/roots-outside: environment-root-name at seed:7:9
    environment/url-with-more: environment-url at seed:4:7
    environment/whole: accepted
    lock/short-digest: lock-file at seed:9:13
    lock/whole: accepted
    case/label-in-capitals: case-format at seed
    case/whole: accepted
    trace/another-version: trace-format at seed
    trace/whole: accepted
    ");
}

#[test]
fn grants_and_resolver_seeds() {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().to_owned();
    let grants = said("grants", |bytes| format!("{:?}", checks::grants::check(&text(bytes))));
    let servers = said("resolv", |bytes| {
        let servers = checks::resolv::check(&text(bytes));
        servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    });
    insta::assert_snapshot!(format!("{grants}\n{servers}"), @r#"
    grants/base: ["pattern"]
    grants/cut-in-a-string: []
    grants/dots: []
    grants/empty: ["grants"]
    grants/encoded-slash: []
    grants/in-json: []
    grants/key-in-an-empty-table: []
    grants/label: ["label"]
    grants/label-of-64-bytes: ["label"]
    grants/label-of-65-bytes: []
    grants/label-twice: []
    grants/look-alike-label: []
    grants/many-endpoints: ["grants"]
    grants/many-segments: ["pattern"]
    grants/pattern: ["pattern"]
    grants/pattern-with-rest: ["pattern"]
    grants/rest-in-the-middle: []
    grants/whole: ["grants"]
    resolv/a-hosts-file: 127.0.0.1:53
    resolv/carriage-returns: 192.0.2.1:53 192.0.2.2:53
    resolv/comments-and-tabs: 192.0.2.1:53 [::ffff:192.0.2.3]:53
    resolv/cut-in-an-address: 192.0.2.1:53
    resolv/empty: 127.0.0.1:53
    resolv/long-line: 192.0.2.1:53
    resolv/many-servers: 192.0.2.1:53 192.0.2.2:53 192.0.2.3:53
    resolv/whole: 192.0.2.1:53 [2001:db8::1]:53
    resolv/zone-identifier: [fe80::1]:53
    "#);
}

#[test]
fn component_seeds() {
    let inspected = said("inspect", |bytes| end(inspect(bytes.to_vec())));
    let schemas = said("schema", |bytes| checks::schema::check(bytes).map(end).join(", as sections "));
    insta::assert_snapshot!(format!("{inspected}\n{schemas}"), @r"
    inspect/absent-index: component-structure
    inspect/lying-count: component-structure
    inspect/open-nesting: component-structure
    inspect/sections: component-structure
    inspect/smallest: exports
    schema/a-component: accepted, as sections component-invalid
    schema/a-module: accepted, as sections accepted
    schema/a-second-section: accepted, as sections accepted
    schema/cut: accepted, as sections component-invalid
    schema/cut-character: component-invalid, as sections component-invalid
    schema/deep-nesting: accepted, as sections component-structure
    schema/empty: accepted, as sections accepted
    schema/lying-name: accepted, as sections component-invalid
    schema/lying-size: component-invalid, as sections component-invalid
    schema/not-utf-8: component-invalid, as sections component-invalid
    schema/prose: accepted, as sections component-invalid
    schema/whole: accepted, as sections component-structure
    ");
}

#[test]
fn describe_seeds() {
    // What is behind the first colon are words of wasmtime.
    let told = |end: Result<String, Fault>| match end {
        Ok(text) => format!("{} bytes", text.len()),
        Err(fault) => fault.message().split(':').next().unwrap_or_default().to_owned(),
    };
    let described = said("describe", |bytes| told(checks::describe::check(bytes)));
    insta::assert_snapshot!(described, @r"
    describe/a-component: the core module cannot be compiled
    describe/another-type: the core module does not describe its step
    describe/cut-in-a-section: the core module cannot be compiled
    describe/empty: 0 bytes
    describe/endless-recursion: describing the step failed
    describe/growing-memory: 0 bytes
    describe/huge-table: describing the step failed
    describe/memory64: the core module cannot be compiled
    describe/not-utf-8: the description is not UTF-8
    describe/outside-memory: the description lies outside of the module's memory
    describe/text: 38 bytes
    describe/too-long: the description has 1048577 bytes; at most 1048576 are read
    describe/whole: 2 bytes
    ");
}

#[test]
fn native_seeds() {
    insta::assert_snapshot!(said("native", |bytes| checks::native::check(bytes).to_string()), @r"
    native/a-component: is not compiled code of this format
    native/another-version: is not compiled code of this format
    native/changes: is not compiled code of this format
    native/changes-that-undo-each-other: is not compiled code of this format
    native/cut-in-the-tag: is not compiled code of this format
    native/elf: is not compiled code of this format
    native/empty: is not compiled code of this format
    native/mark-alone: is not compiled code of this format
    native/tag-of-zeros: is not what this engine compiled from this component
    ");
}

#[test]
fn protocol_seeds() {
    let tell = |bytes: &[u8]| {
        let received = checks::protocol::check(bytes);
        let mut told: Vec<_> = received.messages.iter().map(|message| format!("{message:?}")).collect();
        told.push(match received.end {
            Ok(0) => "all read".to_owned(),
            Ok(left) => format!("{left} bytes left"),
            Err(error) => error.to_string(),
        });
        told.join("; ")
    };
    insta::assert_snapshot!(said("protocol", tell), @r#"
    protocol/bytes-behind-the-message: a frame with bytes behind its message
    protocol/cut-in-the-head: 2 bytes left
    protocol/cut-in-the-message: 7 bytes left
    protocol/empty: all read
    protocol/empty-frame: a frame that is no message of this version
    protocol/frame-of-four-gigabytes: 5 bytes left
    protocol/frame-past-the-most: a frame of 17 bytes where 16 are allowed
    protocol/good-then-broken: NotCompiled("a"); NotCompiled("b"); a frame that is no message of this version
    protocol/label-in-capitals: a frame that is no message of this version
    protocol/long-number: Call { run: 7, call: Now { clock: `dice` } }; all read
    protocol/lying-list: a frame that is no message of this version
    protocol/lying-string: a frame that is no message of this version
    protocol/many-empty-segments: Call { run: 7, call: Http { endpoint: `erp`, request: Request { method: Get, path: ["", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""], query: [], headers: [], body: None, operation: None } } }; all read
    protocol/not-utf-8: a frame that is no message of this version
    protocol/number-past-64-bits: a frame that is no message of this version
    protocol/promise-twice: Hello(Hello { protocol: 1, engine: [90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90], promises: Promises({Seccomp: Held}) }); all read
    protocol/unknown-call: a frame that is no message of this version
    protocol/unknown-message: a frame that is no message of this version
    "#);
    for (name, bytes) in messages::seeds() {
        let received = checks::protocol::check(&bytes);
        let count = if name == "real-conversation" { messages::seeds().len() - 1 } else { 1 };
        assert_eq!((received.messages.len(), received.end), (count, Ok(0)), "{name}");
    }
}
