(module
  (import "env" "never-called" (func))
  (memory (export "memory") 1)
  (data (i32.const 16) "\20\00\00\00\02\00\00\00")
  (data (i32.const 32) "{}")
  (func (export "stepward-describe") (result i32) i32.const 16))
