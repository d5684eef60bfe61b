//! A service with a real certificate, an environment in real files, and a broker for one step.

use crate::record::{Record, Story};
use cap_std::{ambient_authority, fs::Dir};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    fs::{self, Permissions},
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use stepward_broker::{
    Bindings, Entropy, Environment, FileSecrets, Journal, LiveBroker, SecretSource, ServiceAccount, Services,
    StepIdentity, WallClock,
    net::{Network, Resolve, ResolveError, Resolving},
};
use stepward_fault::Fault;
use stepward_seam::{
    Body, Broker as _, CallSite, HostCall, HostReply, HttpFailure, HttpRequest, HttpResponse, Label, Method,
    SecretBytes, Stop,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Notify,
};
use tokio_rustls::{TlsAcceptor, rustls};

pub(crate) const TOKEN: &str = "tok-Zq8/mN+3\"vR";
pub(crate) const BANK_TOKEN: &str = "bank-5521-secret-token";
pub(crate) const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
pub(crate) const WEBHOOK: &str = "hook-secret-91827";

/// What the service does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes, in these pieces.
    Answer(Vec<Vec<u8>>),
    /// Sends the request back as the body.
    Echo,
    /// Ends the connection without a word.
    Close,
    /// Says that it has the request, waits, and then answers.
    Hold(Arc<Notify>, Arc<Notify>),
}

pub(crate) fn ok(body: &str) -> Act {
    Act::Answer(vec![format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()])
}

/// A service on loopback and the environment that binds it.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    pub(crate) record: Arc<Record>,
    pub(crate) fetched: Arc<Mutex<Vec<String>>>,
    /// The number of the connection that each request came on.
    pub(crate) connections: Arc<Mutex<Vec<usize>>>,
    act: Arc<Mutex<Act>>,
    /// One for every environment that is opened here, as in a process that reads a file again.
    network: Arc<Network>,
}

impl World {
    pub(crate) async fn new(act: Act) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["erp.localhost".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &authority).unwrap();
        fs::create_dir(folder.path().join("trust")).unwrap();
        fs::create_dir(folder.path().join("secrets")).unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        put("trust/erp.pem", &authority.pem());
        put("secrets/erp-token", TOKEN);
        put("secrets/bank-token", BANK_TOKEN);
        put("secrets/payment-key", SEED);
        put("secrets/webhook", WEBHOOK);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let world = Self {
            folder,
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            record: Arc::default(),
            fetched: Arc::default(),
            connections: Arc::default(),
            act: Arc::new(Mutex::new(act)),
            network: Arc::new(Network::new(Arc::new(NoNames))),
        };
        let service = Service {
            tls: TlsAcceptor::from(Arc::new(config)),
            act: Arc::clone(&world.act),
            requests: Arc::clone(&world.requests),
            connections: Arc::clone(&world.connections),
            story: world.record.story.clone(),
        };
        tokio::spawn(serve(listener, service));
        world
    }

    pub(crate) fn act(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    /// Puts a secret in the place of another, as a rotation does: a new file, renamed.
    pub(crate) fn rotate(&self, name: &str, bytes: &[u8]) {
        let (new, place) = (self.secret("new"), self.secret(name));
        #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
        fs::write(&new, bytes).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, place).unwrap();
    }

    /// Where a secret lies.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.folder.path().join("secrets").join(name)
    }

    pub(crate) fn environment(&self) -> String {
        format!(
            r#"name = "dev"
[endpoints.erp]
url = "https://erp.localhost:{port}/api"
methods = ["GET", "POST"]
paths = ["/**"]
roots = ["trust/erp.pem"]
networks = ["loopback"]
credential = {{ secret = "erp-token", as = "bearer" }}
[endpoints.bank]
url = "https://bank.localhost:{port}"
methods = ["GET"]
paths = ["/**"]
roots = ["trust/erp.pem"]
networks = ["loopback"]
credential = {{ secret = "bank-token", as = "bearer" }}
[signers.payment-signing]
algorithm = "ed25519"
secret = "payment-key"
[reveal]
secrets = ["webhook"]
[secrets]
erp-token = {{ version = "1" }}
bank-token = {{ version = "1" }}
payment-key = {{ version = "7" }}
webhook = {{ version = "3" }}
[networks.loopback]
cidrs = ["127.0.0.0/8"]
"#,
            port = self.address.port()
        )
    }

    pub(crate) fn bindings(&self, environment: &str) -> Result<Arc<Bindings>, Fault> {
        let environment = Environment::parse(environment, "environment.toml")?;
        let dir =
            |name: &str| Dir::open_ambient_dir(self.folder.path().join(name), ambient_authority()).unwrap();
        let account = ServiceAccount::of_this_process().unwrap();
        let files = FileSecrets::new(dir("secrets"), "secrets", account);
        let secrets = Arc::new(Noting { files, fetched: Arc::clone(&self.fetched) });
        let services = Services {
            network: Arc::clone(&self.network),
            clock: Arc::new(Fixed),
            entropy: Arc::new(Fixed),
            environment_key: SecretBytes::new(vec![7; 32]),
            journal: Arc::clone(&self.record) as Arc<dyn Journal>,
            listeners: vec![],
        };
        Bindings::open(environment, &dir("."), secrets, services).map(Arc::new)
    }

    pub(crate) fn broker(&self, environment: &str, grants: &str) -> Result<LiveBroker, Fault> {
        self.broker_for(environment, grants, None)
    }

    pub(crate) fn broker_for(
        &self,
        environment: &str,
        grants: &str,
        item: Option<&str>,
    ) -> Result<LiveBroker, Fault> {
        let identity = StepIdentity { run: "run-1".into(), step: "post".into(), item: item.map(Into::into) };
        LiveBroker::new(self.bindings(environment)?, serde_json::from_str(grants).unwrap(), identity)
    }

    pub(crate) fn erp(&self) -> LiveBroker {
        self.broker(&self.environment(), ERP).unwrap()
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

pub(crate) const ERP: &str = r#"{"endpoint":{"erp":{"methods":["GET","POST"],"paths":["/**"]}}}"#;

#[derive(Clone)]
struct Service {
    tls: TlsAcceptor,
    act: Arc<Mutex<Act>>,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<Vec<usize>>>,
    story: Story,
}

async fn serve(listener: TcpListener, service: Service) {
    for number in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        service.story.tell("connected");
        let service = service.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = service.tls.accept(stream).await else { return };
            while let Some(request) = read(&mut stream, &service.story).await {
                service.requests.lock().unwrap().push(request.clone());
                service.connections.lock().unwrap().push(number);
                let act = service.act.lock().unwrap().clone();
                if play(&mut stream, act, request).await.is_none() {
                    return;
                }
            }
        });
    }
}

