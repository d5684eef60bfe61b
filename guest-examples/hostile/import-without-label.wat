;; Tries: import an interface of the contract under its own name, for a grant of every clock there is.
;; Contained by: import-label; a thing is granted under a name of its own.
(component
  ;;! step
  (import "stepward:step/clock@0.1.0" (instance
    (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
