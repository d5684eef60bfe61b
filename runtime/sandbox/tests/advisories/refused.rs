//! What needs a proposal, an import or a shape that steps may not have: refused by name before anything
//! is compiled. The zoo in `guest-examples/hostile` has one guest for each proposal; these have the
//! shapes that the advisories speak of.

use crate::support::inspect;
use crate::{MEMORY, RUN, TYPES, binary, checks};
use stepward_fault::Class;

const ASYNC: &str = "component-model async (async functions, futures and streams)";

/// A step with these definitions before a module that only traps.
fn beside(definitions: &str) -> Vec<u8> {
    binary(&format!(
        r#"(component {TYPES} {definitions}
        (core module $m {MEMORY} (func (export "run") (param i32 i32) (result i32) unreachable))
        (core instance $guest (instantiate $m)) {RUN})"#
    ))
}

#[track_caller]
fn refused(bytes: Vec<u8>, rule: &str, what: &str) {
    let fault = inspect(bytes).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), (rule, Class::Refused));
    assert!(fault.message().contains(what), "{}", fault.message());
}

#[track_caller]
fn uses(bytes: Vec<u8>, proposal: &str) {
    refused(bytes, "component-proposal", proposal);
}

/// GHSA-32h6-97mm-8q3c: a callback that returns a thousand values where one is expected.
/// GHSA-m6w2-jwq2-cv2c: an async function called as if it were none. GHSA-vcg5-q8m5-8379: the same
/// for an entry that must be async.
#[test]
fn async_functions_and_callbacks() {
    let lifted = |results: usize| {
        beside(&format!(
            r#"(core module $async (func (export "go") (result i32) unreachable)
              (func (export "back") (param i32 i32 i32) (result {}) unreachable))
            (core instance $a (instantiate $async))
            (func $go async (canon lift (core func $a "go") async (callback (func $a "back"))))"#,
            "i32 ".repeat(results)
        ))
    };
    uses(lifted(1), ASYNC);
    // With so many it is not even valid where the proposal is on.
    refused(lifted(90), "component-invalid", "require the component model async feature");
    uses(beside("(type $f (func async (param \"x\" u32) (result u32)))"), ASYNC);
}

/// GHSA-93g3-36p8-x2gc, GHSA-63h4-6cx9-pjfj, GHSA-9pvw-hwfg-92h5, GHSA-x84v-gj2h-g759,
/// GHSA-xrvr-8678-5wp8: streams and futures, written, viewed and cancelled in the wrong way.
#[test]
fn streams_and_futures() {
    let memory = r#"(core module $e (memory (export "memory") 1)) (core instance $e (instantiate $e))"#;
    for built_in in [
        "(canon stream.new $s)",
        "(canon stream.write $s async (memory $e \"memory\"))",
        "(canon stream.read $s async (memory $e \"memory\"))",
        "(canon stream.cancel-read $s)",
        "(canon stream.cancel-write $s)",
        "(canon future.new $f)",
        "(canon future.cancel-read $f)",
        "(canon future.cancel-write $f)",
    ] {
        let types = "(type $s (stream u8)) (type $f (future u8))";
        uses(beside(&format!("{memory} {types} (core func {built_in})")), ASYNC);
    }
}

/// GHSA-5hhx-4wrr-3j9g: giving way from a start function. GHSA-hmwq-g22x-qjw5: calls that wait while
/// another traps.
#[test]
fn tasks_and_threads_of_components() {
    uses(beside("(core func (canon thread.index))"), "component-model threading");
    uses(beside("(core func (canon task.return))"), ASYNC);
    uses(beside("(core func (canon waitable-set.new))"), ASYNC);
    uses(beside("(core func (canon backpressure.inc))"), ASYNC);
}

/// GHSA-cfhf-m2cr-62wj and GHSA-p79w-pv2r-29qp: a tag that is imported under another type, and tags
/// at all. GHSA-hw8m-q44c-ggrf: values of the collector that live across a call that may throw.
#[test]
fn tags_and_exceptions() {
    uses(
        beside(
            r#"(core module $throws (tag (export "t") (param i32)))
            (core module $takes (import "" "t" (tag (param i64))))
            (core instance $t (instantiate $throws))"#,
        ),
        "exceptions",
    );
    uses(
        checks(
            "(type $s (struct (field i32))) (tag $t) (func $f (throw $t))",
            "(block $caught (try_table (catch_all $caught) (call $f)))
             (drop (struct.get $s 0 (struct.new $s (i32.const 1))))",
        ),
        "garbage collection",
    );
}

