//! A witness as C2SP tlog-witness describes it, built on other people's parsers, proofs and signatures.

use crate::{ORIGIN, witness, witness_name, witness_seed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use signed_note::{Note, Signer as _, StandardSigner, StandardVerifier, VerifierList};
use stepward_ledger::note::LogVerifier;
use stepward_ledger::witness::{Answer, SIZE_TYPE};
use tlog_tiles::{Checkpoint, Hash, TreeProof, check_tree};

/// A witness that watches one log.
pub(crate) struct Witness {
    signer: StandardSigner,
    id: [u8; 4],
    name: String,
    log: LogVerifier,
    /// The latest checkpoint that it cosigned: size and root.
    latest: Option<(u64, Hash)>,
    /// Its clock, in Unix seconds.
    pub(crate) now: u64,
}

/// What a body holds.
pub(crate) struct Request {
    pub(crate) old: u64,
    pub(crate) proof: TreeProof,
    pub(crate) note: String,
}

impl Request {
    /// Reads a body; nothing when it is malformed.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let (head, note) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let digits = lines.next()?.strip_prefix("old ")?;
        let old: u64 = digits.parse().ok().filter(|old: &u64| old.to_string() == digits)?;
        let proof = lines.map(|line| Hash::parse_hash(line).ok()).collect::<Option<Vec<_>>>()?;
        (proof.len() <= 63).then(|| Self { old, proof, note: note.to_owned() })
    }
}

fn status(status: u16) -> Answer {
    Answer { status, content_type: None, body: Vec::new() }
}

impl Witness {
    pub(crate) fn new(number: u8, log: LogVerifier, now: u64) -> Self {
        let name = witness_name(number);
        let public = *witness(number).verifier().public_key();
        let key_id = signed_note::key_id(&name, &[&[1], public.as_slice()].concat());
        let seed = STANDARD.encode([&[1], witness_seed(number).as_slice()].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{name}+{key_id:08x}+{seed}")).unwrap();
        let id = signed_note::key_id(&name, &[&[4], public.as_slice()].concat()).to_be_bytes();
        Self { signer, id, name, log, latest: None, now }
    }

    /// The size of the latest checkpoint.
    pub(crate) fn size(&self) -> u64 {
        self.latest.map_or(0, |(size, _)| size)
    }

    /// Forgets everything.
    pub(crate) fn forget(&mut self) {
        self.latest = None;
    }

    /// The call `add-checkpoint`.
    pub(crate) fn add_checkpoint(&mut self, body: &str) -> Answer {
        self.checked(body).unwrap_or_else(|refusal| refusal)
    }

    fn checked(&mut self, body: &str) -> Result<Answer, Answer> {
        let Request { old, proof, note } = Request::parse(body).ok_or_else(|| status(400))?;
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| status(400))?;
        let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|_| status(400))?;
        if checkpoint.origin() != ORIGIN {
            return Err(status(404));
        }
        let log = StandardVerifier::new(&self.log.to_string()).unwrap();
        note.verify(&VerifierList::new(vec![Box::new(log)])).map_err(|_| status(403))?;
        if old > checkpoint.size() {
            return Err(status(400));
        }
        if old != self.size() {
            let body = format!("{}\n", self.size()).into_bytes();
            return Err(Answer { status: 409, content_type: Some(SIZE_TYPE.to_owned()), body });
        }
        // The specification asks for no size here.
        let other_root = |(size, root): (u64, Hash)| size == checkpoint.size() && root != *checkpoint.hash();
        if self.latest.is_some_and(other_root) {
            return Err(status(409));
        }
        self.consistent(old, &proof, &checkpoint).ok_or_else(|| status(422))?;
        self.latest = Some((checkpoint.size(), *checkpoint.hash()));
        Ok(self.cosign(note.text()))
    }

    fn consistent(&self, old: u64, proof: &TreeProof, checkpoint: &Checkpoint) -> Option<()> {
        let empty: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest([]).into();
        if checkpoint.size() == 0 && checkpoint.hash().0 != empty {
            return None;
        }
        match self.latest {
            Some((_, root)) if old > 0 => {
                check_tree(proof, checkpoint.size(), *checkpoint.hash(), old, root).ok()
            }
            Some(_) | None => proof.is_empty().then_some(()),
        }
    }

    /// The answer with a cosignature, and one by a key that nobody asked for.
    fn cosign(&self, text: &[u8]) -> Answer {
        let message = [format!("cosignature/v1\ntime {}\n", self.now).as_bytes(), text].concat();
        let signature = self.signer.sign(&message).unwrap();
        let line = [self.id.as_slice(), &self.now.to_be_bytes(), &signature].concat();
        let other = STANDARD.encode([7; 4 + 8 + 64]);
        let body = format!("— {} {other}\n— {} {}\n", self.name, self.name, STANDARD.encode(line));
        Answer { status: 200, content_type: Some("text/plain".to_owned()), body: body.into_bytes() }
    }
}

/// The example body of the specification ("add-checkpoint") is one that this witness understands.
#[test]
fn the_published_request_is_read() {
    let body = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let request = Request::parse(body).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert!(Note::from_bytes(request.note.as_bytes()).is_ok());
}
