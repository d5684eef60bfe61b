//! A client that trusts the service's root and nothing else, and a payer who signs.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use invoice_erp::{Erp, Misbehaviour, NAME, Options, PayerKey};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A payer's key, the same in every test.
pub(crate) fn payer() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

pub(crate) fn payer_key() -> PayerKey {
    PayerKey::new(payer().public_key().as_ref().try_into().unwrap())
}

/// The body of a payment, signed.
pub(crate) fn signed(order: &Value) -> String {
    let order = order.to_string();
    let signature = hex::encode(payer().sign(order.as_bytes()));
    json!({ "order": order, "signature": signature, "algorithm": "ed25519", "key_version": "1" }).to_string()
}

pub(crate) fn order(invoice: &str) -> Value {
    json!({
        "supplier": "DK16356706", "invoice": invoice, "amount": "3500.00", "currency": "DKK",
        "iban": "DK1212341234123412", "due_date": "2013-06-30", "kind": "invoice", "note": "kept, not read",
    })
}

/// A running service in a folder that goes with it.
pub(crate) struct Service {
    pub(crate) erp: Erp,
    pub(crate) folder: TempDir,
}

pub(crate) async fn start(misbehaviours: &[Misbehaviour]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let erp = start_in(folder.path(), misbehaviours).await;
    Service { erp, folder }
}

pub(crate) async fn start_in(data: &Path, misbehaviours: &[Misbehaviour]) -> Erp {
    let options =
        Options { payer_key: Some(payer_key()), misbehaviours: misbehaviours.to_vec(), ..Options::new(data) };
    Erp::start(options).await.unwrap()
}

impl Service {
    pub(crate) fn client(&self) -> Client {
        Client::new(self.erp.address(), &self.erp.root_path(), self.erp.token())
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    pub(crate) authorization: Option<String>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, root: &Path, token: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, tls: Arc::new(tls), authorization: Some(format!("Bearer {token}")) }
    }

    /// The same client with another Authorization header, or none.
    pub(crate) fn offering(&self, authorization: Option<String>) -> Self {
        Self { authorization, ..self.clone() }
    }

    pub(crate) async fn connect(&self, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name).unwrap();
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await
    }

    /// Sends one request on a connection of its own; an error means that no answer came.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> hyper::Result<Reply> {
        let stream = self.connect(NAME).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target).header(header::HOST, NAME);
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let (parts, body) = sender.send_request(request.body(body).unwrap()).await?.into_parts();
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], "").await.unwrap()
    }

    pub(crate) async fn pay(&self, key: &str, body: &str) -> hyper::Result<Reply> {
        self.send("POST", "/api/payments", &[("idempotency-key", key)], body).await
    }
}
