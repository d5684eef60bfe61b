;; Tries: use an imported value.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (import "v" (value $v u32))
  (export "w" (value $v))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
