//! A secret is used, not read: no file and no output holds one, in any spelling.
#![allow(clippy::disallowed_methods, reason = "whole-system tests read the files that a run left")]

use super::INVOICE;
use crate::process::Ended;
use crate::stage::{Stage, files};
use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use std::fs;

/// A secret as it may be spelled: plain, hexadecimal, percent-encoded, and base64 of both alphabets
/// at each of three offsets, without the characters that its neighbours decide.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let (lower, upper) = (hex::encode(secret).into_bytes(), hex::encode_upper(secret).into_bytes());
    let percent = upper.chunks(2).flat_map(|pair| [b'%', pair[0], pair[1]]).collect();
    let mut all = vec![secret.to_vec(), lower, upper, percent];
    for (offset, first) in [0, 2, 3].into_iter().enumerate() {
        let shifted = [&[0; 2][..offset], secret].concat();
        let text = STANDARD_NO_PAD.encode(&shifted);
        let last = usize::from(!shifted.len().is_multiple_of(3));
        let inner = &text[first..text.len() - last];
        all.push(inner.replace('+', "-").replace('/', "_").into_bytes());
        all.push(inner.as_bytes().to_vec());
    }
    all
}

/// Asserts that nothing a run left tells a secret: files of state and project, the service's
/// database, and what was printed.
pub(super) fn nothing_tells(stage: &Stage, printed: &[Ended]) {
    let seed = hex::encode(stage.seed);
    let secrets = [stage.token.as_bytes(), &stage.seed, seed.as_bytes()];
    let search = AhoCorasick::new(secrets.into_iter().flat_map(spellings)).unwrap();
    let kept = [stage.secret("erp-token"), stage.secret("payment-key")];
    let left = files(&stage.state()).into_iter().chain(files(&stage.project()));
    let database = files(&stage.beside("erp"))
        .into_iter()
        .filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("erp.db"));
    let texts = left
        .chain(database)
        .filter(|file| !kept.contains(file))
        .map(|file| (file.display().to_string(), fs::read(&file).unwrap()))
        .chain(printed.iter().enumerate().flat_map(|(number, ended)| {
            [("stdout", &ended.stdout), ("stderr", &ended.stderr)]
                .map(|(name, text)| (format!("{name} {number}"), text.clone().into_bytes()))
        }));
    let mut seen = 0;
    for (name, text) in texts {
        seen += 1;
        assert_eq!(search.find(&text), None, "{name}");
    }
    assert!(seen > 20, "only {seen} texts were searched");
}

#[tokio::test]
async fn no_trace_file_output_or_log_tells_a_secret() {
    let stage = Stage::new().await;
    let (document, cases) = (format!("documents/{INVOICE}"), stage.beside("project/recorded"));
    let mut printed = Vec::new();
    for format in [&["--log=trace"][..], &["--log=trace", "--log-json", "--json"]] {
        let run = ["run", "approve", "--input", &document, "--record", cases.to_str().unwrap()];
        printed.push(stage.stepward(run.iter().chain(format)).await);
    }
    assert_eq!((printed[0].code, printed[1].code), (Some(0), Some(4)));
    assert!(printed[0].stderr.contains("permitted") && printed[1].stderr.contains("permitted"));
    nothing_tells(&stage, &printed);
}

/// The host adds the credential after the last thing that the step controls: the service saw it in
/// every request, since it answers none without, and the trace has none.
#[tokio::test]
async fn the_credential_reaches_the_service_and_no_trace() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    let answers = stage.requests().into_iter().map(|(_, _, answer)| answer).collect::<Vec<_>>();
    assert_eq!(answers, ["200", "404", "201"]);
    for step in 0..3 {
        let trace = stage.trace(&run, step).to_string().to_lowercase();
        assert!(!trace.contains("authorization") && !trace.contains("bearer"), "{trace}");
    }
    // Another token is refused by the service, so it was the token that opened the door.
    crate::stage::write_private(&stage.secret("erp-token"), b"another-token-of-a-good-length-0123456789");
    super::step_error(stage.approve(INVOICE).await);
    assert_eq!(stage.requests().last().unwrap().2, "401");
}

/// The search itself finds each spelling.
#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret = b"0123456789abcdef-secret";
    let search = AhoCorasick::new(spellings(secret)).unwrap();
    let found = |text: Vec<u8>| search.is_match(&text);
    for before in ["", "a", "ab"] {
        let text = [before.as_bytes(), secret, b"tail"].concat();
        assert!(found(STANDARD_NO_PAD.encode(&text).into_bytes()), "{before:?}");
        assert!(found(hex::encode(&text).into_bytes()));
    }
    assert!(!found(b"0123456789abcdee-secret".to_vec()));
}
