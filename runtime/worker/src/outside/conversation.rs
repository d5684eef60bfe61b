//! One run, as its parent sees it: every call checked, counted, recorded and answered here.
//!
//! The worker may have been taken over, so nothing that can be counted is taken from it: the number,
//! size and kind of calls are held against the run's limits and the component's imports again, and a
//! worker that goes beyond what its own sandbox would have stopped is killed. What is recorded here
//! is what really passed.
//!
//! Because effects live in the parent, a worker that dies loses nothing: the run starts again in
//! another one, and gets the recorded answers until it has caught up. A guest is a deterministic
//! function of its input and its answers, so it asks the same again; one that does not is ended.

use super::link::{Heard, Loss, Secrecy};
use super::seat::Seat;
use super::{overrun, short};
use crate::protocol::{Answer, Down, Ended, GuestEnd};
use std::sync::Arc;
use std::time::Duration;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{self as sandbox, Import, ImportKind, Recorded, Tally, restored};
use stepward_seam::{
    Broker, CallKind, CallSite, HostCall, HostReply, Interface, Label, LimitName, Limits, Stop, Usage,
};
use tokio::sync::mpsc;

/// A run could not go on because its worker was lost, more often than is tried.
const LOST: Rule = Rule::new("worker-lost");
/// A run that was repeated in another worker asked something else.
const REPEATED: Rule = Rule::new("worker-repeat");
/// A broker answered a call with another call's reply.
const REPLY: Rule = Rule::new("broker-reply");
/// Checked code could not be made ready in a worker.
const LOAD: Rule = Rule::new("worker-load");

/// How long a worker may take to end a run that it was told to end. Guests give way every fraction of
/// a millisecond, so this is far more than a loaded machine needs.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Workers that one run may lose. The second loss is likelier the run's own doing than chance.
const MOST_LOSSES: u32 = 2;

/// What is known of a run so far.
pub(super) struct Conversation {
    run: Arc<str>,
    step: Arc<str>,
    broker: Arc<dyn Broker>,
    imports: Vec<Import>,
    limits: Limits,
    tally: Tally,
    calls: Vec<Recorded>,
    /// Calls of this worker so far; behind `calls.len()` while the run catches up.
    asked: usize,
    losses: u32,
    /// How this side ended the run, once it did.
    stopped: Option<Stopped>,
    /// What the run used, where that is more than came here.
    overrun: Option<Usage>,
}

/// The end of a run that this side ended in a call.
struct Stopped {
    end: sandbox::GuestEnd,
    /// Fuel that its guest owes for an answer that it was not given.
    price: u64,
}

/// How one stay in a worker ended.
pub(super) enum Stay {
    /// The run is over.
    Over(sandbox::GuestEnd),
    /// The worker is gone, and the run is to be repeated in another.
    Again,
}

