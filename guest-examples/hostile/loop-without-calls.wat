;; Tries: run forever without calling the host.
;; Contained by: the limit `fuel`.
(component
  ;;! step
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever (br $forever))
      unreachable))
  ;;! run
)
