;; Tries: ask for one random byte more than the contract allows.
;; Contained by: the rule random-count; the broker is never asked.
(component
  ;;! step
  ;;! import random dice
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "dice" "bytes" (func $bytes (param i32 i32)))
    (data (i32.const 16) "null")
    (func (export "run") (param i32 i32) (result i32)
      (call $bytes (i32.const 4097) (i32.const 32))
      (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
