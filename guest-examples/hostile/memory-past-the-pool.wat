;; Tries: a memory that starts larger than any limit allows.
;; Contained by: component-structure, before anything is compiled.
(component
  ;;! step
  (core module $second-module (memory 8193))
  (core instance (instantiate $second-module))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
