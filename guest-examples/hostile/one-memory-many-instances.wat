;; Tries: one module with one memory, instantiated eight times.
;; Contained by: component-structure, which counts the memories of all instances.
(component
  ;;! step
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  (core module $m (memory 100))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  ;;! run
)
