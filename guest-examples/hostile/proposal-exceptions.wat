;; Tries: use exceptions.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (tag $t) (func (throw $t)))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
