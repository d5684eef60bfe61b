;; Tries: grow memory page by page without end, and trap when it is refused, as allocators do.
;; Contained by: the limit `memory-bytes`, which is named instead of the trap.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever
        (br_if $forever (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
      unreachable))
  ;;! run
)
