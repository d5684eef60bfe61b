;; Tries: use 128-bit arithmetic.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (func (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