impl Conversation {
    pub(super) fn new(
        run: Arc<str>,
        step: Arc<str>,
        broker: Arc<dyn Broker>,
        limits: Limits,
        imports: Vec<Import>,
    ) -> Self {
        let tally = Tally::new(limits.clone());
        Self {
            run,
            step,
            broker,
            imports,
            limits,
            tally,
            calls: Vec::new(),
            asked: 0,
            losses: 0,
            stopped: None,
            overrun: None,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn finish(self) -> (Usage, Vec<Recorded>) {
        (self.overrun.unwrap_or_else(|| self.tally.usage()), self.calls)
    }

    /// Talks with the guest in one worker until it ends or the worker does.
    pub(super) async fn stay(&mut self, seat: &Seat, hears: &mut mpsc::Receiver<Heard>) -> Stay {
        self.tally = Tally::new(self.limits.clone());
        self.asked = 0;
        loop {
            let Some(heard) = hears.recv().await else { return self.lost(seat) };
            let step = match heard {
                Heard::Call(call) => self.call(seat, *call).await,
                Heard::Ended(ended) => self.ended(seat, *ended),
            };
            match step {
                Next::Heard => {}
                Next::Over(end) => return Stay::Over(end),
                Next::Lost => return self.lost(seat),
                Next::Violation(what) => {
                    seat.link().lose(Loss::Protocol(what));
                    tracing::error!(run = %self.run, step = %self.step, what, "a worker was killed");
                    return self.lost(seat);
                }
            }
        }
    }

    /// The run's time is over: the worker is told, and what the guest had used is waited for.
    pub(super) async fn overdue(&mut self, seat: &Seat, hears: &mut mpsc::Receiver<Heard>) {
        if seat.link().send(&Down::Cancel { run: seat.run() }, Secrecy::Plain).is_err() {
            return;
        }
        let ended = async {
            while let Some(heard) = hears.recv().await {
                match heard {
                    Heard::Ended(ended) => return Some(ended),
                    // It asked before it heard.
                    Heard::Call(_) => {}
                }
            }
            None
        };
        match tokio::time::timeout(GRACE, ended).await {
            Ok(Some(ended)) => self.measured(&ended),
            Ok(None) => {}
            Err(_) => seat.link().lose(Loss::Disobeyed),
        }
    }

    fn measured(&mut self, ended: &Ended) {
        let owed = self.stopped.as_ref().map_or(0, |stopped| stopped.price);
        let fuel = ended.fuel.saturating_add(owed);
        self.tally.measured(fuel, ended.peak_memory_bytes, ended.table_elements);
    }

    /// How this side ended the run, where it did and the worker has not said that it obeyed.
    pub(super) fn stopped(&mut self) -> Option<sandbox::GuestEnd> {
        self.stopped.take().map(|stopped| stopped.end)
    }

    fn lost(&mut self, seat: &Seat) -> Stay {
        if let Some(end) = self.stopped() {
            return Stay::Over(end);
        }
        self.losses += 1;
        if self.losses < MOST_LOSSES {
            return Stay::Again;
        }
        let why = seat.link().loss().map_or_else(String::new, |loss| loss.to_string());
        Stay::Over(sandbox::GuestEnd::Stopped(
            Fault::new(Class::Internal, Owner::Stepward, LOST)
                .says(format_args!("the worker process of this run was lost {MOST_LOSSES} times: {why}"))
                .hint(
                    "what the run had done stands; look at the service's log. If the step does this each time, \
                     please report it with the component",
                ),
        ))
    }

    async fn call(&mut self, seat: &Seat, call: HostCall) -> Next {
        if self.stopped.is_some() {
            return Next::Violation("a call after its run was stopped");
        }
        let call = match self.check(call) {
            Ok(checked) => checked,
            Err(what) => return Next::Violation(what),
        };
        let (place, kind) = (self.asked, call.0.kind());
        self.asked += 1;
        let recorded = self.broker.recorded(call.0.clone());
        let known = match self.calls.get(place) {
            None => {
                self.calls.push(Recorded { call: recorded, reply: None });
                None
            }
            Some(before) if before.call == recorded => before.reply.as_ref().map(HostReply::recorded),
            Some(_) => return Next::Over(not_repeated()),
        };
        let reply = match known {
            // A revealed secret is not kept; it is revealed again.
            Some(HostReply::Reveal(Ok(_))) | None => self.ask(place, call).await,
            Some(reply) => Ok(reply),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(Stop(fault)) => return self.stop(seat, sandbox::GuestEnd::Stopped(fault), 0).await,
        };
        // The worker gets nothing that its guest may not have.
        let price = match self.tally.reply(&reply) {
            Ok(price) => price,
            Err(limit) => return self.stop(seat, sandbox::GuestEnd::Limit(limit), 0).await,
        };
        if reply.kind() != kind {
            return self.stop(seat, sandbox::GuestEnd::Stopped(other_reply()), price).await;
        }
        let secret = match reply.kind() {
            CallKind::Reveal => Secrecy::Secret,
            CallKind::Http | CallKind::Sign | CallKind::Now | CallKind::Random | CallKind::Log => {
                Secrecy::Plain
            }
        };
        answer(seat, Answer::of(&reply), secret).await
    }

    /// Asks the broker, and records what it answers.
    async fn ask(&mut self, place: usize, Checked(call): Checked) -> Result<HostReply, Stop> {
        let site =
            CallSite { run: Arc::clone(&self.run), step: Arc::clone(&self.step), sequence: place as u64 };
        let reply = self.broker.call(site, call).await?;
        if let Some(recorded) = self.calls.get_mut(place) {
            recorded.reply = Some(reply.recorded());
        }
        Ok(reply)
    }

    /// Ends the run in this call. The guest's end is waited for, for what it used.
    async fn stop(&mut self, seat: &Seat, end: sandbox::GuestEnd, price: u64) -> Next {
        self.stopped = Some(Stopped { end, price });
        answer(seat, Answer::Stop, Secrecy::Plain).await
    }

    /// Holds a call against the component's imports and the run's limits, and counts it.
    fn check(&mut self, call: HostCall) -> Result<Checked, &'static str> {
        let wanted = match &call {
            HostCall::Http { endpoint, .. } => Some((endpoint, Interface::HttpEndpoint)),
            HostCall::Sign { signer, .. } => Some((signer, Interface::Signer)),
            HostCall::Reveal { secret } => Some((secret, Interface::Secret)),
            HostCall::Now { clock } => Some((clock, Interface::Clock)),
            HostCall::Random { count, .. } if *count > sandbox::MAX_RANDOM => {
                return Err("more random bytes than the contract has");
            }
            HostCall::Random { random, .. } => Some((random, Interface::Random)),
            HostCall::Log { .. } => None,
        };
        if !self.imports.iter().any(|import| granted(import) == wanted) {
            return Err(match wanted {
                Some(_) => "a call of something that the component does not import",
                None => "a log line of a component that does not import logging",
            });
        }
        match self.tally.call(&call) {
            Ok(_) => Ok(Checked(call)),
            Err(_) => Err("a call beyond the limits of its run"),
        }
    }

    fn ended(&mut self, seat: &Seat, ended: Ended) -> Next {
        self.measured(&ended);
        if let Some(stopped) = self.stopped.take() {
            return match ended.end {
                GuestEnd::Stopped
                    if ended.fuel.saturating_add(stopped.price) > self.tally.limit(LimitName::Fuel) =>
                {
                    Next::Over(sandbox::GuestEnd::Limit(LimitName::Fuel))
                }
                GuestEnd::Stopped => Next::Over(stopped.end),
                GuestEnd::Returned(_)
                | GuestEnd::Errored { .. }
                | GuestEnd::Aborted { .. }
                | GuestEnd::Trapped(_)
                | GuestEnd::Limit(_)
                | GuestEnd::Overrun(_)
                | GuestEnd::Refused { .. }
                | GuestEnd::NotLoaded(_) => {
                    self.stopped = Some(stopped);
                    Next::Violation("another end than the one that was ordered")
                }
            };
        }
        if let (true, Whose::Guest) = (self.asked < self.calls.len(), whose(&ended.end)) {
            return Next::Over(not_repeated());
        }
        Next::Over(match ended.end {
            GuestEnd::Returned(text) => match self.tally.output(text.len()) {
                Ok(()) => sandbox::GuestEnd::Returned(text),
                Err(_) => return Next::Violation("an output beyond its limit"),
            },
            GuestEnd::Errored { kind, code, message } => sandbox::GuestEnd::Errored { kind, code, message },
            GuestEnd::Aborted { place, message } => sandbox::GuestEnd::Aborted { place, message },
            GuestEnd::Trapped(message) => {
                seat.retire();
                match self.broker.released(message) {
                    Ok(message) => sandbox::GuestEnd::Trapped(message),
                    Err(Stop(fault)) => sandbox::GuestEnd::Stopped(fault),
                }
            }
            GuestEnd::Limit(name) => sandbox::GuestEnd::Limit(name),
            GuestEnd::Overrun(claimed) => {
                match overrun::usage(&claimed, self.tally.usage(), &self.limits) {
                    Ok(usage) => self.overrun = Some(usage),
                    Err(what) => return Next::Violation(what),
                }
                sandbox::GuestEnd::Limit(claimed.limit)
            }
            GuestEnd::Stopped => return Next::Violation("a stop that nobody ordered"),
            GuestEnd::Refused { rule, owner, message } => {
                seat.retire();
                match self.broker.released(short(message)) {
                    Ok(message) => match restored(&rule, &owner, &message) {
                        Some(fault) => sandbox::GuestEnd::Stopped(fault),
                        None => return Next::Violation("an end by a rule that the sandbox does not have"),
                    },
                    Err(Stop(fault)) => sandbox::GuestEnd::Stopped(fault),
                }
            }
            GuestEnd::NotLoaded(why) => {
                seat.retire();
                sandbox::GuestEnd::Stopped(match self.broker.released(short(why)) {
                    Ok(why) => not_loaded(&why),
                    Err(Stop(fault)) => fault,
                })
            }
        })
    }
}

/// Who brought a run to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The guest, which would do the same again.
    Guest,
    /// The worker or this side.
    Host,
}

