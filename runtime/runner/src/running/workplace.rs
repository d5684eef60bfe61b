//! Where steps are compiled and run: worker processes, and what the environment demands of them.

use super::remedy::remedy;
use crate::{
    WORKER,
    render::{DIM, Output, WARN, styled},
};
use serde::Serialize;
use std::{num::NonZeroU32, sync::Arc};
use stepward::{
    Engine, Isolation, Program, WorkerOptions,
    worker::{
        SystemKeys, Workers,
        lockdown::{Kept, MissingPromises, Promise, Promises, Required},
    },
};
use stepward_broker::{Demand, Demanded, Environment, Isolation as Written};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that what an environment demands can be promised at all.
const UNKNOWN: Rule = Rule::new("environment-promise");
/// The rule that workers promise what the environment demands.
const MISSING: Rule = Rule::new("worker-promise-missing");

/// Runs at one time in one worker: this process runs one step at a time.
const RUNS_AT_ONCE: NonZeroU32 = NonZeroU32::new(2).unwrap();

/// How worker processes are made for one environment. None is started yet.
#[derive(Clone, Debug)]
pub(crate) struct Workplace {
    options: WorkerOptions,
    /// What workers must promise; `options` say it too.
    demanded: Vec<Promise>,
    /// The environment's name and file; none where nobody demands anything.
    environment: Option<(String, String)>,
}

/// An engine whose workers promise what is demanded.
pub(crate) struct Opened {
    /// It compiles and runs in workers.
    pub(crate) engine: Engine,
    /// Where that is.
    pub(crate) isolated: Isolated,
}

/// Where steps ran, for reports.
#[derive(Debug, Serialize)]
pub(crate) struct Isolated {
    /// Always in worker processes.
    workers: bool,
    /// What shares one.
    isolation: Written,
    /// Promises that do not hold here.
    missing: Vec<Promise>,
}

impl Workplace {
    /// Where nothing is demanded: nothing is bound, so there is nothing to reach.
    pub(crate) fn undemanding() -> Self {
        // This very program, also where its file was replaced meanwhile: see proc(5).
        let program = Program::new("/proc/self/exe", [WORKER]);
        let mut options = WorkerOptions::new(program, Arc::new(SystemKeys));
        options.runs_at_once = RUNS_AT_ONCE;
        Self { options, demanded: Vec::new(), environment: None }
    }

    /// What an environment's file says, its promises checked against those that there are.
    pub(crate) fn of(environment: &Environment) -> Result<Self, Fault> {
        let rules = environment.workers();
        let mut workplace = Self::undemanding();
        let options = &mut workplace.options;
        options.isolation = match rules.isolation() {
            Written::Bundle => Isolation::Bundle,
            Written::Step => Isolation::Step,
            Written::Run => Isolation::Run,
        };
        if let Some(bytes) = rules.memory_bytes() {
            options.runner.memory_bytes = bytes;
        }
        if let Some(runs) = rules.runs_per_worker() {
            options.runs_per_worker = runs;
        }
        workplace.demand(match rules.demand() {
            Demand::All => Promise::ALL.to_vec(),
            Demand::These(these) => these.iter().map(promise).collect::<Result<_, _>>()?,
        });
        workplace.environment = Some((environment.name().to_string(), environment.place().to_owned()));
        Ok(workplace)
    }

    /// Every promise is demanded, by nobody's environment.
    pub(crate) fn demanding() -> Self {
        let mut workplace = Self::undemanding();
        workplace.demand(Promise::ALL.to_vec());
        workplace
    }

    fn demand(&mut self, promises: Vec<Promise>) {
        self.options.required = Required::these(promises.iter().copied());
        self.demanded = promises;
    }

    /// What workers must promise.
    pub(crate) fn demanded(&self) -> &[Promise] {
        &self.demanded
    }

    /// Refused where a worker does not promise what is demanded.
    pub(crate) fn hold(&self, promises: Promises) -> Result<Kept, Fault> {
        self.options.required.hold(promises).map_err(|missing| self.refuse(&missing))
    }

    /// Starts a worker, which tells what it promises here.
    pub(crate) async fn promises(&self) -> Result<Promises, Fault> {
        let asking = WorkerOptions { required: Required::none(), ..self.options.clone() };
        Workers::new(asking)?.promises().await
    }

