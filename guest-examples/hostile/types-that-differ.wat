;; Tries: the interface of a secret whose record has one more field.
;; Contained by: import-types.
(component
  ;;! step
  (import "token" (implements "stepward:step/secret@0.1.0") (instance
    (type $a-revealed (record (field "version" string) (field "value" (list u8)) (field "owner" string)))
    (export "revealed" (type $revealed (eq $a-revealed)))
    (export "reveal" (func (result (result $revealed (error string)))))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
