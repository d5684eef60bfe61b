;; Tries: a memory that is over the limit from the start, before any instruction.
;; Contained by: the limit `memory-bytes`, which holds before instantiation.
(component
  ;;! step
  (core module $second-module (memory 1025))
  (core instance (instantiate $second-module))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
