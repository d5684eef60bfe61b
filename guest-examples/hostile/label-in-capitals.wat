;; Tries: the label `ERP`, which a reader takes for `erp`.
;; Contained by: import-label; labels have one spelling.
(component
  ;;! step
  ;;! import http-endpoint ERP
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
