;; Tries: fill all of memory again and again: one instruction each, no calls between.
;; Contained by: the limit `fuel`, which pays for every byte that is filled.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (drop (memory.grow (i32.const 512)))
      (loop $forever
        (memory.fill (i32.const 0) (i32.const 7) (i32.mul (memory.size) (i32.const 65536)))
        (br $forever))
      unreachable))
  ;;! run
)
