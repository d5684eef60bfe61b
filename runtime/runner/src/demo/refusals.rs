//! What Stepward refuses, shown by trying it.

use super::stage::{Stage, broken};
use crate::{
    files::{self, Purpose, Readers},
    running::{
        admission,
        execute::{self, Answers, Begin, From, Place, Ran, Story},
        live::Live,
        plan::{Plan, PlannedStep},
        report,
    },
};
use serde::Serialize;
use stepward::{EndpointGrant, Grant, Grants, Outcome, PathPattern};
use stepward_fault::{Fault, Rule};
use stepward_seam::{HostReply, HttpFailure, Label, Limits};

/// Something that was tried, and what stopped it.
#[derive(Serialize)]
pub(crate) struct Refusal {
    /// What was tried.
    pub(crate) tried: &'static str,
    /// The rule that stopped it.
    pub(crate) rule: String,
    /// What it said.
    pub(crate) message: String,
}

/// The rule that the demonstration leaves its evidence.
const RECORD: Rule = Rule::new("demo-record");

/// The steps must have left their traces: a demonstration of evidence that leaves none has failed.
pub(crate) fn recorded(ran: &[Ran]) -> Result<(), Fault> {
    let lost = |ran: &Ran| Some((ran.name.clone(), ran.lost.trace.as_ref()?.clone()));
    let Some((step, fault)) = ran.iter().find_map(lost) else { return Ok(()) };
    Err(Fault::new(fault.class(), fault.owner(), RECORD)
        .at(fault.place())
        .says(format_args!("the step {step} ran, but its trace is not kept: {}", fault.message()))
        .hint(fault.remedy()))
}

/// What the attempts work on.
pub(crate) struct Attempts<'a> {
    /// The workflow as it is.
    pub(crate) plan: &'a Plan,
    /// What the good run left.
    pub(crate) ran: &'a [Ran],
    /// The invoice, as the JSON string that the first step takes.
    pub(crate) invoice: &'a str,
    /// The environment.
    pub(crate) live: &'a Live,
    /// What runs the steps, and where.
    pub(crate) place: Place<'a>,
    /// Where files of the attempts lie.
    pub(crate) stage: &'a Stage,
}

