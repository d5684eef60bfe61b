;; Tries: make the host keep data: random bytes again and again, each reply recorded.
;; Contained by: the limits `bytes-in` and `host-calls`.
(component
  ;;! step
  ;;! import random dice
  (core module $guest-module
    (import "dice" "bytes" (func $bytes (param i32 i32)))
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever
        (call $bytes (i32.const 4096) (i32.const 32))
        (br $forever))
      unreachable))
  ;;! run
)
