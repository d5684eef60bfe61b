//! The demonstration: the invoice example at work against its real service.

pub(crate) mod log;
pub(crate) mod refusals;
pub(crate) mod service;
pub(crate) mod stage;
