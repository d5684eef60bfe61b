//! What cannot be published is signed all the same, and published when it can be.
#![allow(
    clippy::disallowed_methods,
    reason = "the test puts a file in the way and looks at what is published"
)]

use super::UNSIGNED;
use crate::{
    files::Links,
    render::Output,
    running::{book::Book, state::State},
};
use std::fs;
use stepward_ledger::{
    event::{Act, Actor},
    store::{Records as _, sqlite::Reader},
};
use stepward_seam::Label;
use stepward_trust::Digest;
use tempfile::TempDir;

async fn open(here: &TempDir) -> (State, Book) {
    let dev = Label::new("dev").unwrap();
    let state = State::open_in(here.path(), Links::Followed, &dev).unwrap();
    let key = state.environment_key().unwrap();
    let book = Book::open(&state, &dev, &key, Digest::of(b""), None, &Output::new(true)).await.unwrap();
    (state, book)
}

/// The sizes that the newest checkpoint of the database and that in the tiles are over.
fn sizes(state: &State) -> (u64, u64) {
    let kept = Reader::open(&state.ledger()).unwrap().checkpoint(u64::MAX).unwrap().unwrap().size;
    let published = fs::read_to_string(state.root().join("tiles/checkpoint")).unwrap();
    (kept, published.lines().nth(1).unwrap().parse().unwrap())
}

async fn grow(book: &Book) -> u64 {
    let _ = book.journal().acted(Act::KeysRotated, None, Actor::Service).await.unwrap();
    book.journal().log().head().size.get()
}

/// As a full disk does for a while.
#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_published_is_signed_and_published_later() {
    let here = tempfile::tempdir().unwrap();
    let (state, book) = open(&here).await;
    let before = sizes(&state).1;
    let (tile, aside) = (state.root().join("tiles/tile"), state.root().join("aside"));
    fs::rename(&tile, &aside).unwrap();
    fs::write(&tile, "in the way").unwrap();
    for _ in 0..2 {
        let size = grow(&book).await;
        while sizes(&state).0 < size {
            tokio::time::sleep(UNSIGNED).await;
        }
        assert_eq!(sizes(&state), (size, before));
    }
    fs::remove_file(&tile).unwrap();
    fs::rename(&aside, &tile).unwrap();
    let size = book.journal().log().head().size.get();
    while sizes(&state).1 < size {
        tokio::time::sleep(UNSIGNED).await;
    }
    // And it goes on.
    let size = grow(&book).await;
    while sizes(&state) != (size, size) {
        tokio::time::sleep(UNSIGNED).await;
    }
    book.close().await.unwrap();
}

#[tokio::test]
async fn what_a_start_writes_to_a_signed_log_is_signed_at_once() {
    let here = tempfile::tempdir().unwrap();
    let (_, book) = open(&here).await;
    book.close().await.unwrap();
    drop(book);
    let (state, book) = open(&here).await;
    let size = book.journal().log().head().size.get();
    assert_eq!(sizes(&state), (size, size));
    book.abandon().await.unwrap();
}
