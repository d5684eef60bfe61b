//! Write a Stepward step: the function's signature is its world.
//!
//! A step is a function with [`#[step]`](macro@step). Its first parameter is its input, its result
//! is its output, and every other parameter names one thing that it needs. Nothing else is within
//! its reach: no clock, no network, no files, no environment. The smallest step:
//!
//! ```
//! #![forbid(unsafe_code)]
//! use stepward_sdk::StepError;
//!
//! #[stepward_sdk::step]
//! fn double(number: u32) -> Result<u32, StepError> {
//!     number.checked_mul(2).ok_or_else(|| StepError::permanent("too-large", "the double is above 4294967295"))
//! }
//! # fn main() {}
//! ```
//!
//! One crate holds one step. Its `Cargo.toml` says `crate-type = ["cdylib", "rlib"]` and names
//! `stepward-sdk`, and `serde` and `schemars` where it derives for its own types.
//!
//! # Input and output
//!
//! Both are JSON documents with types of yours. The input derives `Deserialize` and `JsonSchema`,
//! the output `Serialize` and `JsonSchema`. Their schemas travel in the component. An input that is
//! not of the type never reaches the function: the run fails with the permanent error
//! `input-invalid` and the place in the document.
//!
//! # What a step asks for
//!
//! | parameter | import | gives |
//! | --- | --- | --- |
//! | `erp: &Endpoint` | `erp: stepward:step/http-endpoint@0.1.0` | requests to one named [`Endpoint`] |
//! | `payment_signing: &Signer` | `payment-signing: stepward:step/signer@0.1.0` | a key that is used and not seen |
//! | `token: &Secret` | `token: stepward:step/secret@0.1.0` | the bytes of a secret; loud in every report |
//! | `clock: &Clock` | `clock: stepward:step/clock@0.1.0` | the time, recorded |
//! | `random: &Random` | `random: stepward:step/random@0.1.0` | random bytes, recorded |
//!
//! The parameter's name in kebab case is the label of the import. The workflow and the environment
//! grant something under that label; what it means there (a URL, a key) is not the step's business.
//!
//! # Endpoints and errors
//!
//! A request names path segments, query pairs, headers and a body, all unencoded. An effect, which
//! is every request but `get`, `head` and `options`, also has a name within the step: the host
//! derives the idempotency key from it. [`CallError`] tells apart what was refused, what was not
//! applied, and what may have been applied; with `?` each becomes the right [`StepError`].
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use stepward_sdk::{Endpoint, Signer, StepError, log};
//!
//! #[derive(Deserialize, Serialize, JsonSchema)]
//! struct Invoice {
//!     number: String,
//!     cents: u64,
//! }
//!
//! #[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
//! struct Receipt {
//!     id: String,
//! }
//!
//! #[stepward_sdk::step]
//! fn post_payment(invoice: Invoice, erp: &Endpoint, payment_signing: &Signer) -> Result<Receipt, StepError> {
//!     let order = serde_json::to_vec(&invoice)?;
//!     let signature = payment_signing.sign(&order)?;
//!     let reply = erp
//!         .post(["payments"])
//!         .operation(format!("pay-{}", invoice.number))
//!         .header("content-type", "application/json")
//!         .header("x-signature", signature.to_hex())
//!         .bytes(order)
//!         .send()?;
//!     if reply.status() == 409 {
//!         return Err(StepError::permanent("already-paid", "the ERP has a payment for this invoice"));
//!     }
//!     log::info(format_args!("paid {}", invoice.number));
//!     reply.success()?.json()
//! }
//!
//! // A native test passes scripted things as plain arguments.
//! use stepward_sdk::{Algorithm, script};
//!
//! let erp = Endpoint::scripted([script::post(["payments"])
//!     .operation("pay-4711")
//!     .header("x-signature", "beef")
//!     .json(&Invoice { number: "4711".into(), cents: 100 })
//!     .reply(201)
//!     .json(&Receipt { id: "p-1".into() })]);
//! let signer = Signer::scripted(Algorithm::HmacSha256, "v1", |_| vec![0xbe, 0xef]);
//! let receipt = post_payment(Invoice { number: "4711".into(), cents: 100 }, &erp, &signer)?;
//! assert_eq!(receipt, Receipt { id: "p-1".into() });
//! erp.finish();
//! # Ok::<(), StepError>(())
//! ```
//!
//! # Testing
//!
//! The function stays an ordinary function. `cargo test` builds it for your own machine; the
//! constructors [`Endpoint::scripted`], [`Signer::scripted`], [`Secret::scripted`],
//! [`Clock::fixed`] and [`Random::fixed`] stand for the host, and exist in native builds only. See
//! [`script`] for what a scripted endpoint compares. `stepward test` then runs your cases against
//! the sealed component, under the limits of production.
//!
//! # Panics
//!
//! A panic ends the run at once. The host is told its place (`src/lib.rs:12:5`) and its message.
#![forbid(unsafe_code)]

// What the attribute writes names this crate from outside; the bindings use the same path inside.
#[cfg(target_arch = "wasm32")]
extern crate self as stepward_sdk;

#[doc(hidden)]
pub mod __private;
mod clock;
mod document;
mod endpoint;
mod error;
#[cfg(target_arch = "wasm32")]
mod glue;
#[cfg(target_arch = "wasm32")]
mod glue_macros;
pub mod log;
mod message;
mod random;
#[cfg(not(target_arch = "wasm32"))]
pub mod script;
mod secret;
mod signer;

pub use clock::{Clock, UnixMillis};
pub use endpoint::{CallError, Cause, Endpoint, Method, RequestBuilder};
pub use error::{ErrorKind, Refused, StepError};
pub use message::Response;
pub use random::Random;
pub use secret::{Revealed, Secret};
pub use signer::{Algorithm, Signature, Signer};

/// Makes a function a step: its signature becomes the world of a component.
///
/// The function takes its input by value first, then any number of [`&Endpoint`](Endpoint),
/// [`&Signer`](Signer), [`&Secret`](Secret), [`&Clock`](Clock) and [`&Random`](Random), and returns
/// `Result<T, StepError>`. Its name in kebab case is the name of the step. Names are made of
/// lower-case ASCII words of letters and digits, each starting with a letter, joined by single
/// underscores, at most 64 bytes.
///
/// The function itself stays as it is. For WebAssembly, the attribute adds the bindings of the
/// labels and the export `run`; the build reads and removes a second export, `stepward-describe`,
/// which tells the schemas.
pub use stepward_sdk_macros::step;

pub(crate) use message::Request;
