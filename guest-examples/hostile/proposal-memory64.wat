;; Tries: use a memory with 64-bit addresses.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (memory i64 1))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
