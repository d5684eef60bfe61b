;; Tries: logging of a later version of the contract.
;; Contained by: import-label, which names the version that this host speaks.
(component
  ;;! step
  (import "stepward:step/log@0.2.0" (instance
    (export "emit" (func (param "message" string)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
