;; Tries: return text that is no JSON document, with an escape sequence in it.
;; Contained by: the check of every output; the run fails as output-not-json.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (data (i32.const 16) "done \1b[2J")
    (func (export "run") (param i32 i32) (result i32) (call $ok (i32.const 16) (i32.const 9))))
  ;;! run
)
