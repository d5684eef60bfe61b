(import "LABEL" IMPLEMENTS (instance $LABEL
  (type $a-revealed (record (field "version" string) (field "value" (list u8))))
  (export "revealed" (type $revealed (eq $a-revealed)))
  (export "reveal" (func (result (result $revealed (error string)))))))
(core func $LABEL-reveal (canon lower (func $LABEL "reveal") (memory $base "memory") (realloc (func $base "realloc"))))
(core instance $LABEL-core (export "reveal" (func $LABEL-reveal)))
