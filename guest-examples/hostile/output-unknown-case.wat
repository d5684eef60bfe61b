;; Tries: return a result that is neither success nor failure.
;; Contained by: the component model's checks; the run fails as a trap.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (data (i32.const 16) "\07")
    (func (export "run") (param i32 i32) (result i32) (i32.const 16)))
  ;;! run
)
