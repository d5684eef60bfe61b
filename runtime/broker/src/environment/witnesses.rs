//! Who cosigns the environment's log, and how many of them are enough.
//!
//! Plain values: this crate does not know what a cosignature is. Whoever asks the witnesses reads
//! their keys, and each is kept with its place for that.

use super::{
    Environment,
    cover::Uses,
    file,
    reach::{self, Written},
    read::bounded,
    rules::{KEY_BYTES, MOST_FRESH_HOURS, MOST_WITNESSES, NUMBER, WITNESSES},
    source::Source,
};
use crate::{
    net::{Caps, Target, TargetSpec, Timeouts},
    roots::roots,
};
use cap_std::fs::Dir;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
    time::Duration,
};
use stepward_fault::Fault;
use stepward_seam::Label;
use toml::Spanned;
use url::Host;

/// Hours for which a cosignature counts where the file says nothing: a witness that is repaired within
/// a day stops nobody.
const FRESH_HOURS: u64 = 24;
/// From the request to the head of its answer: a witness checks a short proof and writes one record.
const FIRST_BYTE: Duration = Duration::from_secs(5);
/// The whole exchange. A run waits for it at its start, for two where the witness knows another size
/// than was thought.
const TOTAL: Duration = Duration::from_secs(10);

/// How the URL of a witness is written.
const PREFIX: Written = Written {
    example: "url = \"https://witness.example/prefix\"",
    user: "carries user information; a witness is asked without",
    query: "carries a query or a fragment; a submission prefix has none",
};

/// What happens to runs while too few witnesses have cosigned lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnreachable {
    /// None starts, and none that runs has a further effect.
    Stop,
    /// They go on, and the log says that nobody outside watched.
    MarkGap,
}

/// The tables `witnesses` and `witness-policy` of an environment file.
#[derive(Debug)]
pub struct WitnessRules {
    place: String,
    quorum: NonZeroUsize,
    fresh_seconds: NonZeroU64,
    unreachable: WhenUnreachable,
    by_name: BTreeMap<Label, WitnessBinding>,
}

/// One witness.
#[derive(Debug)]
pub struct WitnessBinding {
    key: String,
    key_place: String,
    host: Host,
    port: u16,
    base: String,
    roots: Vec<String>,
    networks: Vec<IpNet>,
    timeouts: Timeouts,
}

impl WitnessRules {
    /// Where the policy stands, as `FILE:LINE:COLUMN`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How many must have cosigned; no more than there are.
    pub fn quorum(&self) -> NonZeroUsize {
        self.quorum
    }

    /// For how many seconds a cosignature counts.
    pub fn fresh_seconds(&self) -> NonZeroU64 {
        self.fresh_seconds
    }

    /// What happens while fewer have.
    pub fn unreachable(&self) -> WhenUnreachable {
        self.unreachable
    }

    /// The witnesses; at least one.
    pub fn witnesses(&self) -> impl ExactSizeIterator<Item = (&Label, &WitnessBinding)> {
        self.by_name.iter()
    }

    /// The files with roots that they name.
    pub(super) fn roots(&self) -> impl Iterator<Item = &String> {
        self.by_name.values().flat_map(|witness| &witness.roots)
    }

    pub(super) fn read(
        source: Source<'_>,
        file: &file::File,
        networks: &BTreeMap<Label, Vec<IpNet>>,
        uses: &mut Uses<'_>,
    ) -> Result<Option<Self>, Fault> {
        let policy = match (&file.witness_policy, file.witnesses.first_key_value()) {
            (None, None) => return Ok(None),
            (Some(policy), Some(_)) => policy,
            (None, Some((_, first))) => {
                return Err(source
                    .fault(WITNESSES, &first.span())
                    .says("there are witnesses, and nothing says how many of them are enough")
                    .hint(format_args!(
                        "add to {}:\n[witness-policy]\nquorum = 1\nunreachable = \"stop\"",
                        source.place
                    )));
            }
            (Some(policy), None) => {
                return Err(source
                    .fault(WITNESSES, &policy.span())
                    .says("there is a policy for witnesses, and no witness")
                    .hint("name one:\n[witnesses.NAME]\nurl = \"https://HOST/PREFIX\"\nkey = \"NAME+ID+KEY\"\nroots = [\"trust/NAME.pem\"]"));
            }
        };
        let mut by_name = BTreeMap::new();
        for (label, written) in &file.witnesses {
            by_name.insert(label.clone(), WitnessBinding::read(source, written, networks, uses)?);
        }
        let written = policy.get_ref();
        let hours =
            bounded(source, "fresh-hours", written.fresh_hours.as_ref(), FRESH_HOURS, MOST_FRESH_HOURS)?;
        Ok(Some(Self {
            place: source.at(policy.span().start),
            quorum: quorum(source, &written.quorum, &file.witnesses)?,
            // Between an hour and a bound that fits.
            fresh_seconds: NonZeroU64::MIN.saturating_add((hours * 3600).saturating_sub(1)),
            unreachable: written.unreachable,
            by_name,
        }))
    }
}

