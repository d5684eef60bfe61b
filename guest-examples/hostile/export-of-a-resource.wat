;; Tries: export a resource type whose destructor runs code when the host drops a handle.
;; Contained by: component-resource, before anything is compiled; a step has no resources.
(component
  ;;! step
  (core module $destructor-module (func (export "drop") (param i32) (loop $on (br $on))))
  (core instance $destructor (instantiate $destructor-module))
  (type $thing (resource (rep i32) (dtor (func $destructor "drop"))))
  (export "thing" (type $thing))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
