;; A little of every kind of section.
(component
  (import "erp" (implements "stepward:step/clock@0.1.0") (instance $erp (export "now" (func (result u64)))))
  (type $pair (record (field "name" string) (field "value" (option (list u8)))))
  (core type $f (func (param i32) (result i32)))
  (core module $m
    (type $t (func (param i32) (result i32)))
    (memory (export "memory") 1 2)
    (table $table 2 funcref)
    (global $g (mut i64) (i64.const 7))
    (elem (table $table) (i32.const 0) func $one)
    (data (i32.const 8) "data")
    (func $one (export "one") (type $t) (local i64 i64 f32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $i (instantiate $m))
  (component $inner
    (core module $n)
    (core instance (instantiate $n)))
  (instance (instantiate $inner))
  (alias core export $i "one" (core func $one))
  (core func $now (canon lower (func $erp "now")))
  (func $lifted (param "a" u32) (result u32) (canon lift (core func $one)))
  (export "run" (func $lifted)))
