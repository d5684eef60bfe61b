//! Code that Cranelift once compiled wrongly, run for its right result.

use crate::support::{engine, inspect};
use crate::{MEMORY, checks, run, step, succeeds, trapped};
use stepward_seam::Grants;

/// Offset of the last eight bytes of a memory of one page: whoever loads more faults.
const EDGE: &str = "(i32.const 65528)";

/// GHSA-vc8c-j3xm-xj73: an operand of eight bytes in memory was read as sixteen. The load is taken into
/// the instruction only where the result is stored at once.
#[test]
fn copysign_of_the_last_bytes_of_memory() {
    let functions = "
      (func $size (param $at i32) (param $sign f64) (result i64)
        (f64.store (i32.const 64) (f64.copysign (f64.load (local.get $at)) (local.get $sign)))
        (i64.load (i32.const 64)))
      (func $sign (param $at i32) (param $size f64) (result i64)
        (f64.store (i32.const 64) (f64.copysign (local.get $size) (f64.load (local.get $at))))
        (i64.load (i32.const 64)))
      (func $small (param $at i32) (param $size f32) (result i64)
        (f32.store (i32.const 64) (f32.copysign (local.get $size) (f32.load (local.get $at))))
        (i64.load32_u (i32.const 64)))";
    let body = format!(
        "(f64.store {EDGE} (f64.const -1.5))
         (call $same (call $size {EDGE} (f64.const 2)) (i64.reinterpret_f64 (f64.const 1.5)))
         (call $same (call $sign {EDGE} (f64.const 2)) (i64.reinterpret_f64 (f64.const -2)))
         (f32.store (i32.const 65532) (f32.const -3))
         (call $same (call $small (i32.const 65532) (f32.const 4))
                     (i64.extend_i32_u (i32.reinterpret_f32 (f32.const -4))))"
    );
    succeeds(&run(&engine(), checks(functions, &body)));
}

/// GHSA-qqfj-4vcm-26hv: the same for a vector made of one number.
#[test]
fn splat_of_the_last_bytes_of_memory() {
    let splats = [
        ("wide", "(f64x2.splat (f64.load (local.get $at)))"),
        ("whole", "(i64x2.splat (i64.load (local.get $at)))"),
        ("narrow", "(f32x4.splat (f32.load (local.get $at)))"),
        ("lane", "(f64x2.replace_lane 1 (v128.const i64x2 0 0) (f64.load (local.get $at)))"),
    ];
    let functions = splats.map(|(name, splat)| {
        format!(
            "(func ${name} (param $at i32) (result i64)
               (v128.store (i32.const 64) {splat}) (i64.load (i32.const 72)))"
        )
    });
    let bits = "(i64.const 0x4008000000000000)";
    let body = format!(
        "(f64.store {EDGE} (f64.const 3))
         (call $same (call $wide {EDGE}) {bits})
         (call $same (call $whole {EDGE}) {bits})
         (call $same (call $lane {EDGE}) {bits})
         (call $same (call $narrow (i32.const 65532)) (i64.const 0x4008000040080000))"
    );
    succeeds(&run(&engine(), checks(&functions.concat(), &body)));
}

