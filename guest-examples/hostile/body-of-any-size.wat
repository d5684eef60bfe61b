;; Tries: send bodies of any size; the input's length is the body's length.
;; Contained by: the limits `bytes-out-per-call` and `bytes-out`.
(component
  ;;! step
  ;;! import signer key
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "key" "sign" (func $sign (param i32 i32 i32)))
    (data (i32.const 16) "null")
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      (call $sign (local.get $input) (local.get $length) (i32.const 32))
      (call $sign (local.get $input) (local.get $length) (i32.const 32))
      (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
