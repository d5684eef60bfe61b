;; Tries: use an asynchronous function type.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (type $f (func async))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
