//! Which checkpoint is given to others: one that witnesses saw says more than the newest.

use super::{counted, newest};
use crate::{
    render::Output,
    running::{book::View, live::now_ms},
};
use stepward_fault::Fault;
use stepward_ledger::{
    merkle::Hashes as _,
    note::{MAX_UNIX_SECONDS, SignedCheckpoint, UnixSeconds, WitnessVerifier},
    store::Nodes,
    witness::Policy,
};

/// Checkpoints that are searched, the newest first. A service signs each second and asks its witnesses each
/// minute.
const SEARCHED: usize = 512;

/// The newest checkpoint over an event that enough witnesses cosigned, whenever that was. Where there is
/// none it is the newest, and a warning says so.
pub(crate) fn of_event(
    view: &View,
    witnesses: Option<&Policy>,
    event: u64,
    output: &Output,
) -> Result<SignedCheckpoint, Fault> {
    let newest = newest(view, event)?;
    let Some(policy) = witnesses else { return Ok(newest.clone()) };
    let seen = search(view, event, |checkpoint| is_cosigned(policy, checkpoint))?;
    Ok(seen.unwrap_or_else(|| {
        output.warning(format_args!("{UNSEEN} over event {event}; {ASK_AGAIN}"));
        newest.clone()
    }))
}

/// The newest checkpoint that enough witnesses cosigned lately, as the environment's policy says: what came
/// after it is left out. Where there is none it is the newest, and a warning says either.
pub(crate) fn of_everything(
    view: &View,
    witnesses: Option<&Policy>,
    output: &Output,
) -> Result<SignedCheckpoint, Fault> {
    let newest = newest(view, 0)?;
    let Some(policy) = witnesses else { return Ok(newest.clone()) };
    let now = UnixSeconds::new((now_ms() / 1000).min(MAX_UNIX_SECONDS)).unwrap_or(UnixSeconds::NONE);
    let seen = search(view, 0, |checkpoint| policy.judge(checkpoint, now).is_ok())?;
    let Some(seen) = seen else {
        output.warning(format_args!("{UNSEEN} lately; {ASK_AGAIN}"));
        return Ok(newest.clone());
    };
    let after = newest.head().size.get() - seen.head().size.get();
    if after > 0 {
        output.warning(format_args!(
            "{} came after the newest checkpoint that enough witnesses cosigned, and are left out",
            counted(after, "event")
        ));
    }
    Ok(seen)
}

const UNSEEN: &str = "no checkpoint was cosigned by enough witnesses";
const ASK_AGAIN: &str = "the newest is taken, and nobody outside vouches for it: `stepward ledger checkpoint` asks them, \
                         and so does a service that owns the log, every minute";

/// Whether enough witnesses cosigned it.
pub(super) fn is_cosigned(policy: &Policy, checkpoint: &SignedCheckpoint) -> bool {
    let cosigned =
        |witness: &&WitnessVerifier| checkpoint.cosigned_by(witness).is_ok_and(|seen| seen.is_some());
    policy.witnesses().iter().filter(cosigned).count() >= policy.quorum().get()
}

/// The newest checkpoint of this log, over more than `event`, that is wanted.
fn search(
    view: &View,
    event: u64,
    wanted: impl Fn(&SignedCheckpoint) -> bool,
) -> Result<Option<SignedCheckpoint>, Fault> {
    let mut most = u64::MAX;
    for _ in 0..SEARCHED {
        let Some(kept) = view.signing().kept(view.records(), most)? else { break };
        let head = kept.head();
        if head.size.get() <= event {
            break;
        }
        // The newest was compared with the log already.
        if wanted(&kept) && Nodes::of(view.records()).head(head.size)? == head {
            return Ok(Some(kept));
        }
        most = head.size.get() - 1;
    }
    Ok(None)
}
