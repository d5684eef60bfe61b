;; Tries: hand a heavy component to a light one that instantiates whatever it is given, eight times.
;; Contained by: component-structure; code that is passed around cannot be counted, and is refused.
(component
  ;;! step
  (component $light
    (import "what" (component $what))
    (instance (instantiate $what)) (instance (instantiate $what))
    (instance (instantiate $what)) (instance (instantiate $what))
    (instance (instantiate $what)) (instance (instantiate $what))
    (instance (instantiate $what)) (instance (instantiate $what)))
  (component $heavy
    (core module $m)
    (core instance (instantiate $m)) (core instance (instantiate $m))
    (core instance (instantiate $m)) (core instance (instantiate $m)))
  (instance (instantiate $light (with "what" (component $heavy))))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
