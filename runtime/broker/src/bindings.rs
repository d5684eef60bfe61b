//! An environment, opened: roots loaded, keys derived, ready to serve any number of steps.

use crate::{
    environment::{EndpointBinding, Environment},
    keys::EnvironmentKeys,
    net::{Target, TargetSpec},
    secrets::SecretSource,
    services::Services,
    tasks::Tasks,
};
use aws_lc_rs::digest::{Context, SHA256};
use cap_std::fs::Dir;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{collections::BTreeMap, fmt, io::Read as _, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Label, SecretBytes};

/// A file with roots is missing, unreadable, too large or holds no certificate.
const ROOTS: Rule = Rule::new("environment-roots");
/// Largest file with roots in bytes: a public bundle has a quarter of it.
const ROOTS_BYTES: u64 = 1 << 20;

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
    let (roots, roots_id) = roots(environment, label, &binding.roots, folder)?;
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

/// The roots of one endpoint and SHA-256 over them in order, in hex.
fn roots(
    environment: &Environment,
    label: &Label,
    files: &[String],
    folder: &Dir,
) -> Result<(RootCertStore, String), Fault> {
    let mut store = RootCertStore::empty();
    let mut digest = Context::new(&SHA256);
    for name in files {
        let refused = |says: String| {
            Fault::new(Class::BadInput, Owner::Operator, ROOTS)
                .at(environment.place())
                .says(format_args!("the roots `{name}` of the endpoint {label:?} {says}"))
                .hint(
                    "put the PEM certificates of the service's root authority there, beside environment.toml",
                )
        };
        let mut pem = Vec::new();
        let file = folder.open(name).map_err(|error| refused(format!("cannot be opened: {error}")))?;
        file.take(ROOTS_BYTES + 1)
            .read_to_end(&mut pem)
            .map_err(|error| refused(format!("cannot be read: {error}")))?;
        if u64::try_from(pem.len()).unwrap_or(u64::MAX) > ROOTS_BYTES {
            return Err(refused(format!("are larger than {ROOTS_BYTES} bytes")));
        }
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| refused(format!("are no PEM: {error}")))?;
            digest.update(&certificate);
            store
                .add(certificate)
                .map_err(|error| refused(format!("hold a certificate that is no root: {error}")))?;
        }
        if store.len() == before {
            return Err(refused("hold no certificate".to_owned()));
        }
    }
    Ok((store, hex::encode(digest.finish().as_ref())))
}
