//! The seeds of what belongs to the event log: events, notes, keys, proofs, exports, sealed bodies.

use super::{checks, said, seeds};
use stepward_ledger::verify::{Report, Verdict};
use stepward_ledger::witness::Response;

/// The text, which the seeds of this target all are.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A value that was read, by what tells it from others, or why there is none.
fn read<T: std::fmt::Display, E: std::fmt::Display>(result: Result<T, E>) -> String {
    result.map_or_else(|error| format!("refused: {error}"), |value| value.to_string())
}

#[test]
fn event_seeds() {
    let told = |bytes: &[u8]| match checks::event::check(bytes) {
        Ok(event) => format!("{} {}", event.what.action(), event.sequence),
        Err(fault) => format!("{}: {}", fault.rule(), fault.message()),
    };
    insta::assert_snapshot!(said("event", told), @r"
    event/bidirectional-rule: event-format: a leaf is not an event: a text that is too long or not escaped
    event/call-answered: call-answered 11
    event/call-intended: call-intended 4
    event/cut: event-format: a leaf is not an event: EOF while parsing a string at line 1 column 120
    event/deep-nesting: event-format: a leaf is not an event: recursion limit exceeded at line 1 column 142
    event/digest-in-capitals: event-format: a leaf is not an event: a digest is written `sha256:` followed by 64 lower-case hex digits
    event/empty: event-format: a leaf is not an event: EOF while parsing a value at line 1 column 0
    event/empty-name: event-format: a leaf is not an event: a name has 1 to 128 visible ASCII characters, and no quotation mark or backslash
    event/escaped-control: event-format: a leaf is not an event: a text that is too long or not escaped
    event/escaped-letter: event-format: a leaf is not an event: it is not spelt as events are
    event/key-twice: event-format: a leaf is not an event: it is not spelt as events are
    event/keys-in-another-order: event-format: a leaf is not an event: it is not spelt as events are
    event/largest-number: service-started 18446744073709551615
    event/letters-of-the-world: call-intended 4
    event/name-of-129-bytes: event-format: a leaf is not an event: a name has 1 to 128 visible ASCII characters, and no quotation mark or backslash
    event/name-with-a-space: event-format: a leaf is not an event: a name has 1 to 128 visible ASCII characters, and no quotation mark or backslash
    event/newer-version: event-version: an event has the version 2, and this program reads up to 1
    event/newline-behind: event-format: a leaf is not an event: it is not spelt as events are
    event/not-utf-8: event-format: a leaf is not an event: invalid unicode code point at line 1 column 15
    event/null-for-nothing: event-format: a leaf is not an event: it is not spelt as events are
    event/number-as-float: event-format: a leaf is not an event: invalid type: floating point `0.0`, expected u64
    event/number-past-64-bits: event-format: a leaf is not an event: invalid type: floating point `1.8446744073709552e+19`, expected u64
    event/rule-of-200-bytes: call-intended 4
    event/rule-of-201-bytes: event-format: a leaf is not an event: a text that is too long or not escaped
    event/run-started: run-started 1
    event/service-recovered: service-recovered 6
    event/shown-control: call-intended 4
    event/too-long: event-format: a leaf is not an event: 4230 bytes, where an event has at most 4096
    event/unknown-key: event-format: a leaf is not an event: unknown field `note`, expected `version`
    event/version-zero: event-format: a leaf is not an event: it names no version that was ever written
    ");
}

#[test]
fn run_seeds() {
    let told = |bytes: &[u8]| {
        let (taken, refused, standing) = checks::runs::check(bytes);
        format!("{taken} and not {refused}: {standing:?}")
    };
    insta::assert_snapshot!(said("runs", told), @r"
    runs/codes-of-a-call-that-went-elsewhere: 3 and not 1: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-a-doubt-whose-step-ended: 4 and not 0: Some(CanGoOn)
    runs/codes-of-a-repeatable-effect: 3 and not 0: Some(CanGoOn)
    runs/codes-of-a-whole-run: 6 and not 0: Some(Finished(Succeeded))
    runs/codes-of-an-answer-before-its-intent: 3 and not 1: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-an-answer-to-another-attempt: 3 and not 1: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-an-attempt-hidden-by-another: 3 and not 2: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-an-effect-that-was-a-read: 3 and not 1: Some(CanGoOn)
    runs/codes-of-an-unknown-effect: 4 and not 0: Some(CanGoOn)
    runs/codes-of-another-component: 2 and not 1: Some(CanGoOn)
    runs/codes-of-doubt: 3 and not 0: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-erasure: 3 and not 0: Some(Erased)
    runs/codes-of-erasure-after-the-end: 3 and not 0: Some(Finished(Succeeded))
    runs/codes-of-life-after-the-end: 2 and not 2: Some(Finished(Succeeded))
    runs/codes-of-no-start: 0 and not 2: None
    runs/codes-of-one-number-twice: 1 and not 1: Some(NotStarted)
    runs/codes-of-two-attempts: 7 and not 0: Some(InDoubt([Call { step: read, call: 0, object: endpoint:erp }]))
    runs/codes-of-two-ends: 2 and not 1: Some(Finished(Succeeded))
    runs/codes-of-two-runs: 2 and not 1: Some(CanGoOn)
    runs/codes-of-two-starts: 1 and not 1: Some(NotStarted)
    runs/codes-of-two-steps-at-once: 2 and not 1: Some(CanGoOn)
    runs/codes-of-vouching: 3 and not 0: Some(CanGoOn)
    runs/empty: 0 and not 0: None
    runs/ended-step: 10 and not 0: Some(CanGoOn)
    runs/going-on: 3 and not 0: Some(CanGoOn)
    runs/in-doubt: 4 and not 0: Some(InDoubt([Call { step: post, call: 1, object: endpoint:erp }]))
    runs/not-started: 1 and not 0: Some(NotStarted)
    runs/resolved: 6 and not 0: Some(CanGoOn)
    runs/swapped: 7 and not 4: Some(Finished(Succeeded))
    runs/whole: 11 and not 0: Some(Finished(Succeeded))
    runs/whole-log: 11 and not 3: Some(Finished(Succeeded))
    ");
}

#[test]
fn note_seeds() {
    let told = |bytes: &[u8]| {
        let (note, checkpoints) = checks::note::check(bytes);
        let note = read(note.map(|note| format!("{} signed", note.signatures().len())));
        let [offered, signed] = checkpoints.map(|opened| read(opened.map(|opened| opened.head().size)));
        format!("{note}; opened {offered}; as text {signed}")
    };
    insta::assert_snapshot!(said("note", told), @r"
    note/byte-order-mark: 1 signed; opened refused: the signature by the key `stepward/fuzz` (72e6b1b9) does not verify; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/carriage-returns: refused: there is a control character at byte 13; opened refused: there is a control character at byte 13; as text refused: there is a control character at byte 13
    note/checkpoint: 1 signed; opened 14; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/cosigned: 2 signed; opened 14; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/cosigned-for-another: 2 signed; opened 14; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/cosigned-twice: 3 signed; opened 14; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/empty: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: no empty line separates a text from its signatures
    note/example-of-the-specification: 1 signed; opened refused: none of the known keys signed it: `stepward/fuzz`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/hyphen-for-a-dash: refused: signature line 1 is not `— NAME BASE64`; opened refused: signature line 1 is not `— NAME BASE64`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/many-signatures: refused: there are more than 64 signatures; opened refused: there are more than 64 signatures; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/name-that-reorders: 1 signed; opened refused: none of the known keys signed it: `stepward/fuzz`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/no-last-newline: refused: the last line does not end in a newline; opened refused: the last line does not end in a newline; as text refused: the signature by the key `stepward/fuzz` (72e6b1b9) does not verify
    note/not-utf-8: refused: it is not UTF-8 from byte 7 on; opened refused: it is not UTF-8 from byte 7 on; as text refused: it is not UTF-8 from byte 7 on
    note/nothing-but-signatures: 1 signed; opened refused: the signature by the key `stepward/fuzz` (72e6b1b9) does not verify; as text refused: it is a checkpoint of ``, not of `stepward/fuzz`
    note/older-checkpoint: 1 signed; opened 5; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/other-size: 1 signed; opened refused: the signature by the key `stepward/fuzz` (72e6b1b9) does not verify; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/signature-of-another: 1 signed; opened refused: the signature by the key `stepward/fuzz` (72e6b1b9) does not verify; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/signature-without-bytes: refused: signature line 1 is not `— NAME BASE64`; opened refused: signature line 1 is not `— NAME BASE64`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/signed-twice: 2 signed; opened 14; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/text: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text 14
    note/text-of-another-log: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: it is a checkpoint of `stepward/other`, not of `stepward/fuzz`
    note/text-of-no-events: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: the tree has no leaves, but not the root of such a tree
    note/text-past-the-largest-size: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: the size is not a decimal number up to 9223372036854775807 without leading zeros
    note/text-with-a-further-line: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text 14
    note/text-with-a-leading-zero: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: the size is not a decimal number up to 9223372036854775807 without leading zeros
    note/text-with-a-short-root: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: the root is not the base64 of 32 bytes
    note/text-with-an-empty-line: refused: signature line 1 is not `— NAME BASE64`; opened refused: signature line 1 is not `— NAME BASE64`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    note/text-with-stray-bits: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text refused: the root is not the base64 of 32 bytes
    note/text-with-the-largest-size: refused: no empty line separates a text from its signatures; opened refused: no empty line separates a text from its signatures; as text 9223372036854775807
    note/unpadded-base64: refused: signature line 1 is not `— NAME BASE64`; opened refused: signature line 1 is not `— NAME BASE64`; as text refused: a checkpoint has a line each for origin, size and root, and no empty line
    ");
}

#[test]
fn key_and_path_seeds() {
    let keys = said("vkey", |bytes| match checks::vkey::check(text(bytes)) {
        Ok(key) => format!("{key:?}"),
        Err(error) => format!("refused: {error}"),
    });
    let paths = said("tile_path", |bytes| match checks::tile_path::check(text(bytes)) {
        Ok(path) => format!("{:?} {} {}", path.content(), path.index(), path.width()),
        Err(error) => format!("refused: {error}"),
    });
    insta::assert_snapshot!(format!("{keys}\n{paths}"), @r"
    vkey/empty: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/example-of-the-specification: Log(LogVerifier(example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k))
    vkey/id-in-capitals: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/key-of-go: Log(LogVerifier(PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW))
    vkey/log: Log(LogVerifier(stepward/fuzz+72e6b1b9+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs))
    vkey/name-alone: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/name-of-256-bytes: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/name-that-reorders: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/name-with-a-space: refused: the name of a key has 1 to 255 bytes, without spaces, `+` and control characters
    vkey/newline-behind: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/no-key: refused: a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64
    vkey/other-id: refused: the key's ID is 72e6b1b9, but 00000000 is written: the key was mistyped or changed
    vkey/short-key: refused: an Ed25519 public key has 32 bytes, not 31
    vkey/two-pluses: refused: the name of a key has 1 to 255 bytes, without spaces, `+` and control characters
    vkey/unknown-kind: refused: signatures of kind 0x06 are not known here; only Ed25519 (0x01) and cosignature/v1 (0x04) are
    vkey/witness: Witness(WitnessVerifier(witness.example/fuzz+086ebd9a+BBOY9ixtGkV8UbpqS189vS9p/KkyFiGNyJl+QWvRfZPK))
    tile_path/absolute: refused: no tile has this name
    tile_path/checkpoint: refused: no tile has this name
    tile_path/empty: refused: no tile has this name
    tile_path/empty-partial: refused: no tile has this name
    tile_path/entries: Entries 1234067 256
    tile_path/first: Hashes(0) 0 256
    tile_path/full-as-partial: refused: no tile has this name
    tile_path/highest: Hashes(7) 0 127
    tile_path/last-of-level-0: Hashes(0) 36028797018963967 255
    tile_path/leading-zero-level: refused: no tile has this name
    tile_path/level-8: refused: no tile has this name
    tile_path/look-alike-digits: refused: no tile has this name
    tile_path/needless-part: refused: no tile has this name
    tile_path/number-past-64-bits: refused: no tile has this name
    tile_path/partial: Hashes(0) 273 112
    tile_path/past-the-highest: refused: no tile has this name
    tile_path/past-the-last: refused: no tile has this name
    tile_path/short-number: refused: no tile has this name
    tile_path/signed-number: refused: no tile has this name
    tile_path/slash-behind: refused: no tile has this name
    tile_path/two-slashes: refused: no tile has this name
    tile_path/unmarked-number: refused: no tile has this name
    tile_path/upwards: refused: no tile has this name
    ");
}

#[test]
fn witness_seeds() {
    let told = |bytes: &[u8]| match checks::witness_response::check(bytes) {
        Ok(Response::Cosigned(signatures)) => format!("{} signed", signatures.len()),
        Ok(response) => format!("{response:?}"),
        Err(error) => format!("refused: {error}"),
    };
    insta::assert_snapshot!(said("witness_response", told), @r"
    witness_response/a-note: refused: the body is no list of signature lines: signature line 1 is not `— NAME BASE64`
    witness_response/a-page: refused: the body is no list of signature lines: signature line 1 is not `— NAME BASE64`
    witness_response/bad-request: BadRequest
    witness_response/conflict: Conflict { size: TreeSize(14) }
    witness_response/conflict-in-capitals: Conflict { size: TreeSize(0) }
    witness_response/conflict-of-another-type: refused: a conflict has the content type `text/x.tlog.size`, not `text/x.tlog.sizes`
    witness_response/conflict-past-the-largest: refused: a conflict's body is a decimal number up to 9223372036854775807 and a newline
    witness_response/conflict-with-a-leading-zero: refused: a conflict's body is a decimal number up to 9223372036854775807 and a newline
    witness_response/conflict-with-a-sign: refused: a conflict's body is a decimal number up to 9223372036854775807 and a newline
    witness_response/conflict-without-newline: refused: a conflict's body is a decimal number up to 9223372036854775807 and a newline
    witness_response/conflict-without-type: refused: a conflict has the content type `text/x.tlog.size`, not ``
    witness_response/cosigned: 1 signed
    witness_response/failed: Failed { status: 599 }
    witness_response/forbidden: Forbidden
    witness_response/inconsistent: Inconsistent
    witness_response/many-lines: refused: the body is no list of signature lines: there are more than 64 signatures
    witness_response/no-last-newline: refused: the body is no list of signature lines: the last line does not end in a newline
    witness_response/no-lines: refused: the body is no list of signature lines: the last line does not end in a newline
    witness_response/past-all-statuses: Unexpected { status: 600 }
    witness_response/redirect: Unexpected { status: 302 }
    witness_response/too-many-requests: Failed { status: 429 }
    witness_response/two-lines: 2 signed
    witness_response/unknown-log: UnknownLog
    witness_response/without-status: refused: the body is no list of signature lines: signature line 1 is not `— NAME BASE64`
    ");
}

#[test]
fn proof_seeds() {
    let shown = |shown: Option<u64>| shown.map_or("nothing".to_owned(), |place| format!("event {place}"));
    let told = |bytes: &[u8]| {
        let [offered, newest] = checks::proof::check(bytes).map(|read_as| read(read_as.map(shown)));
        format!("shows {offered}, under the newest checkpoint {newest}")
    };
    insta::assert_snapshot!(said("proof", told), @r"
    proof/another-version: shows refused: the first line is not `c2sp.org/tlog-proof@v1`, under the newest checkpoint refused: the first line is not `c2sp.org/tlog-proof@v1`
    proof/empty: shows refused: no empty line separates the path from the checkpoint, under the newest checkpoint refused: the first line is not `c2sp.org/tlog-proof@v1`
    proof/endless-path: shows refused: the path is not at most 64 lines, each the base64 of 32 bytes, under the newest checkpoint refused: the path is not at most 64 lines, each the base64 of 32 bytes
    proof/extra: shows event 4, under the newest checkpoint event 4
    proof/extra-twice: shows refused: the line `index` with the event's number in decimal is missing, under the newest checkpoint refused: the line `index` with the event's number in decimal is missing
    proof/extra-without-data: shows refused: the line `extra` is not followed by base64, under the newest checkpoint refused: the line `extra` is not followed by base64
    proof/first: shows event 0, under the newest checkpoint event 0
    proof/index-past-64-bits: shows refused: the line `index` with the event's number in decimal is missing, under the newest checkpoint refused: the line `index` with the event's number in decimal is missing
    proof/index-past-the-tree: shows nothing, under the newest checkpoint nothing
    proof/index-with-a-leading-zero: shows refused: the line `index` with the event's number in decimal is missing, under the newest checkpoint refused: the line `index` with the event's number in decimal is missing
    proof/last: shows event 13, under the newest checkpoint event 13
    proof/long-path: shows nothing, under the newest checkpoint nothing
    proof/no-checkpoint: shows refused: no empty line separates a text from its signatures, under the newest checkpoint event 4
    proof/older-checkpoint: shows event 4, under the newest checkpoint nothing
    proof/other-checkpoint: shows nothing, under the newest checkpoint event 4
    proof/other-index: shows nothing, under the newest checkpoint nothing
    proof/path-alone: shows refused: no empty line separates the path from the checkpoint, under the newest checkpoint event 4
    proof/short-hash: shows refused: the path is not at most 64 lines, each the base64 of 32 bytes, under the newest checkpoint refused: the path is not at most 64 lines, each the base64 of 32 bytes
    proof/short-path: shows nothing, under the newest checkpoint nothing
    proof/swapped-path: shows nothing, under the newest checkpoint nothing
    ");
}

#[test]
fn merkle_seeds() {
    let told = |bytes: &[u8]| match checks::merkle::check(bytes) {
        Some(Ok(())) => "verified".to_owned(),
        Some(Err(error)) => error.fault("seed").rule().to_string(),
        None => "about no tree".to_owned(),
    };
    insta::assert_snapshot!(said("merkle", told), @r"
    merkle/another-leaf: proof-root
    merkle/empty: proof-empty-tree
    merkle/from-nothing: proof-empty-tree
    merkle/grown: verified
    merkle/grown-from-a-power-of-two: verified
    merkle/grown-short: proof-length
    merkle/grown-swapped: proof-length
    merkle/largest-growth: proof-root
    merkle/largest-tree: proof-root
    merkle/last-leaf: verified
    merkle/leaf-for-a-hash: proof-root
    merkle/leaf-in-a-tree: verified
    merkle/long-path: proof-length
    merkle/no-leaves: proof-empty-tree
    merkle/only-leaf: verified
    merkle/outside: proof-index-outside-tree
    merkle/past-the-largest-tree: about no tree
    merkle/path-without-end: proof-length
    merkle/same-size: verified
    merkle/same-size-with-a-path: proof-length
    merkle/short-path: proof-length
    merkle/sizes-reversed: proof-sizes-reversed
    merkle/strange-hash: proof-root
    merkle/swapped-path: proof-root
    merkle/unknown-growth: proof-root
    merkle/unknown-tree: proof-root
    ");
}

/// The verdict and the findings.
fn verdict(report: &Report) -> String {
    let findings = report.findings().iter().map(|fault| format!("{} at {}", fault.rule(), fault.place()));
    match report.verdict() {
        Verdict::Holds => format!("holds with {} events", report.established.events),
        Verdict::Fails => findings.collect::<Vec<_>>().join(", "),
    }
}

#[test]
fn export_and_evidence_seeds() {
    let exports = said("export", |bytes| {
        let [known, found] = checks::export::check(bytes).map(|report| verdict(&report));
        if known == found { known } else { format!("{known}; by the keys in it {found}") }
    });
    let evidence = said("evidence", |bytes| verdict(&checks::evidence::check(bytes)));
    insta::assert_snapshot!(format!("{exports}\n{evidence}"), @r"
    export/cosigned: holds with 14 events
    export/cut-in-a-line: export-line at export, event 13, export-root at export, all events
    export/empty: export-header at export, header
    export/empty-lines: export-line at export, event 0, export-root at export, all events
    export/end-cut-off: export-root at export, all events
    export/event-added: export-root at export, all events
    export/event-edited: log-leaf-edited at event 11
    export/event-edited-with-its-hash: export-root at export, all events
    export/event-removed: log-event-misplaced at event 4, log-event-misplaced at event 5, log-event-misplaced at event 6, log-event-misplaced at event 7, log-event-misplaced at event 8, log-event-misplaced at event 9, log-event-misplaced at event 10, log-event-misplaced at event 11, log-event-misplaced at event 12, export-root at export, all events
    export/events-swapped: log-events-swapped at events 2 and 5, export-root at export, all events
    export/hash-edited: log-leaf-edited at event 3
    export/hash-in-capitals: export-line at export, event 3, export-root at export, all events
    export/key-of-another: verify-key-of-another at export, header, note-not-signed-by-a-known-key at export, header; by the keys in it holds with 14 events
    export/key-that-is-none: verify-key at export, header; by the keys in it verify-key at export, header, verify-no-key at export, header
    export/line-that-is-too-long: export-line at export, event 0, export-root at export, all events
    export/newer-event: export-root at export, all events
    export/next-generation: holds with 14 events
    export/no-events: export-root at export, all events
    export/no-header: export-header at export, header, log-event-misplaced at event 0, log-event-misplaced at event 1, log-event-misplaced at event 2, log-event-misplaced at event 3, log-event-misplaced at event 4, log-event-misplaced at event 5, log-event-misplaced at event 6, log-event-misplaced at event 7, log-event-misplaced at event 8, log-event-misplaced at event 9, log-event-misplaced at event 10, log-event-misplaced at event 11, log-event-misplaced at event 12
    export/not-cosigned: verify-not-cosigned at export
    export/older-checkpoint: holds with 5 events
    export/unknown-key-in-the-header: export-header at export, header
    export/whole: holds with 14 events
    evidence/checkpoint-of-another: verify-key at evidence/keys.txt, note-signature-wrong at evidence/checkpoint
    evidence/empty: verify-key at evidence/keys.txt, event-format at evidence/events.jsonl:1, evidence-empty at evidence/events.jsonl:1
    evidence/event-edited: proof-root at evidence/proofs/11.tlog-proof
    evidence/event-of-another-run: proof-root at evidence/proofs/1.tlog-proof, evidence-two-runs at evidence/events.jsonl:2, evidence-two-runs at evidence/events.jsonl:3, evidence-two-runs at evidence/events.jsonl:4, evidence-two-runs at evidence/events.jsonl:5, evidence-two-runs at evidence/events.jsonl:6, evidence-two-runs at evidence/events.jsonl:7, evidence-two-runs at evidence/events.jsonl:8, evidence-two-runs at evidence/events.jsonl:9, evidence-two-runs at evidence/events.jsonl:10, evidence-two-runs at evidence/events.jsonl:11
    evidence/event-of-no-run: evidence-two-runs at evidence/events.jsonl:1, evidence-two-runs at evidence/events.jsonl:2
    evidence/event-past-the-log: proof-malformed at evidence/proofs/99.tlog-proof
    evidence/event-twice: evidence-order at evidence/events.jsonl:2
    evidence/events-out-of-order: evidence-order at evidence/events.jsonl:2
    evidence/keys-alone: event-format at evidence/events.jsonl:1, evidence-empty at evidence/events.jsonl:1
    evidence/keys-that-are-none: verify-key at evidence/keys.txt, verify-key at evidence/keys.txt
    evidence/largest-number: proof-malformed at evidence/proofs/18446744073709551615.tlog-proof
    evidence/no-events: event-format at evidence/events.jsonl:1, evidence-empty at evidence/events.jsonl:1
    evidence/older-checkpoint: holds with 1 events
    evidence/own-proofs: holds with 3 events
    evidence/proof-under-another-checkpoint: evidence-checkpoint at evidence/proofs/1.tlog-proof
    evidence/proofs-swapped: proof-of-another-event at evidence/proofs/1.tlog-proof, proof-of-another-event at evidence/proofs/2.tlog-proof
    evidence/some-of-the-events: holds with 8 events
    evidence/whole: holds with 11 events
    evidence/witness-that-did-not-cosign: verify-not-cosigned at evidence/checkpoint
    ");
}

#[test]
fn vault_seeds() {
    let keys = said("sealed_key", |bytes| match checks::sealed_key::check(bytes) {
        Ok(cost) => format!("{cost:?}"),
        Err(fault) => format!("{}: {}", fault.rule(), fault.message()),
    });
    let bodies = said("sealed_body", |bytes| checks::sealed_body::check(bytes).message().to_owned());
    insta::assert_snapshot!(format!("{keys}\n{bodies}"), @r"
    sealed_key/a-bare-key: sealed-key-form: this is not a sealed environment key: it has 32 bytes instead of 123
    sealed_key/all-that-fits: passphrase-cost: Argon2id with 4294967295 KiB, 4294967295 passes and 4294967295 lanes is out of bounds
    sealed_key/another-version: sealed-key-form: this is not a sealed environment key: it has the unknown version 2
    sealed_key/byte-behind: sealed-key-form: this is not a sealed environment key: it has 124 bytes instead of 123
    sealed_key/cut: sealed-key-form: this is not a sealed environment key: it has 122 bytes instead of 123
    sealed_key/empty: sealed-key-form: this is not a sealed environment key: it has 0 bytes instead of 123
    sealed_key/many-lanes: passphrase-cost: Argon2id with 65536 KiB, 3 passes and 17 lanes is out of bounds
    sealed_key/nothing: passphrase-cost: Argon2id with 0 KiB, 0 passes and 0 lanes is out of bounds
    sealed_key/past-two-gigabytes: passphrase-cost: Argon2id with 2097153 KiB, 1 passes and 4 lanes is out of bounds
    sealed_key/product-that-wraps: passphrase-cost: Argon2id with 1048576 KiB, 4096 passes and 4 lanes is out of bounds
    sealed_key/two-gigabytes: Cost { memory_kib: 2097152, passes: 1, lanes: 4 }
    sealed_key/weak: passphrase-cost: Argon2id with 7168 KiB, 1 passes and 1 lanes is out of bounds
    sealed_key/weak-by-a-kibibyte: passphrase-cost: Argon2id with 35839 KiB, 1 passes and 1 lanes is out of bounds
    sealed_key/whole: Cost { memory_kib: 7168, passes: 5, lanes: 1 }
    sealed_body/a-body: a body of the event call-answered cannot be opened: it has the unknown form 123
    sealed_body/a-head-alone: a body of the event call-answered cannot be opened: it is cut short
    sealed_body/a-name-of-a-run: a body of the event call-answered cannot be opened: it has the unknown form 114
    sealed_body/a-version-alone: a body of the event call-answered cannot be opened: it is cut short
    sealed_body/another-version: a body of the event call-answered cannot be opened: it has the unknown form 2
    sealed_body/changes: a body of the event call-answered cannot be opened: it has the unknown form 0
    sealed_body/changes-that-undo-each-other: a body of the event call-answered cannot be opened: it has the unknown form 5
    sealed_body/empty: a body of the event call-answered cannot be opened: it is cut short
    sealed_body/not-utf-8: a body of the event call-answered cannot be opened: it has the unknown form 255
    sealed_body/zeros: a body of the event call-answered cannot be opened: its authentication tag does not hold
    ");
    let files = seeds("sealed_key");
    let (_, whole) = files.iter().find(|(name, _)| name == "whole").unwrap();
    assert_eq!(checks::sealed_key::open(whole).unwrap().expose(), [7; 32]);
}
