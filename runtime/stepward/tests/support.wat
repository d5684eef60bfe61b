;; A step that asks the clock `wall` as often as its input is long, then returns its input.
(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind (enum "retryable" "permanent"))
    (export "error-kind" (type $kind' (eq $kind)))
    (type $error (record (field "kind" $kind') (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error)))))
  (alias export $types "step-error" (type $step-error))
  (import "wall" (implements "stepward:step/clock@0.1.0") (instance $wall
    (export "now" (func (result u64)))))
  (core module $memory
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (global.get $next) (local.get 3)))
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (core func $now (canon lower (func $wall "now")))
  (core module $step
    (import "m" "memory" (memory 1))
    (import "wall" "now" (func $now (result i64)))
    (func (export "run") (param $at i32) (param $len i32) (result i32)
      (local $left i32)
      (local.set $left (local.get $len))
      (loop $again
        (if (local.get $left)
          (then
            (drop (call $now))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $again))))
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $len))
      (i32.const 16)))
  (core instance $s (instantiate $step
    (with "m" (instance $m))
    (with "wall" (instance (export "now" (func $now))))))
  (func (export "run") (param "input" string) (result (result string (error $step-error)))
    (canon lift (core func $s "run") (memory $m "memory") (realloc (func $m "realloc")))))
