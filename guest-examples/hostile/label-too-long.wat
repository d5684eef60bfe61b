;; Tries: a label of 65 bytes, for a place that shows the first 64.
;; Contained by: import-label.
(component
  ;;! step
  ;;! import clock aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
