;; Tries: use typed function references.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
