;; Tries: a type of twenty lines whose full text is a million times as long.
;; Contained by: import-unknown; the text of a type is cut off at a length that the contract never reaches.
(component
  ;;! step
  (import "erp" (instance
    (type $t0 (tuple u8 u8))
    (type $t1 (tuple $t0 $t0)) (type $t2 (tuple $t1 $t1)) (type $t3 (tuple $t2 $t2)) (type $t4 (tuple $t3 $t3))
    (type $t5 (tuple $t4 $t4)) (type $t6 (tuple $t5 $t5)) (type $t7 (tuple $t6 $t6)) (type $t8 (tuple $t7 $t7))
    (type $t9 (tuple $t8 $t8)) (type $ta (tuple $t9 $t9)) (type $tb (tuple $ta $ta)) (type $tc (tuple $tb $tb))
    (type $td (tuple $tc $tc)) (type $te (tuple $td $td)) (type $tf (tuple $te $te)) (type $tg (tuple $tf $tf))
    (export "now" (func (param "at" $tg)))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
