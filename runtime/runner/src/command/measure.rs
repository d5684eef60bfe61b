//! `stepward measure`

use super::run::case as read_case;
use crate::{
    render::{Table, count, duration},
    running::{
        admission, execute, headroom, input,
        live::{Found, Wanted},
        plan::Plan,
        signals,
        state::State,
    },
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};
use stepward::{Broker, Case, Deadline, Job, Outcome};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{LimitName, Usage};

/// The rule that measuring has no effects.
const SCRIPT_NEEDED: Rule = Rule::new("measure-script");
/// The rule that one step is measured.
const ONE_STEP: Rule = Rule::new("measure-one-step");
/// The rule that only runs that end are measured.
const DID_NOT_END: Rule = Rule::new("measure-run");

/// Runs a step many times and suggests limits for it.
///
/// A suggestion is the 99th percentile and a margin. A step that calls anything is answered from a
/// case, so measuring has no effects.
#[derive(Args)]
pub(crate) struct Arguments {
    /// STEP or WORKFLOW/STEP
    #[arg(value_name = "STEP")]
    target: String,
    /// The input, as for `run`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Answers the step's calls, and gives the input where --input does not
    #[arg(long, value_name = "CASE")]
    script: Option<PathBuf>,
    /// How often
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Percent above the 99th percentile
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    margin: u32,
    /// The environment whose ceilings apply [default: dev; the default limits where the project has
    /// none]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    step: &'a str,
    runs: u32,
    measured: Vec<Measured>,
    wall_us: Measured,
    suggested: BTreeMap<LimitName, u64>,
}

/// Percentiles of one use.
#[derive(Serialize)]
struct Measured {
    name: &'static str,
    p50: u64,
    p99: u64,
    most: u64,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let plan = Plan::find(session, &arguments.target, None)?;
    let [step] = plan.steps.as_slice() else {
        return Err(Fault::new(Class::Usage, Owner::Caller, ONE_STEP)
            .says(format_args!("`{}` has {} steps", plan.name, plan.steps.len()))
            .hint(format_args!("name one: stepward measure {}/STEP", plan.name)));
    };
    let case = arguments.script.as_deref().map(read_case).transpose()?;
    let input = match (&arguments.input, &case) {
        (Some(path), _) => input::read(path)?,
        (None, Some(case)) => case.input.to_string(),
        (None, None) => {
            return Err(Fault::new(Class::Usage, Owner::Caller, ONE_STEP)
                .says("nothing to run it on")
                .hint("add `--input FILE` or `--script CASE`"));
        }
    };
    let environment = Wanted::new(arguments.env.as_deref())?;
    let project = session.project()?;
    let found = Found::read(Some(&project), &environment, &[])?;
    let limits = found.environment.ceilings().clone();
    let inspected = admission::inspect(step, &limits)?;
    let grants = admission::grants_for(&inspected);
    if case.is_none() && grants.iter().next().is_some() {
        return Err(Fault::new(Class::Usage, Owner::Caller, SCRIPT_NEEDED)
            .says("the step calls out, and measuring must have no effects")
            .hint(format_args!("record a case and measure with it:\nstepward run {0} --input FILE --record CASE\nstepward measure {0} --script CASE", arguments.target)));
    }
    let admitted = inspected.admit(&grants)?;
    let state = State::open(session, &environment.name)?;
    let usages = signals::block_on(async {
        let engine = found.workplace.open(session.output()).await?.engine;
        let ready =
            execute::prepare(&engine, admitted, &state.code()?, &limits, &step.name, session.output())
                .await?;
        let case = case.unwrap_or(Case {
            input: serde_json::Value::Null,
            calls: Vec::new(),
            expect: stepward::Expected::Output(serde_json::Value::Null),
        });
        let mut usages = Vec::new();
        for _ in 0..arguments.runs {
            let broker: Arc<dyn Broker> = Arc::new(case.broker());
            let job = Job::new("measure", &step.name, &input, limits.clone(), broker);
            let finished = engine.run(&ready, job, Deadline::start(&limits)).await;
            match finished.outcome {
                Outcome::Succeeded(_) | Outcome::Failed(_) => usages.push(finished.usage),
                Outcome::LimitExceeded(limit) => {
                    return Err(did_not_end(&format!("the environment's ceiling on {limit} ran out")));
                }
                Outcome::Refused(fault) => return Err(did_not_end(&fault.to_string())),
            }
        }
        Ok(usages)
    })?;
    show(session, &step.name, &usages, arguments);
    Ok(ExitCode::SUCCESS)
}

fn did_not_end(why: &str) -> Fault {
    Fault::new(Class::StepFailed, Owner::Caller, DID_NOT_END)
        .says(format_args!("a run did not end by itself: {why}"))
        .hint("the input and the case must belong together; record the case again")
}

fn measured(name: &'static str, mut values: Vec<u64>) -> Measured {
    values.sort_unstable();
    // The value that so many percent of the runs do not exceed.
    let at = |percent: usize| {
        values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0)
    };
    Measured { name, p50: at(50), p99: at(99), most: at(100) }
}

/// The least value with two significant digits that is not below `value`, and at least 1.
fn rounded_up(value: u64) -> u64 {
    let scale = 10_u64.pow(value.max(1).ilog10().saturating_sub(1));
    value.max(1).div_ceil(scale).saturating_mul(scale)
}

fn show(session: &Session, step: &str, usages: &[Usage], arguments: &Arguments) {
    let mut of: BTreeMap<LimitName, Vec<u64>> = BTreeMap::new();
    for usage in usages {
        for (limit, used) in headroom::uses(usage) {
            of.entry(limit).or_default().push(used);
        }
    }
    let mut suggested = BTreeMap::new();
    let mut all = Vec::new();
    for (limit, values) in of {
        let one = measured(limit.as_str(), values);
        let with_margin =
            u64::try_from(u128::from(one.p99) * u128::from(100 + arguments.margin) / 100).unwrap_or(u64::MAX);
        suggested.insert(limit, rounded_up(with_margin).min(limit.most()));
        all.push(one);
    }
    let wall = measured("wall-time", usages.iter().map(|usage| usage.wall_us).collect());
    let mut table = Table::new(&["use", "p50", "p99", "most", ""]);
    for one in &all {
        table.row([one.name.to_owned(), count(one.p50), count(one.p99), count(one.most), String::new()]);
    }
    table.row([
        wall.name.to_owned(),
        duration(wall.p50),
        duration(wall.p99),
        duration(wall.most),
        String::new(),
    ]);
    let output = session.output();
    output.line(table);
    output.line(format_args!(
        "\n# {} runs of {step}: p99 and {} %. wall-time-ms depends on what answers: choose it yourself.",
        arguments.runs, arguments.margin
    ));
    output.line("[steps.limits]");
    for (limit, value) in &suggested {
        output.line(format_args!("{limit} = {}", count(*value).replace(',', "_")));
    }
    output.json(
        "stepward.measure/1",
        &Report { step, runs: arguments.runs, measured: all, wall_us: wall, suggested },
    );
}

#[cfg(test)]
mod tests {
    use super::{measured, rounded_up};

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let one = measured("fuel", (1..=100).rev().collect());
        assert_eq!((one.p50, one.p99, one.most), (50, 99, 100));
        let single = measured("fuel", vec![7]);
        assert_eq!((single.p50, single.p99, single.most), (7, 7, 7));
    }

    #[test]
    fn suggestions_never_fall_below() {
        for (value, up) in [(0, 1), (1, 1), (9, 9), (10, 10), (101, 110), (123_456, 130_000)] {
            assert_eq!(rounded_up(value), up);
        }
    }
}
