//! What an operator demands of the processes that steps are compiled and run in.
//!
//! Plain values: this crate starts no process and does not know which promises a machine can make.
//! Who makes workers checks the names, and each is kept with its place for that.

use super::{
    file,
    read::bounded,
    rules::{LEAST_WORKER_BYTES, LIST, MOST_RUNS_PER_WORKER, MOST_WORKER_BYTES, NUMBER},
    source::Source,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, num::NonZeroU32};
use stepward_fault::Fault;
use stepward_seam::Label;

/// Which runs may share a worker process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// The runs of steps that were approved together.
    #[default]
    Bundle,
    /// The runs of one component.
    Step,
    /// None: each run has a worker of its own.
    Run,
}

/// The table `workers` of an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRules {
    isolation: Isolation,
    demand: Demand,
    memory_bytes: Option<u64>,
    runs_per_worker: Option<NonZeroU32>,
}

/// What workers must promise before anything starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Everything that there is to promise.
    All,
    /// These.
    These(Vec<Demanded>),
}

/// One promise that is demanded. That there is such a one is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demanded {
    name: Label,
    place: String,
}

impl Demanded {
    /// The promise's name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// Where it stands, as `FILE:LINE:COLUMN`.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl WorkerRules {
    /// Which runs may share a worker.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// What workers must promise.
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// The most bytes of one worker, where the file says it.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory_bytes
    }

    /// Runs after which a worker is replaced, where the file says it.
    pub fn runs_per_worker(&self) -> Option<NonZeroU32> {
        self.runs_per_worker
    }

    pub(super) fn read(source: Source<'_>, written: &file::Workers) -> Result<Self, Fault> {
        let runs = match &written.runs_per_worker {
            None => None,
            Some(_) => {
                let name = "runs-per-worker";
                let runs = bounded(source, name, written.runs_per_worker.as_ref(), 1, MOST_RUNS_PER_WORKER)?;
                // Between 1 and a bound that fits.
                u32::try_from(runs).ok().and_then(NonZeroU32::new)
            }
        };
        Ok(Self {
            isolation: written.isolation,
            demand: demand(source, &written.require)?,
            memory_bytes: memory(source, written)?,
            runs_per_worker: runs,
        })
    }
}

fn demand(source: Source<'_>, written: &file::Require) -> Result<Demand, Fault> {
    let names = match written {
        file::Require::All => return Ok(Demand::All),
        file::Require::These(names) => names,
    };
    let mut seen = BTreeSet::new();
    let mut demanded = Vec::new();
    for written in names {
        let name = written.get_ref();
        if !seen.insert(name) {
            return Err(source
                .fault(LIST, &written.span())
                .says(format_args!("`require` names {name:?} twice"))
                .hint("leave one of them out"));
        }
        demanded.push(Demanded { name: name.clone(), place: source.at(written.span().start) });
    }
    Ok(Demand::These(demanded))
}

fn memory(source: Source<'_>, written: &file::Workers) -> Result<Option<u64>, Fault> {
    let Some(number) = &written.memory_bytes else { return Ok(None) };
    let value = *number.get_ref();
    if (LEAST_WORKER_BYTES..=MOST_WORKER_BYTES).contains(&value) {
        return Ok(Some(value));
    }
    Err(source
        .fault(NUMBER, &number.span())
        .says(format_args!("memory-bytes = {value} is out of bounds"))
        .hint(format_args!(
            "memory-bytes of a worker lies between {LEAST_WORKER_BYTES} and {MOST_WORKER_BYTES}"
        )))
}
