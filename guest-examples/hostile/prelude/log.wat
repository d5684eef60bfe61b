(import "stepward:step/log@0.1.0" (instance $log
  (type $levels (enum "trace" "debug" "info" "warn" "error"))
  (export "level" (type $level (eq $levels)))
  (export "emit" (func (param "level" $level) (param "message" string)))
  (export "abort" (func (param "place" string) (param "message" string)))))
(core func $log-emit (canon lower (func $log "emit") (memory $base "memory") (realloc (func $base "realloc"))))
(core func $log-abort (canon lower (func $log "abort") (memory $base "memory") (realloc (func $base "realloc"))))
(core instance $log-core (export "emit" (func $log-emit)) (export "abort" (func $log-abort)))
