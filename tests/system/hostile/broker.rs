//! Guests against the live broker: what they ask for is refused before anything leaves the host.

use super::guests;
use crate::support::{
    guest::Guest,
    sandbox::{grants_for, inspect, limits, run},
};
use std::sync::Arc;
use stepward::broker::net::{Dns, Network};
use stepward::broker::{
    Bindings, Environment, LiveBroker, SecretSource, Services, StepIdentity, SystemEntropy, Unrecorded,
    WallClock,
};
use stepward_fault::Fault;
use stepward_sandbox::{Finished, Outcome};
use stepward_seam::{Broker, HostReply, HttpFailure, Label, SecretBytes};

const TOKEN: &str = "Zq8-a-token-of-some-length";
const ENVIRONMENT: &str = r#"
name = "dev"
[endpoints.erp]
url = "https://erp.example.com/api"
methods = ["GET", "POST"]
paths = ["/**"]
roots = ["root.pem"]
[secrets.token]
version = "1"
[reveal]
secrets = ["token"]
"#;

struct Token;

impl SecretSource for Token {
    fn fetch(&self, _name: &Label, _version: &str) -> Result<SecretBytes, Fault> {
        Ok(SecretBytes::new(TOKEN.into()))
    }
}

struct Noon;

impl WallClock for Noon {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000
    }
}

/// Runs a guest with a grant for each of its imports and the real broker. Its endpoint's name server
/// does not exist: a request that passed the gate would end as `not-applied`.
fn live(guest: &Guest<'_>) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let root =
        rcgen::CertificateParams::new(vec!["erp.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
    std::fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
    let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    let services = Services {
        network: Arc::new(Network::new(Arc::new(Dns::new(&["127.0.0.1:9".parse().unwrap()]).unwrap()))),
        clock: Arc::new(Noon),
        entropy: Arc::new(SystemEntropy::default()),
        environment_key: SecretBytes::new(vec![7; 32]),
        journal: Arc::new(Unrecorded),
        listeners: vec![],
    };
    let environment = Environment::parse(ENVIRONMENT, "environment.toml").unwrap();
    let bindings = Arc::new(Bindings::open(environment, &dir, Arc::new(Token), services).unwrap());
    let broker = || -> Arc<dyn Broker> {
        let identity = StepIdentity { run: "run".into(), step: "step".into(), item: None };
        let grants = grants_for(inspect(guest.bytes()).unwrap().imports());
        Arc::new(LiveBroker::new(Arc::clone(&bindings), grants, identity).unwrap())
    };
    run(guest.bytes(), limits(&[]), broker)
}

/// The rules under which the calls were refused, in order.
fn rules(finished: &Finished) -> Vec<&str> {
    let refused = finished.calls.iter().map(|recorded| match &recorded.reply {
        Some(HostReply::Http(Err(HttpFailure::Refused(refusal)))) => refusal.rule.as_str(),
        other => panic!("{:?} was answered {other:?}", recorded.call),
    });
    refused.collect()
}

#[test]
pub(super) fn path_that_climbs() {
    let finished = live(&guests::PATH_THAT_CLIMBS);
    assert_eq!(rules(&finished), ["endpoint-path-segment"; 10]);
    assert!(matches!(finished.outcome, Outcome::Succeeded(_)));
}

#[test]
pub(super) fn header_of_the_host() {
    let finished = live(&guests::HEADER_OF_THE_HOST);
    let (host, syntax) = ("endpoint-header", "endpoint-header-syntax");
    assert_eq!(rules(&finished).len(), 16);
    assert_eq!(rules(&finished)[..11], [host; 11]);
    assert_eq!(rules(&finished)[13..], [syntax; 3]);
    for passed_for in &rules(&finished)[11..13] {
        assert!([host, syntax].contains(passed_for), "{passed_for}");
    }
}

#[test]
pub(super) fn secret_in_the_output() {
    let finished = live(&guests::SECRET_IN_THE_OUTPUT);
    let Outcome::Refused(fault) = &finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!(fault.rule().as_str(), "secret-leak");
    assert!(!format!("{finished:?}").contains(TOKEN));
}
