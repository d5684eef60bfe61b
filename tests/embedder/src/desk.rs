//! The desk's orders in its own database, and the broker that lets a step read them.
//!
//! The step asks for `orders` and never learns that no HTTP is behind the name.

use axum::http::StatusCode;
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use stepward::{
    Broker, BrokerFuture, CallSite, Class, Fault, HostCall, HostReply, HttpFailure, HttpRequest,
    HttpResponse, Method, Owner, Refusal, Rule, Stop,
};
use tokio::sync::watch;

/// The name that the step's world gives to the desk.
pub(crate) const ORDERS: &str = "orders";
/// A call that the step was granted nothing for, and so cannot make.
const NOT_HERE: Rule = Rule::new("desk-orders-only");

/// Orders, some of them announced and not there yet.
pub(crate) struct Desk {
    pool: SqlitePool,
    changed: watch::Sender<()>,
}

impl Desk {
    /// Opens the database file.
    pub(crate) async fn open(path: &str) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, body TEXT) STRICT")
            .execute(&pool)
            .await?;
        Ok(Self { pool, changed: watch::Sender::new(()) })
    }

    /// Stores an order; without a body it is only announced.
    pub(crate) async fn put(&self, number: &str, body: Option<&str>) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO orders (number, body) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET body = excluded.body")
            .bind(number)
            .bind(body)
            .execute(&self.pool)
            .await?;
        self.changed.send_replace(());
        Ok(())
    }

    /// Closes the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The order's body, waited for when it is announced; `None` when nobody announced it.
    async fn wait_for(&self, number: &str) -> sqlx::Result<Option<String>> {
        let mut changed = self.changed.subscribe();
        loop {
            let row: Option<(Option<String>,)> = sqlx::query_as("SELECT body FROM orders WHERE number = ?")
                .bind(number)
                .fetch_optional(&self.pool)
                .await?;
            match row {
                None => return Ok(None),
                Some((Some(body),)) => return Ok(Some(body)),
                // The sender lives as long as `self`, so this ends with a change only.
                Some((None,)) => {
                    let _ = changed.changed().await;
                }
            }
        }
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        let (Method::Get, [base, number]) = (request.method, request.path.as_slice()) else {
            return Err(refused("the desk reads one order: GET orders/<number>"));
        };
        if base != ORDERS {
            return Err(refused("the desk has orders and nothing else"));
        }
        let found =
            self.wait_for(number).await.map_err(|_| refused("the desk cannot read its orders now"))?;
        let (status, body) = match found {
            Some(body) => (StatusCode::OK, body),
            None => (StatusCode::NOT_FOUND, String::new()),
        };
        Ok(HttpResponse { status: status.as_u16(), headers: Vec::new(), body: body.into_bytes().into() })
    }
}

fn refused(message: &str) -> HttpFailure {
    HttpFailure::Refused(Refusal { rule: "desk-request".to_owned(), message: message.to_owned() })
}

impl Broker for Desk {
    fn call(&self, _site: CallSite, call: HostCall) -> BrokerFuture<'_> {
        Box::pin(async move {
            match call {
                HostCall::Http { request, .. } => Ok(HostReply::Http(self.answer(request).await)),
                HostCall::Log { .. } => Ok(HostReply::Log),
                HostCall::Sign { .. }
                | HostCall::Reveal { .. }
                | HostCall::Now { .. }
                | HostCall::Random { .. } => Err(Stop(
                    Fault::new(Class::Refused, Owner::Embedder, NOT_HERE)
                        .says("this desk grants orders only"),
                )),
            }
        })
    }
}
