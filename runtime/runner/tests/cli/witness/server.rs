//! A witness as C2SP tlog-witness describes it: HTTPS on loopback, other people's parsers, proofs and
//! signatures, and its memory on the disk.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs::default_provider,
    pki_types::PrivateKeyDer,
};
use serde_json::{Map, Value, json};
use signed_note::{Note, Signer as _, StandardSigner, StandardVerifier, Verifier, VerifierList};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tlog_tiles::{Checkpoint, Hash, TreeProof, check_tree};

/// SHA-256 over nothing: the root of the tree without leaves (RFC 6962, section 2.1).
const EMPTY_ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// Where the witness listens below its address.
pub(crate) const PREFIX: &str = "/some/prefix";
/// Most bytes of a request's body here.
const BODY_BYTES: usize = 1 << 20;

/// What is wrong with a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It hangs up.
    Absent,
    /// Its clock is behind, by so many seconds.
    Late(u64),
    /// It signs something else.
    SignsWrongly,
    /// Its answer does not end for a long time.
    Endless,
    /// It takes its time.
    Slow(Duration),
}

/// A running witness; it ends when dropped.
pub(crate) struct Witness {
    inner: Arc<Inner>,
    port: u16,
    root: String,
}

struct Inner {
    name: String,
    seed: [u8; 32],
    folder: TempDir,
    flaw: Mutex<Flaw>,
    /// The status of each answer.
    answered: Mutex<Vec<u16>>,
    ended: AtomicBool,
}

/// A status, and the body with its content type.
type Reply = (u16, Option<&'static str>, Vec<u8>);

impl Witness {
    /// One that watches nothing yet. `number` tells witnesses apart.
    pub(crate) fn start(number: u8) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (config, root) = certified();
        let inner = Arc::new(Inner {
            name: format!("witness.example/w{number}"),
            seed: [number; 32],
            folder: tempfile::tempdir().unwrap(),
            flaw: Mutex::new(Flaw::None),
            answered: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (inner, config) = (Arc::clone(&theirs), Arc::clone(&config));
                // A client that hangs up ends its own connection and nothing else.
                thread::spawn(move || drop(inner.serve(stream.unwrap(), config)));
            }
        });
        Self { inner, port, root }
    }

    pub(crate) fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}{PREFIX}", self.port)
    }

    /// The certificate that its own leads to, as PEM.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Its key for cosignatures, as its operator publishes it.
    pub(crate) fn key(&self) -> String {
        self.inner.written(4)
    }

    /// Takes a log under watch.
    pub(crate) fn watch(&self, log_key: &str) {
        let origin = log_key.split('+').next().unwrap();
        let mut logs = self.inner.logs();
        logs.insert(origin.to_owned(), json!({ "key": log_key, "size": 0, "root": EMPTY_ROOT }));
        self.inner.remember(&logs);
    }

    /// The logs that it watches, and how large it saw each.
    pub(crate) fn sizes(&self) -> Vec<(String, u64)> {
        self.inner.logs().iter().map(|(name, log)| (name.clone(), log["size"].as_u64().unwrap())).collect()
    }

    pub(crate) fn is(&self, flaw: Flaw) {
        *self.inner.flaw.lock().unwrap() = flaw;
    }

    /// The status of each answer since this was asked last.
    pub(crate) fn answered(&self) -> Vec<u16> {
        std::mem::take(&mut self.inner.answered.lock().unwrap())
    }

    /// What checks its cosignatures in a note.
    pub(crate) fn verifier(&self) -> Cosigner {
        let public = self.inner.public();
        let id = signed_note::key_id(self.name(), &[&[4], public.as_slice()].concat());
        let plain = StandardVerifier::new(&self.inner.written(1)).unwrap();
        Cosigner { name: self.name().to_owned(), id, plain }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.inner.ended.store(true, Ordering::SeqCst);
        // Wakes the one that accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// Cosignature/v1 (C2SP tlog-cosignature) as a verifier of `signed_note`.
pub(crate) struct Cosigner {
    name: String,
    id: u32,
    plain: StandardVerifier,
}

impl Verifier for Cosigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk::<8>() else { return false };
        let head = format!("cosignature/v1\ntime {}\n", u64::from_be_bytes(*time));
        self.plain.verify(&[head.as_bytes(), text].concat(), signature)
    }
}

impl Inner {
    fn public(&self) -> [u8; 32] {
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap();
        pair.public_key().as_ref().try_into().unwrap()
    }

    /// The public key, written for signatures of a kind (C2SP signed-note, "Verifier keys").
    fn written(&self, kind: u8) -> String {
        let material = [&[kind], self.public().as_slice()].concat();
        let id = signed_note::key_id(&self.name, &material);
        format!("{}+{id:08x}+{}", self.name, STANDARD.encode(material))
    }

    fn memory(&self) -> PathBuf {
        self.folder.path().join("logs.json")
    }

