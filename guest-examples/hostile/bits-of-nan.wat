;; Tries: read the CPU from the bits of a NaN: the sign and payload of 0/0 and of arithmetic on it.
;; Contained by: canonical NaNs; the bits are the same everywhere. The output is the two as numbers.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (data (i32.const 16) "\"                        \"")
    (data (i32.const 64) "0123456789abcdef")
    (global $at (mut i32) (i32.const 17))
    (func $hex (param $bits i64) (param $digits i32)
      (loop $more
        (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
        (i32.store8 (global.get $at) (i32.load8_u (i32.add (i32.const 64) (i32.wrap_i64 (i64.and (i64.const 15)
          (i64.shr_u (local.get $bits) (i64.extend_i32_u (i32.mul (i32.const 4) (local.get $digits)))))))))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br_if $more (local.get $digits))))
    (func $zero32 (result f32) (f32.convert_i32_u (i32.sub (memory.size) (memory.size))))
    (func $zero64 (result f64) (f64.convert_i32_u (i32.sub (memory.size) (memory.size))))
    (func (export "run") (param i32 i32) (result i32)
      (call $hex (i64.extend_i32_u (i32.reinterpret_f32
        (f32.add (f32.div (call $zero32) (call $zero32)) (f32.reinterpret_i32 (i32.const 0xffabcdef))))) (i32.const 8))
      (call $hex (i64.reinterpret_f64 (f64.mul (f64.reinterpret_i64 (i64.const 0xfff0123456789abc))
        (f64.div (call $zero64) (call $zero64)))) (i32.const 16))
      (call $ok (i32.const 16) (i32.const 26))))
  ;;! run
)