/// GHSA-jhxm-h53p-jm7w: an address that is a shifted index. The count of the shift is taken modulo
/// the width, and the sum wraps in 32 bits; the wrong code read far outside of memory.
#[test]
fn addresses_that_are_shifted_indices() {
    let functions = "
      (func $index (param $i i32) (result i64) (i64.load32_u (i32.shl (local.get $i) (i32.const 34))))
      (func $scaled (param $b i32) (param $i i32) (result i64)
        (i64.load (i32.add (local.get $b) (i32.shl (local.get $i) (i32.const 35)))))
      (func $far (param $i i32) (result i64) (i64.load offset=64 (i32.shl (local.get $i) (i32.const 3))))
      (func $put (param $b i32) (param $i i32) (param $v i64)
        (i64.store (i32.add (local.get $b) (i32.shl (local.get $i) (i32.const 3))) (local.get $v)))";
    let body = "
      (i64.store (i32.const 4096) (i64.const 0x1122334455667788))
      (call $same (call $index (i32.const 1024)) (i64.const 0x55667788))
      (call $same (call $index (i32.const 0x40000400)) (i64.const 0x55667788))
      (call $same (call $scaled (i32.const 96) (i32.const 500)) (i64.const 0x1122334455667788))
      (call $same (call $scaled (i32.const 96) (i32.const 0x200001f4)) (i64.const 0x1122334455667788))
      (call $same (call $far (i32.const 504)) (i64.const 0x1122334455667788))
      (call $put (i32.const 8) (i32.const 0x20000400) (i64.const 7))
      (call $same (i64.load (i32.const 8200)) (i64.const 7))";
    succeeds(&run(&engine(), checks(functions, body)));
    // And an index that is truly outside ends as a trap.
    let outside = checks(functions, "(drop (call $scaled (i32.const 0) (i32.const 0x1fffffff)))");
    assert!(trapped(&run(&engine(), outside)).contains("out of bounds memory access"));
}

/// A function that jumps by a table of this many entries, all but the last to the same place.
fn jumps(entries: usize) -> Vec<u8> {
    let table = "0 ".repeat(entries - 1);
    checks(
        &format!(
            "(func $jump (param $to i32) (result i64)
               (block $inner (block $outer (br_table {table} 1 0 (local.get $to))) (return (i64.const 1)))
               (i64.const 2))"
        ),
        &format!(
            "(call $same (call $jump (i32.const 0)) (i64.const 1))
             (call $same (call $jump (i32.const {})) (i64.const 1))
             (call $same (call $jump (i32.const {})) (i64.const 2))
             (call $same (call $jump (i32.const {entries})) (i64.const 1))
             (call $same (call $jump (i32.const -1)) (i64.const 1))",
            entries - 2,
            entries - 1
        ),
    )
}

/// GHSA-mghf-wjfp-p5xm: a jump over a table larger than what one instruction reaches. The compiler now
/// refuses such tables by name; one of nearly that size jumps right.
#[test]
fn large_tables_of_jumps() {
    let engine = engine();
    succeeds(&run(&engine, jumps(65_000)));
    let admitted = inspect(jumps(150_000)).unwrap().admit(&Grants::default()).unwrap();
    let fault = engine.compile(&admitted).unwrap_err();
    assert_eq!(fault.rule().as_str(), "component-compile");
    assert!(fault.message().contains("`br_table` has 150000 targets"), "{}", fault.message());
    // The bound on one function comes first for the largest.
    assert_eq!(inspect(jumps(270_000)).unwrap_err().rule().as_str(), "component-structure");
}

/// GHSA-897f-g5gm-fmxm: more than 2^24 values in one function did not fit where they were packed. The
/// bounds on one function keep it more than an order of magnitude below.
#[test]
fn a_function_of_too_many_values() {
    let types = format!("(type $many (func (result {})))", "i32 ".repeat(97));
    let many = format!("(func $many (type $many) {})", "(i32.const 1) ".repeat(97));
    let calls = |count: usize| {
        step(&format!(
            "{types} {many} {MEMORY}
             (func (export \"run\") (param i32 i32) (result i32) {} unreachable)",
            "(call $many) ".repeat(count)
        ))
    };
    let message = inspect(calls(11_000)).unwrap_err().message().to_owned();
    assert!(message.contains("variables carried across blocks of one function"), "{message}");
    let adds = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(40_000);
    let message = inspect(checks("", &adds)).unwrap_err().message().to_owned();
    assert!(message.contains("bytes in one function"), "{message}");
    assert!(trapped(&run(&engine(), calls(500))).contains("unreachable"));
}
