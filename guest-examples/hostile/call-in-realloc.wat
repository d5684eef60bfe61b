;; Tries: call the host while the host is handing the input over, from the guest's own allocator.
;; Contained by: the component model; the call traps, and nothing of it reaches the broker.
(component
  ;;! step
  ;;! import clock wall
  (core module $guest-module
    (import "wall" "now" (func $now (result i64)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (drop (call $now)) (i32.const 1024))
    (func (export "run") (param i32 i32) (result i32) unreachable))
  (core instance $guest (instantiate $guest-module (with "wall" (instance $wall-core))))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run) (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
  (export "run" (func $run))
)
