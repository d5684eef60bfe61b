;; Tries: a label that claims a later version of an interface whose types are the same.
;; Contained by: import-types.
(component
  ;;! step
  (import "wall" (implements "stepward:step/clock@0.2.0") (instance
    (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
