//! `stepward test`

use super::run::case as read_case;
use crate::{
    files,
    project::Project,
    render::{BAD, DIM, GOOD, STRONG, count, duration, styled},
    running::{
        admission,
        code::Code,
        execute,
        headroom::{Headroom, headroom},
        live::{Found, Wanted},
        plan::{self, PlannedStep},
        report, signals,
        state::State,
    },
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use stepward::{Broker, Case, Deadline, Engine, Job, Step};
use stepward_fault::{Class, Fault, shown};
use stepward_flow::Source;
use stepward_seam::{Grant, HostCall, HostReply, HttpFailure, HttpRequest, Label, Limits, Usage};

/// Runs each step's cases against its sealed component, under production limits.
///
/// The cases lie in steps/NAME/cases. They run on the pinned bytes, under the limits of the
/// workflows that use the step and the environment's ceilings. A case answers every call,
/// so nothing leaves this machine. Shown beside each is the limit that came closest.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only these steps
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// The environment whose ceilings apply [default: dev; the default limits where the project has
    /// none]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

#[derive(Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    cases: Vec<Verdict>,
}

#[derive(Serialize)]
struct Verdict {
    step: String,
    case: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
    status: &'static str,
    usage: Usage,
    headroom: Vec<Headroom>,
}

/// A step under test.
struct Tested {
    name: Label,
    uses: Vec<PlannedStep>,
    limits: Limits,
    step: Step,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let project = session.project()?;
    let environment = Wanted::new(arguments.env.as_deref())?;
    for name in &arguments.steps {
        project.source(&Label::new(name).map_err(|_| unknown(name))?)?;
    }
    let Found { environment: file, workplace, .. } = Found::read(Some(&project), &environment, &[])?;
    let ceilings = file.ceilings();
    let state = State::open(session, &environment.name)?;
    let report = signals::block_on(async {
        let (engine, code) = (workplace.open(session.output()).await?.engine, state.code()?);
        let mut cases = Vec::new();
        for name in project.steps().keys() {
            if arguments.steps.is_empty() || arguments.steps.iter().any(|wanted| wanted == name.as_str()) {
                cases.extend(test_step(session, &project, name, ceilings, &engine, &code).await?);
            }
        }
        let failed = cases.iter().filter(|case| !case.passed).count();
        Ok(Report { passed: cases.len() - failed, failed, cases })
    })?;
    session.output().json("stepward.test/1", &report);
    session.output().line(format_args!("\n{} passed, {} failed", report.passed, report.failed));
    Ok(ExitCode::from(if report.failed == 0 { 0 } else { Class::StepFailed.exit_code() }))
}

fn unknown(name: &str) -> Fault {
    Fault::new(Class::BadInput, stepward_fault::Owner::Caller, crate::project::UNKNOWN_STEP)
        .says(format_args!("there is no step `{}`", shown(name)))
        .hint("name steps of stepward.toml; without a name all are tested")
}

/// Where the cases of a step lie.
pub(crate) fn cases_folder(project: &Project, name: &Label) -> Result<PathBuf, Fault> {
    Ok(match project.source(name)? {
        Source::Crate(path) => project.root().join(path).join("cases"),
        Source::Component(_) => project.root().join("steps").join(name.as_str()).join("cases"),
    })
}

