//! Values and calls on their way between a step and its host.

use crate::support::engine;
use crate::{MEMORY, NULL, TYPES, Zeros, binary, checks, job, ready, run, run_with, step, succeeds, trapped};
use std::sync::Arc;
use stepward_sandbox::{Engine, EngineOptions, Job, Outcome};
use stepward_seam::Limits;

/// A step whose strings have this encoding, with its data and the answer of its allocator.
fn encoded(encoding: &str, data: &str, realloc: &str) -> Vec<u8> {
    binary(&format!(
        r#"(component {TYPES} (core module $m (memory (export "memory") 1) {data}
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
          (func (export "run") (param i32 i32) (result i32) (i32.const 16)))
        (core instance $guest (instantiate $m))
        (func $run (type $run) (canon lift (core func $guest "run") string-encoding={encoding}
          (memory $guest "memory") (realloc (func $guest "realloc"))))
        (export "run" (func $run)))"#
    ))
}

fn run_on(engine: &Engine, bytes: Vec<u8>, input: &str) -> Outcome {
    let guest = ready(engine, bytes);
    let job = Job { input, ..job(Limits::default(), Arc::new(Zeros)) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.run(&guest, job, std::future::pending())).outcome
}

/// A result area that points at `pointer` and says `length`, and `null` in UTF-16 at 32.
fn answer(pointer: u32, length: u32) -> String {
    let bytes = [0_u32, pointer, length].map(u32::to_le_bytes).concat();
    let escaped = bytes.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:02x}"));
    format!(
        r#"(data (i32.const 16) "{escaped}") (data (i32.const 32) "n\00u\00l\00l\00") (data (i32.const 64) "null")"#
    )
}

/// GHSA-394w-hwhg-8vgm, GHSA-jxhv-7h78-9775, GHSA-hx6p-xpx3-jvvv: where strings change their encoding,
/// bounds and alignment went unchecked. Between components that cannot happen here, since there is one;
/// between a step and its host the same pointers are tried.
#[test]
fn strings_in_other_encodings() {
    const SECOND_FORM: u32 = 1 << 31;
    let engine = engine();
    let good = "(i32.const 1024)";
    for (encoding, pointer, length) in
        [("utf16", 32, 4), ("latin1+utf16", 64, 4), ("latin1+utf16", 32, SECOND_FORM | 4)]
    {
        succeeds(&run(&engine, encoded(encoding, &answer(pointer, length), good)));
    }
    for (encoding, pointer, length) in [
        ("utf16", 33, 4),
        ("utf16", 65_530, 4),
        ("utf16", 0xffff_fffe, 4),
        ("utf16", 32, 0x7fff_ffff),
        ("utf16", 32, u32::MAX),
        ("latin1+utf16", 65_533, 4),
        ("latin1+utf16", 33, SECOND_FORM | 4),
        ("latin1+utf16", 65_530, SECOND_FORM | 4),
        ("latin1+utf16", 32, u32::MAX),
        ("utf8", 65_533, 4),
        ("utf8", 64, u32::MAX),
    ] {
        let outcome = run(&engine, encoded(encoding, &answer(pointer, length), good));
        let message = trapped(&outcome);
        assert!(message.contains("broke the component ABI"), "{encoding} {pointer} {length}: {message}");
    }
}

