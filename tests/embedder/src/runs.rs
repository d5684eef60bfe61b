//! The step, and one sealed run for each request.

use crate::desk::{Desk, ORDERS};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use stepward::{
    Deadline, Digest, EndpointGrant, Engine, Fault, Finished, Grant, Grants, Inspected, Job, Label,
    LimitName, Limits, Method, Outcome, PathPattern, Pinned, Step,
    journal::{Journal, Logged, RunStart},
    ledger::event::{self, Actor},
};

/// The step, which is all that a run of the desk has.
const READ_ORDER: &str = "read-order";
/// How long a request may take; an order that is announced may come meanwhile.
const WALL_TIME_MS: u64 = 20_000;

/// The engine, the one step, and how its runs ended.
pub(crate) struct Runs {
    engine: Engine,
    journal: Journal,
    step: Step,
    limits: Limits,
    /// What the names of this start's runs begin with: a name is used once in a log.
    start: u128,
    started: AtomicU64,
    finished: AtomicU64,
    cancelled: AtomicU64,
}

/// Counts a run as cancelled unless it was seen to finish: axum drops a handler whose client left.
struct Run<'a> {
    runs: &'a Runs,
    finished: bool,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let count = if self.finished { &self.runs.finished } else { &self.runs.cancelled };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

impl Runs {
    /// Admits and compiles the component whose digest was pinned.
    pub(crate) async fn prepare(
        engine: Engine,
        journal: Journal,
        component: Vec<u8>,
        pin: Digest,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut limits = Limits::default();
        limits.set(LimitName::WallTimeMs, WALL_TIME_MS)?;
        let mut grants = Grants::default();
        let paths = vec![PathPattern::new("/orders/*")?];
        grants
            .add(Label::new(ORDERS)?, Grant::Endpoint(EndpointGrant { methods: vec![Method::Get], paths }))?;

        let admitted = Inspected::read(Pinned::check(component, pin)?, &limits)?.admit(&grants)?;
        let step = engine.prepare(admitted, None, &limits, Deadline::start(&limits)).await?;
        let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let zero = AtomicU64::default;
        Ok(Self {
            engine,
            journal,
            step,
            limits,
            start,
            started: zero(),
            finished: zero(),
            cancelled: zero(),
        })
    }

    /// Runs the step for one order. Dropping this future cancels the run.
    pub(crate) async fn read_order(&self, number: &str, desk: Arc<Desk>) -> Response {
        let name = format!("{}-{}", self.start, self.started.fetch_add(1, Ordering::SeqCst));
        let mut run = Run { runs: self, finished: false };
        let finished = self.logged(&name, &json!(number).to_string(), desk).await;
        run.finished = true;
        match finished {
            Ok(finished) => answer(finished.outcome),
            // What is not in the log did not happen, as far as the client is told.
            Err(fault) => (StatusCode::SERVICE_UNAVAILABLE, axum::Json::<Fault>(fault)).into_response(),
        }
    }

    /// Runs the step between the start and the end that the log has of it.
    async fn logged(&self, name: &str, input: &str, desk: Arc<Desk>) -> Result<Finished, Fault> {
        let actor = Actor::Service;
        let definition = self.step.digest();
        let start = RunStart { run: name, object: READ_ORDER, definition, input, actor };
        let run = self.journal.start(start).await?;
        run.step_started(READ_ORDER, definition, self.engine.fingerprint(), &self.limits)?;
        let broker = Arc::new(Logged::new(self.journal.clone(), desk));
        let job = Job::new(name, READ_ORDER, input, self.limits.clone(), broker);
        let finished = self.engine.run(&self.step, job, Deadline::start(&self.limits)).await;
        run.step_ended(READ_ORDER, &finished)?;
        let (outcome, output) = match &finished.outcome {
            Outcome::Succeeded(output) => (event::Outcome::Succeeded, Some(output.as_str())),
            Outcome::Failed(_) => (event::Outcome::Failed, None),
            Outcome::LimitExceeded(_) => (event::Outcome::LimitExceeded, None),
            Outcome::Refused(_) => (event::Outcome::Refused, None),
        };
        run.end(outcome, output).await.map(|_durable| finished)
    }

    /// How many runs started and how they ended.
    pub(crate) fn counts(&self) -> serde_json::Value {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        json!({
            "started": read(&self.started), "finished": read(&self.finished), "cancelled": read(&self.cancelled),
        })
    }

    /// Lets runs end and starts no more, then closes the log in order.
    pub(crate) async fn close(&self) -> Result<(), Fault> {
        self.engine.close().await;
        let _durable = self.journal.stop().await?;
        self.journal.log().close().await.map(drop)
    }
}

fn answer(outcome: Outcome) -> Response {
    let json_text = |text: String| ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    match outcome {
        Outcome::Succeeded(document) => json_text(document),
        Outcome::Failed(error) => (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(error)).into_response(),
        Outcome::LimitExceeded(limit) => {
            (StatusCode::GATEWAY_TIMEOUT, axum::Json(json!({ "limit": limit.as_str() }))).into_response()
        }
        Outcome::Refused(fault) => (StatusCode::FORBIDDEN, axum::Json::<Fault>(fault)).into_response(),
    }
}
