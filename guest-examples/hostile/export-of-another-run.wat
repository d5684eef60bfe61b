;; Tries: a `run` with another parameter and result.
;; Contained by: exports.
(component
  (core module $guest-module
    (func (export "run") (param i32) (result i32) unreachable))
  (core instance $guest (instantiate $guest-module))
  (func $run (param "input" u32) (result u32) (canon lift (core func $guest "run")))
  (export "run" (func $run))
)
