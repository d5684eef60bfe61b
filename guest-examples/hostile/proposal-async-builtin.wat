;; Tries: use an asynchronous built-in.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core func $b (canon task.return))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