async fn test_step(
    session: &Session,
    project: &Project,
    name: &Label,
    ceilings: &Limits,
    engine: &Engine,
    code: &Code,
) -> Result<Vec<Verdict>, Fault> {
    let output = session.output();
    let files = files::list(&cases_folder(project, name)?, "json")?;
    output.line(format_args!("{}{}", styled(STRONG, name), if files.is_empty() { ": no cases" } else { "" }));
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let uses = plan::uses(project, name)?.into_iter().map(|(_, planned)| planned).collect::<Vec<_>>();
    let planned = match uses.first() {
        Some(first) => first.clone(),
        None => plan::unused(project, name)?,
    };
    let mut limits = planned.limits(ceilings, &[])?;
    for other in &uses {
        // A case must hold in every workflow, so the lowest of each limit applies.
        limits = limits.under(&other.limits(ceilings, &[])?);
    }
    let inspected = admission::inspect(&planned, &limits)?;
    let grants = admission::grants_for(&inspected);
    let step =
        execute::prepare(engine, inspected.admit(&grants)?, code, &limits, name.as_str(), output).await?;
    let tested = Tested { name: name.clone(), uses, limits, step };
    let mut verdicts = Vec::with_capacity(files.len());
    for file in files {
        let verdict = test_case(&tested, &file, engine).await?;
        show(session, &verdict);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

async fn test_case(tested: &Tested, file: &Path, engine: &Engine) -> Result<Verdict, Fault> {
    let case = read_case(file)?;
    let (input, script) = (case.input.to_string(), Arc::new(case.broker()));
    let job = Job::new(
        "test",
        tested.name.as_str(),
        &input,
        tested.limits.clone(),
        Arc::clone(&script) as Arc<dyn Broker>,
    );
    let finished = engine.run(&tested.step, job, Deadline::start(&tested.limits)).await;
    let difference = match (case.judge(&script, &finished.outcome), beyond_grants(&case, &tested.uses)) {
        (Err(difference), _) => Some(difference.to_string()),
        (Ok(_), beyond) => beyond,
    };
    Ok(Verdict {
        step: tested.name.to_string(),
        case: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        passed: difference.is_none(),
        difference,
        status: report::status(&finished.outcome),
        headroom: headroom(&finished.usage, &tested.limits),
        usage: finished.usage,
    })
}

/// A request of the case that is answered although no workflow grants it: in production it would be
/// refused, so the case shows something that cannot happen.
fn beyond_grants(case: &Case, uses: &[PlannedStep]) -> Option<String> {
    let requests = case.calls.iter().filter_map(|recorded| match &recorded.call {
        HostCall::Http { endpoint, request } => Some((endpoint, request, &recorded.reply)),
        HostCall::Sign { .. }
        | HostCall::Reveal { .. }
        | HostCall::Now { .. }
        | HostCall::Random { .. }
        | HostCall::Log { .. } => None,
    });
    let refused =
        |reply: &Option<HostReply>| matches!(reply, Some(HostReply::Http(Err(HttpFailure::Refused(_)))));
    let granted = |endpoint: &Label, request: &HttpRequest| {
        uses.iter().any(|used| match used.grants.get(endpoint) {
            Some(Grant::Endpoint(grant)) => {
                grant.methods.contains(&request.method)
                    && grant.paths.iter().any(|path| path.matches(&request.path).is_some())
            }
            Some(Grant::Signer | Grant::Secret | Grant::Clock | Grant::Random) | None => false,
        })
    };
    let (endpoint, request, _) = requests
        .into_iter()
        .find(|(endpoint, request, reply)| !refused(reply) && !granted(endpoint, request))?;
    let beyond = format!("{endpoint} {} /{}", request.method.as_str(), request.path.join("/"));
    (!uses.is_empty()).then(|| format!("the case answers {beyond}, which no workflow grants to this step"))
}

fn show(session: &Session, verdict: &Verdict) {
    let (style, word) = if verdict.passed { (GOOD, "ok  ") } else { (BAD, "FAIL") };
    let tightest = verdict.headroom.first().map(|first| {
        format!("{} {} of {} ({} %)", first.limit, count(first.used), count(first.most), first.percent())
    });
    session.output().line(format_args!(
        "  {} {}  {}",
        styled(style, word),
        shown(&verdict.case),
        styled(
            DIM,
            format_args!("{}; closest: {}", duration(verdict.usage.wall_us), tightest.unwrap_or_default())
        )
    ));
    for line in verdict.difference.iter().flat_map(|text| text.lines()) {
        session.output().line(format_args!("       {}", shown(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::beyond_grants;
    use crate::running::plan::{Pin, PlannedStep};
    use stepward::{Case, Grants};
    use stepward_seam::LimitTable;
    use stepward_trust::Digest;

    fn case(path: &str, reply: &str) -> Case {
        let text = format!(
            r#"{{"input": 1, "expect": {{"output": 1}}, "calls": [{{
                "call": {{"call": "http", "endpoint": "erp", "request": {{"method": "GET", "path": ["{path}"]}}}},
                "reply": {{"reply": "http", "value": {reply}}}}}]}}"#
        );
        Case::from_json(&text, "case").unwrap()
    }

    #[test]
    fn a_case_cannot_answer_what_no_workflow_grants() {
        let grants = r#"{"endpoint": {"erp": {"methods": ["GET"], "paths": ["/suppliers"]}}}"#;
        let uses = [PlannedStep {
            name: "check".into(),
            place: String::new(),
            component: "c.wasm".into(),
            pin: Pin::Given(Digest::of(b"")),
            bundle: None,
            grants: serde_json::from_str::<Grants>(grants).unwrap(),
            declared: LimitTable::default(),
            defaults: LimitTable::default(),
        }];
        let answered = r#"{"Ok": {"status": 200}}"#;
        assert_eq!(beyond_grants(&case("suppliers", answered), &uses), None);
        let beyond = beyond_grants(&case("payments", answered), &uses).unwrap();
        assert!(beyond.contains("erp GET /payments"), "{beyond}");
        let refused = r#"{"Err": {"refused": {"rule": "endpoint-path", "message": "no"}}}"#;
        assert_eq!(beyond_grants(&case("payments", refused), &uses), None);
        assert_eq!(beyond_grants(&case("payments", answered), &[]), None, "a step that no workflow uses");
    }
}
