(module
  (memory (export "memory") i64 1)
  (func (export "stepward-describe") (result i32) i32.const -1))
