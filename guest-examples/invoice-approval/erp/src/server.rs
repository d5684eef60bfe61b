//! Accepting connections, one TLS session and one task for each.

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service as _, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// The rule that the service can listen where it was told to.
const LISTEN: Rule = Rule::new("erp-listen");
/// Most connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 256;
/// How long a client has for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client has to send a request's head, and how long an idle connection stays.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests may still run after the service was told to end.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when the system gives no connection, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The running accept loop.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

/// Drops the connection that a request came on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(Arc<Notify>);

impl Hangup {
    /// Drops it now, without an answer.
    pub(crate) fn now(&self) {
        self.0.notify_one();
    }
}

impl Server {
    /// Listens and serves in the background.
    pub(crate) async fn start(
        listen: SocketAddr,
        tls: Arc<ServerConfig>,
        app: Router,
    ) -> Result<Self, Fault> {
        let unavailable = |e: io::Error| {
            Fault::new(Class::Unavailable, Owner::Operator, LISTEN)
                .at(listen)
                .says(format_args!("cannot listen: {e}"))
                .hint("choose another port, or 0 for any free one")
        };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let (stop, stopped) = watch::channel(());
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(tls), app, stopped));
        Ok(Self { address, stop, accepting })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, the idle ones at once.
    pub(crate) async fn shutdown(self) {
        drop(self.stop);
        // The loop ends by itself; it has nothing to report.
        let _ended = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, app: Router, mut stopped: watch::Receiver<()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            (permit, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let work = connection(stream, tls.clone(), app.clone(), stopped.clone());
                    connections.spawn(async move {
                        let _permit = permit;
                        work.await;
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    // Whoever is still waiting after the grace is cut off: dropping the set aborts its tasks.
    let _in_time = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, app: Router, mut stopped: watch::Receiver<()>) {
    let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    let hangup = Hangup::default();
    let app = TowerToHyperService::new(app);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(hangup.clone());
        app.call(request)
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            // How a client leaves is its own affair.
            _ = serving.as_mut() => return,
            () = hangup.0.notified() => return,
            _ = stopped.changed(), if !stopping => {
                stopping = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}
