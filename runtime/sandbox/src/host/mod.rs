//! The host's side of `wit/step.wit`: each function turns its arguments into a `HostCall` and asks
//! the broker. Only the granted labels are put in the linker.

mod http;
mod log;
pub(crate) mod plain;

use crate::ending::Ended;
use crate::meter::Meter;
use crate::outcome::Recorded;
use crate::run::{Record, YIELD_FUEL};
use crate::world::{Import, ImportKind, LOG_INTERFACE};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Broker, CallSite, HostCall, HostReply, Interface, Label, LimitName, Stop};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance};

/// A broker answered a call with another call's reply.
const REPLY: Rule = Rule::new("broker-reply");

/// What a run keeps beside its guest.
pub(crate) struct Ctx {
    pub(crate) meter: Meter,
    pub(crate) calls: Calls,
    /// The fuel that was left when a call last gave way to the deadline.
    gave_way: u64,
    broker: Arc<dyn Broker>,
    run: Arc<str>,
    step: Arc<str>,
}

impl Ctx {
    pub(crate) fn new(
        meter: Meter,
        broker: Arc<dyn Broker>,
        run: Arc<str>,
        step: Arc<str>,
        record: Record,
    ) -> Self {
        let gave_way = meter.limit(LimitName::Fuel);
        let calls = Calls { record, kept: Vec::new() };
        Self { meter, calls, gave_way, broker, run, step }
    }
}

/// The record of a run's calls.
pub(crate) struct Calls {
    record: Record,
    pub(crate) kept: Vec<Recorded>,
}

impl Calls {
    /// Puts a call down before it is asked.
    fn asked(&mut self, broker: &dyn Broker, call: &HostCall) {
        match self.record {
            Record::Here => {
                if self.kept.is_empty() {
                    // A vector makes room for four at first; many steps call once, and then wait.
                    self.kept.reserve_exact(1);
                }
                self.kept.push(Recorded { call: broker.recorded(call.clone()), reply: None });
            }
            Record::Elsewhere => {}
        }
    }

    /// Puts down what the last call was answered: a guest makes one call at a time.
    fn answered(&mut self, reply: &HostReply) {
        if let Some(last) = self.kept.last_mut() {
            last.reply = Some(reply.recorded());
        }
    }
}

/// Puts exactly the component's admitted imports into the linker.
pub(crate) fn link(linker: &mut Linker<Ctx>, imports: &[Import]) -> wasmtime::Result<()> {
    for import in imports {
        match &import.kind {
            ImportKind::Log => log::link(&mut linker.instance(LOG_INTERFACE)?)?,
            ImportKind::Granted { label, interface } => {
                let mut instance = linker.instance(label.as_str())?;
                granted(&mut instance, label, *interface)?;
            }
        }
    }
    Ok(())
}

fn granted(
    instance: &mut LinkerInstance<'_, Ctx>,
    label: &Label,
    interface: Interface,
) -> wasmtime::Result<()> {
    match interface {
        Interface::HttpEndpoint => http::link(instance, label),
        Interface::Signer => plain::link_signer(instance, label),
        Interface::Secret => plain::link_secret(instance, label),
        Interface::Clock => plain::link_clock(instance, label),
        Interface::Random => plain::link_random(instance, label),
    }
}

/// Takes `price` from the guest's fuel.
fn charge(store: &mut StoreContextMut<'_, Ctx>, price: u64) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    match left.checked_sub(price) {
        Some(rest) => store.set_fuel(rest),
        None => {
            store.set_fuel(0)?;
            Err(wasmtime::Error::new(Ended::Limit(LimitName::Fuel)))
        }
    }
}

/// Lets the deadline and other tasks have a turn. Taking fuel from the guest starts its interval
/// between two yields anew, so a guest that calls a broker which always has its answer ready would
/// never come to the end of one.
async fn give_way(store: &mut StoreContextMut<'_, Ctx>) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    let ctx = store.data_mut();
    if ctx.gave_way.saturating_sub(left) >= YIELD_FUEL {
        ctx.gave_way = left;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// One call through the seam: counted, priced, asked, recorded, counted again. The call comes boxed: in
/// place it would stay in this future twice, after the broker has taken it, for as long as the run waits.
pub(crate) async fn ask(
    store: &mut StoreContextMut<'_, Ctx>,
    call: Box<HostCall>,
) -> wasmtime::Result<HostReply> {
    let ended = |limit| wasmtime::Error::new(Ended::Limit(limit));
    let ctx = store.data_mut();
    let sequence = ctx.meter.tally.usage().host_calls;
    let price = ctx.meter.tally.call(&call).map_err(ended)?;
    charge(store, price)?;
    give_way(store).await?;
    let ctx = store.data_mut();
    let site = CallSite { run: Arc::clone(&ctx.run), step: Arc::clone(&ctx.step), sequence };
    let broker = Arc::clone(&ctx.broker);
    ctx.calls.asked(broker.as_ref(), &call);
    let reply =
        broker.call(site, *call).await.map_err(|Stop(fault)| wasmtime::Error::new(Ended::Stopped(fault)))?;
    let ctx = store.data_mut();
    ctx.calls.answered(&reply);
    let price = ctx.meter.tally.reply(&reply).map_err(ended)?;
    charge(store, price)?;
    Ok(reply)
}

/// The broker answered with the reply of another call: a defect of whoever wrote it.
fn mismatch() -> wasmtime::Error {
    wasmtime::Error::new(Ended::Stopped(
        Fault::new(Class::Internal, Owner::Embedder, REPLY)
            .says("the broker answered a call with the reply of another kind of call")
            .hint("Broker::call must return the variant of HostReply that has the call's name"),
    ))
}
