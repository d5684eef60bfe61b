//! Running steps: what is to run, under which limits and grants, where it leaves its traces.

pub(crate) mod admission;
mod begin;
pub(crate) mod book;
pub(crate) mod code;
pub(crate) mod execute;
pub(crate) mod headroom;
pub(crate) mod heard;
pub(crate) mod input;
pub(crate) mod key_source;
pub(crate) mod late;
pub(crate) mod live;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod remedy;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod signals;
pub(crate) mod state;
pub(crate) mod witnesses;
pub(crate) mod workplace;