impl Attempts<'_> {
    /// All of them. An attempt that is not stopped is a fault.
    pub(crate) async fn all(&self) -> Result<Vec<Refusal>, Fault> {
        Ok(vec![
            self.no_grant()?,
            self.changed_component()?,
            self.other_path().await?,
            self.changed_invoice().await?,
            self.same_invoice().await?,
        ])
    }

    fn step(&self, name: &str) -> Result<PlannedStep, Fault> {
        self.plan
            .steps
            .iter()
            .find(|step| step.name == name)
            .cloned()
            .ok_or_else(|| broken(format_args!("no step {name}")))
    }

    fn no_grant(&self) -> Result<Refusal, Fault> {
        let mut step = self.step("post-payment")?;
        step.grants = without(&step.grants, "payment-signing")?;
        stopped(
            "post-payment without the grant of its signing key",
            admission::admit(&step, &Limits::default()),
        )
    }

    fn changed_component(&self) -> Result<Refusal, Fault> {
        let mut step = self.step("post-payment")?;
        let mut bytes = files::read(&step.component, Purpose::Component)?;
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle).ok_or_else(|| broken("an empty component"))? ^= 1;
        step.component = self.stage.file("post-payment.flipped.wasm");
        files::write(&step.component, &bytes, Readers::Public)?;
        stopped("post-payment with one bit flipped", admission::admit(&step, &Limits::default()))
    }

    async fn other_path(&self) -> Result<Refusal, Fault> {
        let mut step = self.step("check-invoice")?;
        step.grants = only_path(&step.grants, "/suppliers/*")?;
        let document = match self.ran.first().map(|ran| &ran.outcome) {
            Some(Outcome::Succeeded(document)) => document.clone(),
            Some(Outcome::Failed(_) | Outcome::LimitExceeded(_) | Outcome::Refused(_)) | None => {
                return Err(broken("read-invoice failed"));
            }
        };
        let plan = Plan { name: step.name.clone(), steps: vec![step] };
        let (ran, _) = self.run(&plan, document).await?;
        let refused = ran.iter().flat_map(|ran| &ran.calls).find_map(|recorded| match &recorded.reply {
            Some(HostReply::Http(Err(HttpFailure::Refused(refusal)))) => Some((recorded, refusal.clone())),
            Some(
                HostReply::Http(_)
                | HostReply::Sign(_)
                | HostReply::Reveal(_)
                | HostReply::Now(_)
                | HostReply::Random(_)
                | HostReply::Log,
            )
            | None => None,
        });
        let Some((recorded, refusal)) = refused else {
            return Err(broken("a request beyond the grant went out"));
        };
        let asked = report::reached(recorded).unwrap_or_default();
        Ok(Refusal {
            tried: "check-invoice with a grant for /suppliers/* alone",
            rule: refusal.rule,
            message: asked,
        })
    }

    async fn changed_invoice(&self) -> Result<Refusal, Fault> {
        let invoice =
            self.invoice.replace(">782179.43</cbc:PayableAmount>", ">882179.43</cbc:PayableAmount>");
        if invoice == self.invoice {
            return Err(broken("the invoice has another amount"));
        }
        self.stopped_run("the invoice with 100,000 added to the amount due", invoice).await
    }

    async fn same_invoice(&self) -> Result<Refusal, Fault> {
        self.stopped_run("the same invoice a second time", self.invoice.to_owned()).await
    }

    async fn run(&self, plan: &Plan, input: String) -> Result<(Vec<Ran>, Result<(), Fault>), Fault> {
        let mut story = Story::default();
        let ceilings = self.live.bindings.environment().ceilings();
        let steps = execute::admit(plan, ceilings, &[], self.place.output, &mut story.ran)?;
        let answers = Answers::Live(self.live.clone());
        let begin = Begin { object: &plan.name, definition: plan.definition()?, from: From::Input(input) };
        let result = execute::run(self.place, steps, begin, &answers, &mut story).await;
        recorded(&story.ran)?;
        Ok((story.ran, result))
    }

    async fn stopped_run(&self, tried: &'static str, input: String) -> Result<Refusal, Fault> {
        let (ran, result) = self.run(self.plan, input).await?;
        result?;
        match ran.last().map(|ran| &ran.outcome) {
            Some(Outcome::Failed(error)) => {
                Ok(Refusal { tried, rule: error.code.clone(), message: error.message.clone() })
            }
            Some(Outcome::Succeeded(_) | Outcome::LimitExceeded(_) | Outcome::Refused(_)) | None => {
                Err(broken(format_args!("{tried} was not stopped")))
            }
        }
    }
}

fn stopped<T>(tried: &'static str, result: Result<T, Fault>) -> Result<Refusal, Fault> {
    match result {
        Ok(_) => Err(broken(format_args!("{tried} was not stopped"))),
        Err(fault) => {
            Ok(Refusal { tried, rule: fault.rule().to_string(), message: fault.message().to_owned() })
        }
    }
}

fn label(name: &str) -> Result<Label, Fault> {
    Label::new(name).map_err(broken)
}

fn without(grants: &Grants, name: &str) -> Result<Grants, Fault> {
    let gone = label(name)?;
    let mut rest = Grants::default();
    for (label, grant) in grants.iter().filter(|(label, _)| **label != gone) {
        rest.add(label.clone(), grant.clone()).map_err(broken)?;
    }
    Ok(rest)
}

fn only_path(grants: &Grants, path: &str) -> Result<Grants, Fault> {
    let mut changed = Grants::default();
    for (label, grant) in grants.iter() {
        let grant = match grant {
            Grant::Endpoint(endpoint) => Grant::Endpoint(EndpointGrant {
                methods: endpoint.methods.clone(),
                paths: vec![PathPattern::new(path).map_err(broken)?],
            }),
            Grant::Signer | Grant::Secret | Grant::Clock | Grant::Random => grant.clone(),
        };
        changed.add(label.clone(), grant).map_err(broken)?;
    }
    Ok(changed)
}
