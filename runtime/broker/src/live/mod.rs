//! The broker that really does what steps ask for.
//!
//! What a step learns of a refusal is a rule and one sentence. What operators learn is a `tracing`
//! event with names, decision and rule, never with a secret, nor with anything that the step wrote: no
//! body, path, query, header or operation label. Events of the target `stepward::alert` want a person.
//! The lines that a step logs are its own, under the target `stepward::step`.
//!
//! Of a secret that it is not given a step learns nothing, not even how long it is:
//!
//! - *Whether it exists.* A secret that is missing, unreadable or unfit refuses the step before it
//!   starts. A secret bound elsewhere is not fetched, and asking for it reads like asking for a name
//!   that nobody uses.
//! - *Its length.* The gate measures what the step asked for, before the credential is added. What is
//!   counted, priced and recorded is the call and the reply, and neither ever holds the credential.
//! - *Its bytes, by the time that a call takes.* A step has no clock of its own: its time is fuel,
//!   priced by recorded bytes. One that is granted the time can measure its calls, so the
//!   [`Guard`]'s search takes as long for one text as for another of that length.
//!
//! What the service itself makes of a credential, a refusal for its length for instance, is the
//! service's answer and reaches the step like any other.

mod asked;
mod http;
mod plain;
mod ready;
mod remember;

pub use ready::{SecretUse, SecretUseKind};

