;; Tries: return a JSON document of 50,000 arrays within each other, to overflow the stack of whoever
;; reads it next.
;; Contained by: the check of every output; the run fails as output-not-json.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (func (export "run") (param i32 i32) (result i32)
      (local $text i32)
      (local.set $text (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 100000)))
      (memory.fill (local.get $text) (i32.const 91) (i32.const 50000))
      (memory.fill (i32.add (local.get $text) (i32.const 50000)) (i32.const 93) (i32.const 50000))
      (call $ok (local.get $text) (i32.const 100000))))
  ;;! run
)
