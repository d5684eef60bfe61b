//! One endpoint call over loopback TLS beside a plain hyper and rustls client with keep-alive.
//!
//! The floor sends the same request on one open connection. Stepward adds the gate, the address
//! policy, the credential, the search of the answer for secrets, and the pool.

use crate::rounds;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use stepward::broker::net::{Dns, Network};
use stepward::broker::{
    Bindings, Environment, Journal, LiveBroker, SecretSource, Services, StepIdentity, SystemEntropy,
    Unrecorded, WallClock,
};
use stepward::{
    Broker, CallSite, Fault, Grants, HostCall, HostReply, HttpRequest, Label, Method, SecretBytes,
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

struct Token;

impl SecretSource for Token {
    fn fetch(&self, _name: &Label, _version: &str) -> Result<SecretBytes, Fault> {
        Ok(SecretBytes::new(TOKEN.into()))
    }
}

struct Zero;

impl WallClock for Zero {
    fn now_ms(&self) -> u64 {
        0
    }
}

/// A server in a thread of its own; it ends with the process.
pub(crate) fn serve() -> (SocketAddr, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["service.localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let private = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let stream = acceptor.accept(stream).await.unwrap();
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(
                    TokioIo::new(stream),
                    service_fn(|_request| async {
                        let body = Full::new(Bytes::from_static(b"{\"id\":\"7\",\"name\":\"Company A\"}"));
                        Ok::<_, std::convert::Infallible>(hyper::Response::new(body))
                    }),
                ));
            }
        });
    });
    (address, certificate.pem())
}

pub(crate) fn measure(runtime: &tokio::runtime::Runtime) {
    let (address, pem) = serve();
    let mut plain = runtime.block_on(plain_client(address, &pem));
    let broker = live_broker(runtime, address, &pem, Arc::new(Unrecorded), &crate::guests::grants());
    let call = HostCall::Http {
        endpoint: Label::new("service").unwrap(),
        request: HttpRequest {
            method: Method::Get,
            path: vec!["items".to_owned(), "7".to_owned()],
            query: vec![],
            headers: vec![],
            body: None,
            operation: None,
        },
    };
    let floor = |times: u32| {
        runtime.block_on(async {
            for _ in 0..times {
                let request = hyper::Request::get("/api/items/7")
                    .header("host", "service.localhost")
                    .header("authorization", format!("Bearer {TOKEN}"))
                    .body(Full::<Bytes>::default())
                    .unwrap();
                let answer = plain.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 29);
            }
        });
    };
    let ours = |times: u32| {
        runtime.block_on(async {
            for sequence in 0..times {
                let site = CallSite { run: "run".into(), step: "step".into(), sequence: sequence.into() };
                let reply = broker.call(site, call.clone()).await.unwrap();
                assert!(matches!(reply, HostReply::Http(Ok(answer)) if answer.body.len() == 29));
            }
        });
    };
    rounds::row("an endpoint call over loopback TLS", &rounds::alternate(300, floor, ours), 1.15);
}

async fn plain_client(
    address: SocketAddr,
    pem: &str,
) -> hyper::client::conn::http1::SendRequest<Full<Bytes>> {
    use rustls_pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = rustls_pki_types::ServerName::try_from("service.localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) fn live_broker(
    runtime: &tokio::runtime::Runtime,
    address: SocketAddr,
    pem: &str,
    journal: Arc<dyn Journal>,
    grants: &Grants,
) -> LiveBroker {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("root.pem"), pem).unwrap();
    let text = format!(
        "name = \"bench\"\n[endpoints.service]\nurl = \"https://service.localhost:{}/api\"\nmethods = [\"GET\", \"POST\"]\n\
         paths = [\"/items/*\"]\nroots = [\"root.pem\"]\nnetworks = [\"loopback\"]\n\
         credential = {{ secret = \"token\", as = \"bearer\" }}\n[secrets.token]\nversion = \"1\"\n\
         [networks.loopback]\ncidrs = [\"127.0.0.0/8\"]\n",
        address.port()
    );
    let environment = Environment::parse(&text, "environment.toml").unwrap();
    let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    let services = Services {
        network: Arc::new(Network::new(Arc::new(Dns::new(&["127.0.0.1:53".parse().unwrap()]).unwrap()))),
        clock: Arc::new(Zero),
        entropy: Arc::new(SystemEntropy::default()),
        environment_key: SecretBytes::new(vec![7; 32]),
        journal,
        listeners: vec![],
    };
    let identity = StepIdentity { run: "run".into(), step: "step".into(), item: None };
    runtime.block_on(async {
        let bindings = Bindings::open(environment, &dir, Arc::new(Token), services).unwrap();
        LiveBroker::new(Arc::new(bindings), grants.clone(), identity).unwrap()
    })
}
