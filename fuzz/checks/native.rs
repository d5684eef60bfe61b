//! What holds of all bytes that are offered as compiled code: nothing but what was sealed is loaded.
#![allow(clippy::unwrap_used, reason = "the component is sound, and so is what the engine makes of it")]

use std::sync::LazyLock;
use stepward_sandbox::{Admitted, CodeKey, CodeRefusal, Engine, EngineOptions, Inspected, Opened};
use stepward_seam::{Grants, Limits};
use stepward_trust::Pinned;

/// Bytes of the format's mark, and of the mark with the tag.
const MAGIC_BYTES: usize = 18;
const HEAD_BYTES: usize = 50;

/// An engine, a component, and the code that was really kept of it.
struct Kept {
    engine: Engine,
    admitted: Admitted,
    key: CodeKey,
    sealed: Vec<u8>,
}

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let pinned = Pinned::trust_on_first_use(wat::parse_str(include_str!("null.wat")).unwrap());
    let admitted = Inspected::read(pinned, &Limits::default()).unwrap().admit(&Grants::default()).unwrap();
    let engine = Engine::new(EngineOptions { concurrency: 1 }).unwrap();
    let key = CodeKey::new([7; 32]);
    let sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key).unwrap();
    // What is not loaded below is refused for what was changed.
    assert!(matches!(engine.open(&admitted, &sealed, &key).unwrap(), Opened::Loaded(_)));
    Kept { engine, admitted, key, sealed }
});

/// Offers the bytes as they stand, which is what the answer is about; behind the mark and the head of
/// the kept file; and as changes to that file: where it is cut, what is added to it, and which of its
/// bytes are flipped.
pub(crate) fn check(bytes: &[u8]) -> CodeRefusal {
    let sealed = &KEPT.sealed;
    let (head, code) = sealed.split_at(HEAD_BYTES);
    let number = |at: &[u8]| at.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let cut = number(bytes.get(..3).unwrap_or(bytes)) % sealed.len();
    let mut flipped = sealed.clone();
    for change in bytes.chunks_exact(4) {
        let at = number(&change[..3]) % flipped.len();
        flipped[at] ^= change[3];
    }
    for offered in [
        [&head[..MAGIC_BYTES], bytes].concat(),
        [head, bytes].concat(),
        [head, bytes, code].concat(),
        sealed[..cut].to_vec(),
        [sealed, bytes].concat(),
        flipped,
    ] {
        if offered != *sealed {
            refused(&offered);
        }
    }
    refused(bytes)
}

fn refused(offered: &[u8]) -> CodeRefusal {
    let marked = offered.len() >= HEAD_BYTES && offered.starts_with(&KEPT.sealed[..MAGIC_BYTES]);
    let expected = if marked { CodeRefusal::Tag } else { CodeRefusal::Format };
    match KEPT.engine.open(&KEPT.admitted, offered, &KEPT.key).unwrap() {
        Opened::Stale(refusal) => assert_eq!(refusal, expected),
        Opened::Loaded(_) => panic!("{} bytes that nobody sealed were loaded", offered.len()),
    }
    expected
}
