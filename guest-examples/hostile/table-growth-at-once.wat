;; Tries: grow a table by four billion elements in one instruction at the end of the fuel.
;; Contained by: the limits `fuel` and `table-elements`; nothing is allocated.
(component
  ;;! step
  (core module $guest-module
    (table $table 0 funcref)
    (func (export "run") (param i32 i32) (result i32)
      (drop (table.grow $table (ref.null func) (i32.const -1)))
      unreachable))
  ;;! run
)
