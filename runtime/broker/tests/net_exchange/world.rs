//! Servers to talk to, and the targets that name them. All of it lives on loopback and ends with
//! the test that made it.

use bytes::Bytes;
use http::HeaderMap;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use stepward_broker::net::{
    Answer, Caps, Network, NoAnswer, Resolve, ResolveError, Resolving, Sent, Target, TargetSpec, Timeouts,
    Wire,
};
use stepward_fault::Rule;
use stepward_seam::{Cause, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use url::Host;

/// The server's end of a connection.
pub(crate) type Tls = TlsStream<TcpStream>;
/// The name that most certificates here are made for.
pub(crate) const NAME: &str = "erp.test";
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    /// The settings of a server with a certificate for these names.
    pub(crate) fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(names, |_| {}, rustls::ALL_VERSIONS)
    }

    pub(crate) fn server_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        let leaf = params.signed_by(&key, &self.0).unwrap();
        settings(leaf.der().clone(), &key, versions)
    }
}

pub(crate) fn settings(
    leaf: rustls::pki_types::CertificateDer<'static>,
    key: &KeyPair,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![leaf], key).unwrap())
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

/// What a server saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// TCP connections accepted.
    pub(crate) connections: AtomicUsize,
    /// Handshakes that resumed an earlier session.
    pub(crate) resumed: AtomicUsize,
    /// The heads of the requests, in order.
    pub(crate) requests: Mutex<Vec<String>>,
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves each connection with `play`, after the handshake.
pub(crate) async fn serve<F, P>(config: Arc<ServerConfig>, play: P) -> Server
where
    F: Future<Output = ()> + Send,
    P: Fn(Tls, Arc<Seen>) -> F + Send + Sync + 'static,
{
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    serve_on(listener, config, play)
}

pub(crate) fn serve_on<F, P>(listener: TcpListener, config: Arc<ServerConfig>, play: P) -> Server
where
    F: Future<Output = ()> + Send,
    P: Fn(Tls, Arc<Seen>) -> F + Send + Sync + 'static,
{
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let (shared, play) = (Arc::clone(&seen), Arc::new(play));
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            shared.connections.fetch_add(1, Ordering::SeqCst);
            let (acceptor, shared, play) =
                (TlsAcceptor::from(Arc::clone(&config)), Arc::clone(&shared), Arc::clone(&play));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                if stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
                    shared.resumed.fetch_add(1, Ordering::SeqCst);
                }
                play(stream, shared).await;
            });
        }
    });
    Server { address, seen, accepting }
}

/// Answers every request on a connection with the same bytes and keeps it open.
pub(crate) async fn always(config: Arc<ServerConfig>, bytes: impl Into<Vec<u8>>) -> Server {
    let bytes: Arc<[u8]> = bytes.into().into();
    serve(config, move |mut stream, seen| {
        let bytes = Arc::clone(&bytes);
        async move {
            while request(&mut stream, &seen).await.is_some() {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// Answers one request with these bytes and then ends the connection as TLS wants it.
pub(crate) async fn once_and_close(config: Arc<ServerConfig>, bytes: impl Into<Vec<u8>>) -> Server {
    let bytes: Arc<[u8]> = bytes.into().into();
    serve(config, move |mut stream, seen| {
        let bytes = Arc::clone(&bytes);
        async move {
            if request(&mut stream, &seen).await.is_some() {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        }
    })
    .await
}

/// Reads one request; `None` at the end of the stream.
pub(crate) async fn request(stream: &mut Tls, seen: &Seen) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    seen.requests.lock().unwrap().push(head.clone());
    Some(head)
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Names from a table that tests can change; everything else does not exist.
#[derive(Default)]
pub(crate) struct Names {
    table: Mutex<HashMap<String, Vec<IpAddr>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn set(&self, name: &str, addresses: &[IpAddr]) {
        self.table.lock().unwrap().insert(name.to_owned(), addresses.to_vec());
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.table.lock().unwrap().get(name).cloned().ok_or(ResolveError::NotFound);
        Box::pin(std::future::ready(found))
    }
}

/// One authority, one table of names with [`NAME`] at loopback, and a network that uses it.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) names: Arc<Names>,
    pub(crate) network: Network,
}

impl World {
    pub(crate) fn new() -> Self {
        let names = Arc::new(Names::default());
        names.set(NAME, &[LOOPBACK]);
        Self { authority: Authority::new(), network: Network::new(Arc::<Names>::clone(&names)), names }
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.authority.server(&[NAME])
    }

    pub(crate) fn spec(&self, port: u16) -> TargetSpec {
        TargetSpec {
            binding: "erp@dev".to_owned(),
            host: Host::Domain(NAME.to_owned()),
            port,
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            listeners: vec![],
            roots: self.authority.roots(),
            roots_id: "roots-1".to_owned(),
            timeouts: Timeouts::default(),
            caps: Caps::default(),
        }
    }

    pub(crate) fn target(&self, server: &Server) -> Target {
        Target::new(self.spec(server.address.port())).unwrap()
    }

    pub(crate) async fn get(&self, target: &Target) -> Result<Answer, NoAnswer> {
        self.network.exchange(target, get("/")).await
    }
}

pub(crate) fn get(path: &str) -> Wire {
    Wire {
        method: Method::Get,
        path_and_query: path.to_owned(),
        headers: HeaderMap::new(),
        body: None,
        credential_version: "v1".to_owned(),
    }
}

pub(crate) fn post(body: &'static str) -> Wire {
    Wire { method: Method::Post, body: Some(Bytes::from_static(body.as_bytes())), ..get("/orders") }
}

/// What a failure is, in the three words that matter.
#[track_caller]
pub(crate) fn failed(result: Result<Answer, NoAnswer>) -> (Cause, Sent, Rule) {
    match result {
        Ok(answer) => panic!("answered with {}", answer.status),
        Err(NoAnswer::Failed { cause, sent, detail }) => (cause, sent, detail.rule()),
        Err(NoAnswer::Refused(fault)) => panic!("refused: {fault}"),
    }
}

#[track_caller]
pub(crate) fn refused(result: Result<Answer, NoAnswer>) -> Rule {
    match result {
        Ok(answer) => panic!("answered with {}", answer.status),
        Err(NoAnswer::Refused(fault)) => fault.rule(),
        Err(NoAnswer::Failed { detail, .. }) => panic!("failed: {detail}"),
    }
}
