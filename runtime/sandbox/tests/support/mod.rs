//! A small component, and its way through the sandbox.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part of this")]

use stepward_fault::Fault;
use stepward_sandbox::{Admitted, Engine, EngineOptions, Inspected};
use stepward_seam::{Grants, Limits};
use stepward_trust::Pinned;

/// A step without imports that returns `null`.
pub(crate) const NULL: &str = r#"(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind (enum "retryable" "permanent"))
    (export "error-kind" (type $error-kind (eq $kind)))
    (type $error (record (field "kind" $error-kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error)))))
  (alias export $types "step-error" (type $step-error))
  (core module $guest-module
    (memory (export "memory") 1)
    (data (i32.const 16) "\00\00\00\00\20\00\00\00\04\00\00\00")
    (data (i32.const 32) "null")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "run") (param i32 i32) (result i32) (i32.const 16)))
  (core instance $guest (instantiate $guest-module))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))
  (func $run (type $run) (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
  (export "run" (func $run)))"#;

pub(crate) fn null() -> Vec<u8> {
    wat::parse_str(NULL).unwrap()
}

pub(crate) fn inspect(bytes: Vec<u8>) -> Result<Inspected, Fault> {
    Inspected::read(Pinned::trust_on_first_use(bytes), &Limits::default())
}

pub(crate) fn admit(bytes: Vec<u8>) -> Admitted {
    inspect(bytes).unwrap().admit(&Grants::default()).unwrap()
}

pub(crate) fn engine() -> Engine {
    Engine::new(EngineOptions { concurrency: 1 }).unwrap()
}
