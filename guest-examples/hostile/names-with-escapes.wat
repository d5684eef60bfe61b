;; Tries: trap in functions whose names are escape sequences and forged lines.
;; Contained by: no name of a function reaches an outcome.
(component
  ;;! step
  (core module $guest-module
    (func $trap (@name "\1b[2J\nERROR forged") unreachable)
    (func (export "run") (param i32 i32) (result i32)
      (call $trap)
      unreachable))
  ;;! run
)
