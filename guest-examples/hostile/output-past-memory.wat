;; Tries: return an output that lies outside of its memory.
;; Contained by: the component model's checks; the run fails as a trap.
(component
  ;;! step
  (core module $guest-module
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (func (export "run") (param i32 i32) (result i32)
      (call $ok (i32.const -65536) (i32.const 65537))))
  ;;! run
)
