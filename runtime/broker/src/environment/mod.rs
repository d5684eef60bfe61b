//! `environments/NAME/environment.toml`: what an operator binds to names, and the most she allows.
//!
//! A label in a workflow's grants is a name in this file. The file is public and reviewed: it
//! names secrets and versions and holds none of their bytes. Everything that it refers to must
//! exist in it, everything in it must be known, and what nothing uses is a warning.
//!
//! The time and random bytes need no binding. They reach nothing outside, and their replies are
//! recorded, so the workflow's grant alone decides.

mod cover;
mod endpoint;
mod file;
mod grants;
mod reach;
mod read;
mod rules;
mod source;
mod witnesses;
mod workers;

pub(crate) use endpoint::{EndpointBinding, Form};
pub use witnesses::{WhenUnreachable, WitnessBinding, WitnessRules};
pub use workers::{Demand, Demanded, Isolation, WorkerRules};

use schemars::{Schema, schema_for};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};
use stepward_fault::Fault;
use stepward_seam::{Algorithm, Label, Limits};

/// A checked environment file. Nothing has been opened or fetched yet.
#[derive(Debug)]
pub struct Environment {
    name: Label,
    place: String,
    endpoints: BTreeMap<Label, EndpointBinding>,
    signers: BTreeMap<Label, SignerBinding>,
    secrets: BTreeMap<Label, String>,
    revealed: BTreeSet<Label>,
    resolver: Vec<SocketAddr>,
    ceilings: Limits,
    workers: WorkerRules,
    witnesses: Option<WitnessRules>,
    warnings: Vec<Fault>,
}

/// What a signer's label means.
#[derive(Debug)]
pub(crate) struct SignerBinding {
    pub(crate) algorithm: Algorithm,
    pub(crate) secret: Label,
}

impl Environment {
    /// Reads the file's text. `place` is the file's name as people know it; every fault starts with
    /// it, followed by line and column.
    ///
    /// # Errors
    /// A fault of the operator for the first thing that is wrong: syntax, an unknown key (with the
    /// known ones), a name that nothing declares (with the line to add), a number out of bounds.
    pub fn parse(text: &str, place: &str) -> Result<Self, Fault> {
        read::environment(source::Source { text, place })
    }

    /// The JSON schema of the file.
    pub fn schema() -> Schema {
        schema_for!(file::File)
    }

    /// The environment's name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// The file's name, as it was given to [`parse`](Self::parse).
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The name servers that the file asks for. None: the runner chooses.
    pub fn resolver(&self) -> &[SocketAddr] {
        &self.resolver
    }

    /// The most of each limit that a step may use here. Limits that the file leaves out have the
    /// most that any file may give.
    pub fn ceilings(&self) -> &Limits {
        &self.ceilings
    }

    /// What the processes must be that steps are compiled and run in.
    pub fn workers(&self) -> &WorkerRules {
        &self.workers
    }

    /// Who cosigns the log, and how many are enough. `None`: nobody does, and an older copy of the log
    /// that was put in its place cannot be told from it.
    pub fn witnesses(&self) -> Option<&WitnessRules> {
        self.witnesses.as_ref()
    }

    /// The files with roots that endpoints and witnesses name, below the environment's folder, each once.
    pub fn roots(&self) -> BTreeSet<&str> {
        let of_endpoints = self.endpoints.values().flat_map(|endpoint| &endpoint.roots);
        let of_witnesses = self.witnesses.iter().flat_map(WitnessRules::roots);
        of_endpoints.chain(of_witnesses).map(String::as_str).collect()
    }

    /// Things that are declared and unused.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Where an endpoint leads, as `https://host:port/base`, for reports to people who may read
    /// this file. Steps never learn it.
    pub fn origin(&self, endpoint: &Label) -> Option<String> {
        self.endpoints.get(endpoint).map(EndpointBinding::origin)
    }

    /// The names of the endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &Label> {
        self.endpoints.keys()
    }

    pub(crate) fn endpoint(&self, label: &Label) -> Option<&EndpointBinding> {
        self.endpoints.get(label)
    }

    pub(crate) fn signer(&self, label: &Label) -> Option<&SignerBinding> {
        self.signers.get(label)
    }

    /// Whether and in which version a secret may be revealed.
    pub(crate) fn revealed(&self, label: &Label) -> Option<&str> {
        self.revealed.contains(label).then(|| self.version(label))
    }

    /// The version of a secret that this file refers to; the reader has checked that it exists.
    pub(crate) fn version(&self, secret: &Label) -> &str {
        self.secrets.get(secret).map_or("", String::as_str)
    }

    pub(crate) fn declares_secret(&self, secret: &Label) -> bool {
        self.secrets.contains_key(secret)
    }
}
