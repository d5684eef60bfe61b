//! `stepward demo`

use crate::{
    build::pipeline::{self, Mode},
    demo::{
        log::Logged,
        refusals::{self, Attempts, Refusal},
        service::Service,
        stage::Stage,
    },
    files,
    project::{FILE, LOCK_FILE, Project},
    render::{BAD, DIM, Output, STRONG, styled},
    running::{
        execute::{self, Answers, Begin, From, Place, Ran, Story},
        input,
        live::Found,
        plan::Plan,
        report::{Report, StepJson},
        signals,
        state::State,
        workplace::Isolated,
    },
    session::{Session, here},
};
use clap::Args;
use serde::Serialize;
use std::{io::BufRead as _, path::PathBuf, process::ExitCode};
use stepward::Outcome;
use stepward_fault::{Class, Fault, Owner, Rule, shown};

/// The rule that the demonstration needs the example.
const NO_EXAMPLE: Rule = Rule::new("demo-checkout");
/// The rule that the demonstration goes well.
const FAILED: Rule = Rule::new("demo-failed");
/// The rule that keeping the service open needs a person.
const NOBODY: Rule = Rule::new("demo-keep");
/// The example, from the root of a checkout.
const EXAMPLE: &str = "guest-examples/invoice-approval";
/// A real invoice that nobody here wrote: documents/NOTICE says where it comes from.
const INVOICE: &str = "documents/BIS3_Invoice_positive.XML";

/// Shows the invoice example at work, against a real service (in a checkout of Stepward).
///
/// Builds the invoice example, starts its ERP on this machine, pays a real invoice with three
/// sealed steps, and tries what must be refused. Needs a checkout of Stepward; everything it makes
/// lies below target/ of the example.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leaves the ERP running at the end until Enter is pressed, to look at it
    #[arg(long)]
    keep: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    steps: Vec<StepJson<'a>>,
    refused: &'a [Refusal],
    /// The run that paid, in the log.
    run: &'a str,
    /// How many effects it had, each with its intent before it.
    effects: usize,
    /// How many events the log has.
    events: u64,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    if arguments.keep && !session.may_ask() {
        return Err(Fault::new(Class::Usage, Owner::Caller, NOBODY)
            .says("--keep waits for a person, and --no-input says that there is none")
            .hint("leave out one of the two"));
    }
    let (output, project) = (session.output(), find(session)?);
    let scene = Stage::set(&project)?;
    heading(output, 1, "Three steps, sealed into components and pinned by their digests");
    build(session, &project)?;

    let state = scene.state()?;
    let service = Service::start(&project, &scene, &scene.payer_key(&state)?)?;
    scene.bind(&project, &service.ready, &state)?;
    heading(output, 2, "A real invoice, read, checked and paid");
    output.line(format_args!("  invoice: {}", files::place(&project.root().join(INVOICE))));
    output.line(format_args!(
        "  erp:     {} (HTTPS, its own root; the token is added by the host, no step sees it)\n",
        service.ready.url
    ));

    let (story, refused) = pay(session, &project, &scene, &state)?;
    let ran = &story.ran;
    heading(output, 3, "What was refused, each really tried just now");
    for Refusal { tried, rule, message } in &refused {
        output.line(format_args!(
            "  {} {tried}\n    {}",
            styled(BAD, "✗"),
            styled(DIM, format_args!("{rule}: {}", shown(message)))
        ));
    }
    let run = story.run.as_deref().unwrap_or_default();
    let logged = Logged::of(run, &state, &scene)?;
    heading(output, 4, "What the log has of the paid invoice, each effect after its intent");
    logged.show(output);
    output.json(
        "stepward.demo/1",
        &Summary {
            steps: ran.iter().map(StepJson::of).collect(),
            refused: &refused,
            run,
            effects: logged.effects,
            events: logged.size,
        },
    );
    heading(output, 5, "Look at it yourself");
    let (stepward, place) = (this_program(), files::place(&scene.place()));
    output.line(format_args!("  what the run did:        {stepward} runs show {run} --state {place}"));
    output.line(format_args!("  the whole log:           {stepward} ledger show --state {place}"));
    output.line(format_args!("  check that it holds:     {stepward} verify {place}/{}", scene.name()));
    look(session, &project, ran, &service, arguments.keep);
    Ok(ExitCode::SUCCESS)
}

fn heading(output: &Output, number: u8, text: &str) {
    output.line(format_args!("\n{}", styled(STRONG, format_args!("{number}. {text}"))));
}

