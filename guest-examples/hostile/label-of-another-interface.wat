;; Tries: a label that claims to be a clock but has the functions of a secret.
;; Contained by: import-types; what it claims and what it is must agree.
(component
  ;;! step
  (import "wall" (implements "stepward:step/clock@0.1.0") (instance
    (type $a-revealed (record (field "version" string) (field "value" (list u8))))
    (export "revealed" (type $revealed (eq $a-revealed)))
    (export "reveal" (func (result (result $revealed (error string)))))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
