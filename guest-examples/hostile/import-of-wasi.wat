;; Tries: import a WASI interface by its own name.
;; Contained by: import-wasi, with what to do instead.
(component
  ;;! step
  (import "wasi:cli/environment@0.2.0" (instance
    (export "get-arguments" (func (result (list string))))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
