;; Tries: import a bare function.
;; Contained by: import-unknown; a step imports interfaces.
(component
  ;;! step
  (import "now" (func (result u64)))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
