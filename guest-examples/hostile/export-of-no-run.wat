;; Tries: export nothing.
;; Contained by: exports.
(component
  ;;! step
)
