;; Tries: use shared functions.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (type $f (shared (func))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
