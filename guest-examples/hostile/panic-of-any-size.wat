;; Tries: abort with a message as long as the input.
;; Contained by: the message is cut, and marked as cut.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "log" "abort" (func $abort (param i32 i32 i32 i32)))
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      (call $abort (i32.const 0) (i32.const 0) (local.get $input) (local.get $length))
      unreachable))
  ;;! run
)
