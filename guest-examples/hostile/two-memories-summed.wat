;; Tries: two memories, each under the limit, together over it.
;; Contained by: the limit `memory-bytes`, which is summed over all memories.
(component
  ;;! step
  (core module $second-module (memory (export "memory") 40))
  (core instance $second (instantiate $second-module))
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (drop (memory.grow (i32.const 40)))
      unreachable))
  ;;! run
)