/// GHSA-43j2-gcp4-m22g, GHSA-wvgq-g5hf-6gm6: whatever makes an engine have a heap of its own.
#[test]
fn values_of_the_collector() {
    uses(
        checks(
            "(type $a (array (mut i64)))",
            "(loop $on (drop (array.new_default $a (i32.const 100000))) (br $on))",
        ),
        "garbage collection",
    );
    uses(checks("", "(drop (i31.get_s (ref.i31 (i32.const 1))))"), "garbage collection");
}

/// GHSA-m63x-6p34-q65x: calls through a typed reference, whose fuel was lost.
/// GHSA-wjc8-633q-pwxr: types that refer to each other in a chain of thousands.
#[test]
fn typed_references_and_chains_of_them() {
    uses(
        checks(
            "(type $t (func)) (elem declare func $f) (func $f (loop $on (br $on)))",
            "(call_ref $t (ref.func $f))",
        ),
        "function references",
    );
    let chain = (1..8_000).fold("(type $c0 (func))".to_owned(), |text, n| {
        text + &format!("(type $c{n} (func (param (ref null $c{}))))", n - 1)
    });
    uses(checks(&chain, ""), "the component uses function references");
    uses(checks(&format!("(rec {chain})"), ""), "the component uses garbage collection");
    let structs = (1..8_000).fold("(type $c0 (struct))".to_owned(), |text, n| {
        text + &format!("(type $c{n} (struct (field (ref null $c{}))))", n - 1)
    });
    uses(checks(&structs, ""), "garbage collection");
}

/// GHSA-hc7m-r6v8-hg9q: shared memories. GHSA-2674-w29h-wqvj: what the part for threads is for.
#[test]
fn shared_memories_and_atomics() {
    let shared = r#"(core module $s (memory (export "memory") 1 1 shared))"#;
    uses(beside(shared), "threads and shared memory");
    let waits = "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))";
    uses(checks("", waits), "threads and shared memory");
}

/// GHSA-p8xm-42r7-89xg, GHSA-m9w2-8782-2946, GHSA-f984-pcp8-v2p7: tables with indices of 64 bits, and
/// tables larger than any address space.
#[test]
fn tables_beyond_any_memory() {
    uses(checks("(table $t i64 10 funcref)", ""), "memory64");
    uses(checks("(table $t i64 0xffffffffffff funcref)", ""), "memory64");
    let most = checks("(table $t 0xffffffff funcref)", "");
    refused(most, "component-structure", "elements in one table");
}

/// GHSA-394w-hwhg-8vgm, GHSA-jxhv-7h78-9775, GHSA-hx6p-xpx3-jvvv, GHSA-54p9-vhhq-8f7q: a string from one
/// component to another, in every pair of encodings. GHSA-6fr9-xmw9-5352: borrowed resources in place
/// of strings. All need a component within the component.
#[test]
fn components_that_call_each_other() {
    let takes = |encoding: &str, ty: &str, flat: &str| {
        format!(
            r#"(component (core module $m {MEMORY} (func (export "take") (param {flat})))
            (core instance $i (instantiate $m))
            (type $thing (resource (rep i32)))
            (func (export "take") (param "x" {ty}) (canon lift (core func $i "take")
              string-encoding={encoding} (memory $i "memory") (realloc (func $i "realloc")))))"#
        )
    };
    for encoding in ["utf8", "utf16", "latin1+utf16"] {
        let two = format!("{}{}", takes("utf8", "string", "i32 i32"), takes(encoding, "string", "i32 i32"));
        refused(beside(&two), "component-structure", "holds another component");
    }
    let borrows =
        r#"(component (import "r" (type $r (sub resource))) (import "f" (func (param "x" (borrow $r)))))"#;
    refused(beside(borrows), "component-structure", "holds another component");
}

