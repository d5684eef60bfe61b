;; Tries: use relaxed SIMD, whose results differ from one CPU to another.
;; Contained by: component-proposal, by name and before anything is compiled.
(component
  ;;! step
  (core module $m (func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
