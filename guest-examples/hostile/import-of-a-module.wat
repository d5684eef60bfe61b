;; Tries: import code that was not pinned: a core module from the host.
;; Contained by: import-unknown.
(component
  ;;! step
  (import "plugin" (core module))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
