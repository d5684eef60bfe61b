//! What came of each request, for whoever keeps the record.

use crate::gate::Refused;
use stepward_fault::Fault;
use stepward_seam::{CallSite, HttpFailure, HttpResponse, Label};

/// How one request to an endpoint ended.
#[derive(Debug)]
pub struct Completion<'a> {
    /// Which call of which run asked for it.
    pub site: &'a CallSite,
    /// The item of a for-each that the step runs for.
    pub item: Option<&'a str>,
    /// The endpoint.
    pub endpoint: &'a Label,
    /// The effect's name, without secrets; `None` for a read.
    pub operation: Option<&'a str>,
    /// The end.
    pub ending: Ending<'a>,
    /// Why there is no answer, with what to do, for operators: it names addresses and inner causes.
    pub detail: Option<&'a Fault>,
}

/// The end of one request.
#[derive(Debug)]
pub enum Ending<'a> {
    /// The gate refused; nothing left the host.
    Refused(&'a Refused),
    /// The endpoint answered, and the answer went to the step.
    Answered(&'a HttpResponse),
    /// There is no answer; the failure says whether the request may have been acted on.
    Failed(&'a HttpFailure),
    /// The endpoint answered, so the request was acted on; the answer held this secret and was
    /// withheld.
    Withheld(&'a Label),
}

/// Hears how each request ended, from the task that sent it: also when the step that asked for an
/// effect is gone by then. It must not block.
pub trait Observer: Send + Sync {
    /// One request ended.
    fn completed(&self, completion: &Completion<'_>);
}

/// Keeps no record.
impl Observer for () {
    fn completed(&self, _: &Completion<'_>) {}
}
