;; Tries: take a heavy component from the exports of an instance, where its index says nothing of it.
;; Contained by: component-structure; code that is passed around cannot be counted, and is refused.
(component
  ;;! step
  (component $chest
    (component $heavy
      (core module $m)
      (core instance (instantiate $m)) (core instance (instantiate $m))
      (core instance (instantiate $m)) (core instance (instantiate $m)))
    (export "heavy" (component $heavy)))
  (instance $open (instantiate $chest))
  (alias export $open "heavy" (component $heavy))
  (instance (instantiate $heavy)) (instance (instantiate $heavy))
  (instance (instantiate $heavy)) (instance (instantiate $heavy))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
