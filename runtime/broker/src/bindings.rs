//! An environment, opened: roots loaded, keys derived, ready to serve any number of steps.

use crate::{
    environment::{EndpointBinding, Environment},
    keys::EnvironmentKeys,
    net::{Target, TargetSpec},
    roots::roots,
    secrets::SecretSource,
    services::Services,
    tasks::Tasks,
};
use cap_std::fs::Dir;
use std::{collections::BTreeMap, fmt, sync::Arc};
use stepward_fault::Fault;
use stepward_seam::{Label, SecretBytes};

/// An opened environment. One serves every run of the process.
pub struct Bindings {
    environment: Environment,
    /// An endpoint that cannot be used is kept as the reason why, for the step that is granted it.
    targets: BTreeMap<Label, Result<Arc<Target>, Fault>>,
    secrets: Arc<dyn SecretSource>,
    services: Services,
    keys: EnvironmentKeys,
    effects: Tasks,
}

impl Bindings {
    /// Opens an environment whose folder is `folder`: loads the roots of every endpoint and derives
    /// keys. Secrets are not fetched before a step needs them, and no connection is made.
    ///
    /// An endpoint whose roots are missing disturbs nobody but the steps that are granted it:
    /// [`unusable`](Self::unusable) names it, and [`LiveBroker::new`](crate::LiveBroker::new) refuses
    /// such a step.
    ///
    /// # Errors
    /// When the environment's key is too short.
    pub fn open(
        environment: Environment,
        folder: &Dir,
        secrets: Arc<dyn SecretSource>,
        services: Services,
    ) -> Result<Self, Fault> {
        let keys = EnvironmentKeys::derive(&services.environment_key)?;
        let mut targets = BTreeMap::new();
        for label in environment.endpoints() {
            let Some(binding) = environment.endpoint(label) else { continue };
            let target = target(&environment, label, binding, folder, &services).map(Arc::new);
            targets.insert(label.clone(), target);
        }
        Ok(Self { environment, targets, secrets, services, keys, effects: Tasks::default() })
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Why endpoints cannot be used: a file with roots that is missing or holds no certificate (it is
    /// named), or a host that cannot stand in a certificate.
    pub fn unusable(&self) -> impl Iterator<Item = &Fault> {
        self.targets.values().filter_map(|target| target.as_ref().err())
    }

    /// Waits until no effect is under way, which can be as long as an endpoint's total timeout.
    /// A service calls it after it stopped its runs and before it ends.
    pub async fn settled(&self) {
        self.effects.settled().await;
    }

    pub(crate) fn target(&self, endpoint: &Label) -> Option<Result<Arc<Target>, Fault>> {
        self.targets.get(endpoint).cloned()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn keys(&self) -> &EnvironmentKeys {
        &self.keys
    }

    pub(crate) fn effects(&self) -> &Tasks {
        &self.effects
    }

    /// Fetches a secret in the version that the environment names.
    pub(crate) fn fetch(&self, secret: &Label) -> Result<SecretBytes, Fault> {
        self.secrets.fetch(secret, self.environment.version(secret))
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings").field("environment", self.environment.name()).finish_non_exhaustive()
    }
}

fn target(
    environment: &Environment,
    label: &Label,
    binding: &EndpointBinding,
    folder: &Dir,
    services: &Services,
) -> Result<Target, Fault> {
    let (roots, roots_id) =
        roots(environment.place(), &format!("endpoint {label:?}"), &binding.roots, folder)?;
    Target::new(TargetSpec {
        binding: format!("{}/{label}", environment.name()),
        host: binding.host.clone(),
        port: binding.port,
        networks: binding.networks.clone(),
        listeners: services.listeners.clone(),
        roots: Arc::new(roots),
        roots_id,
        timeouts: binding.timeouts,
        caps: binding.caps.answer,
    })
}
