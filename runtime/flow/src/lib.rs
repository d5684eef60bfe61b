//! Workflow definitions: which steps run in which order, what each is granted, what each may use; and
//! the project file, which says where the steps come from.
//!
//! ```toml
//! name = "approve"
//!
//! [[steps]]
//! name = "read-invoice"
//!
//! [[steps]]
//! name = "post-payment"
//! [steps.limits]
//! host-calls = 10
//! [steps.grants.endpoint.erp]
//! methods = ["POST"]
//! paths = ["/payments"]
//! [steps.grants.signer.payment-signing]
//! ```
//!
//! Each step's output document is the next one's input. No I/O: text comes in, a [`Workflow`], a
//! [`ProjectDefinition`] or a refusal goes out.
#![forbid(unsafe_code)]

mod definition;
mod project;

pub use definition::{DEFINITION, MAX_STEPS, Step, Workflow};
pub use project::{ProjectDefinition, Source};
