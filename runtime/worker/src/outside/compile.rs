//! One component, one process: what comes back is bytes that this process never loads.

use super::link::{Link, Loss, Secrecy};
use super::program::Starter;
use super::start::{Ready, Wanted};
use super::{WorkerOptions, short, start, watch};
use crate::lockdown::Ceilings;
use crate::protocol::{Compile, Down, StartKind, Up};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Admitted, not_compiled};
use stepward_trust::Digest;

/// The process that compiled a component was lost.
const LOST: Rule = Rule::new("compile-process");

/// Native code that one component can become: what a file of kept code may hold.
const MOST_CODE_BYTES: u64 = 512 << 20;

/// Native code is some times as large as its component, and some KiB more.
const CODE_FOR_EACH_BYTE: u64 = 32;
/// Native code that the smallest component may become.
const LEAST_CODE_BYTES: u64 = 16 << 20;

/// Native code that a component of this size can become.
fn most_code(component: usize) -> u64 {
    let grown = (component as u64).saturating_mul(CODE_FOR_EACH_BYTE);
    grown.saturating_add(LEAST_CODE_BYTES).min(MOST_CODE_BYTES)
}

pub(super) async fn compile(
    starter: &Starter,
    options: &WorkerOptions,
    engine: Digest,
    admitted: &Admitted,
) -> Result<Vec<u8>, Fault> {
    let ceilings = options.compiler;
    let wanted = Wanted { start: StartKind::Compiler, ceilings, engine };
    let Ready { link, mut incoming, kept: _ } = start::worker(starter, options, wanted).await?;
    let ends = Ends(Arc::clone(&link));
    let order = Down::Compile(Compile { component: admitted.bytes().to_vec() });
    let answer = match link.send(&order, Secrecy::Plain) {
        Ok(()) => tokio::select! {
            answer = link.first(&mut incoming, most_code(admitted.bytes().len())) => answer,
            loss = watch::overgrown(&link, ceilings) => Err(loss),
        },
        Err(loss) => Err(loss),
    };
    drop(ends);
    match answer {
        Ok(Up::Compiled(native)) => Ok(native),
        Ok(Up::NotCompiled(message)) => Err(not_compiled(&short(message))),
        Ok(Up::Hello(_) | Up::Call { .. } | Up::Ended(_)) => {
            Err(lost(&Loss::Protocol("a message that no compiler has"), ceilings))
        }
        Err(loss) => Err(lost(&loss, ceilings)),
    }
}

/// Ends the compiler, also where nobody waits for it any more.
struct Ends(Arc<Link>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lose(Loss::Retired);
    }
}

fn lost(loss: &Loss, ceilings: Ceilings) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, LOST)
        .says(format_args!(
            "the process that compiled the component was lost: {loss}. It may use {} MiB of memory and {} s of \
             processor time",
            ceilings.memory_bytes >> 20,
            ceilings.cpu_seconds
        ))
        .hint("build the component smaller; if it is small, please report this with the component")
}
