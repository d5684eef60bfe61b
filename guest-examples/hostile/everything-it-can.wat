;; Tries: behave differently from one run to the next. It logs its input, takes time and random bytes,
;; signs them, sends them, reads a secret, and works in between.
;; Contained by: determinism; the same input and replies give the same calls, output and fuel.
(component
  ;;! step
  ;;! log
  ;;! import http-endpoint erp
  ;;! import signer key
  ;;! import secret token
  ;;! inline clock wall
  ;;! inline random dice
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (import "erp" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "key" "sign" (func $sign (param i32 i32 i32)))
    (import "token" "reveal" (func $reveal (param i32)))
    (import "wall" "now" (func $now (result i64)))
    (import "dice" "bytes" (func $bytes (param i32 i32)))
    (data (i32.const 16) "{}")
    (data (i32.const 32) "\40\00\00\00\08\00\00\00")
    (data (i32.const 64) "payments")
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      (local $rounds i64)
      (call $emit (i32.const 1) (local.get $input) (local.get $length))
      (local.set $rounds (i64.rem_u (call $now) (i64.const 10007)))
      (call $bytes (i32.const 64) (i32.const 128))
      (local.set $rounds (i64.add (local.get $rounds) (i64.load8_u (i32.load (i32.const 128)))))
      (loop $work
        (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
        (br_if $work (i64.gt_s (local.get $rounds) (i64.const 0))))
      (call $sign (i32.load (i32.const 128)) (i32.load (i32.const 132)) (i32.const 256))
      (call $reveal (i32.const 320))
      (call $send
        (i32.const 3)
        (i32.const 32) (i32.const 1)
        (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0)
        (i32.const 1) (local.get $input) (local.get $length)
        (i32.const 1) (i32.const 64) (i32.const 8)
        (i32.const 384))
      (call $ok (i32.const 16) (i32.const 2))))
  ;;! run
)