type Tls = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;

async fn play(stream: &mut Tls, act: Act, request: String) -> Option<()> {
    let pieces = match act {
        Act::Close => return None,
        Act::Answer(pieces) => pieces,
        Act::Echo => match ok(&request) {
            Act::Answer(pieces) => pieces,
            _ => return None,
        },
        Act::Hold(has, go) => {
            has.notify_one();
            go.notified().await;
            vec![b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\ndone".to_vec()]
        }
    };
    for piece in pieces {
        stream.write_all(&piece).await.ok()?;
        stream.flush().await.ok()?;
    }
    Some(())
}

async fn read(stream: &mut Tls, story: &Story) -> Option<String> {
    let mut head = vec![stream.read_u8().await.ok()?];
    story.tell(format!("received {}", if head == b"G" { "a read" } else { "an effect" }));
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut text = String::from_utf8(head).unwrap();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

struct Noting {
    files: FileSecrets,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl SecretSource for Noting {
    fn fetch(&self, name: &Label, version: &str) -> Result<SecretBytes, Fault> {
        self.fetched.lock().unwrap().push(format!("{name}@{version}"));
        self.files.fetch(name, version)
    }
}

/// `localhost` needs no name server, and nothing else is asked for here.
struct NoNames;

impl Resolve for NoNames {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        Box::pin(async { Err(ResolveError::NotFound) })
    }
}

struct Fixed;

impl WallClock for Fixed {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        bytes.fill(0x5a);
        Ok(())
    }
}

pub(crate) fn site() -> CallSite {
    CallSite { run: "run-1".into(), step: "post".into(), sequence: 0 }
}

pub(crate) fn request(method: Method, path: &str, operation: Option<&str>) -> HttpRequest {
    HttpRequest {
        method,
        path: path.split('/').map(str::to_owned).collect(),
        query: vec![],
        headers: vec![],
        body: (!method.is_read()).then(|| Body(b"{\"amount\":1}".to_vec())),
        operation: operation.map(str::to_owned),
    }
}

pub(crate) fn get(path: &str) -> HttpRequest {
    request(Method::Get, path, None)
}

pub(crate) fn post(operation: &str) -> HttpRequest {
    request(Method::Post, "payments", Some(operation))
}

/// Asks `erp`.
pub(crate) fn ask(
    broker: &LiveBroker,
    request: HttpRequest,
) -> impl Future<Output = Result<Result<HttpResponse, HttpFailure>, Stop>> {
    let call = HostCall::Http { endpoint: Label::new("erp").unwrap(), request };
    async {
        match broker.call(site(), call).await? {
            HostReply::Http(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }
}
