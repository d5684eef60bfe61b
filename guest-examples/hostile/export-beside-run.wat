;; Tries: export a second function.
;; Contained by: exports.
(component
  ;;! step
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
  (export "run-as-root" (func $run))
)
