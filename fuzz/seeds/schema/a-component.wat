;; A whole component where a section is expected.
(component)
