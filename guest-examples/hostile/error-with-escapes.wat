;; Tries: clear the reader's terminal, forge a line and reverse the reading direction from an error.
;; Contained by: the escaping of every text that a guest gives to people.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "err" (func $err (param i32 i32 i32 i32 i32) (result i32)))
    (data (i32.const 16) "ok\1b]0;owned\07")
    (data (i32.const 64) "\1b[2J\nINFO all is well \u{202e}dehsinif\u{200b}")
    (func (export "run") (param i32 i32) (result i32)
      (call $err (i32.const 0) (i32.const 16) (i32.const 12) (i32.const 64) (i32.const 36))))
  ;;! run
)
