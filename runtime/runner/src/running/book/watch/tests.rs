//! What the answers of witnesses amount to as time goes by. How they are asked is shown with real ones in
//! the tests of the command line.

use super::{EVERY, Seen, Watch, now};
use crate::{
    files::Links,
    render::Output,
    running::{book::Book, state::State, witnesses::Witnesses},
};
use std::{
    collections::BTreeMap,
    num::{NonZeroU64, NonZeroUsize},
    pin::Pin,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    merkle::{LeafHash, MemoryTree, TreeSize},
    note::{KeyName, LogSigner, SignedCheckpoint, WitnessSigner, WitnessVerifier},
    store::{Records as _, sqlite::Reader},
    witness::{self, Answer, Policy, Transport, TransportFailure, Unreachable},
};
use stepward_seam::Label;
use stepward_trust::Digest;
use tempfile::TempDir;

/// An environment's log whose one witness cannot be reached.
async fn book(unreachable: Unreachable) -> (TempDir, State, Book) {
    let witness = WitnessVerifier::new(KeyName::new("witness.example/w1").unwrap(), [7; 32]);
    let policy =
        Policy::new(vec![witness], NonZeroUsize::MIN, NonZeroU64::new(3600).unwrap(), unreachable).unwrap();
    let (here, dev) = (tempfile::tempdir().unwrap(), Label::new("dev").unwrap());
    let state = State::open_in(here.path(), Links::Followed, &dev).unwrap();
    let key = state.environment_key().unwrap();
    let (witnesses, output) = (Some(Witnesses::nowhere(policy)), Output::new(true));
    let book = Book::open(&state, &dev, &key, Digest::of(b""), witnesses, &output).await.unwrap();
    (here, state, book)
}

fn saw(watch: &Watch, until: u64) {
    watch.standing().seen = Some(Seen { size: TreeSize::new(3).unwrap(), until });
}

/// The gaps that the log tells of: the first event that each concerns.
fn gaps(state: &State) -> Vec<u64> {
    let (reader, mut gaps) = (Reader::open(&state.ledger()).unwrap(), Vec::new());
    let size = reader.head().unwrap().size.get();
    let mut look = |leaf: stepward_ledger::store::LeafRef<'_>| {
        let event: serde_json::Value = serde_json::from_slice(leaf.bytes).unwrap();
        if event["gap"] == "witnesses" {
            gaps.push(event["from"].as_u64().unwrap());
        }
        Ok(())
    };
    reader.leaves(0..size, &mut look).unwrap();
    gaps
}

#[tokio::test]
async fn runs_stop_when_the_cosignatures_are_too_old() {
    let (_here, state, book) = book(Unreachable::Stop).await;
    let watch = book.watch().unwrap();
    assert_eq!(watch.check().unwrap_err().rule().as_str(), "witnesses-too-few");
    saw(watch, now().get() + 60);
    watch.check().unwrap();
    saw(watch, now().get() - 1);
    let lapsed = watch.check().unwrap_err();
    assert_eq!((lapsed.class(), lapsed.place()), (Class::Unavailable, "environment.toml:1:1"));
    // What one of them said against the log outweighs what others said for it.
    saw(watch, u64::MAX);
    let contradiction =
        Fault::new(Class::EvidenceInvalid, Owner::Operator, Rule::new("log-older-than-witness"));
    let witness = KeyName::new("witness.example/w1").unwrap();
    watch.standing().contradictions.insert(witness, contradiction.clone());
    assert_eq!(watch.check().unwrap_err(), contradiction);
    book.close().await.unwrap();
    assert_eq!(gaps(&state), [0_u64; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_time_that_nobody_watches_is_in_the_log_once() {
    let (_here, state, book) = book(Unreachable::MarkGap).await;
    let watch = book.watch().unwrap();
    watch.check().unwrap();
    // It is read after what waits is durable.
    book.journal().log().read(|_| Ok(())).await.unwrap();
    assert_eq!(gaps(&state), [0]);
    tokio::time::sleep(EVERY * 3).await;
    // It is read after what waits is durable.
    book.journal().log().read(|_| Ok(())).await.unwrap();
    assert_eq!(gaps(&state), [0]);
    // They watched for a while, and went away again.
    saw(watch, now().get() + 3600);
    tokio::time::sleep(EVERY * 2).await;
    saw(watch, now().get() - 1);
    while gaps(&state).len() < 2 {
        tokio::time::sleep(EVERY).await;
    }
    tokio::time::sleep(EVERY * 3).await;
    book.close().await.unwrap();
    assert_eq!(gaps(&state), [0, 3]);
}

/// What stands at a witness's address: it says so of every request.
struct Says(fn(&SignedCheckpoint) -> Answer, SignedCheckpoint);

impl Transport for Says {
    fn post<'a>(
        &'a self,
        _: &'a KeyName,
        _: &'a str,
        _: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, TransportFailure>> + Send + 'a>> {
        Box::pin(async { Ok(self.0(&self.1)) })
    }
}

fn signer() -> WitnessSigner {
    WitnessSigner::new(KeyName::new("witness.example/w1").unwrap(), &[7; 32]).unwrap()
}

fn boasts(_: &SignedCheckpoint) -> Answer {
    let content_type = Some("text/x.tlog.size".to_owned());
    Answer { status: 409, content_type, body: b"4000\n".to_vec() }
}

fn cosigns(checkpoint: &SignedCheckpoint) -> Answer {
    let line = signer().cosign(checkpoint, now()).to_string();
    Answer { status: 200, content_type: None, body: line.into_bytes() }
}

fn away(_: &SignedCheckpoint) -> Answer {
    Answer { status: 503, content_type: None, body: Vec::new() }
}

/// A larger size is only a word, which nothing signs.
#[tokio::test]
async fn a_witness_that_cosigns_takes_back_what_it_said_against_the_log() {
    let (_here, _state, book) = book(Unreachable::MarkGap).await;
    let watch = book.watch().unwrap();
    let mut tree = MemoryTree::default();
    tree.append(LeafHash::of(b"an event")).unwrap();
    let log = LogSigner::of_environment("dev", std::num::NonZeroU32::MIN, &[9; 32]).unwrap();
    let checkpoint = log.sign(tree.head());
    let verifiers = [signer().verifier()];
    let mut heard = Vec::new();
    for says in [boasts as fn(&SignedCheckpoint) -> Answer, away, cosigns, away] {
        let transport = Says(says, checkpoint.clone());
        let round =
            witness::round(&transport, &tree, &checkpoint, &verifiers, &BTreeMap::new()).await.unwrap();
        drop(watch.hear(round.findings()));
        heard.push(watch.check().map_err(|fault| fault.rule().as_str()));
    }
    let against = Err("log-older-than-witness");
    assert_eq!(heard, [against, against, Ok(()), Ok(())]);
    book.close().await.unwrap();
}
