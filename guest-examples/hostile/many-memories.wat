;; Tries: eight memories, each far under the limit.
;; Contained by: component-structure, which counts memories before anything is compiled.
(component
  ;;! step
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  (core module $m1 (memory 100))
  (core module $m2 (memory 100))
  (core module $m3 (memory 100))
  (core module $m4 (memory 100))
  (core module $m5 (memory 100))
  (core module $m6 (memory 100))
  (core module $m7 (memory 100))
  (core instance (instantiate $m1))
  (core instance (instantiate $m2))
  (core instance (instantiate $m3))
  (core instance (instantiate $m4))
  (core instance (instantiate $m5))
  (core instance (instantiate $m6))
  (core instance (instantiate $m7))
  ;;! run
)
