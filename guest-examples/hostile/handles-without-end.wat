;; Tries: fill the host's memory with handles to resources of its own, which no limit counts.
;; Contained by: component-resource, before anything is compiled; a step has no resources.
(component
  ;;! step
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core module $guest-module
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "run") (param i32 i32) (result i32)
      (loop $on (drop (call $new (i32.const 7))) (br $on))
      unreachable))
  (core instance $guest (instantiate $guest-module (with "" (instance (export "new" (func $new))))))
  (type $run-type (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run-type)
    (canon lift (core func $guest "run") (memory $base "memory") (realloc (func $base "realloc"))))
  (export "run" (func $run))
)
