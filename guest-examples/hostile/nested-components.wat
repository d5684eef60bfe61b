;; Tries: three levels of components, each with four of the next: sixty-four core instances from four
;; short definitions.
;; Contained by: the limit `instances`, counted before anything is compiled.
(component
  ;;! step
  (component $four
    (component $sixteen
      (core module $m)
      (core instance (instantiate $m))
      (core instance (instantiate $m))
      (core instance (instantiate $m))
      (core instance (instantiate $m)))
    (instance (instantiate $sixteen))
    (instance (instantiate $sixteen))
    (instance (instantiate $sixteen))
    (instance (instantiate $sixteen)))
  (instance (instantiate $four))
  (instance (instantiate $four))
  (instance (instantiate $four))
  (instance (instantiate $four))
  (core module $guest-module
    (func (export "run") (param i32 i32) (result i32) unreachable))
  ;;! run
)
