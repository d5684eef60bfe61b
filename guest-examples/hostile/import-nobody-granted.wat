;; Tries: reach two things that nobody granted.
;; Contained by: grant-missing, which names both and the lines to add.
(component
  ;;! step
  ;;! import http-endpoint erp
  ;;! import signer payment-signing
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
