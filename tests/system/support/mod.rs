//! What several modules of tests share.

pub(crate) mod brokers;
pub(crate) mod guest;
pub(crate) mod sandbox;
pub(crate) mod ways;
