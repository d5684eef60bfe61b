//! From grants and bindings to a broker that is ready.

use super::{LiveBroker, RevealedSecret, StepIdentity};
use crate::{
    bindings::Bindings,
    credential::Credential,
    endpoint::Endpoint,
    gate::{Gate, Operations},
    guard::GuardBuilder,
    journal::Granted,
    signer::SigningKey,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{EndpointGrant, Grant, Grants, Label};

/// A label that was checked against the environment is gone from it.
const INCONSISTENT: Rule = Rule::new("bindings-inconsistent");

/// A secret that a step works with. Name and version only: fit for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The secret's name.
    pub name: Label,
    /// Its version.
    pub version: String,
    /// What it is used for.
    pub kind: SecretUseKind,
}

/// What a secret is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUseKind {
    /// Injected into requests; the step never sees it.
    Credential,
    /// Signs for the step, which never sees it.
    Signer,
    /// Revealed: its bytes enter the step.
    Revealed,
}

struct Making {
    bindings: Arc<Bindings>,
    guard: GuardBuilder,
    uses: Vec<SecretUse>,
}

pub(super) fn broker(
    bindings: Arc<Bindings>,
    grants: &Grants,
    identity: StepIdentity,
) -> Result<LiveBroker, Fault> {
    let warnings = bindings.environment().check(grants)?;
    let mut making = Making { bindings, guard: GuardBuilder::default(), uses: Vec::new() };
    let (mut endpoints, mut signers, mut revealed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut clocks, mut randoms) = (BTreeSet::new(), BTreeSet::new());
    for (label, grant) in grants.iter() {
        let key = label.clone();
        match grant {
            Grant::Endpoint(grant) => drop(endpoints.insert(key, Arc::new(making.endpoint(label, grant)?))),
            Grant::Signer => drop(signers.insert(key, making.signer(label)?)),
            Grant::Secret => drop(revealed.insert(key, making.revealed(label)?)),
            Grant::Clock => drop(clocks.insert(key)),
            Grant::Random => drop(randoms.insert(key)),
        }
    }
    let Making { bindings, guard, uses } = making;
    let guard = Arc::new(guard.build()?);
    record(&bindings, grants, &identity, &uses);
    Ok(LiveBroker {
        bindings,
        identity,
        endpoints,
        signers,
        revealed,
        clocks,
        randoms,
        guard,
        operations: Operations::default(),
        uses,
        warnings,
    })
}

/// Tells the journal what a step was given, once nothing can refuse it any more.
fn record(bindings: &Bindings, grants: &Grants, identity: &StepIdentity, uses: &[SecretUse]) {
    let (environment, journal) = (bindings.environment(), &bindings.services().journal);
    for (label, grant) in grants.iter() {
        let binding = match grant {
            Grant::Endpoint(_) => Some(format!("[endpoints.{label}]")),
            Grant::Signer => Some(format!("[signers.{label}]")),
            Grant::Secret => Some("[reveal]".to_owned()),
            Grant::Clock | Grant::Random => None,
        };
        let (name, place) = (environment.name(), environment.place());
        journal.granted(&Granted { step: identity, label, grant, environment: name, place, binding });
    }
    for used in uses {
        journal.secret_used(used, identity);
    }
}

impl Making {
    fn endpoint(&mut self, label: &Label, grant: &EndpointGrant) -> Result<Endpoint, Fault> {
        let bindings = Arc::clone(&self.bindings);
        let environment = bindings.environment();
        let binding = environment.endpoint(label).ok_or_else(|| inconsistent(label))?;
        let mut credential_version = String::new();
        let credential = match &binding.credential {
            None => None,
            Some(bound) => {
                let secret = bindings.fetch(&bound.secret)?;
                // The bytes count too: they may be replaced without a new version in the file.
                let fingerprint = bindings.keys().fingerprint(&secret);
                credential_version =
                    format!("{}@{} {fingerprint}", bound.secret, environment.version(&bound.secret));
                self.note(&bound.secret, SecretUseKind::Credential);
                Some(Credential::ready(&bound.form, &bound.secret, &secret, &mut self.guard)?)
            }
        };
        Ok(Endpoint {
            label: label.clone(),
            gate: Gate::new(label.clone(), grant.clone(), binding, environment.place()),
            target: bindings.target(label).ok_or_else(|| inconsistent(label))??,
            credential,
            credential_version,
            idempotency_header: binding.idempotency_header.clone(),
            idempotent: binding.idempotent,
        })
    }

    fn signer(&mut self, label: &Label) -> Result<SigningKey, Fault> {
        let bindings = Arc::clone(&self.bindings);
        let binding = bindings.environment().signer(label).ok_or_else(|| inconsistent(label))?;
        let secret = bindings.fetch(&binding.secret)?;
        let version = bindings.environment().version(&binding.secret);
        self.note(&binding.secret, SecretUseKind::Signer);
        SigningKey::ready(binding.algorithm, &binding.secret, version, &secret, &mut self.guard)
    }

    fn revealed(&mut self, label: &Label) -> Result<RevealedSecret, Fault> {
        let version =
            self.bindings.environment().revealed(label).ok_or_else(|| inconsistent(label))?.to_owned();
        let value = self.bindings.fetch(label)?;
        self.guard.add(label, value.expose())?;
        self.note(label, SecretUseKind::Revealed);
        Ok(RevealedSecret { version, value })
    }

    fn note(&mut self, name: &Label, kind: SecretUseKind) {
        let version = self.bindings.environment().version(name).to_owned();
        let used = SecretUse { name: name.clone(), version, kind };
        if !self.uses.contains(&used) {
            self.uses.push(used);
        }
    }
}

fn inconsistent(label: &Label) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, INCONSISTENT)
        .says(format_args!("the binding {label:?} passed its check and cannot be found"))
        .hint("please report it")
}
