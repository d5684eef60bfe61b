//! The step, and one sealed run for each request.

use crate::desk::{Desk, ORDERS};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use stepward::{
    Deadline, Digest, EndpointGrant, Engine, Fault, Grant, Grants, Inspected, Job, Label, LimitName, Limits,
    Method, Outcome, PathPattern, Pinned, Step,
};

/// How long a request may take; an order that is announced may come meanwhile.
const WALL_TIME_MS: u64 = 20_000;

/// The engine, the one step, and how its runs ended.
pub(crate) struct Runs {
    engine: Engine,
    step: Step,
    limits: Limits,
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
        let zero = AtomicU64::default;
        Ok(Self { engine, step, limits, started: zero(), finished: zero(), cancelled: zero() })
    }

    /// Runs the step for one order. Dropping this future cancels the run.
    pub(crate) async fn read_order(&self, number: &str, desk: Arc<Desk>) -> Response {
        let name = format!("run-{}", self.started.fetch_add(1, Ordering::SeqCst));
        let mut run = Run { runs: self, finished: false };
        let input = json!(number).to_string();
        let job = Job::new(&name, "read-order", &input, self.limits.clone(), desk);
        let finished = self.engine.run(&self.step, job, Deadline::start(&self.limits)).await;
        run.finished = true;
        answer(finished.outcome)
    }

    /// How many runs started and how they ended.
    pub(crate) fn counts(&self) -> serde_json::Value {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        json!({
            "started": read(&self.started), "finished": read(&self.finished), "cancelled": read(&self.cancelled),
        })
    }

    /// Lets runs end and starts no more.
    pub(crate) async fn close(&self) {
        self.engine.close().await;
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
