//! Routes, and what stands before each.

use crate::{
    access::Token,
    order::SignedOrder,
    page,
    reply::Refusal,
    server::Hangup,
    store::{Booking, Store},
};
use aws_lc_rs::digest;
use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use std::{future, sync::Arc};
use stepward_fault::shown;
use tokio::{runtime::Handle, task, time::Instant};

/// The largest body, in bytes. A payment order has a few hundred.
const BODY_BYTES: usize = 1 << 20;
/// The longest idempotency key, in bytes; an HMAC in hex has 64.
const KEY_BYTES: usize = 128;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const ECHO: HeaderName = HeaderName::from_static("x-echo-authorization");

/// What the service can be told to do wrong, so that its clients' care can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Misbehaviour {
    /// Sends the Authorization header back, in a header and in the body of `/suppliers`.
    EchoToken,
    /// Books a payment and never answers.
    HangAfterCommit,
    /// Books a payment and drops the connection.
    ResetAfterCommit,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) token: Arc<Token>,
    pub(crate) misbehaviours: Vec<Misbehaviour>,
    pub(crate) log: fn(&str),
}

type Shared = State<Arc<Service>>;
type Answer = Result<Response, Refusal>;

/// All routes. The token is checked before a body is read.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let api = Router::new()
        .route("/suppliers/{id}", get(supplier))
        .route("/invoices/{supplier}", get(invoice_by_query))
        .route("/invoices/{supplier}/{number}", get(invoice))
        .route("/payments", post(pay))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), authenticate));
    Router::new()
        .route("/", get(index))
        .nest("/api", api)
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(Arc::clone(&service), log))
        .with_state(service)
}

async fn authenticate(State(service): Shared, request: Request, next: Next) -> Answer {
    let _authenticated = service.token.check(request.headers())?;
    Ok(next.run(request).await)
}

async fn no_route() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "no-such-resource", "there is nothing at this path")
}

async fn no_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", "this path does not take that method")
}

async fn index(State(service): Shared, headers: HeaderMap) -> Answer {
    page::local_name(&headers)?;
    let (payments, requests) = blocking(&service, |service| service.store.latest()).await?;
    Ok(page::render(&payments, &requests))
}

async fn supplier(State(service): Shared, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let found = blocking(&service, move |service| service.store.supplier(&id)).await?.ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "supplier-unknown", "no supplier has this VAT id")
    })?;
    if service.misbehaviours.contains(&Misbehaviour::EchoToken)
        && let Some(sent) = headers.get(header::AUTHORIZATION)
    {
        let text = String::from_utf8_lossy(sent.as_bytes());
        let body = json!({ "id": found.id, "name": found.name, "echo": text });
        return Ok(([(ECHO, sent.clone())], Json(body)).into_response());
    }
    Ok(Json(found).into_response())
}

/// The number of an invoice in the query.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    number: String,
}

async fn invoice(state: Shared, Path((supplier, number)): Path<(String, String)>) -> Answer {
    find_invoice(state, supplier, number).await
}

async fn invoice_by_query(
    state: Shared,
    Path(supplier): Path<String>,
    query: Result<Query<Number>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Query(Number { number }) = query.map_err(|_| {
        Refusal::new(StatusCode::BAD_REQUEST, "query-malformed", "give the invoice's number as ?number=…")
    })?;
    find_invoice(state, supplier, number).await
}

async fn find_invoice(State(service): Shared, supplier: String, number: String) -> Answer {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "invoice-unknown", "this invoice was not paid here");
    let key = (supplier.clone(), number.clone());
    let payment = blocking(&service, move |service| service.store.payment_of(&key.0, &key.1))
        .await?
        .ok_or_else(unknown)?;
    Ok(Json(json!({ "supplier": supplier, "number": number, "payment_id": payment })).into_response())
}

