//! Taking a log, and all that is checked before it is written to or signed.

use super::{Begun, Publisher, Signing, SystemClock, Watch, own, restore, sequence, short};
use crate::{
    files,
    render::Output,
    running::{state::State, witnesses::Witnesses},
};
use std::sync::Arc;
use stepward::journal::sealer;
use stepward_fault::Fault;
use stepward_ledger::{log::Log, merkle::TreeSize, store::sqlite::Writer};
use stepward_seam::{Label, SecretBytes};
use stepward_vault::{EnvironmentRoot, RunKeys};

/// A log that extends every checkpoint that is known and all that its witnesses have seen, and was not
/// written to.
pub(super) struct Checked {
    pub(super) root: EnvironmentRoot,
    pub(super) log: Log,
    pub(super) keys: RunKeys,
    pub(super) clock: Arc<SystemClock>,
    pub(super) publisher: Publisher,
    pub(super) watch: Option<Arc<Watch>>,
    pub(super) begun: Begun,
}

impl Checked {
    /// Takes the log of an environment, or makes it, and asks its witnesses. `key` is the environment's key.
    pub(super) async fn of(
        state: &State,
        environment: &Label,
        key: &SecretBytes,
        witnesses: Option<Witnesses>,
        output: &Output,
    ) -> Result<Self, Fault> {
        let ledger = short(state)?;
        let ownership = own(state)?;
        // Again, now that nobody else can begin one.
        restore::check_settled(state.root())?;
        // Copies of logs and keys that a restore left which was killed: nobody works on them.
        restore::clean(state.root())?;
        let root = EnvironmentRoot::derive(key)?;
        let store = Writer::open(&ledger, ownership)?;
        // First, since it says best that the environment's key is another one.
        let keys = RunKeys::open(&state.run_keys(), &state.wrapping_keys(), &root)?;
        let signing = Signing::of(&store, environment, &root)?;
        let publisher = Publisher::new(signing, state)?;
        let trusted = publisher.trusted(&store)?;
        let clock = Arc::new(SystemClock::start());
        let (log, _) = Log::open(Box::new(store), clock.clone(), &trusted, &sequence, &sealer(&root))?;
        let begun = Begun::check(&log, &keys, &trusted, &files::place(&ledger)).await?;
        // Before anything is written: a copy that is not the newest must stay as it is.
        let watch = match witnesses {
            None => None,
            Some(witnesses) => Some(Watch::begin(witnesses, &publisher, &log, ledger, output).await?),
        };
        Ok(Self { root, log, keys, clock, publisher, watch, begun })
    }
}

/// Signs what is there, publishes it and shows it to the witnesses; appends nothing.
pub(crate) async fn sign(
    state: &State,
    environment: &Label,
    key: &SecretBytes,
    witnesses: Option<Witnesses>,
    output: &Output,
) -> Result<(), Fault> {
    let Checked { log, publisher, watch, .. } =
        Checked::of(state, environment, key, witnesses, output).await?;
    // A checkpoint over no event is true of every log, so it says nothing.
    let signed = match publisher.keep(&log).await {
        Ok(()) if log.head().size == TreeSize::EMPTY => Ok(()),
        Ok(()) => publisher.begin(&log).await,
        Err(fault) => Err(fault),
    };
    let watched = match (&signed, &watch) {
        (Ok(()), Some(watch)) => watch.end(&publisher, &log).await,
        (Ok(()), None) | (Err(_), _) => Ok(()),
    };
    if let Some(lacking) = watch.as_ref().and_then(|watch| watch.unwatched()) {
        output.warning(format_args!("too few witnesses have seen it: {lacking}"));
    }
    let closed = log.close().await.map(drop);
    signed.and(watched).and(closed)
}
