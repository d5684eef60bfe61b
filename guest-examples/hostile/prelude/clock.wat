(import "LABEL" IMPLEMENTS (instance $LABEL
  (export "now" (func (result u64)))))
(core func $LABEL-now (canon lower (func $LABEL "now")))
(core instance $LABEL-core (export "now" (func $LABEL-now)))
