;; Tries: handles that the host would have to keep until they are dropped.
;; Contained by: import-unknown; the contract has no resources, so there is nothing to leak.
(component
  ;;! step
  (import "files" (instance
    (export "file" (type $file (sub resource)))
    (export "open" (func (param "path" string) (result (own $file))))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
