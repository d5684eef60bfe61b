;; Tries: return a secret that was revealed to it as its output.
;; Contained by: the search of every output, under the rule `secret-leak`.
(component
  ;;! step
  ;;! import secret token
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "token" "reveal" (func $reveal (param i32)))
    (func (export "run") (param i32 i32) (result i32)
      (local $length i32)
      ;; result: discriminant, then version and value, each an address and a length.
      (call $reveal (i32.const 32))
      (local.set $length (i32.load (i32.const 48)))
      (i32.store8 (i32.const 256) (i32.const 34))
      (memory.copy (i32.const 257) (i32.load (i32.const 44)) (local.get $length))
      (i32.store8 (i32.add (i32.const 257) (local.get $length)) (i32.const 34))
      (call $ok (i32.const 256) (i32.add (local.get $length) (i32.const 2)))))
  ;;! run
)
