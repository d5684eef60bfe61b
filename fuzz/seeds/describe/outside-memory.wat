(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\ff\ff\ff\ff\02\00\00\00")
  (func (export "stepward-describe") (result i32) i32.const 16))
