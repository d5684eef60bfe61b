;; Tries: logging with a function that the contract does not have.
;; Contained by: import-types.
(component
  ;;! step
  (import "stepward:step/log@0.1.0" (instance
    (export "emit-to" (func (param "file" string) (param "message" string)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
