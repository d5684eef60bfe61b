//! The witnesses of an environment's log: who they are, and the wire to them.

use cap_std::fs::Dir;
use http::HeaderMap;
use std::{collections::BTreeMap, pin::Pin};
use stepward_broker::{
    Environment, WhenUnreachable, WitnessRules,
    net::{
        ANSWER_TOO_LARGE, CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, HANDSHAKE_TIMEOUT, Network, NoAnswer,
        TOTAL_TIMEOUT, Target, Wire,
    },
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    note::{KeyName, WitnessVerifier},
    witness::{Answer, MAX_ANSWER_BYTES, Policy, Transport, TransportFailure, Unreachable},
};
use stepward_seam::Method;

/// The rule that a witness's key is one.
const KEY: Rule = Rule::new("environment-witness-key");
/// The rule that witnesses and their policy go together.
const POLICY: Rule = Rule::new("environment-witnesses");
/// What is said where there are none.
pub(crate) const NONE: &str =
    "no witnesses: an older copy of the log that somebody put in its place cannot be told from the log";

/// The witnesses of an environment, and how many of them are enough. Nothing was asked yet.
pub(crate) struct Witnesses {
    policy: Policy,
    network: Network,
    reached: BTreeMap<KeyName, Reached>,
    place: String,
}

/// How one witness is reached.
struct Reached {
    url: String,
    /// The path of its submission prefix, with a slash at its end.
    prefix: String,
    target: Target,
}

/// Reads the witnesses' keys, and the policy.
pub(crate) fn policy(rules: &WitnessRules) -> Result<Policy, Fault> {
    let mut verifiers = Vec::new();
    for (label, witness) in rules.witnesses() {
        verifiers.push(WitnessVerifier::parse(witness.key()).map_err(|error| {
            Fault::new(Class::BadInput, Owner::Operator, KEY)
                .at(witness.key_place())
                .says(format_args!("the key of the witness {label:?} cannot be read: {error}"))
                .hint("copy the key for cosignatures from where the witness's operator publishes it: NAME+ID+KEY")
        })?);
    }
    let unreachable = match rules.unreachable() {
        WhenUnreachable::Stop => Unreachable::Stop,
        WhenUnreachable::MarkGap => Unreachable::MarkGap,
    };
    Policy::new(verifiers, rules.quorum(), rules.fresh_seconds(), unreachable).map_err(|error| {
        Fault::new(Class::BadInput, Owner::Operator, POLICY)
            .at(rules.place())
            .says(error)
            .hint("name witnesses of different operators, each once")
    })
}

/// Who watches a log and what that means, in one line.
pub(crate) fn told(rules: Option<&WitnessRules>) -> String {
    let Some(rules) = rules else { return NONE.to_owned() };
    let stops = match rules.unreachable() {
        WhenUnreachable::Stop => "no run starts",
        WhenUnreachable::MarkGap => "runs go on and the log says so",
    };
    format!(
        "{} witnesses, of which {} must have cosigned within {} hours; otherwise {stops}",
        rules.witnesses().len(),
        rules.quorum(),
        rules.fresh_seconds().get() / 3600
    )
}

impl Witnesses {
    /// Those of an environment whose folder is `folder`; nothing where it has none.
    pub(crate) fn open(
        environment: &Environment,
        folder: &Dir,
        network: impl FnOnce() -> Result<Network, Fault>,
    ) -> Result<Option<Self>, Fault> {
        let Some(rules) = environment.witnesses() else { return Ok(None) };
        let policy = policy(rules)?;
        let mut reached = BTreeMap::new();
        for ((label, witness), verifier) in rules.witnesses().zip(policy.witnesses()) {
            let target = witness.target(environment, label, folder, MAX_ANSWER_BYTES)?;
            let (url, prefix) = (witness.url(), witness.path(""));
            reached.insert(verifier.name().clone(), Reached { url, prefix, target });
        }
        Ok(Some(Self { policy, network: network()?, reached, place: rules.place().to_owned() }))
    }

    /// Witnesses that cannot be reached.
    #[cfg(test)]
    pub(crate) fn nowhere(policy: Policy) -> Self {
        // Nothing is looked up: nobody has an address.
        let dns = stepward_broker::net::Dns::new(&["127.0.0.1:53".parse().unwrap()]).unwrap();
        let network = Network::new(std::sync::Arc::new(dns));
        Self { policy, network, reached: BTreeMap::new(), place: "environment.toml:1:1".to_owned() }
    }

    /// How many are enough.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where the policy stands.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Where a witness is, for messages.
    pub(crate) fn url(&self, witness: &KeyName) -> &str {
        self.reached.get(witness).map_or("", |reached| &reached.url)
    }
}

impl Transport for Witnesses {
    fn post<'a>(
        &'a self,
        witness: &'a KeyName,
        path: &'a str,
        body: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, TransportFailure>> + Send + 'a>> {
        Box::pin(async move {
            let Some(Reached { prefix, target, .. }) = self.reached.get(witness) else {
                return Err(TransportFailure::Unreachable { reason: "nothing says where it is".to_owned() });
            };
            let wire = Wire {
                method: Method::Post,
                path_and_query: format!("{prefix}{path}"),
                headers: HeaderMap::new(),
                body: Some(body.into()),
                credential_version: String::new(),
            };
            let answer = self.network.exchange(target, wire).await.map_err(|none| failure(&none))?;
            let content_type = answer.headers.iter().find(|(name, _)| name == "content-type");
            let content_type = content_type.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
            Ok(Answer { status: answer.status, content_type, body: answer.body })
        })
    }
}

fn failure(none: &NoAnswer) -> TransportFailure {
    let fault = none.fault();
    match fault.rule() {
        CONNECT_TIMEOUT | HANDSHAKE_TIMEOUT | FIRST_BYTE_TIMEOUT | TOTAL_TIMEOUT => {
            TransportFailure::TimedOut
        }
        ANSWER_TOO_LARGE => TransportFailure::TooLarge,
        _ => TransportFailure::Unreachable {
            reason: match none {
                NoAnswer::Refused(fault) => {
                    format!("{}, and none of the witness's `networks` allows it", fault.message())
                }
                NoAnswer::Failed { .. } => fault.message().to_owned(),
            },
        },
    }
}
