;; Tries: use a memory that threads share.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (memory 1 2 shared))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
