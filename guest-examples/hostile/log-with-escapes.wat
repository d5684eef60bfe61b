;; Tries: forge a log line with a newline, and colour the terminal that shows it.
;; Contained by: the line reaches the broker as one value; whoever shows it escapes it.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (data (i32.const 16) "null")
    (data (i32.const 32) "fine\nERROR \1b[31mforged")
    (func (export "run") (param i32 i32) (result i32)
      (call $emit (i32.const 2) (i32.const 32) (i32.const 22))
      (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
