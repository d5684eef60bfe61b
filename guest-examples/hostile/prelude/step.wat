;; What every step has: the shared types, and a core module `base` with memory and an allocator.
;; Page 0 of its memory belongs to the guest, whose data segments go there; 65536 and up are handed
;; out by `realloc`, which grows the memory as it needs to.
(import "stepward:step/types@0.1.0" (instance $types
  (type $kind (enum "retryable" "permanent"))
  (export "error-kind" (type $error-kind (eq $kind)))
  (type $error (record (field "kind" $error-kind) (field "code" string) (field "message" string)))
  (export "step-error" (type (eq $error)))))
(alias export $types "step-error" (type $step-error))
(core module $base-module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 65536))
  (func $allocate (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.lt_s (memory.grow
          (i32.div_u (i32.add (i32.sub (local.get $end) (i32.mul (memory.size) (i32.const 65536))) (i32.const 65535))
                     (i32.const 65536))) (i32.const 0))
        (then unreachable))))
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (global.set $next (local.get $end))
    (local.get $at))
  ;; The result area of `run` for a document.
  (func (export "ok") (param $text i32) (param $length i32) (result i32)
    (local $area i32)
    (local.set $area (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 24)))
    (i32.store (local.get $area) (i32.const 0))
    (i32.store offset=4 (local.get $area) (local.get $text))
    (i32.store offset=8 (local.get $area) (local.get $length))
    (local.get $area))
  ;; The result area of `run` for an error; kind 0 is retryable, 1 is permanent.
  (func (export "err") (param $kind i32) (param $code i32) (param $code-length i32) (param $message i32) (param $length i32)
    (result i32)
    (local $area i32)
    (local.set $area (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 24)))
    (i32.store (local.get $area) (i32.const 1))
    (i32.store offset=4 (local.get $area) (local.get $kind))
    (i32.store offset=8 (local.get $area) (local.get $code))
    (i32.store offset=12 (local.get $area) (local.get $code-length))
    (i32.store offset=16 (local.get $area) (local.get $message))
    (i32.store offset=20 (local.get $area) (local.get $length))
    (local.get $area)))
(core instance $base (instantiate $base-module))
