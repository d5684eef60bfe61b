//! What the attribute's expansion uses. No part of the crate's contract.

use crate::document::{Input, Output, StepResult};

pub use crate::message::Request;

pub fn check_input<I: Input>() {}

pub fn check_output<R: StepResult<Output: Output>>() {}

#[cfg(target_arch = "wasm32")]
mod sealed {
    pub use crate::glue::{
        bindings, describe, host_clock, host_endpoint, host_random, host_secret, host_signer, never, refused,
        response, revealed, run, signature, wit_bindgen,
    };
    pub use crate::{
        __clock as clock, __endpoint as endpoint, __random as random, __secret as secret, __signer as signer,
        Algorithm, CallError, Cause, Method,
    };
}
#[cfg(target_arch = "wasm32")]
pub use sealed::*;
