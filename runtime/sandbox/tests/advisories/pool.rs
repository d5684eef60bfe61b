//! What one run leaves in the pool, the next does not find.

use crate::support::engine;
use crate::{NULL, NoCalls, checks, ready, run, run_with, step, succeeds, trapped};
use std::sync::Arc;
use stepward_sandbox::Outcome;
use stepward_seam::{LimitName, Limits};

/// GHSA-6wgr-89rj-399p: pages that a run had made accessible stayed so for the next, with their bytes.
/// The pool of the engine has room for one run, so that each uses what the one before it used.
#[test]
fn memory_of_the_run_before() {
    let engine = engine();
    let large = checks(
        "",
        "(if (i32.eq (memory.grow (i32.const 63)) (i32.const -1)) (then unreachable))
         (memory.fill (i32.const 65536) (i32.const 0xa5) (i32.const 4128768))",
    );
    for at in [65_536, 69_632, 131_072, 4_194_296] {
        succeeds(&run(&engine, large.clone()));
        let looks = checks("", &format!("(drop (i64.load (i32.const {at})))"));
        assert!(trapped(&run(&engine, looks)).contains("out of bounds memory access"), "at {at}");
        let grows = checks(
            "",
            &format!(
                "(drop (memory.grow (i32.const 63))) (call $same (i64.load (i32.const {at})) (i64.const 0))"
            ),
        );
        succeeds(&run(&engine, grows));
    }
}

/// The same for a memory that starts smaller than the one before it was, and looks in between.
#[test]
fn a_smaller_memory_than_the_run_before() {
    let engine = engine();
    let of = |pages: u32, body: &str| {
        step(&format!(
            r#"(memory (export "memory") {pages} 100) {NULL}
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "run") (param i32 i32) (result i32) {body} (i32.const 16))"#
        ))
    };
    let larger = "(drop (memory.grow (i32.const 10))) (memory.fill (i32.const 65536) (i32.const 1) (i32.const 1200000))";
    for at in [400_000, 660_000, 983_040, 1_300_000] {
        succeeds(&run(&engine, of(10, larger)));
        let looks = of(5, &format!("(drop (i64.load (i32.const {at})))"));
        assert!(trapped(&run(&engine, looks)).contains("out of bounds memory access"), "at {at}");
    }
}

/// GHSA-2hw9-mc66-jc2q: an instruction that works on many elements looks at the fuel in between, and
/// what it had half done could be met afterwards. Here a store is dropped with its run.
#[test]
fn instructions_cut_short_by_fuel() {
    let engine = engine();
    let halves = [
        (
            "(table $t 10 funcref) (elem declare func $f) (func $f)",
            "(drop (table.grow $t (ref.func $f) (i32.const 19000)))
          (loop $on (table.fill $t (i32.const 0) (ref.func $f) (i32.const 19000)) (br $on))",
        ),
        (
            "",
            "(drop (memory.grow (i32.const 63)))
              (loop $on (memory.fill (i32.const 65536) (i32.const 1) (i32.const 4000000))
                (memory.copy (i32.const 70000) (i32.const 65536) (i32.const 4000000)) (br $on))",
        ),
    ];
    let clean = [
        (
            "(table $t 10 funcref)",
            "(call $same (i64.extend_i32_u (table.size $t)) (i64.const 10))
          (drop (table.grow $t (ref.null func) (i32.const 19000)))
          (if (i32.eqz (ref.is_null (table.get $t (i32.const 5)))) (then unreachable))
          (if (i32.eqz (ref.is_null (table.get $t (i32.const 18000)))) (then unreachable))",
        ),
        ("", "(drop (memory.grow (i32.const 63))) (call $same (i64.load (i32.const 2000000)) (i64.const 0))"),
    ];
    for ((functions, body), (after, looks)) in halves.into_iter().zip(clean) {
        let half = ready(&engine, checks(functions, body));
        let clean = ready(&engine, checks(after, looks));
        for fuel in [2_000, 30_000, 1_000_000, 9_999_999] {
            let mut limits = Limits::default();
            limits.set(LimitName::Fuel, fuel).unwrap();
            let outcome = run_with(&engine, &half, limits, Arc::new(NoCalls));
            assert!(matches!(outcome, Outcome::LimitExceeded(LimitName::Fuel)), "{outcome:?}");
            succeeds(&run_with(&engine, &clean, Limits::default(), Arc::new(NoCalls)));
        }
    }
}
