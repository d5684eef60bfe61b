;; Tries: hide a resource type in an interface of the contract, beside the functions that it has.
;; Contained by: component-resource, before anything is compiled; a step has no resources.
(component
  ;;! step
  (import "dice" (implements "stepward:step/random@0.1.0") (instance
    (export "cup" (type (sub resource)))
    (export "bytes" (func (param "count" u32) (result (list u8))))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
