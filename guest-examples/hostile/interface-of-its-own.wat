;; Tries: an interface of its own making under a granted label.
;; Contained by: import-unknown.
(component
  ;;! step
  (import "erp" (instance
    (export "open-socket" (func (param "address" string) (result u32)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
