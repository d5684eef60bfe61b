;; Tries: the label `payment--signing`, which a reader takes for `payment-signing`.
;; Contained by: component-invalid.
(component
  ;;! step
  (import "payment--signing" (instance $wall (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
