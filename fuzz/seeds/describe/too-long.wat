(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\00\00\00\00\01\00\10\00")
  (func (export "stepward-describe") (result i32) i32.const 16))
