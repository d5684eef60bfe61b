;; Tries: use continuations.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (type $f (func)) (type $c (cont $f)) (func (param (ref $f)) (drop (cont.new $c (local.get 0)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
