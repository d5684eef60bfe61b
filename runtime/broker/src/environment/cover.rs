//! Every name that is used is declared, every declared name is used, and no secret has two uses
//! that undo each other.

use super::{
    file::{File, Network, Secret},
    rules::{SECRET_TWO_USES, UNDECLARED, UNUSED},
    source::Source,
};
use std::collections::{BTreeMap, BTreeSet};
use stepward_fault::Fault;
use stepward_seam::Label;
use toml::Spanned;

/// What a secret is for.
#[derive(Clone, PartialEq, Eq)]
enum Use {
    /// Sent to this host and port, by this endpoint.
    Credential(String, Label),
    /// Used by this signer.
    Signer(Label),
    /// Shown to steps.
    Revealed,
}

/// The uses of declared names, gathered while the file is read.
pub(super) struct Uses<'a> {
    source: Source<'a>,
    secrets: &'a BTreeMap<Label, Spanned<Secret>>,
    networks: &'a BTreeMap<Label, Spanned<Network>>,
    used_secrets: BTreeMap<Label, Use>,
    used_networks: BTreeSet<Label>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(source: Source<'a>, file: &'a File) -> Self {
        Self {
            source,
            secrets: &file.secrets,
            networks: &file.networks,
            used_secrets: BTreeMap::new(),
            used_networks: BTreeSet::new(),
        }
    }

    /// An endpoint of `authority` sends `secret`.
    pub(super) fn credential(
        &mut self,
        label: &Label,
        authority: String,
        secret: &Spanned<Label>,
    ) -> Result<(), Fault> {
        self.secret(secret, Use::Credential(authority, label.clone()))
    }

    /// A signer uses `secret`.
    pub(super) fn sign(&mut self, label: &Label, secret: &Spanned<Label>) -> Result<(), Fault> {
        self.secret(secret, Use::Signer(label.clone()))
    }

    /// Steps may see `secret`.
    pub(super) fn reveal(&mut self, secret: &Spanned<Label>) -> Result<(), Fault> {
        self.secret(secret, Use::Revealed)
    }

    /// An endpoint may lie in `network`.
    pub(super) fn network(&mut self, network: &Spanned<Label>) -> Result<(), Fault> {
        let name = network.get_ref();
        if !self.networks.contains_key(name) {
            return Err(self
                .source
                .fault(UNDECLARED, &network.span())
                .says(format_args!("the network {name:?} is not declared"))
                .hint(format_args!(
                    "add to {}:\n[networks.{name}]\ncidrs = [\"10.1.0.0/16\"]",
                    self.source.place
                )));
        }
        self.used_networks.insert(name.clone());
        Ok(())
    }

    fn secret(&mut self, secret: &Spanned<Label>, wanted: Use) -> Result<(), Fault> {
        let name = secret.get_ref();
        if !self.secrets.contains_key(name) {
            return Err(self
                .source
                .fault(UNDECLARED, &secret.span())
                .says(format_args!("the secret {name:?} is not declared"))
                .hint(format_args!("add to {}:\n[secrets.{name}]\nversion = \"1\"", self.source.place)));
        }
        let Some(first) = self.used_secrets.get(name) else {
            self.used_secrets.insert(name.clone(), wanted);
            return Ok(());
        };
        match first.beside(&wanted) {
            Together::Harmless => Ok(()),
            Together::Undone => Err(self
                .source
                .fault(SECRET_TWO_USES, &secret.span())
                .says(format_args!(
                    "the secret {name:?} is {} and also {}; whoever sees it by one way could use the other",
                    told(first),
                    told(&wanted)
                ))
                .hint("declare a second secret under [secrets] and issue it separately")),
        }
    }

    /// A warning for each declared thing that nothing uses.
    pub(super) fn unused(self) -> Vec<Fault> {
        let Self { source, secrets, networks, used_secrets, used_networks } = self;
        let idle_secrets = secrets.iter().filter(|(name, _)| !used_secrets.contains_key(*name));
        let idle_networks = networks.iter().filter(|(name, _)| !used_networks.contains(*name));
        idle_secrets
            .map(|(name, written)| ("secret", "secrets", name, written.span()))
            .chain(idle_networks.map(|(name, written)| ("network", "networks", name, written.span())))
            .map(|(kind, table, name, span)| {
                source
                    .fault(UNUSED, &span)
                    .says(format_args!("nothing uses the {kind} {name:?}"))
                    .hint(format_args!("remove [{table}.{name}]"))
            })
            .collect()
    }
}

/// What two uses of one secret do to each other.
enum Together {
    /// Neither is weaker for the other.
    Harmless,
    /// One undoes the other's protection.
    Undone,
}

impl Use {
    /// Two endpoints of one service may share a credential, and two labels a signing key; nothing
    /// else goes together.
    fn beside(&self, other: &Self) -> Together {
        match (self, other) {
            (Self::Credential(a, _), Self::Credential(b, _)) if a == b => Together::Harmless,
            (Self::Signer(_), Self::Signer(_)) | (Self::Revealed, Self::Revealed) => Together::Harmless,
            (Self::Credential(..), Self::Credential(..) | Self::Signer(_) | Self::Revealed)
            | (Self::Signer(_), Self::Credential(..) | Self::Revealed)
            | (Self::Revealed, Self::Credential(..) | Self::Signer(_)) => Together::Undone,
        }
    }
}

fn told(kind: &Use) -> String {
    match kind {
        Use::Credential(authority, label) => {
            format!("the credential of the endpoint {label:?} at {authority}")
        }
        Use::Signer(label) => format!("the key of the signer {label:?}"),
        Use::Revealed => "revealed to steps".to_owned(),
    }
}
