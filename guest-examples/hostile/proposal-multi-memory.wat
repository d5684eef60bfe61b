;; Tries: use two memories in one module.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (import "base" "memory" (memory 1)) (memory 1))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
