//! What a first start may leave behind when it is killed, and what it may not.

use crate::{
    files::Links,
    render::Output,
    running::{book::Book, state::State},
};
use std::fs;
use stepward_fault::Fault;
use stepward_ledger::{
    event::{Act, Actor},
    store::{Records as _, sqlite::Reader},
};
use stepward_seam::Label;
use stepward_trust::Digest;
use tempfile::TempDir;

fn state() -> (TempDir, State) {
    let here = tempfile::tempdir().unwrap();
    let state = State::open_in(here.path(), Links::Followed, &Label::new("dev").unwrap()).unwrap();
    (here, state)
}

async fn open(state: &State) -> Result<Book, Fault> {
    let (dev, key) = (Label::new("dev").unwrap(), state.environment_key().unwrap());
    Book::open(state, &dev, &key, Digest::of(b""), None, &Output::new(true)).await
}

/// The size that the newest checkpoint of the database is over, and whether one is published.
fn signed(state: &State) -> (Option<u64>, bool) {
    let kept = Reader::open(&state.ledger()).unwrap().checkpoint(u64::MAX).unwrap();
    (kept.map(|kept| kept.size), state.root().join("tiles/checkpoint").exists())
}

/// Takes out what was signed: what is left is what a first start leaves that is killed before that.
fn unsign(state: &State) {
    let log = rusqlite::Connection::open(state.ledger()).unwrap();
    log.execute("DELETE FROM checkpoint", ()).unwrap();
    fs::remove_dir_all(state.root().join("tiles")).unwrap();
}

#[tokio::test]
async fn a_log_is_signed_before_anything_can_run() {
    let (_here, state) = state();
    let book = open(&state).await.unwrap();
    let size = book.journal().log().head().size.get();
    assert!(size > 0);
    assert_eq!(signed(&state), (Some(size), true));
    book.abandon().await.unwrap();
}

#[tokio::test]
async fn a_first_start_that_was_killed_before_it_signed_is_made_good() {
    let (_here, state) = state();
    let mut before = 0;
    for _ in 0..3 {
        let book = open(&state).await.unwrap();
        let size = book.journal().log().head().size.get();
        assert!(size > before);
        assert_eq!(signed(&state), (Some(size), true));
        before = size;
        book.abandon().await.unwrap();
        drop(book);
        unsign(&state);
    }
}

#[tokio::test]
async fn an_unsigned_log_in_which_more_happened_is_refused() {
    let (_here, state) = state();
    let book = open(&state).await.unwrap();
    book.journal().acted(Act::KeysRotated, None, Actor::Service).await.unwrap();
    let acted = book.journal().log().head().size.get() - 1;
    book.abandon().await.unwrap();
    drop(book);
    unsign(&state);
    for _ in 0..2 {
        let refused = open(&state).await.map(drop).unwrap_err();
        assert_eq!(refused.rule().as_str(), "log-unsigned");
        assert!(refused.message().contains(&format!("event {acted} is `operator-acted`")), "{refused}");
        assert_eq!(signed(&state), (None, false));
    }
}
