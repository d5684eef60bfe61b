//! The broker of a step that was interrupted: answers from the log as far as they go, then real ones.

use super::{Earlier, Known, lock};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};
use stepward_broker::{Applied, LiveBroker, SECRET_LEAK};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, HttpFailure, Stop};

/// The rule that a step that goes on asks for what it asked for before.
const DIVERGED: Rule = Rule::new("continue-diverged");
/// The rule that a step that goes on is shown the secret that it was shown before.
const SECRET: Rule = Rule::new("continue-secret");
/// The rule that a reply that was withheld stays withheld.
const WITHHELD: Rule = Rule::new("continue-withheld");

/// Answers the calls of a step that goes on.
///
/// A step is a deterministic function of its input and its replies. So each call that it makes again
/// must be the one that the log has at its number, and gets the reply that the log has; the broker
/// beneath learns which effects were attempted, so that none is repeated under another number. A call
/// that was intended and may be sent again, and all that come after the last recorded one, are made for
/// real.
pub struct Continued {
    live: Arc<LiveBroker>,
    earlier: Mutex<VecDeque<Earlier>>,
}

/// What the log says to a call.
enum Next {
    /// This is its reply.
    Told(HostReply),
    /// Nothing: it is made.
    Made,
}

impl Continued {
    /// Answers from `earlier`, in order, and then from `live`.
    pub fn new(live: Arc<LiveBroker>, earlier: Vec<Earlier>) -> Self {
        Self { live, earlier: Mutex::new(earlier.into()) }
    }

    fn next(&self, site: &CallSite, call: &HostCall) -> Result<Next, Fault> {
        let mut earlier = lock(&self.earlier);
        let Some(first) = earlier.front() else { return Ok(Next::Made) };
        if matches!(call, HostCall::Log { .. }) && first.number != site.sequence {
            // It was written when the step first said it.
            return Ok(Next::Told(HostReply::Log));
        }
        if first.number != site.sequence || first.call != self.live.recorded(call.clone()) {
            return Err(diverged(site, first));
        }
        let Some(Earlier { attempts, known, .. }) = earlier.pop_front() else { return Ok(Next::Made) };
        drop(earlier);
        for applied in &attempts {
            self.live.remember(site, call, *applied)?;
        }
        match (known, attempts.last()) {
            (Known::Answered(reply), _) => self.told(site, call, reply).map(Next::Told),
            (Known::Withheld, Some(Applied::Yes) | None) => Err(withheld(site)),
            // The step heard nothing of it, so it can be made as if for the first time.
            (Known::Withheld, Some(Applied::No | Applied::Unknown)) | (Known::Again, _) => {
                if attempts.contains(&Applied::Unknown) {
                    self.live.check_repeatable(site, call)?;
                }
                Ok(Next::Made)
            }
        }
    }

    /// The recorded reply; a secret that was revealed is not in it and is fetched again.
    fn told(&self, site: &CallSite, call: &HostCall, reply: HostReply) -> Result<HostReply, Fault> {
        if let HostReply::Http(Err(HttpFailure::Refused(refusal))) = &reply
            && refusal.rule == SECRET_LEAK.as_str()
        {
            return Err(withheld(site));
        }
        let (HostCall::Reveal { secret }, HostReply::Reveal(Ok(before))) = (call, &reply) else {
            return Ok(reply);
        };
        match self.live.reveal_again(site, secret)? {
            HostReply::Reveal(Ok(now))
                if now.fingerprint == before.fingerprint && now.version == before.version =>
            {
                Ok(HostReply::Reveal(Ok(now)))
            }
            _ => Err(Fault::new(Class::Waiting, Owner::Operator, SECRET)
                .says(format_args!(
                    "the step was shown the secret `{}` in version {}, which is another one now",
                    before.name, before.version
                ))
                .hint("put that version back for this run, or end the run with `stepward runs cancel`")),
        }
    }
}

impl Broker for Continued {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            match self.next(&site, &call).map_err(Stop)? {
                Next::Told(reply) => Ok(reply),
                Next::Made => self.live.call(site, call).await,
            }
        })
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        self.live.recorded(call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        // A step that ends before it asked again for all that it was answered is not the step that was.
        match lock(&self.earlier).front() {
            None => self.live.released(text),
            Some(first) => Err(Stop(unfinished(first))),
        }
    }
}

impl fmt::Debug for Continued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continued").field("earlier", &lock(&self.earlier).len()).finish_non_exhaustive()
    }
}

fn diverged(site: &CallSite, before: &Earlier) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Stepward, DIVERGED)
        .at(format_args!("step {}", site.step))
        .says(format_args!(
            "call {} is another one than call {} that the log has: the step does not repeat itself",
            site.sequence, before.number
        ))
        .hint("nothing was sent; keep the log and report this, then end the run with `stepward runs cancel`")
}

fn unfinished(before: &Earlier) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Stepward, DIVERGED)
        .says(format_args!(
            "the step ended before it made call {} again, which the log has: it does not repeat itself",
            before.number
        ))
        .hint("keep the log and report this, then end the run with `stepward runs cancel`")
}

fn withheld(site: &CallSite) -> Fault {
    Fault::new(Class::Refused, Owner::Operator, WITHHELD)
        .at(format_args!("step {}", site.step))
        .says(format_args!(
            "call {} was made before, and what came of it was withheld from the step",
            site.sequence
        ))
        .hint("look at the alert of that call in the log; the run ends here as it would have then")
}
