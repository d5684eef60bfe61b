;; Tries: return an output that is not UTF-8.
;; Contained by: the component model's checks; the run fails as a trap.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (data (i32.const 16) "\"\ff\fe\"")
    (func (export "run") (param i32 i32) (result i32) (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
