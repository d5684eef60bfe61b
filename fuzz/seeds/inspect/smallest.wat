;; Nothing at all: refused for want of `run`.
(component)
