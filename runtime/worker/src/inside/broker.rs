//! The Broker's stand-in: it knows nothing and asks the parent everything.

use crate::protocol::{Answer, Call};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, Stop};
use tokio::sync::oneshot;

/// The parent ended the run in this call. It knows why; this rule never leaves the worker.
pub(super) const STOPPED: Rule = Rule::new("stopped-by-parent");

/// What guests asked and were not answered yet.
#[derive(Default)]
pub(super) struct Questions(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// Not sent yet, in order.
    unsent: Vec<(u64, Call)>,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
}

impl Questions {
    fn with<T>(&self, act: impl FnOnce(&mut Asked) -> T) -> T {
        // One thread holds this, so nobody can have panicked with it.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask(&self, run: u64, call: Call) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.with(|asked| {
            asked.unsent.push((run, call));
            asked.waiting.insert(run, answer);
        });
        answered
    }

    /// Takes the questions that are to be sent.
    pub(super) fn unsent(&self) -> Vec<(u64, Call)> {
        self.with(|asked| std::mem::take(&mut asked.unsent))
    }

    /// Answers the run that waits. A run that was cancelled does not.
    pub(super) fn answer(&self, run: u64, answer: Answer) {
        if let Some(waiting) = self.with(|asked| asked.waiting.remove(&run)) {
            // The guest may have been cancelled meanwhile.
            drop(waiting.send(answer));
        }
    }

    /// Forgets a run.
    pub(super) fn forget(&self, run: u64) {
        self.with(|asked| {
            asked.waiting.remove(&run);
            asked.unsent.retain(|(asker, _)| *asker != run);
        });
    }
}

/// The broker of one run in a worker.
pub(super) struct Asking {
    pub(super) run: u64,
    pub(super) questions: Arc<Questions>,
}

impl Broker for Asking {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        let answered = self.questions.ask(self.run, call.into());
        Box::pin(async move {
            // No answer comes where the run was forgotten; it ends like one that was stopped.
            answered.await.ok().and_then(Answer::into_reply).ok_or_else(|| {
                Stop(Fault::new(Class::Refused, Owner::Stepward, STOPPED).says("the parent ended the run"))
            })
        })
    }
}
