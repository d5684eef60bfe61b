use super::{Guard, GuardBuilder};
use aho_corasick::AhoCorasickKind;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use stepward_seam::Label;

fn guard(secret: &[u8]) -> Guard {
    let mut builder = GuardBuilder::default();
    builder.add(&Label::new("token").unwrap(), secret).unwrap();
    builder.build().unwrap()
}

fn each(secret: &[u8], spell: impl Fn(u8) -> String) -> Vec<u8> {
    secret.iter().map(|byte| spell(*byte)).collect::<Vec<_>>().concat().into_bytes()
}

/// Written apart from the guard's own encoders, so that one mistake cannot stand in both.
fn encodings(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("raw", secret.to_vec()),
        ("hex", each(secret, |b| format!("{b:02x}"))),
        ("HEX", each(secret, |b| format!("{b:02X}"))),
        ("percent, every byte", each(secret, |b| format!("%{b:02X}"))),
        ("percent, lower", each(secret, |b| format!("%{b:02x}"))),
        ("form", url::form_urlencoded::byte_serialize(secret).collect::<String>().into_bytes()),
    ];
    for prefix in [&b""[..], b"u", b"us"] {
        for suffix in [&b""[..], b"x", b"yz"] {
            let text = [prefix, secret, suffix].concat();
            all.push(("base64", STANDARD.encode(&text).into_bytes()));
            all.push(("base64 without padding", STANDARD_NO_PAD.encode(&text).into_bytes()));
            all.push(("base64url", URL_SAFE.encode(&text).into_bytes()));
            all.push(("base64url without padding", URL_SAFE_NO_PAD.encode(&text).into_bytes()));
        }
    }
    let lines = |text: String, end: &str| {
        text.as_bytes().chunks(5).map(|line| [line, end.as_bytes()].concat()).collect::<Vec<_>>().concat()
    };
    all.push(("base64 in lines", lines(STANDARD.encode(secret), "\r\n")));
    all.push(("hex in lines", lines(hex::encode(secret), "\n")));
    if let Ok(text) = std::str::from_utf8(secret) {
        all.push(("json", serde_json::to_vec(text).unwrap()));
        all.push(("json, slashes", serde_json::to_string(text).unwrap().replace('/', "\\/").into_bytes()));
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
        all.push(("json, every character", units.into_bytes()));
        let named = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            other => other.to_string(),
        };
        all.push(("xml, named entities", text.chars().map(named).collect::<String>().into_bytes()));
        let decimal = text.chars().map(|c| format!("&#{};", u32::from(c))).collect::<Vec<_>>().concat();
        all.push(("xml, every character by number", decimal.into_bytes()));
        let hexadecimal =
            text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect::<Vec<_>>().concat();
        all.push(("xml, every character in hex", hexadecimal.into_bytes()));
        all.push((
            "url",
            url::Url::parse(&format!("https://h/?{text}")).unwrap().query().unwrap_or("").into(),
        ));
    }
    all
}

#[test]
fn every_encoding_is_found_wherever_it_stands() {
    // Spaces, quotes and signs that each encoder treats in its own way; and bytes that are no text.
    for secret in [
        &b"tok/en+with \"quotes\"&more"[..],
        "pässwörd-東京".as_bytes(),
        &[0xff, 0, 1, 2, 0xfe, 3, 4, 5, 0x80],
    ] {
        let guard = guard(secret);
        for (encoding, echoed) in encodings(secret) {
            for (before, after) in [(0, 0), (1, 3), (4096, 7)] {
                let body = [vec![b'.'; before], echoed.clone(), vec![b'.'; after]].concat();
                let leak = guard.clear(&body).map(drop).expect_err(encoding);
                assert_eq!(leak.secret().as_str(), "token");
                let redacted = guard.redact(&body);
                assert!(redacted.windows(16).any(|text| text == b"{{secret token}}"), "{encoding}");
                guard.clear(&redacted).expect(encoding);
            }
        }
    }
}

#[test]
fn a_long_secret_is_found_by_its_middle() {
    let secret: Vec<u8> = (0..5000_u32).flat_map(|i| format!("{i:x}").into_bytes()).collect();
    let guard = guard(&secret);
    for (encoding, echoed) in encodings(&secret).into_iter().filter(|(name, _)| *name != "url") {
        guard.clear(&echoed).map(drop).expect_err(encoding);
    }
}

#[test]
fn of_a_long_secret_no_part_is_written_down() {
    let secret: Vec<u8> = (0..5000_u32).flat_map(|i| format!("{i:05x}").into_bytes()).collect();
    let guard = guard(&secret);
    for (encoding, echoed) in encodings(&secret).into_iter().filter(|(name, _)| *name != "url") {
        let body = [b"<<".to_vec(), echoed.clone(), b">>".to_vec()].concat();
        let redacted = guard.redact(&body);
        assert!(redacted.len() < 64, "{encoding}: {}", String::from_utf8_lossy(&redacted));
    }
}

#[test]
fn the_search_takes_as_long_for_one_text_as_for_another() {
    // `G` and `_` are rare enough to be jumped to by a search that takes shortcuts.
    let guard = guard(b"sk_live_51Habcdefgh");
    assert_eq!(guard.matcher.kind(), AhoCorasickKind::DFA);
    let table = format!("{:?}", guard.matcher);
    assert!(table.contains("prefilter: false"), "{table}");
    // Also for more secrets than the search would give a table of its own accord.
    let mut builder = GuardBuilder::default();
    for number in 0..20 {
        builder.add(&Label::new("token").unwrap(), format!("token of number {number}").as_bytes()).unwrap();
    }
    assert_eq!(builder.build().unwrap().matcher.kind(), AhoCorasickKind::DFA);
}

#[test]
fn harmless_text_passes_unchanged() {
    let guard = guard(b"0123456789abcdef");
    let text = br#"{"status":"accepted","id":"0123456789"}"#;
    assert_eq!(guard.clear(&text[..]).unwrap().into_inner(), text);
    assert_eq!(guard.redact(text), text);
}

#[test]
fn short_secrets_are_refused_and_nothing_shows_them() {
    let name = Label::new("token").unwrap();
    let fault = GuardBuilder::default().add(&name, b"seven77").unwrap_err();
    assert_eq!(fault.rule().as_str(), "secret-too-short");
    assert!(fault.remedy().contains("openssl rand"), "{fault:?}");
    assert!(!format!("{fault:?}").contains("seven77"));
    assert!(!format!("{:?}", guard(b"0123456789")).contains("0123"));
}

#[test]
fn overlapping_secrets_leave_no_end_standing() {
    let mut builder = GuardBuilder::default();
    builder.add(&Label::new("first").unwrap(), b"abcdefgh").unwrap();
    builder.add(&Label::new("second").unwrap(), b"efghijkl").unwrap();
    let redacted = builder.build().unwrap().redact(b"<abcdefghijkl>");
    assert_eq!(redacted, b"<{{secret first}}>");
}

proptest! {
    #[test]
    fn whatever_the_bytes(secret in proptest::collection::vec(any::<u8>(), 8..80), before in 0_usize..9) {
        let guard = guard(&secret);
        for (encoding, echoed) in encodings(&secret) {
            // The `url` crate drops tabs and line breaks, and what follows `#` is no query.
            if encoding != "url" {
                let body = [vec![b'~'; before], echoed].concat();
                prop_assert!(guard.clear(&body).is_err(), "{}", encoding);
                prop_assert!(guard.clear(guard.redact(&body)).is_ok(), "{}", encoding);
            }
        }
    }
}
