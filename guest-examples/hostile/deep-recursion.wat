;; Tries: recurse without end, to overflow the stack that the host runs on.
;; Contained by: the guest's own stack of fixed size; the trap says so.
(component
  ;;! step
  (core module $guest-module
    (func $deeper (param i64) (result i64)
      (i64.add (local.get 0) (call $deeper (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (param i32 i32) (result i32)
      (drop (call $deeper (i64.const 0)))
      unreachable))
  ;;! run
)
