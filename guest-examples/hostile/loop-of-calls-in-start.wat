;; Tries: call the host forever in a start function, during instantiation.
;; Contained by: the limit `host-calls`; calls count from the first instruction on.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (func $start (loop $forever
      (call $emit (i32.const 2) (i32.const 0) (i32.const 0))
      (br $forever)))
    (start $start)
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