use crate::{
    bindings::Bindings,
    endpoint::Endpoint,
    gate::Operations,
    guard::Guard,
    journal::{Completion, End},
    signer::SigningKey,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{
    Body, Broker, BrokerFuture, CallSite, Grants, HostCall, HostReply, HttpRequest, Label, Pair, SecretBytes,
    Stop,
};

/// A call for a label that the step was not granted. The sandbox links none such.
const NOT_GRANTED: Rule = Rule::new("not-granted");
/// More random bytes than one call may ask for.
const RANDOM_COUNT: Rule = Rule::new("random-count");
/// Most random bytes of one call, as the contract says.
const RANDOM_BYTES: u32 = 4096;

/// Which step of which run a broker serves. Idempotency keys are made from it, so a resumed run
/// has the same identity as the one that was interrupted.
#[derive(Clone, Debug)]
pub struct StepIdentity {
    /// The run.
    pub run: Arc<str>,
    /// The step's name in the workflow.
    pub step: Arc<str>,
    /// The item of a for-each, where there is one.
    pub item: Option<Arc<str>>,
}

/// Answers the calls of one step with real effects. It needs a tokio runtime with I/O and time.
pub struct LiveBroker {
    bindings: Arc<Bindings>,
    identity: StepIdentity,
    endpoints: BTreeMap<Label, Arc<Endpoint>>,
    signers: BTreeMap<Label, SigningKey>,
    revealed: BTreeMap<Label, RevealedSecret>,
    clocks: BTreeSet<Label>,
    randoms: BTreeSet<Label>,
    guard: Arc<Guard>,
    operations: Operations,
    uses: Vec<SecretUse>,
    warnings: Vec<Fault>,
}

/// A secret that the step may see.
struct RevealedSecret {
    version: String,
    value: SecretBytes,
}

impl LiveBroker {
    /// Makes the broker of one step: checks that the environment binds each granted label, and
    /// fetches the secrets that these bindings need, and no others. Their versions stay the same
    /// for the whole step. The journal hears of each granted label and of each secret.
    ///
    /// # Errors
    /// When a label is not bound (with the lines to add), or a secret cannot be fetched or does not
    /// fit its use.
    #[expect(clippy::needless_pass_by_value, reason = "the grants end here: a step has one broker")]
    pub fn new(bindings: Arc<Bindings>, grants: Grants, identity: StepIdentity) -> Result<Self, Fault> {
        ready::broker(bindings, &grants, identity)
    }

    /// Grants that this environment can never allow.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The secrets that the step works with.
    pub fn secrets_used(&self) -> &[SecretUse] {
        &self.uses
    }

    /// Lets a text of the step pass (its output, its error) when it holds no secret.
    ///
    /// # Errors
    /// A fault, and an alert, when it does.
    fn clear_output(&self, what: &str, text: &str) -> Result<(), Fault> {
        self.guard.clear(text).map(drop).map_err(|leak| leak.alert(self.place(), what))
    }

    /// A call as it may be written down: each secret in it replaced by its name.
    fn redact_call(&self, call: &HostCall) -> HostCall {
        let text = |text: &String| self.guard.redact_text(text);
        let body = |body: &Body| Body(self.guard.redact(&body.0));
        let pairs = |pairs: &[Pair]| {
            pairs.iter().map(|Pair { name, value }| Pair { name: text(name), value: text(value) }).collect()
        };
        match call {
            HostCall::Http { endpoint, request } => HostCall::Http {
                endpoint: endpoint.clone(),
                request: HttpRequest {
                    method: request.method,
                    path: request.path.iter().map(text).collect(),
                    query: pairs(&request.query),
                    headers: pairs(&request.headers),
                    body: request.body.as_ref().map(body),
                    operation: request.operation.as_ref().map(text),
                },
            },
            HostCall::Sign { signer, message } => {
                HostCall::Sign { signer: signer.clone(), message: body(message) }
            }
            HostCall::Log { level, message } => HostCall::Log { level: *level, message: text(message) },
            HostCall::Reveal { .. } | HostCall::Now { .. } | HostCall::Random { .. } => call.clone(),
        }
    }

    /// What `redact_call` does to text, for anything else that is written down.
    pub fn redact_text(&self, text: &str) -> String {
        self.guard.redact_text(text)
    }

    fn place(&self) -> String {
        format!("step {}", self.identity.step)
    }

    async fn answer(&self, site: &CallSite, call: HostCall) -> Result<HostReply, Fault> {
        let recorded = self.redact_call(&call);
        let answered = match call {
            HostCall::Http { endpoint, request } => match self.endpoints.get(&endpoint) {
                Some(endpoint) => return self.http(site, endpoint, request, recorded).await,
                None => Err(self.not_granted(&endpoint)),
            },
            HostCall::Sign { signer, message } => self.sign(site, &signer, &message),
            HostCall::Reveal { secret } => self.reveal(site, &secret),
            HostCall::Now { clock } => self.now(&clock),
            HostCall::Random { random, count } => self.random(&random, count),
            HostCall::Log { level, message } => return self.log(site, level, &message),
        };
        let (reply, end) = match answered {
            Ok((reply, end)) => (Ok(reply), end),
            Err(fault) => (Err(fault), End::Stopped),
        };
        self.completed(site, &recorded, end, reply.as_ref());
        reply
    }

    /// Tells the journal of a call that ended. It hears of a reply what may be written down.
    fn completed(&self, site: &CallSite, call: &HostCall, end: End<'_>, reply: Result<&HostReply, &Fault>) {
        let recorded = reply.map(HostReply::recorded);
        let (item, reply) = (self.identity.item.as_deref(), recorded.as_ref().map_err(|fault| *fault));
        self.bindings.services().journal.completed(&Completion { site, item, call, end, reply });
    }

    fn not_granted(&self, label: &Label) -> Fault {
        let fault = Fault::new(Class::Refused, Owner::Embedder, NOT_GRANTED)
            .at(self.place())
            .says(format_args!("the step asked for {label:?}, which it was not granted as that kind of thing"))
            .hint("a component is linked with its grants alone; check that sandbox and broker were given the same ones");
        tracing::error!(target: "stepward::alert", rule = %NOT_GRANTED, "{fault}");
        fault
    }
}

impl Broker for LiveBroker {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move { self.answer(&site, call).await.map_err(Stop) })
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        self.redact_call(&call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        self.clear_output("the output of the step", &text).map_err(Stop)?;
        Ok(text)
    }
}

impl fmt::Debug for LiveBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBroker")
            .field("identity", &self.identity)
            .field("endpoints", &self.endpoints.keys())
            .field("secrets", &self.uses)
            .finish_non_exhaustive()
    }
}
