;; Tries: make the host keep data that counts as no bytes: lists of 100,000 empty strings, again and again.
;; Contained by: the limit `bytes-out`; a string in a list counts for the room that it takes.
(component
  ;;! step
  ;;! import http-endpoint erp
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (import "erp" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (func (export "run") (param i32 i32) (result i32)
      (drop (memory.grow (i32.const 32)))
      (loop $forever
        (call $send
          (i32.const 0)
          (i32.const 1048576) (i32.const 100000)
          (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 16))
        (br $forever))
      unreachable))
  ;;! run
)
