;; Tries: a list of 100,000 headers whose names and values are all the same megabyte.
;; Contained by: the limit `bytes-out-per-call`, while the arguments are copied.
(component
  ;;! step
  ;;! import http-endpoint erp
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "erp" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (func (export "run") (param i32 i32) (result i32)
      (local $at i32)
      (drop (memory.grow (i32.const 64)))
      (local.set $at (i32.const 2097152))
      (loop $entries
        (i32.store (local.get $at) (i32.const 0))
        (i32.store offset=4 (local.get $at) (i32.const 1048576))
        (i32.store offset=8 (local.get $at) (i32.const 0))
        (i32.store offset=12 (local.get $at) (i32.const 1048576))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $entries (i32.lt_u (local.get $at) (i32.const 3697152))))
      (call $send
        (i32.const 0)
        (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0)
        (i32.const 2097152) (i32.const 100000)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 16))
      unreachable))
  ;;! run
)
