//! The wire between the runner and the ERP, in the hands of the test.
//!
//! A reverse proxy with a certificate of its own: it ends the runner's TLS, reads one whole request,
//! passes it on to the ERP over a second TLS connection, and the answer back. It answers each request
//! on a connection of its own, so that the number of a connection is the number of a request. At any
//! point of that it tells the test and holds.

use super::http::{Request, closing, message, wants};
use crate::process::RUN;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject as _};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, mpsc},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The connection is there, and not a byte was taken from it.
    Accepted,
    /// TLS is up, and nothing of the request was read.
    Greeted,
    /// The whole request has left the runner, and the ERP has not seen it.
    Received,
    /// The ERP has answered, and the runner has nothing of the answer.
    Handled,
    /// The whole answer was written to the runner.
    Answered,
}

impl Stop {
    pub(super) const ALL: [Self; 5] =
        [Self::Accepted, Self::Greeted, Self::Received, Self::Handled, Self::Answered];
}

/// A request that was read whole.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    /// Its idempotency key.
    pub(super) key: Option<String>,
}

/// What the test says to connections: those of a phase that is over give up; those that are held go on
/// when it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Phase {
    number: u64,
    go_on: bool,
}

struct Trap {
    call: usize,
    stop: Stop,
    tell: mpsc::Sender<()>,
}

#[derive(Default)]
struct State {
    /// Connections since the phase began.
    calls: usize,
    trap: Option<Trap>,
    seen: Vec<Seen>,
    wrong: Vec<String>,
}

/// What is asked of each effect that has left the runner: what is wrong with it, if anything.
pub(super) type Check = Box<dyn Fn(&Seen) -> Result<(), String> + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
    /// Connections that are served.
    open: watch::Sender<usize>,
    /// The other end's port of the connection that was taken last.
    latest: watch::Sender<u16>,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    erp: u16,
    check: Check,
}

pub(super) struct Wire {
    shared: Arc<Shared>,
    runtime: Handle,
    /// Where it listens.
    pub(super) port: u16,
    /// The root of its certificate, PEM.
    pub(super) root: String,
}

impl Wire {
    /// In front of the ERP at this port, whose root lies in this file.
    pub(super) async fn new(erp: u16, root: &Path, check: Check) -> Self {
        let (acceptor, pem) = server();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            phase: watch::Sender::new(Phase { number: 0, go_on: false }),
            open: watch::Sender::new(0),
            latest: watch::Sender::new(0),
            acceptor,
            connector: client(root),
            erp,
            check,
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let connection = Connection::new(&serving);
                serving.latest.send_replace(peer.port());
                tokio::spawn(async move {
                    // A runner that is killed leaves in the middle of anything.
                    let _: io::Result<Option<()>> = connection.serve(stream).await;
                });
            }
        });
        Self { shared, runtime: Handle::current(), port, root: pem }
    }

    /// Begins a phase: what connects from here on is counted from 1, and who listens is told when
    /// request `call` has come to `stop`, where it is held.
    pub(super) fn arm(&self, trap: Option<(usize, Stop)>) -> mpsc::Receiver<()> {
        let (tell, told) = mpsc::channel();
        let mut state = self.shared.lock();
        self.shared.phase.send_modify(|phase| *phase = Phase { number: phase.number + 1, go_on: false });
        state.calls = 0;
        state.trap = trap.map(|(call, stop)| Trap { call, stop, tell });
        state.seen.clear();
        told
    }

    /// Lets the held request go on.
    pub(super) fn go_on(&self) {
        self.shared.phase.send_modify(|phase| phase.go_on = true);
    }

    /// Ends the phase: a held request is dropped, one that is on its way to the ERP gets there. Gives
    /// the requests that left the runner whole.
    pub(super) fn settle(&self) -> Vec<Seen> {
        // Connections are taken in order: none of the dead is left when this one was.
        let last = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (mut latest, own) = (self.shared.latest.subscribe(), last.local_addr().unwrap().port());
        drop(last);
        self.runtime.block_on(async {
            timeout(RUN, latest.wait_for(|latest| *latest == own)).await.expect("it is taken").unwrap();
        });
        self.shared.phase.send_modify(|phase| *phase = Phase { number: phase.number + 1, go_on: false });
        let mut open = self.shared.open.subscribe();
        self.runtime.block_on(async {
            timeout(RUN, open.wait_for(|open| *open == 0)).await.expect("connections end").unwrap();
        });
        let mut state = self.shared.lock();
        assert_eq!(state.wrong, Vec::<String>::new());
        std::mem::take(&mut state.seen)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// One connection, counted as long as it is served.
struct Connection {
    shared: Arc<Shared>,
    phase: u64,
    call: usize,
}

impl Connection {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut state = shared.lock();
        state.calls += 1;
        shared.open.send_modify(|open| *open += 1);
        Self { shared: Arc::clone(shared), phase: shared.phase.borrow().number, call: state.calls }
    }

    async fn serve(&self, stream: TcpStream) -> io::Result<Option<()>> {
        wants!(self.come_to(Stop::Accepted).await);
        let mut runner = self.shared.acceptor.accept(stream).await?;
        wants!(self.come_to(Stop::Greeted).await);
        let Request { seen, bytes } = Request::read(&mut runner).await?;
        self.see(seen);
        wants!(self.come_to(Stop::Received).await);
        let answer = self.ask(&bytes).await?;
        wants!(self.come_to(Stop::Handled).await);
        runner.write_all(&closing(&answer)).await?;
        runner.flush().await?;
        wants!(self.come_to(Stop::Answered).await);
        runner.shutdown().await.map(Some)
    }

    fn see(&self, seen: Seen) {
        let wrong = if seen.key.is_some() { (self.shared.check)(&seen).err() } else { None };
        let mut state = self.shared.lock();
        state.wrong.extend(wrong);
        if self.phase == self.shared.phase.borrow().number {
            state.seen.push(seen);
        }
    }

    async fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let stream = TcpStream::connect(("127.0.0.1", self.shared.erp)).await?;
        let name = ServerName::try_from(invoice_erp::NAME).unwrap();
        let mut erp = self.shared.connector.connect(name, stream).await?;
        erp.write_all(request).await?;
        message(&mut erp).await
    }

    /// Tells the test where this was awaited, and holds. Nothing when it is to go no further.
    async fn come_to(&self, stop: Stop) -> Option<()> {
        let mut phases = self.shared.phase.subscribe();
        {
            let mut state = self.shared.lock();
            if phases.borrow().number != self.phase {
                // What has left the runner whole arrives, however the runner is.
                return (stop != Stop::Accepted && stop != Stop::Greeted).then_some(());
            }
            let awaited = |trap: &mut Trap| trap.call == self.call && trap.stop == stop;
            let Some(trap) = state.trap.take_if(awaited) else { return Some(()) };
            // Whoever waited may have seen the process end.
            let _ = trap.tell.send(());
        }
        let phase = *phases.wait_for(|phase| phase.go_on || phase.number != self.phase).await.ok()?;
        (phase.number == self.phase).then_some(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.open.send_modify(|open| *open -= 1);
    }
}

fn server() -> (TlsAcceptor, String) {
    let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = root.self_signed(&root_key).unwrap().pem();
    let leaf = CertificateParams::new([invoice_erp::NAME.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(root, root_key)).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

fn client(root: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
