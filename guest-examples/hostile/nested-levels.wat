;; Tries: components within components, deeper than any tool makes them.
;; Contained by: component-structure.
(component
  ;;! step
  (component (component (component (component (component)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
