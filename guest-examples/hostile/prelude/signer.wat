(import "LABEL" IMPLEMENTS (instance $LABEL
  (type $algorithms (enum "hmac-sha256" "ed25519"))
  (export "algorithm" (type $algorithm (eq $algorithms)))
  (type $a-signature (record (field "algorithm" $algorithm) (field "key-version" string) (field "bytes" (list u8))))
  (export "signature" (type $signature (eq $a-signature)))
  (export "sign" (func (param "message" (list u8)) (result (result $signature (error string)))))))
(core func $LABEL-sign (canon lower (func $LABEL "sign") (memory $base "memory") (realloc (func $base "realloc"))))
(core instance $LABEL-core (export "sign" (func $LABEL-sign)))
