//! A small ERP for the invoice example: it knows suppliers and books payments.
//!
//! It is a real service: HTTPS with a private root made at the first start, a bearer token, SQLite
//! on disk, idempotent posts, and a payment order that counts only with the payer's Ed25519
//! signature over its exact text. It serves loopback addresses alone.
//!
//! ```text
//! GET  /api/suppliers/{id}                  200 {"id","name","iban"?} | 404 supplier-unknown
//! GET  /api/invoices/{supplier}/{number}    200 {"supplier","number","payment_id"} | 404 invoice-unknown
//! GET  /api/invoices/{supplier}?number=…    the same, for numbers that hold a slash
//! POST /api/payments                        201 posted | 200 already-posted | 409 | 422
//! GET  /                                    a page for people; no token
//! ```
//!
//! A payment needs an `Idempotency-Key`. The same key with the same body is answered again; with
//! another body it is refused (`idempotency-mismatch`), and so is an invoice that another key has
//! paid (`invoice-already-paid`). Every refusal is `{"code","message"}`. [`Erp::start`] runs the service inside a test or a demo;
//! the binary `invoice-erp` is a thin wrapper around it.
#![forbid(unsafe_code)]

mod access;
mod api;
mod files;
mod order;
mod page;
mod pki;
mod reply;
mod server;
mod store;

pub use api::Misbehaviour;
pub use order::PayerKey;

use access::Token;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use store::Store;

/// The rule that the service is reachable from this machine only.
pub const LOOPBACK: Rule = Rule::new("erp-loopback-only");

/// The name under which clients reach the service; RFC 6761 keeps `.localhost` on this machine.
pub const NAME: &str = "erp.localhost";

/// How to start the service.
#[derive(Debug)]
pub struct Options {
    /// The folder of certificate, token and database. Made, mode 0700, if it is missing.
    pub data: PathBuf,
    /// Where to listen. Loopback only; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The key that payment orders must be signed with. It replaces the one that is stored; `None`
    /// keeps that.
    pub payer_key: Option<PayerKey>,
    /// What to do wrong on purpose.
    pub misbehaviours: Vec<Misbehaviour>,
    /// Takes one line for each request.
    pub log: fn(&str),
}

impl Options {
    /// A well-behaved, silent service on a free port.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            payer_key: None,
            misbehaviours: Vec::new(),
            log: |_| {},
        }
    }
}

/// A running service. It ends when this is dropped, or in good order with [`Erp::shutdown`].
#[derive(Debug)]
pub struct Erp {
    address: SocketAddr,
    data: PathBuf,
    token: Arc<Token>,
    server: server::Server,
}

impl Erp {
    /// Prepares the folder and starts to serve on the current Tokio runtime.
    ///
    /// # Errors
    /// When the address is not a loopback address or is taken, a private file is open to other
    /// accounts, or the folder cannot be written.
    pub async fn start(options: Options) -> Result<Self, Fault> {
        let Options { data, listen, payer_key, misbehaviours, log } = options;
        if !listen.ip().is_loopback() {
            return Err(Fault::new(Class::Refused, Owner::Operator, LOOPBACK)
                .at(listen)
                .says("this ERP is an example: its page asks for no login, so it serves this machine only")
                .hint("listen on 127.0.0.1 or [::1]"));
        }
        let folder = files::Folder::open(&data)?;
        let token = Arc::new(Token::obtain(&folder)?);
        let tls = pki::server_config(&folder)?;
        let store = Arc::new(Store::open(&folder)?);
        if let Some(key) = payer_key {
            store.register_payer_key(&key)?;
        }
        let service = Arc::new(api::Service { store, token: Arc::clone(&token), misbehaviours, log });
        let server = server::Server::start(listen, tls, api::router(service)).await?;
        Ok(Self { address: server.address(), data, token, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of the API, with [`NAME`] as its host.
    pub fn url(&self) -> String {
        format!("https://{NAME}:{}/api", self.address.port())
    }

    /// The private root certificate, PEM.
    pub fn root_path(&self) -> PathBuf {
        self.data.join(pki::ROOT)
    }

    /// The file that holds the bearer token, mode 0600.
    pub fn token_path(&self) -> PathBuf {
        self.data.join(access::TOKEN)
    }

    /// The bearer token itself.
    pub fn token(&self) -> &str {
        self.token.expose()
    }

    /// The SQLite database.
    pub fn database_path(&self) -> PathBuf {
        self.data.join(store::DATABASE)
    }

    /// Stops accepting, lets requests finish for a moment and ends.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
