;; Tries: use a list type of fixed length.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (type $l (list u8 4))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
