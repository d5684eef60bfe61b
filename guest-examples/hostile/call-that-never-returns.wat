;; Tries: wait forever in a call that the host does not answer.
;; Contained by: the deadline, the limit `wall-time-ms`.
(component
  ;;! step
  ;;! import clock wall
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "wall" "now" (func $now (result i64)))
    (data (i32.const 16) "null")
    (func (export "run") (param i32 i32) (result i32)
      (drop (call $now))
      (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
