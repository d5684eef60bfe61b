;; Tries: a table that starts larger than any limit allows.
;; Contained by: component-structure, before anything is compiled.
(component
  ;;! step
  (core module $guest-module
    (table 100001 funcref)
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