/// GHSA-q554-3cjc-rx7p: handles to resources take memory of the host that no limit of a run counts. The
/// engine has a bound of its own for each store, 100,000. No run comes near it: a handle is of a resource
/// type, and no step has one, whatever it would do with its handles.
#[test]
fn handles_without_end() {
    let defined = "(type $thing (resource (rep i32)))";
    for built_in in ["resource.new", "resource.rep", "resource.drop"] {
        let uses = format!("{defined} (core func (canon {built_in} $thing))");
        refused(beside(&uses), "component-resource", "defines a resource type");
        // Without a type of its own there is nothing to name: `$step-error`, the only one, is a record.
        let other = format!("(core func (canon {built_in} $step-error))");
        refused(beside(&other), "component-invalid", "resource");
    }
    for (declared, what) in [
        (defined, "defines a resource type"),
        (r#"(import "thing" (type (sub resource)))"#, "declares the resource type `thing`"),
        (
            r#"(import "dice" (implements "stepward:step/random@0.1.0") (instance
              (export "cup" (type (sub resource)))
              (export "bytes" (func (param "count" u32) (result (list u8))))))"#,
            "declares the resource type `cup`",
        ),
        // In types that nothing uses.
        (r#"(type (instance (export "cup" (type (sub resource)))))"#, "declares the resource type `cup`"),
        (r#"(type (component (import "cup" (type (sub resource)))))"#, "declares the resource type `cup`"),
        (
            r#"(type (component (type (instance (export "cup" (type (sub resource)))))))"#,
            "declares the resource type `cup`",
        ),
    ] {
        refused(beside(declared), "component-resource", what);
    }
    // Handles that others make, in an interface that is none of the contract's.
    let files = r#"(import "files" (instance (export "file" (type $file (sub resource)))
        (export "open" (func (param "path" string) (result (own $file))))))"#;
    refused(beside(files), "import-unknown", "`files` is none of the interfaces");
}

/// GHSA-m758-wjhj-p3jq: flags with more bits than names. No type of the contract has flags.
#[test]
fn flags_in_a_signature() {
    let flags = binary(&format!(
        r#"(component {TYPES} (core module $m {MEMORY}
          (func (export "run") (param i32 i32) (result i32) (i32.const -1)))
        (core instance $guest (instantiate $m))
        (type $flags' (flags "a" "b")) (export $flags "flags" (type $flags'))
        (func $run (param "input" string) (result $flags)
          (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
        (export "run" (func $run)))"#
    ));
    refused(flags, "exports", "flags");
}

/// Every advisory of wasmtime-wasi, wasmtime-wasi-http and wasi-common needs a guest that imports WASI.
#[test]
fn whatever_wasi_would_answer() {
    for interface in [
        "wasi:filesystem/types@0.2.0",
        "wasi:sockets/udp@0.2.0",
        "wasi:http/types@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:io/streams@0.2.0",
        "wasi:io/poll@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:cli/stdout@0.2.0",
        "wasi:clocks/monotonic-clock@0.3.0",
    ] {
        let import = format!(r#"(import "{interface}" (instance (export "f" (func))))"#);
        refused(beside(&import), "import-wasi", interface);
    }
    // Of earlier previews there were core modules, which are no steps.
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        for function in ["fd_renumber", "fd_readdir", "poll_oneoff", "path_open"] {
            let core =
                format!(r#"(module (import "{module}" "{function}" (func (param i32 i32) (result i32))))"#);
            refused(binary(&core), "component-format", "a core module");
        }
    }
}

/// A module is asked for its description when a step is built, by an engine of its own. What a step may
/// not have is refused there too, before anything runs: garbage collection above all, since two open
/// advisories are of its heap.
#[test]
fn modules_that_describe_themselves() {
    let describes = |types: &str, body: &str| {
        let module = format!(
            r#"(module {types} (memory (export "memory") 1)
              (data (i32.const 16) "\20\00\00\00\02\00\00\00") (data (i32.const 32) "{{}}")
              (func (export "stepward-describe") (result i32) {body} (i32.const 16)))"#
        );
        stepward_sandbox::describe(&binary(&module))
    };
    assert_eq!(describes("", "").unwrap(), "{}");
    for (types, body) in [
        ("(type $s (struct (field i32)))", "(drop (struct.new $s (i32.const 1)))"),
        ("(type $a (array i8))", "(drop (array.new_default $a (i32.const 9)))"),
        ("", "(drop (ref.i31 (i32.const 1)))"),
        ("(tag $t)", "(throw $t)"),
        ("(type $f (func)) (elem declare func $g) (func $g (type $f))", "(call_ref $f (ref.func $g))"),
        ("(func $f (result i32) (i32.const 16))", "(return_call $f)"),
        ("(table i64 10 funcref)", ""),
        ("(memory i64 1)", ""),
        ("(memory 1)", ""),
        ("(memory 1 1 shared)", ""),
        ("", "(drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0)))"),
        ("", "(drop (i32.atomic.load (i32.const 0)))"),
    ] {
        let fault = describes(types, body).unwrap_err();
        assert!(fault.message().contains("cannot be compiled"), "{types} {body}: {}", fault.message());
    }
}
