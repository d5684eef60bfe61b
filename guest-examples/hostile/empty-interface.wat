;; Tries: an interface without functions under a granted label.
;; Contained by: import-unknown.
(component
  ;;! step
  (import "erp" (instance))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
