;; Tries: import code that was not pinned: a component from the host.
;; Contained by: import-unknown.
(component
  ;;! step
  (import "plugin" (component))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
