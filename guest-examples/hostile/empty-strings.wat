;; Tries: a list of two million empty strings: no bytes to count, but the host needs room for each.
;; Contained by: the limit `bytes-out-per-call`, which the room for the list counts against.
(component
  ;;! step
  ;;! import http-endpoint erp
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "erp" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (func (export "run") (param i32 i32) (result i32)
      (drop (memory.grow (i32.const 512)))
      (call $send
        (i32.const 0)
        (i32.const 0) (i32.const 2000000)
        (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 16))
      unreachable))
  ;;! run
)