    fn logs(&self) -> Map<String, Value> {
        fs::read(self.memory()).map_or_else(|_| Map::new(), |bytes| serde_json::from_slice(&bytes).unwrap())
    }

    /// Whole or not at all.
    fn remember(&self, logs: &Map<String, Value>) {
        let beside: &Path = &self.folder.path().join("logs.json.new");
        fs::write(beside, serde_json::to_vec(logs).unwrap()).unwrap();
        fs::rename(beside, self.memory()).unwrap();
    }

    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
        let flaw = *self.flaw.lock().unwrap();
        if flaw == Flaw::Absent {
            return Ok(());
        }
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut tls = BufReader::new(StreamOwned::new(connection, stream));
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            tls.read_line(&mut line)?;
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_ascii_lowercase()),
            }
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0).min(BODY_BYTES)];
        tls.read_exact(&mut body)?;
        if let Flaw::Slow(time) = flaw {
            thread::sleep(time);
        }
        let asked = format!("post {PREFIX}/add-checkpoint http/1.1");
        let (status, content_type, mut body) = if lines.first() == Some(&asked) {
            let body = String::from_utf8(body).map_err(io::Error::other)?;
            self.add_checkpoint(&body, flaw).unwrap_or_else(|refusal| refusal)
        } else {
            plain(404)
        };
        self.answered.lock().unwrap().push(status);
        if flaw == Flaw::Endless {
            body = vec![b'x'; BODY_BYTES];
        }
        let kind = content_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let length = body.len();
        let tls = tls.get_mut();
        write!(tls, "HTTP/1.1 {status} Told\r\n{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
        tls.write_all(&body)?;
        tls.conn.send_close_notify();
        tls.flush()
    }

    /// The call `add-checkpoint`, in the order of the specification.
    fn add_checkpoint(&self, body: &str, flaw: Flaw) -> Result<Reply, Reply> {
        let (old, proof, note) = parsed(body).ok_or_else(|| plain(400))?;
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| plain(400))?;
        let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|_| plain(400))?;
        let mut logs = self.logs();
        let log = logs.get(checkpoint.origin()).ok_or_else(|| plain(404))?;
        let key = log["key"].as_str().unwrap().to_owned();
        let trusted = VerifierList::new(vec![Box::new(StandardVerifier::new(&key).unwrap())]);
        note.verify(&trusted).map_err(|_| plain(403))?;
        if old > checkpoint.size() {
            return Err(plain(400));
        }
        let latest = log["size"].as_u64().unwrap();
        let root = Hash::parse_hash(log["root"].as_str().unwrap()).unwrap();
        if old != latest {
            return Err((409, Some("text/x.tlog.size"), format!("{latest}\n").into_bytes()));
        }
        if latest == checkpoint.size() && root != *checkpoint.hash() {
            return Err(plain(409));
        }
        let consistent = match old {
            0 => proof.is_empty(),
            _ => check_tree(&proof, checkpoint.size(), *checkpoint.hash(), old, root).is_ok(),
        };
        if !consistent {
            return Err(plain(422));
        }
        let root = STANDARD.encode(checkpoint.hash().0);
        logs.insert(
            checkpoint.origin().to_owned(),
            json!({ "key": key, "size": checkpoint.size(), "root": root }),
        );
        self.remember(&logs);
        Ok((200, Some("text/plain"), self.cosign(note.text(), flaw)))
    }

    fn cosign(&self, text: &[u8], flaw: Flaw) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let now = if let Flaw::Late(seconds) = flaw { now - seconds } else { now };
        let seed = STANDARD.encode([&[1], self.seed.as_slice()].concat());
        let id = signed_note::key_id(&self.name, &[&[1], self.public().as_slice()].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{}+{id:08x}+{seed}", self.name)).unwrap();
        let text = if flaw == Flaw::SignsWrongly { b"another text\n" } else { text };
        let message = [format!("cosignature/v1\ntime {now}\n").as_bytes(), text].concat();
        let signature = signer.sign(&message).unwrap();
        let id = signed_note::key_id(&self.name, &[&[4], self.public().as_slice()].concat());
        let line = [id.to_be_bytes().as_slice(), &now.to_be_bytes(), &signature].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(line)).into_bytes()
    }
}

fn plain(status: u16) -> Reply {
    (status, None, Vec::new())
}

/// The old size, the proof and the note of a body; nothing when it is malformed.
fn parsed(body: &str) -> Option<(u64, TreeProof, &str)> {
    let (head, note) = body.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let digits = lines.next()?.strip_prefix("old ")?;
    let old: u64 = digits.parse().ok().filter(|old: &u64| old.to_string() == digits)?;
    let proof = lines.map(|line| Hash::parse_hash(line).ok()).collect::<Option<Vec<_>>>()?;
    (proof.len() <= 63).then_some((old, proof, note))
}

/// The settings of a server for `localhost`, and the root that its certificate leads to.
fn certified() -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    (Arc::new(config), authority.pem())
}
