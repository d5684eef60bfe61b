;; Tries: return an error whose code and message are as long as the input.
;; Contained by: code and message are cut, and marked as cut.
(component
  ;;! step
  (core module $guest-module
    (import "base" "err" (func $err (param i32 i32 i32 i32 i32) (result i32)))
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      (call $err (i32.const 1) (local.get $input) (local.get $length) (local.get $input) (local.get $length))))
  ;;! run
)
