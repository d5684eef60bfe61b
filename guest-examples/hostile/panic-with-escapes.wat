;; Tries: the same from a panic's place and message.
;; Contained by: the escaping of every text that a guest gives to people.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "log" "abort" (func $abort (param i32 i32 i32 i32)))
    (data (i32.const 16) "src/lib.rs:1:1\n")
    (data (i32.const 64) "\1b[31mred\0dover\u{2066}")
    (func (export "run") (param i32 i32) (result i32)
      (call $abort (i32.const 16) (i32.const 15) (i32.const 64) (i32.const 16))
      unreachable))
  ;;! run
)