    /// The engine. Refused where a worker does not promise what is demanded; what is missing and was
    /// not demanded is a warning.
    pub(crate) async fn open(&self, output: &Output) -> Result<Opened, Fault> {
        let kept = self.hold(self.promises().await?)?;
        let missing = missing(kept.promises());
        if !missing.is_empty() {
            output.warning(format_args!(
                "worker processes do not promise {} on this machine; `stepward doctor` says why",
                names(&missing)
            ));
        }
        let isolation = match self.options.isolation {
            Isolation::Bundle => Written::Bundle,
            Isolation::Step => Written::Step,
            Isolation::Run => Written::Run,
        };
        let isolated = Isolated { workers: true, isolation, missing };
        Ok(Opened { engine: Engine::with_workers(self.options.clone())?, isolated })
    }

    /// Says what is missing, what would bring it, and how to demand less.
    fn refuse(&self, missing: &MissingPromises) -> Fault {
        let mut hints =
            missing.iter().map(|(promise, _)| format!("{promise}: {}", remedy(promise))).collect::<Vec<_>>();
        let mut place = "";
        if let Some((name, file)) = &self.environment {
            let lacking = |promise: Promise| missing.iter().any(|(one, _)| one == promise);
            let rest = self.demanded.iter().filter(|one| !lacking(**one)).map(|one| format!("\"{one}\""));
            let rest = rest.collect::<Vec<_>>().join(", ");
            hints.push(format!("or demand less, in {file}:\n[workers]\nrequire = [{rest}]"));
            hints.push(format!("`stepward doctor --env {name}` tries each protection"));
            place = file;
        }
        Fault::new(Class::Unavailable, Owner::Operator, MISSING)
            .at(place)
            .says(format_args!("worker processes cannot promise what is demanded of them here: {missing}"))
            .hint(hints.join("\n"))
    }
}

impl Isolated {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let shared = match self.isolation {
            Written::Bundle => "one for what is pinned together",
            Written::Step => "one for each step",
            Written::Run => "one for each run of a step",
        };
        if self.missing.is_empty() {
            let count = Promise::ALL.len();
            styled(DIM, format_args!("ran in: worker processes, {shared}; all {count} promises hold"))
        } else {
            let names = names(&self.missing);
            styled(WARN, format_args!("ran in: worker processes, {shared}; missing: {names}"))
        }
    }
}

/// What does not hold.
pub(crate) fn missing(promises: &Promises) -> Vec<Promise> {
    Promise::ALL.iter().copied().filter(|promise| promises.why_missing(*promise).is_some()).collect()
}

fn names(promises: &[Promise]) -> String {
    promises.iter().map(|promise| promise.name()).collect::<Vec<_>>().join(", ")
}

fn promise(demanded: &Demanded) -> Result<Promise, Fault> {
    let name = demanded.name().as_str();
    Promise::ALL.iter().copied().find(|promise| promise.name() == name).ok_or_else(|| {
        Fault::new(Class::BadInput, Owner::Operator, UNKNOWN)
            .at(demanded.place())
            .says(format_args!("no worker promises `{name}`"))
            .hint(format_args!(
                "write `require = \"all\"`, or name some of: {}\n`stepward doctor` shows what each means",
                names(Promise::ALL)
            ))
    })
}

#[cfg(test)]
mod tests {
    use super::{Promise, Workplace};
    use stepward_broker::Environment;
    use stepward_fault::Fault;

    fn workplace(workers: &str) -> Result<Workplace, Fault> {
        Workplace::of(&Environment::parse(&format!("name = \"a\"\n{workers}"), "e.toml").unwrap())
    }

    #[test]
    fn an_environment_demands_every_promise_unless_it_names_some() {
        assert_eq!(workplace("").unwrap().demanded(), Promise::ALL);
        assert_eq!(workplace("[workers]\nrequire = []").unwrap().demanded(), []);
        for promise in Promise::ALL {
            let named = workplace(&format!("[workers]\nrequire = [\"{promise}\"]")).unwrap();
            assert_eq!(named.demanded(), [*promise]);
        }
        assert_eq!(Workplace::undemanding().demanded(), []);
    }

    #[test]
    fn a_promise_that_nobody_makes_is_told_with_those_that_there_are() {
        let fault = workplace("[workers]\nrequire = [\"seccomp\", \"sec-comp\"]").unwrap_err();
        assert_eq!(
            (fault.rule().to_string().as_str(), fault.place()),
            ("environment-promise", "e.toml:3:23")
        );
        assert!(
            fault.message().contains("`sec-comp`") && fault.remedy().contains("only-the-pipe"),
            "{fault}"
        );
    }
}
