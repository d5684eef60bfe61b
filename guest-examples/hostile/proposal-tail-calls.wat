;; Tries: use tail calls.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (func $f (return_call $f)))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
