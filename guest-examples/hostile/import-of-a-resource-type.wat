;; Tries: import a bare resource type, and drop handles to it that nobody gave.
;; Contained by: component-resource, before anything is compiled; a step has no resources.
(component
  ;;! step
  (import "thing" (type $thing (sub resource)))
  (core func $drop (canon resource.drop $thing))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
