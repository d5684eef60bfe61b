;; Tries: copy half of memory over the other half again and again: one instruction each.
;; Contained by: the limit `fuel`, which pays for every byte that is copied.
(component
  ;;! step
  (core module $guest-module
    (import "base" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (local $half i32)
      (drop (memory.grow (i32.const 512)))
      (local.set $half (i32.mul (memory.size) (i32.const 32768)))
      (loop $forever
        (memory.copy (local.get $half) (i32.const 0) (local.get $half))
        (br $forever))
      unreachable))
  ;;! run
)
