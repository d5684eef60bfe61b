;; Tries: grow a table without end, and trap when it is refused.
;; Contained by: the limit `table-elements`, which is named instead of the trap.
(component
  ;;! step
  (core module $guest-module
    (table $table 0 funcref)
    (func (export "run") (param i32 i32) (result i32)
      (loop $forever
        (br_if $forever (i32.ge_s (table.grow $table (ref.null func) (i32.const 1000)) (i32.const 0))))
      unreachable))
  ;;! run
)