fn quorum(
    source: Source<'_>,
    written: &Spanned<u64>,
    witnesses: &BTreeMap<Label, Spanned<file::Witness>>,
) -> Result<NonZeroUsize, Fault> {
    let count = witnesses.len();
    if let Some((_, beyond)) = witnesses.iter().nth(usize::try_from(MOST_WITNESSES).unwrap_or(usize::MAX)) {
        return Err(source
            .fault(WITNESSES, &beyond.span())
            .says(format_args!("there are {count} witnesses; the most is {MOST_WITNESSES}"))
            .hint("keep those whose operators depend least on each other"));
    }
    let quorum = usize::try_from(*written.get_ref()).unwrap_or(usize::MAX);
    NonZeroUsize::new(quorum).filter(|quorum| quorum.get() <= count).ok_or_else(|| {
        source
            .fault(NUMBER, &written.span())
            .says(format_args!("quorum = {quorum} is out of bounds"))
            .hint(format_args!("quorum lies between 1 and the number of witnesses, which is {count}"))
    })
}

impl WitnessBinding {
    /// The public key as it is written; nothing has read it yet.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the key stands, as `FILE:LINE:COLUMN`.
    pub fn key_place(&self) -> &str {
        &self.key_place
    }

    /// The submission prefix, as `https://host:port/prefix`.
    pub fn url(&self) -> String {
        format!("https://{}:{}{}", self.host, self.port, self.base)
    }

    /// The path of a call below the submission prefix.
    pub fn path(&self, call: &str) -> String {
        format!("{}/{call}", self.base)
    }

    /// Makes the witness ready to be asked: loads its roots from the environment's folder. An answer's
    /// body may have `body_bytes`. Nothing is connected.
    ///
    /// # Errors
    /// When a file with roots is missing, unreadable or holds no certificate, or the host cannot stand in a
    /// certificate.
    pub fn target(
        &self,
        environment: &Environment,
        label: &Label,
        folder: &Dir,
        body_bytes: usize,
    ) -> Result<Target, Fault> {
        let whose = format!("witness {label:?}");
        let (roots, roots_id) = roots(environment.place(), &whose, &self.roots, folder)?;
        Target::new(TargetSpec {
            // No label has a slash, so no endpoint has this name.
            binding: format!("{}/witnesses/{label}", environment.name()),
            host: self.host.clone(),
            port: self.port,
            networks: self.networks.clone(),
            listeners: Vec::new(),
            roots: Arc::new(roots),
            roots_id,
            timeouts: self.timeouts,
            caps: Caps { body_bytes, ..Caps::default() },
        })
    }

    fn read(
        source: Source<'_>,
        written: &Spanned<file::Witness>,
        networks: &BTreeMap<Label, Vec<IpNet>>,
        uses: &mut Uses<'_>,
    ) -> Result<Self, Fault> {
        let witness = written.get_ref();
        let (host, port, base) = reach::url(source, &witness.url, &PREFIX)?;
        let default = Timeouts { first_byte: FIRST_BYTE, total: TOTAL, ..Timeouts::default() };
        let key = witness.key.get_ref();
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(source
                .fault(WITNESSES, &witness.key.span())
                .says(format_args!("the key has {} bytes; it has 1 to {KEY_BYTES}", key.len()))
                .hint("copy it from where the witness's operator publishes it: NAME+ID+KEY"));
        }
        Ok(Self {
            key: key.clone(),
            key_place: source.at(witness.key.span().start),
            host,
            port,
            base,
            roots: reach::roots(source, &witness.roots)?,
            networks: reach::networks(&witness.networks, networks, uses)?,
            timeouts: reach::timeouts(source, &witness.timeouts, default)?,
        })
    }
}