fn whose(end: &GuestEnd) -> Whose {
    match end {
        GuestEnd::Returned(_)
        | GuestEnd::Errored { .. }
        | GuestEnd::Aborted { .. }
        | GuestEnd::Trapped(_)
        | GuestEnd::Limit(_)
        | GuestEnd::Overrun(_) => Whose::Guest,
        GuestEnd::Stopped | GuestEnd::Refused { .. } | GuestEnd::NotLoaded(_) => Whose::Host,
    }
}

async fn answer(seat: &Seat, answer: Answer, secret: Secrecy) -> Next {
    match seat.link().answer(seat.run(), &Down::Answer { run: seat.run(), answer }, secret).await {
        Ok(()) => Next::Heard,
        Err(_) => Next::Lost,
    }
}

fn not_loaded(why: &str) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, LOAD)
        .says(format_args!("checked code could not be made ready in a worker: {why}"))
        .hint("delete the folder of kept code, so that it is compiled again; if that does not help, please report this")
}

fn other_reply() -> Fault {
    Fault::new(Class::Internal, Owner::Embedder, REPLY)
        .says("the broker answered a call with the reply of another kind of call")
        .hint("Broker::call must return the variant of HostReply that has the call's name")
}

fn not_repeated() -> sandbox::GuestEnd {
    sandbox::GuestEnd::Stopped(
        Fault::new(Class::Internal, Owner::Stepward, REPEATED)
            .says(
                "the worker process of this run was lost, and in another one the step did not ask what it had asked before",
            )
            .hint("what the run had done stands; please report this with the component and the trace"),
    )
}

/// What an import reaches; none is logging.
fn granted(import: &Import) -> Option<(&Label, Interface)> {
    match &import.kind {
        ImportKind::Log => None,
        ImportKind::Granted { label, interface } => Some((label, *interface)),
    }
}

/// A call that the component imports and that its run may still make. Only [`Conversation::check`] makes
/// one, and nothing else is asked of the broker.
struct Checked(HostCall);

/// What comes of something that was heard.
enum Next {
    Heard,
    Over(sandbox::GuestEnd),
    Lost,
    Violation(&'static str),
}
