;; Tries: fill the largest table again and again: one instruction each.
;; Contained by: the limit `fuel`, which pays for every element that is filled.
(component
  ;;! step
  (core module $guest-module
    (table $table 20000 funcref)
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever
        (table.fill $table (i32.const 0) (ref.null func) (i32.const 20000))
        (br $forever))
      unreachable))
  ;;! run
)
