;; Tries: a string from one nested component to another, each with its own memory; the engine would
;; copy it outside of fuel.
;; Contained by: component-structure.
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "take") (param "text" string)
      (canon lift (core func $i "take") (memory $i "memory") (realloc (func $i "realloc")))))
  (component $caller
    (import "take" (func $take (param "text" string)))
    (core module $base (memory (export "memory") 1))
    (core instance $base (instantiate $base))
    (core func $take (canon lower (func $take) (memory $base "memory")))
    (core module $m
      (import "base" "take" (func $take (param i32 i32)))
      (func (export "go") (call $take (i32.const 0) (i32.const 65536))))
    (core instance $i (instantiate $m (with "base" (instance (export "take" (func $take))))))
    (func (export "go") (canon lift (core func $i "go"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "take" (func $callee "take")))))
