;; Tries: nine tables.
;; Contained by: component-structure, which counts tables before anything is compiled.
(component
  ;;! step
  (core module $guest-module
    (table 1 funcref) (table 1 funcref) (table 1 funcref)
    (table 1 funcref) (table 1 funcref) (table 1 funcref)
    (table 1 funcref) (table 1 funcref) (table 1 funcref)
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
