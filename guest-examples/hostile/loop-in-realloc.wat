;; Tries: run forever while the host hands the input over, in the guest's own allocator.
;; Contained by: the limit `fuel`, and the deadline.
(component
  ;;! step
  (core module $guest-module
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop $forever (br $forever)) unreachable)
    (func (export "run") (param i32 i32) (result i32) unreachable))
  (core instance $guest (instantiate $guest-module))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run) (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
  (export "run" (func $run))
)
