//! Notes, keys, checkpoints and cosignatures against published examples, another implementation and hostile bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod checkpoint;
mod cosignature;
mod keys;
mod oracle;
mod parsing;
mod properties;
mod published;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_ledger::merkle::{LeafHash, MemoryTree, TreeHead};
use stepward_ledger::note::{KeyName, LogSigner, SignedCheckpoint, UnixSeconds, WitnessSigner};

const ORIGIN: &str = "example.com/log42";

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn log() -> LogSigner {
    LogSigner::new(name(ORIGIN), &[1; 32]).unwrap()
}

fn witness(text: &str, seed: u8) -> WitnessSigner {
    WitnessSigner::new(name(text), &[seed; 32]).unwrap()
}

fn seconds(time: u64) -> UnixSeconds {
    UnixSeconds::new(time).unwrap()
}

/// The head of a tree whose entries are the numbers from 0.
fn head(leaves: u64) -> TreeHead {
    let mut tree = MemoryTree::default();
    for leaf in 0..leaves {
        tree.append(LeafHash::of(&leaf.to_be_bytes())).unwrap();
    }
    tree.head()
}

/// A checkpoint's note with lines added.
fn with_lines(checkpoint: &SignedCheckpoint, lines: &[String]) -> String {
    checkpoint.to_string() + &lines.concat()
}

/// A line by a key that nobody knows.
fn stranger() -> String {
    format!("— stranger.example {}\n", STANDARD.encode([9; 4 + 64]))
}

/// A private key in the form of Go's note package, which the other implementation reads.
fn foreign_key(key: &str, seed: [u8; 32], public: &[u8; 32]) -> String {
    let id = signed_note::key_id(key, &[&[1], public.as_slice()].concat());
    format!("PRIVATE+KEY+{key}+{id:08x}+{}", STANDARD.encode([&[1], seed.as_slice()].concat()))
}

/// A text signed by the key of a log with this seed, by the other implementation.
fn foreign_note(signer: &LogSigner, seed: [u8; 32], text: &str) -> String {
    let key = foreign_key(signer.origin().as_str(), seed, signer.verifier().public_key());
    let key = signed_note::StandardSigner::new(&key).unwrap();
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&key]).unwrap();
    String::from_utf8(note.to_bytes()).unwrap()
}
