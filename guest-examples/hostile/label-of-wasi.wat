;; Tries: import a WASI interface under a label that is granted.
;; Contained by: import-wasi.
(component
  ;;! step
  (import "wall" (implements "wasi:clocks/wall-clock@0.2.0") (instance
    (export "now" (func (result u64)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