/// Pays the invoice, and then tries what must be refused, in one environment.
fn pay(
    session: &Session,
    project: &Project,
    scene: &Stage,
    state: &State,
) -> Result<(Story, Vec<Refusal>), Fault> {
    let output = session.output();
    let plan = Plan::of_workflow(project, &Project::workflow(&project.workflow_file("approve"))?)?;
    let invoice = input::read(&project.root().join(INVOICE))?;
    let found = Found::open(&scene.environment(), scene.name())?;
    let workplace = found.workplace.clone();
    let left = signals::in_environment(found.live(state, output), async |live| {
        let mut story = Story::default();
        let ceilings = live.bindings.environment().ceilings();
        let steps = execute::admit(&plan, ceilings, &[], output, &mut story.ran)?;
        let opened = workplace.open(output).await?;
        let (place, answers) = (Place { engine: &opened.engine, state, output }, Answers::Live(live.clone()));
        let from = From::Input(invoice.clone());
        let begin = Begin { object: &plan.name, definition: plan.definition()?, from };
        execute::run(place, steps, begin, &answers, &mut story).await?;
        paid(session, &story, &opened.isolated)?;
        let attempts =
            Attempts { plan: &plan, ran: &story.ran, invoice: &invoice, live, place, stage: scene };
        let refused = attempts.all().await?;
        Ok((story, refused))
    });
    left.closed?;
    left.result
}

/// The example of the checkout that this is run in.
fn find(session: &Session) -> Result<Project, Fault> {
    let here = here();
    let example = |folder: PathBuf| {
        (folder.join(FILE).is_file() && folder.join("erp/Cargo.toml").is_file()).then_some(folder)
    };
    let found = here
        .ancestors()
        .find_map(|folder| example(folder.to_owned()).or_else(|| example(folder.join(EXAMPLE))));
    match (found, session.project()) {
        (Some(folder), _) => Project::open(&folder),
        (None, Ok(project)) if project.root().join("erp/Cargo.toml").is_file() => Ok(project),
        (None, _) => Err(Fault::new(Class::BadInput, Owner::Caller, NO_EXAMPLE)
            .at(here.display())
            .says("the demonstration runs in a checkout of Stepward, and this folder is in none")
            .hint("go to the checkout and run `cargo run -- demo`; to start something of your own: `stepward new NAME`")),
    }
}

fn build(session: &Session, project: &Project) -> Result<(), Fault> {
    let output = session.output();
    let mode = if project.lock_if_any()?.is_some() { Mode::Locked } else { Mode::Update };
    let built = match pipeline::build(project, mode, output) {
        Err(fault) if fault.rule() == pipeline::LOCKED => {
            output.warning(fault.message());
            output.warning(format_args!("{LOCK_FILE} was written anew; `git diff` shows the changes"));
            pipeline::build(project, Mode::Update, output)?
        }
        result => result?,
    };
    super::build::table(session, &built);
    Ok(())
}

/// Shows the run; it must have succeeded, and left its whole record.
fn paid(session: &Session, story: &Story, isolated: &Isolated) -> Result<(), Fault> {
    if !session.output().is_json() {
        Report { name: "approve", story, late: &[], isolated: Some(isolated), fault: None, unkept: None }
            .show(session.output());
    }
    match story.ran.last().map(|ran| &ran.outcome) {
        Some(Outcome::Succeeded(_)) => refusals::recorded(&story.ran),
        Some(Outcome::Failed(_) | Outcome::LimitExceeded(_) | Outcome::Refused(_)) | None => {
            Err(Fault::new(Class::StepFailed, Owner::Stepward, FAILED)
                .says("the example's invoice was not paid")
                .hint("what each step did stands above; the service's messages are in target/stepward/demo/erp.log of the example"))
        }
    }
}

/// How the reader started this program: from a checkout it is not on the path.
fn this_program() -> &'static str {
    let from_target = std::env::current_exe().is_ok_and(|path| path.iter().any(|part| part == "target"));
    if from_target { "cargo run -q --" } else { "stepward" }
}

fn look(session: &Session, project: &Project, ran: &[Ran], service: &Service, keep: bool) {
    let output = session.output();
    let root = files::place(project.root());
    let stepward = this_program();
    output.line(format_args!("  what a step can reach:   {stepward} inspect post-payment --project {root}"));
    if let Some(trace) = ran.last().and_then(|last| last.trace.as_deref()) {
        output.line(format_args!(
            "  run it again, no effect: {stepward} runs replay --project {root} {}",
            files::place(trace)
        ));
    }
    output.line(format_args!(
        "  what the ERP booked:     {}",
        files::place(&project.root().join("target/stepward/demo/erp"))
    ));
    if !keep {
        output.line(format_args!("  its page in a browser:   {stepward} demo --keep"));
        return;
    }
    let page = service.ready.url.trim_end_matches("/api");
    output.line(format_args!(
        "  its page in a browser:   {page}/\n  with curl:               curl --cacert {} {page}/",
        files::place(&service.ready.root)
    ));
    output.line("\nThe ERP is running. Press Enter to end it.");
    // Enter, or the end of standard input: both mean that nobody looks any more.
    drop(std::io::stdin().lock().read_line(&mut String::new()));
}
