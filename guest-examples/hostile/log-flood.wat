;; Tries: log the input again and again, without end.
;; Contained by: the limits `log-lines` and `log-bytes`.
(component
  ;;! step
  ;;! log
  (core module $guest-module
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      (loop $forever
        (call $emit (i32.const 2) (local.get $input) (local.get $length))
        (br $forever))
      unreachable))
  ;;! run
)
