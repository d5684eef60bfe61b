//! The seam itself.

use crate::{HostCall, HostReply};
use stepward_fault::Fault;
use std::{future::Future, pin::Pin, sync::Arc};

/// Which call of which run this is.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// The run.
    pub run: Arc<str>,
    /// The step's name in the workflow.
    pub step: Arc<str>,
    /// The number of the call within the step, from 0. Log lines count.
    pub sequence: u64,
}

/// The run must end here: the broker will not answer this call.
#[derive(Clone, Debug)]
pub struct Stop(pub Fault);

/// A reply in the making.
pub type BrokerFuture<'a> = Pin<Box<dyn Future<Output = Result<HostReply, Stop>> + Send + 'a>>;

/// Answers the calls of a step.
///
/// A broker replies with the variant that has the call's name; the sandbox ends the run with a
/// fault of the embedder when it does not. Dropping the future means that the run was cancelled or
/// ran out of time: an effect that is under way must be carried on and recorded elsewhere.
pub trait Broker: Send + Sync {
    /// Answers one call.
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a>;
}

impl<B: Broker + ?Sized> Broker for Arc<B> {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        (**self).call(site, call)
    }
}
