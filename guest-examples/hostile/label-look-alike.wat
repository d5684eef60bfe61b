;; Tries: a label with a Cyrillic letter that looks like the Latin one.
;; Contained by: component-invalid; names are ASCII.
(component
  ;;! step
  (import "\u{435}rp" (instance $erp (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
