;; Tries: log bytes that are not UTF-8.
;; Contained by: the component model's checks; the run fails as a trap and nothing is logged.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (data (i32.const 16) "a\ffb")
    (func (export "run") (param i32 i32) (result i32)
      (call $emit (i32.const 2) (i32.const 16) (i32.const 3))
      unreachable))
  ;;! run
)