/// The same for what the allocator answers: out of bounds, at the edge, misaligned, and good the first
/// time only.
#[test]
fn allocators_that_answer_wrongly() {
    let engine = engine();
    for encoding in ["utf8", "utf16", "latin1+utf16"] {
        for realloc in ["(i32.const -16)", "(i32.const 65535)", "(i32.const 65536)", "(i32.const -1)"] {
            let outcome = run(&engine, encoded(encoding, &answer(32, 4), realloc));
            assert!(trapped(&outcome).contains("broke the component ABI"), "{encoding} {realloc}");
        }
    }
    let outcome = run(&engine, encoded("utf16", &answer(32, 4), "(i32.const 1025)"));
    assert!(trapped(&outcome).contains("broke the component ABI"));
    // A second answer, for a text that took more room than was asked for first, is held to the same
    // bounds. Where one answer is enough the run goes on.
    let later = "(if (result i32) (local.get 1) (then (i32.const -16)) (else (i32.const 1024)))";
    for (encoding, area, input, once) in [
        ("utf8", 64, r#""\u{436}""#, true),
        ("utf16", 32, r#""a""#, true),
        ("utf16", 32, r#""ж""#, false),
        ("latin1+utf16", 64, r#""a""#, true),
        ("latin1+utf16", 64, r#""aж""#, false),
        ("latin1+utf16", 64, r#""😀""#, false),
    ] {
        let outcome = run_on(&engine, encoded(encoding, &answer(area, 4), later), input);
        if once {
            succeeds(&outcome);
        } else {
            assert!(trapped(&outcome).contains("broke the component ABI"), "{encoding} {input}");
        }
    }
}

/// GHSA-7v24-42x9-pxf7: a call to the host while the host asks the guest's allocator for room. The zoo's
/// `call-in-realloc` does it for the input, this for a reply.
#[test]
fn a_call_from_the_allocator() {
    let engine = engine();
    let guest = crate::with_dice(&format!(
        r#"(import "dice" "bytes" (func $bytes (param i32 i32))) (memory (export "memory") 1) {NULL}
        (global $running (mut i32) (i32.const 0))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (if (global.get $running) (then (call $bytes (i32.const 8) (i32.const 64))))
          (i32.const 1024))
        (func (export "run") (param i32 i32) (result i32)
          (global.set $running (i32.const 1))
          (call $bytes (i32.const 8) (i32.const 64)) (i32.const 16))"#
    ));
    let outcome = run_with(&engine, &ready(&engine, guest), Limits::default(), Arc::new(Zeros));
    assert!(trapped(&outcome).contains("cannot leave component instance"), "{outcome:?}");
    let good = crate::with_dice(&format!(
        r#"(import "dice" "bytes" (func $bytes (param i32 i32))) {MEMORY} {NULL}
        (func (export "run") (param i32 i32) (result i32)
          (call $bytes (i32.const 8) (i32.const 64)) (i32.const 16))"#
    ));
    succeeds(&run_with(&engine, &ready(&engine, good), Limits::default(), Arc::new(Zeros)));
}

/// GHSA-4h67-722j-5pmc: a built-in of the component model that the host calls itself had nobody to
/// hand its error to. Here a lowered import, the only kind that a step may have, stands where the host
/// calls it, after the result was taken.
#[test]
fn a_built_in_called_by_the_host() {
    let guest = binary(&format!(
        r#"(component {TYPES}
        (import "token" (implements "stepward:step/secret@0.1.0") (instance $token
          (type $record (record (field "version" string) (field "value" (list u8))))
          (export "revealed" (type $revealed (eq $record)))
          (export "reveal" (func (result (result $revealed (error string)))))))
        (core module $m {MEMORY} {NULL} (func (export "run") (param i32 i32) (result i32) (i32.const 16)))
        (core instance $guest (instantiate $m))
        (core func $reveal (canon lower (func $token "reveal")
          (memory $guest "memory") (realloc (func $guest "realloc"))))
        (func $run (type $run) (canon lift (core func $guest "run") (memory $guest "memory")
          (realloc (func $guest "realloc")) (post-return (core func $reveal))))
        (export "run" (func $run)))"#
    ));
    let engine = engine();
    let outcome = run(&engine, guest);
    assert!(trapped(&outcome).contains("cannot leave component instance"), "{outcome:?}");
    succeeds(&run(&engine, checks("", "")));
}

/// GHSA-rc4p-x33f-vpr2 and GHSA-2674-w29h-wqvj: engines built without the parts for garbage collection
/// or threads abort. This one is built with both and has both proposals off; references, the only
/// such values that a step may have, are put through every instruction for them.
#[test]
fn references_of_every_kind() {
    let functions = "
      (table $any 4 externref) (table $code 4 funcref) (elem declare func $f) (func $f)
      (global $one (mut externref) (ref.null extern))
      (type $other (func (param f64) (result f64)))
      (func $pass (param externref) (result externref) (local.get 0))";
    let body = "
      (global.set $one (call $pass (table.get $any (i32.const 1))))
      (table.set $any (i32.const 0) (global.get $one))
      (drop (table.grow $any (global.get $one) (i32.const 1000)))
      (table.fill $any (i32.const 0) (ref.null extern) (i32.const 1004))
      (table.copy $any $any (i32.const 2) (i32.const 0) (i32.const 1000))
      (if (i32.eqz (ref.is_null (global.get $one))) (then unreachable))
      (table.set $code (i32.const 3) (ref.func $f))
      (drop (table.grow $code (ref.func $f) (i32.const 1000)))
      (if (ref.is_null (table.get $code (i32.const 1003))) (then unreachable))
      (call_indirect $code (i32.const 1003))";
    let engine = engine();
    succeeds(&run(&engine, checks(functions, body)));
    for (wrong, why) in [
        (
            "(drop (call_indirect $code (type $other) (f64.const 0) (i32.const 3)))",
            "indirect call type mismatch",
        ),
        ("(call_indirect $code (i32.const 0))", "uninitialized element"),
        ("(drop (table.get $any (i32.const 5000)))", "out of bounds table access"),
        (
            "(table.copy $code $code (i32.const 1) (i32.const 0) (i32.const 1004))",
            "out of bounds table access",
        ),
    ] {
        let outcome = run(&engine, checks(functions, &format!("{body} {wrong}")));
        assert!(trapped(&outcome).contains(why), "{wrong}: {outcome:?}");
    }
}

/// GHSA-hgjw-h833-99q9: types of one engine were taken for those of another. A step that one engine
/// compiled is not run by another.
#[test]
fn a_step_of_another_engine() {
    let (one, two) = (engine(), Engine::new(EngineOptions { concurrency: 2 }).unwrap());
    let guest = ready(&one, checks("(type $t (func (param i64) (result f32)))", ""));
    let _other = ready(
        &two,
        step(&format!("{MEMORY} (func (export \"run\") (param i32 i32) (result i32) unreachable)")),
    );
    let outcome = run_with(&two, &guest, Limits::default(), Arc::new(Zeros));
    let Outcome::Refused(fault) = outcome else { panic!("{outcome:?}") };
    assert!(fault.message().contains("cross-`Engine` usage is not supported"), "{fault}");
    succeeds(&run_with(&one, &guest, Limits::default(), Arc::new(Zeros)));
}
