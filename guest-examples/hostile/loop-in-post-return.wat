;; Tries: return an output, then run forever in the function that frees it.
;; Contained by: the limit `fuel`; the run ends when the guest has ended.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (data (i32.const 16) "null")
    (func (export "run") (param i32 i32) (result i32) (call $ok (i32.const 16) (i32.const 4)))
    (func (export "post") (param i32) (loop $forever (br $forever))))
  (core instance $guest (instantiate $guest-module (with "base" (instance $base))))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run) (canon lift (core func $guest "run")
    (memory $base "memory") (realloc (func $base "realloc")) (post-return (func $guest "post"))))
  (export "run" (func $run))
)
