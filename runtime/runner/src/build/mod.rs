//! From an author's crate to a sealed component.

pub(crate) mod cargo;
pub(crate) mod componentize;
pub(crate) mod facts;
pub(crate) mod pipeline;
mod prune;
pub(crate) mod toolchain;
mod world_text;
