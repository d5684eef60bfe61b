;; Tries: return the address of a result that is not in memory at all.
;; Contained by: the component model's checks; the run fails as a trap.
(component
  ;;! step
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) (i32.const -4)))
  ;;! run
)
