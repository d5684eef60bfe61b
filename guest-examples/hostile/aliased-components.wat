;; Tries: hide the multiplying component behind an outer alias.
;; Contained by: the limit `instances`; an alias counts as the heaviest component there is.
(component
  ;;! step
  (component $heavy
    (core module $m)
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m))
    (core instance (instantiate $m)))
  (component $hidden
    (alias outer 1 $heavy (component $again))
    (instance (instantiate $again))
    (instance (instantiate $again)))
  (instance (instantiate $hidden))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
