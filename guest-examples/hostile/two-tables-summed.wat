;; Tries: two tables, each under the limit, together over it.
;; Contained by: the limit `table-elements`, which is summed over all tables.
(component
  ;;! step
  (core module $guest-module
    (table $one 15000 funcref)
    (table $two 0 funcref)
    (func (export "run") (param i32 i32) (result i32)
      (drop (table.grow $two (ref.null func) (i32.const 15000)))
      unreachable))
  ;;! run
)
