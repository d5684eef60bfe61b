//! The work as an Extism plug-in with one function, `run`.

use extism_pdk::{Error, FnResult, WithReturnCode, plugin_fn};

/// Prices the order.
#[plugin_fn]
pub fn run(document: String) -> FnResult<String> {
    peer_work::price(&document).map_err(|e| WithReturnCode::new(Error::msg(e), 1))
}
