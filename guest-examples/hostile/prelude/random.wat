(import "LABEL" IMPLEMENTS (instance $LABEL
  (export "bytes" (func (param "count" u32) (result (list u8))))))
(core func $LABEL-bytes (canon lower (func $LABEL "bytes") (memory $base "memory") (realloc (func $base "realloc"))))
(core instance $LABEL-core (export "bytes" (func $LABEL-bytes)))
