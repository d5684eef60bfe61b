;; Tries: call the host forever, each call cheap.
;; Contained by: the limit `host-calls`, and `fuel` where that is the lower one.
(component
  ;;! step
  ;;! import clock wall
  (core module $guest-module
    (import "wall" "now" (func $now (result i64)))
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever
        (drop (call $now))
        (br $forever))
      unreachable))
  ;;! run
)
