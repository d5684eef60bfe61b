//! The program: its ready line and its three ways to end.
#![allow(clippy::disallowed_methods, reason = "the program itself is under test")]

use crate::client::{Client, order, payer_key, signed};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

fn spawn(data: &Path, more: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_invoice-erp"))
        .args(["--listen", "127.0.0.1:0", "--until-stdin-closes", "--data"])
        .arg(data)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn the_ready_line_is_all_that_a_client_needs_and_closing_stdin_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("payer.hex");
    let hex = hex::encode(payer_key().as_bytes());
    fs::write(&key, format!("{hex}\n")).unwrap();
    let (mut child, ready) = spawn(&folder.path().join("data"), &["--payer-key", key.to_str().unwrap()]);

    let text = |name: &str| ready[name].as_str().unwrap();
    let token = fs::read_to_string(text("token")).unwrap();
    let client = Client::new(text("address").parse().unwrap(), Path::new(text("root")), &token);
    let port = text("address").rsplit_once(':').unwrap().1;
    assert_eq!(text("url"), format!("https://erp.localhost:{port}/api"));
    assert_eq!(client.pay("k", &signed(&order("1"))).await.unwrap().status, 201);

    drop(child.stdin.take());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(log.starts_with("POST /api/payments 201 "), "{log}");
    assert!(!log.contains(&token));
}

#[test]
fn sigterm_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = spawn(folder.path(), &[]);
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_bad_key_or_address_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("payer.hex");
    fs::write(&key, "not hex").unwrap();
    for (arguments, code, rule) in [
        (["--payer-key", key.to_str().unwrap()], 9, "erp-payer-key"),
        (["--listen", "0.0.0.0:0"], 3, "erp-loopback-only"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_invoice-erp"))
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(rule) && output.stdout.is_empty(), "{text}");
    }
}
