//! Looking at a log, whoever owns it.

use super::Signing;
use crate::{files, running::state::State};
use std::fmt;
use stepward::journal::sealer;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::Event,
    facts,
    log::Vouched,
    merkle::{Hashes as _, TreeHead},
    note::SignedCheckpoint,
    runs::{self, Run, Standing},
    store::{self, Nodes, Records, sqlite::Reader},
    tiles::TileDir,
};
use stepward_seam::{Label, SecretBytes};
use stepward_vault::EnvironmentRoot;

/// The rule that there is a log.
const MISSING: Rule = Rule::new("log-missing");
/// The rule that a log is as long as its checkpoints say.
const SHORTER: Rule = Rule::new("log-shorter");
/// The rule that a log is the one that its checkpoints are of.
const FORKED: Rule = Rule::new("log-forked");

/// A log at one moment, of which every event that is read is checked against the tree, the tree against
/// the newest checkpoints, and what stands beside it against its seal. Its owner may write meanwhile.
pub(crate) struct View {
    reader: Reader,
    signing: Signing,
    vouched: Vouched,
    head: TreeHead,
    newest: Option<SignedCheckpoint>,
    restored: Option<u64>,
}

impl View {
    /// Refused where an environment has no log yet.
    pub(crate) fn is_there(state: &State, environment: &Label) -> Result<(), Fault> {
        let path = state.ledger();
        if path.exists() {
            return Ok(());
        }
        Err(Fault::new(Class::BadInput, Owner::Caller, MISSING)
            .at(files::place(&path))
            .says(format_args!("the environment {environment} has no log yet"))
            .hint("the first `stepward run` begins it; another one is named with --env or --state"))
    }

    /// Looks at the log of an environment. `key` is the environment's key, by which its checkpoints are
    /// recognised.
    pub(crate) fn open(state: &State, environment: &Label, key: &SecretBytes) -> Result<Self, Fault> {
        Self::is_there(state, environment)?;
        let root = EnvironmentRoot::derive(key)?;
        let tiles = TileDir::new(state.tiles()?);
        let reader = Reader::open(&state.ledger())?;
        let signing = Signing::of(&reader, environment, &root)?;
        // Checkpoints first: the log is at least as long when it is asked after them.
        let published = tiles.checkpoint(&signing.signer().verifier())?;
        let newest = signing.newest(&reader)?;
        let vouched = sealer(&root).check(reader.index()?)?;
        let head = vouched.head();
        for (checkpoint, source) in [(&newest, "ledger.db"), (&published, "tiles/checkpoint")] {
            if let Some(checkpoint) = checkpoint {
                check(&reader, head, checkpoint.head(), source)?;
            }
        }
        check(&reader, head, head, "ledger.db")?;
        let restored = runs::restored(&reader, head, vouched.fact(facts::RESTORED).map(<[u8]>::to_vec))?;
        Ok(Self { reader, signing, vouched, head, newest, restored })
    }

    /// The log's records.
    pub(crate) fn records(&self) -> &Reader {
        &self.reader
    }

    /// The tree at this moment.
    pub(crate) fn head(&self) -> TreeHead {
        self.head
    }

    /// The newest checkpoint that the database holds. It may be about fewer events than there are.
    pub(crate) fn newest(&self) -> Option<&SignedCheckpoint> {
        self.newest.as_ref()
    }

    /// The name and the keys of the log.
    pub(crate) fn signing(&self) -> &Signing {
        &self.signing
    }

    /// The runs whose first event is before `before`, the newest first.
    pub(crate) fn runs(&self, before: u64, limit: usize) -> Result<Vec<store::Run>, Fault> {
        self.reader.runs(before.min(self.head.size.get()), limit)
    }

    /// A run, from its events.
    pub(crate) fn run(&self, name: &str) -> Result<Run, Fault> {
        along_its_events(&self.reader, &self.vouched, name)
    }

    /// Where a run stands.
    pub(crate) fn standing(&self, run: &Run) -> Standing {
        run.standing(self.restored)
    }

    /// The events of a run, all of them: of one that ended, every event since its start is looked at.
    pub(crate) fn events(&self, run: &str) -> Result<Vec<Event>, Fault> {
        match self.vouched.open_run(run) {
            Some(open) => runs::open_events(&self.reader, &open),
            None => runs::events(&self.reader, self.head, run),
        }
    }

    /// One event.
    pub(crate) fn event(&self, sequence: u64) -> Result<Event, Fault> {
        runs::event(&self.reader, self.head, sequence)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A run, along its own events: what that costs does not grow with what other runs wrote, nor fails by it.
pub(crate) fn along_its_events(records: &dyn Records, vouched: &Vouched, name: &str) -> Result<Run, Fault> {
    match vouched.open_run(name) {
        Some(open) => runs::open_run(records, &open),
        None => runs::ended_run(records, vouched.head(), name),
    }
}

/// The log extends what is known of it.
fn check(records: &Reader, head: TreeHead, known: TreeHead, source: &str) -> Result<(), Fault> {
    let refuse = |rule| Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(source);
    if known.size > head.size {
        return Err(refuse(SHORTER)
            .says(format_args!("the log has {} events, and a checkpoint is over {}", head.size, known.size))
            .hint(
                "an older copy of the log was put in place, or its end was lost: put the newer copy back",
            ));
    }
    let root = Nodes::of(records).head(known.size)?.root;
    if root == known.root {
        return Ok(());
    }
    Err(refuse(FORKED)
        .says(format_args!(
            "over {} events the log has the root {root}, and it was {}",
            known.size, known.root
        ))
        .hint("keep this copy: the log was changed; `stepward verify` finds the event"))
}
