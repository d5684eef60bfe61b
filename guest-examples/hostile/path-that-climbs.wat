;; Tries: path segments that leave the endpoint's base, name another host, or end the request line.
;; Contained by: the gate's rule `endpoint-path-segment`; nothing leaves the host.
(component
  ;;! step
  ;;! import http-endpoint erp
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "base" "ok" (func $ok (param i32 i32) (result i32)))
    (import "erp" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (data (i32.const 16) "{}")
    (data (i32.const 64) "..")
    (data (i32.const 66) ".")
    (data (i32.const 67) "a/b")
    (data (i32.const 70) "a\5cb")
    (data (i32.const 73) "a\00b")
    (data (i32.const 76) "a\0db")
    (data (i32.const 79) "a\0ab")
    (data (i32.const 82) "//127.0.0.1")
    (data (i32.const 93) "https://erp.evil/x")
    (data (i32.const 512) "\40\00\00\00\02\00\00\00\42\00\00\00\01\00\00\00\43\00\00\00\00\00\00\00\43\00\00\00\03\00\00\00\46\00\00\00\03\00\00\00\49\00\00\00\03\00\00\00\4c\00\00\00\03\00\00\00\4f\00\00\00\03\00\00\00\52\00\00\00\0b\00\00\00\5d\00\00\00\12\00\00\00")
    (func (export "run") (param i32 i32) (result i32)
      (local $segment i32)
      (local.set $segment (i32.const 512))
      (loop $each
        (call $send
          (i32.const 0)
          (local.get $segment) (i32.const 1)
          (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 1024))
        (local.set $segment (i32.add (local.get $segment) (i32.const 8)))
        (br_if $each (i32.lt_u (local.get $segment) (i32.const 592))))
      (call $ok (i32.const 16) (i32.const 2))))
  ;;! run
)
