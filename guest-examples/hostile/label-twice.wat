;; Tries: two labels that differ by case alone.
;; Contained by: component-invalid; the component model itself takes them for the same name.
(component
  ;;! step
  ;;! import clock wall
  (import "WALL" (instance $again (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