async fn pay(
    State(service): Shared,
    hangup: Extension<Hangup>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let key = idempotency_key(&headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "a body has at most 1 MiB")
        }
        _ => Refusal::new(StatusCode::BAD_REQUEST, "body-malformed", "the body did not arrive whole"),
    })?;
    let signed = SignedOrder::parse(&body)?;
    let version = signed.key_version().to_owned();
    let payer = blocking(&service, move |service| service.store.payer_key(&version)).await?;
    let order = signed.verify(payer.as_ref())?;
    let request_digest = digest::digest(&digest::SHA256, &body);
    let booking =
        blocking(&service, move |service| service.store.post(&order, &key, request_digest.as_ref())).await?;
    if let Booking::Posted(_) = booking {
        misbehave(&service, &hangup).await;
    }
    answer(booking)
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let one = match (values.next(), values.next()) {
        (Some(one), None) => one.to_str().ok(),
        (None | Some(_), _) => None,
    };
    one.filter(|key| (1..=KEY_BYTES).contains(&key.len())).map(str::to_owned).ok_or_else(|| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "idempotency-key-missing",
            "send one Idempotency-Key of 1 to 128 visible characters",
        )
    })
}

fn answer(booking: Booking) -> Answer {
    let ok = |status: StatusCode, id: String, what: &str| {
        Ok((status, Json(json!({ "payment_id": id, "status": what }))).into_response())
    };
    let refuse = |status, code, message: String| Err(Refusal::new(status, code, message));
    match booking {
        Booking::Posted(id) => ok(StatusCode::CREATED, id, "posted"),
        Booking::AlreadyPosted(id) => ok(StatusCode::OK, id, "already-posted"),
        Booking::KeyMismatch => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-mismatch",
            "this Idempotency-Key belongs to another request".to_owned(),
        ),
        Booking::AlreadyPaid(id) => refuse(
            StatusCode::CONFLICT,
            "invoice-already-paid",
            format!("this invoice was paid as {id}, under another Idempotency-Key"),
        ),
        Booking::SupplierUnknown => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "supplier-unknown",
            "no supplier has the VAT id of this order".to_owned(),
        ),
    }
}

async fn misbehave(service: &Service, hangup: &Hangup) {
    for misbehaviour in &service.misbehaviours {
        match misbehaviour {
            Misbehaviour::EchoToken => {}
            Misbehaviour::HangAfterCommit => future::pending().await,
            Misbehaviour::ResetAfterCommit => {
                hangup.now();
                future::pending::<()>().await;
            }
        }
    }
}

/// Runs database work on a thread that may wait. It goes on when the client leaves.
async fn blocking<T, F>(service: &Arc<Service>, work: F) -> Result<T, Refusal>
where
    T: Send + 'static,
    F: FnOnce(&Service) -> rusqlite::Result<T> + Send + 'static,
{
    let shared = Arc::clone(service);
    match task::spawn_blocking(move || work(&shared)).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => {
            (service.log)(&format!("database: {e}"));
            Err(Refusal::unavailable())
        }
        Err(_) => Err(Refusal::unavailable()),
    }
}

async fn log(State(service): Shared, request: Request, next: Next) -> Response {
    let line = Line {
        method: request.method().to_string(),
        target: shown(&request.uri().to_string()).to_string(),
        began: Instant::now(),
        service,
        answer: None,
    };
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    line.end(response.status()).await;
    response
}

/// One request's line. A request that is never answered gets its line when its connection ends.
struct Line {
    service: Arc<Service>,
    method: String,
    target: String,
    began: Instant,
    answer: Option<StatusCode>,
}

impl Line {
    async fn end(mut self, status: StatusCode) {
        self.answer = Some(status);
        let (method, target) = (self.method.clone(), self.target.clone());
        // A full disk must not take the answer away; `blocking` has logged it.
        let _kept =
            blocking(&self.service, move |service| service.store.record(&method, &target, status.as_str()))
                .await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let answer = self.answer.map_or("no answer".to_owned(), |status| status.as_str().to_owned());
        let Self { service, method, target, began, .. } = self;
        (service.log)(&format!("{method} {target} {answer} {} ms", began.elapsed().as_millis()));
        if let (None, Ok(runtime)) = (self.answer, Handle::try_current()) {
            let (service, method, target) = (Arc::clone(service), method.clone(), target.clone());
            runtime.spawn_blocking(move || service.store.record(&method, &target, &answer));
        }
    }
}
