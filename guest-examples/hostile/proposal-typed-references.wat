;; Tries: use typed references in nothing but types that refer to each other.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (type $f (func)) (type $g (func (param (ref null $f)))) (type $h (func (result (ref null $g)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
