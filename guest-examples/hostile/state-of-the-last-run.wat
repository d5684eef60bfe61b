;; Tries: count its runs in a global, a table and a dropped data segment.
;; Contained by: a fresh instance for each run, also after a run that trapped.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "base" "err" (func $err (param i32 i32 i32 i32 i32) (result i32)))
    (table $table 1 funcref)
    (elem declare func $run)
    (global $runs (mut i32) (i32.const 0))
    (data (i32.const 16) "null")
    (data (i32.const 32) "kept")
    (func $run (export "run") (param $input i32) (param $length i32) (result i32)
      (if (i32.or (global.get $runs) (i32.eqz (ref.is_null (table.get $table (i32.const 0)))))
        (then (return (call $err (i32.const 1) (i32.const 32) (i32.const 4) (i32.const 32) (i32.const 4)))))
      (global.set $runs (i32.const 1))
      (table.set $table (i32.const 0) (ref.func $run))
      ;; An input of one byte asks for a trap.
      (if (i32.eq (local.get $length) (i32.const 1)) (then unreachable))
      (call $ok (i32.const 16) (i32.const 4))))
  ;;! run
)
