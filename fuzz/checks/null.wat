;; A step without imports that returns `null`.
(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind (enum "retryable" "permanent"))
    (export "error-kind" (type $error-kind (eq $kind)))
    (type $error (record (field "kind" $error-kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error)))))
  (alias export $types "step-error" (type $step-error))
  (core module $guest-module
    (memory (export "memory") 1)
    (data (i32.const 16) "\00\00\00\00\20\00\00\00\04\00\00\00")
    (data (i32.const 32) "null")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "run") (param i32 i32) (result i32) (i32.const 16)))
  (core instance $guest (instantiate $guest-module))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run)
    (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
  (export "run" (func $run)))
