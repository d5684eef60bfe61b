//! One component, one process: what comes back is bytes that this process never loads.

use super::link::{Link, Loss, Secrecy};
use super::program::Starter;
use super::{WorkerOptions, start};
use crate::lockdown::{Ceilings, Kind};
use crate::protocol::{Compile, Down, StartKind, Up};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Admitted, not_compiled};
use stepward_trust::Digest;

/// The process that compiled a component was lost.
const LOST: Rule = Rule::new("compile-process");

/// Native code that one component can become: what a file of kept code may hold.
const MOST_CODE_BYTES: u64 = 512 << 20;

pub(super) async fn compile(
    starter: &Starter,
    options: &WorkerOptions,
    engine: Digest,
    admitted: &Admitted,
) -> Result<Vec<u8>, Fault> {
    let ceilings = options.compiler;
    let (link, mut frames, _) =
        start::worker(starter, options, Kind::Compiler, StartKind::Compiler, ceilings, engine).await?;
    let ends = Ends(Arc::clone(&link));
    let order = Down::Compile(Compile { component: admitted.bytes().to_vec() });
    let answer = match link.send(&order, Secrecy::Plain) {
        Ok(()) => link.first(&mut frames, MOST_CODE_BYTES).await,
        Err(loss) => Err(loss),
    };
    drop(ends);
    match answer {
        Ok(Up::Compiled(native)) => Ok(native),
        Ok(Up::NotCompiled(message)) => Err(not_compiled(&message)),
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
