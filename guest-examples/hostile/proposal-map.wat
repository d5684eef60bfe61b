;; Tries: use a map type.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (type $m (map string u8))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
