;; Tries: use atomic instructions.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
