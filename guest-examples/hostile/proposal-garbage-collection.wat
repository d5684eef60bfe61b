;; Tries: use garbage-collected structs.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
