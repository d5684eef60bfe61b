//! One byte changed, at many positions: of a pinned component, of the lock, and of the native code
//! that the cache keeps.
#![allow(clippy::disallowed_methods, reason = "the tests damage the files that people would")]

use super::{READ, error};
use crate::stage::{Stage, files};
use std::{collections::BTreeSet, fs};

/// `count` positions spread over a file, the first and the last byte among them.
fn positions(length: usize, count: usize) -> BTreeSet<usize> {
    (0..count).map(|number| number * (length - 1) / (count - 1)).collect()
}

#[tokio::test]
async fn a_flipped_byte_of_a_component_is_refused_wherever_it_is() {
    let stage = Stage::new().await;
    let file = stage.component("read-invoice");
    let good = fs::read(&file).unwrap();
    for at in positions(good.len(), 60) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, bytes).unwrap();
        let ended = stage.stepward(READ.iter().chain(&["--json"])).await.expect(3);
        assert_eq!(
            (&error(&ended)["rule"], &ended.json()["steps"]),
            (&"component-digest".into(), &[(); 0][..].into()),
            "{at}"
        );
    }
    assert_eq!(
        files(&stage.state().join("dev")).iter().filter(|file| file.ends_with("read-invoice.json")).count(),
        0
    );
}

/// A bare file is held to the digest that its caller gives.
#[tokio::test]
async fn a_component_file_runs_only_as_the_digest_that_was_given() {
    let stage = Stage::new().await;
    let file = stage.component("read-invoice");
    let path = file.to_str().unwrap();
    let inspect = stage.stepward(["inspect", path, "--json"]).await.expect(0).json();
    let digest = inspect["digest"].as_str().unwrap();
    let document = stage.project().join(super::DOCUMENT);
    let run = ["run", path, "--json", "--input", document.to_str().unwrap()];
    let without = stage.stepward(run).await.expect(3);
    assert_eq!(error(&without)["rule"], "digest-missing");
    stage.stepward(run.iter().chain(&["--digest", digest])).await.expect(0);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&file, bytes).unwrap();
    let changed = stage.stepward(run.iter().chain(&["--digest", digest])).await.expect(3);
    assert_eq!(error(&changed)["rule"], "component-digest");
}

/// Comments and the steps that do not run aside, no bit of the lock can change without a refusal.
#[tokio::test]
async fn a_lock_with_one_bit_changed_is_refused() {
    let stage = Stage::new().await;
    let file = stage.project().join("stepward.lock");
    let good = fs::read_to_string(&file).unwrap();
    let start = good.find("[steps.read-invoice]").unwrap();
    for at in positions(good.len() - start, 40).into_iter().map(|at| start + at) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        let (line, byte) = (good[..at].matches('\n').count(), char::from(good.as_bytes()[at]));
        fs::write(&file, bytes).unwrap();
        let ended = stage.stepward(READ.iter().chain(&["--json"])).await;
        // A space can become a control character or a comment sign, never another meaning.
        if ended.code == Some(0) {
            assert!(byte.is_whitespace(), "byte {at}, {byte:?} in line {line}: {}", ended.stdout);
        } else {
            assert!([Some(3), Some(9)].contains(&ended.code), "byte {at}: {}", ended.stdout);
            let error = error(&ended);
            let rule = error["rule"].as_str().unwrap();
            assert!(
                ["lock-file", "lock-differs", "lock-step-missing", "component-digest"].contains(&rule),
                "byte {at}: {error}"
            );
        }
    }
}

/// Nothing in the cache is believed: what fails its check is compiled again, and said.
#[tokio::test]
async fn cached_code_with_one_byte_changed_is_compiled_again_and_reported() {
    let stage = Stage::new().await;
    let case = stage.project().join("steps/post-payment/cases/posted.json");
    let run = ["run", "post-payment", "--script", case.to_str().unwrap()];
    let digest = stage.stepward(["inspect", "post-payment", "--json"]).await.expect(0).json();
    let hex = digest["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    let code = || {
        let mut kept = files(&stage.state().join("dev/cache"));
        kept.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with(&hex));
        let [file] = kept.as_slice() else { panic!("{kept:?}") };
        file.clone()
    };
    let quiet = stage.stepward(run).await.expect(0);
    assert_eq!(quiet.stderr, "");
    let length = fs::read(code()).unwrap().len();
    for at in positions(length, 20) {
        let mut bytes = fs::read(code()).unwrap();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1 << (at % 8);
        fs::write(code(), bytes).unwrap();
        let ended = stage.stepward(run).await.expect(0);
        assert!(ended.stderr.contains("it was compiled again"), "byte {at}: {:?}", ended.stderr);
    }
    // The last one was written anew and is good.
    assert_eq!(stage.stepward(run).await.expect(0).stderr, "");
    for harm in [super::Empty, super::Truncated, super::Binary] {
        harm.does(&code());
        let ended = stage.stepward(run).await.expect(0);
        assert!(ended.stderr.contains("it was compiled again"), "{harm:?}: {:?}", ended.stderr);
    }
}
