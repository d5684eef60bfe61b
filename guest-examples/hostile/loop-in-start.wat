;; Tries: run forever in a start function, before `run` is ever called.
;; Contained by: the limit `fuel`, which holds from the first instruction of instantiation.
(component
  ;;! step
  (core module $guest-module
    (func $start (loop $forever (br $forever)))
    (start $start)
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
