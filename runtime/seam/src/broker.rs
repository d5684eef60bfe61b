//! The seam itself.

use crate::{HostCall, HostReply};
use std::{future::Future, pin::Pin, sync::Arc};
use stepward_fault::Fault;

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

    /// The call as a trace may keep it: a broker that reveals secrets replaces them by their names.
    fn recorded(&self, call: HostCall) -> HostCall {
        call
    }

    /// Lets a guest's output or error text leave the run: a broker that holds secrets stops it when
    /// it finds one inside.
    ///
    /// # Errors
    /// [`Stop`] when the text must not leave.
    fn released(&self, text: String) -> Result<String, Stop> {
        Ok(text)
    }
}

impl<B: Broker + ?Sized> Broker for Arc<B> {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        (**self).call(site, call)
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        (**self).recorded(call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        (**self).released(text)
    }
}
