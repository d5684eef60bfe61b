//! What a run does when the service fails: applied, not applied and unknown are three answers.

use super::{INVOICE, statuses, step_error};
use crate::stage::{Stage, edit};
use invoice_erp::Misbehaviour;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use std::{fs, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Timeouts that a test can wait for.
const SHORT: &str = "idempotent = true\ntimeouts = { first-byte-ms = 3000, total-ms = 4000 }";

/// The service books the payment, and its answer never comes: the call is in doubt, is not tried
/// again, and neither a second run nor a second post pays twice.
async fn in_doubt(misbehaviour: Misbehaviour, why: &str) {
    let stage = Stage::with(vec![misbehaviour]).await;
    edit(&stage.environment(), "idempotent = true", SHORT);
    let cases = stage.beside("cases");
    let document = format!("documents/{INVOICE}");
    let recorded = ["run", "approve", "--json", "--input", &document, "--record", cases.to_str().unwrap()];
    let ended = stage.stepward(recorded).await;
    let run = ended.json();
    assert_eq!(
        step_error(ended),
        (
            "call-in-doubt".into(),
            "permanent".into(),
            format!("call-in-doubt: the endpoint may have acted on the request: {why}")
        )
    );
    assert_eq!(
        statuses(&run),
        [("read-invoice", "succeeded"), ("check-invoice", "succeeded"), ("post-payment", "failed")]
    );
    assert_eq!(stage.payments().len(), 1);
    let reply = &stage.trace(&run, 2)["calls"][1]["reply"];
    assert!(reply["value"]["Err"]["unknown"].is_string(), "{reply}");

    let (code, _, message) = step_error(stage.approve(INVOICE).await);
    assert_eq!(code, "invoice-invalid");
    assert!(message.contains("ERP-INVOICE-DUPLICATE"), "{message}");

    // Past the check, too: the same order posted by another run.
    let order = stage.beside("order.json");
    fs::write(&order, stage.trace(&run, 2)["input"].as_str().unwrap()).unwrap();
    let post = ["run", "approve/post-payment", "--json", "--input", order.to_str().unwrap()];
    let (code, kind, _) = step_error(stage.stepward(post).await);
    assert_eq!((code.as_str(), kind.as_str()), ("invoice-already-paid", "permanent"));
    assert_eq!(stage.payments().len(), 1);
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_the_call_in_doubt() {
    in_doubt(Misbehaviour::HangAfterCommit, "a timeout ran out").await;
}

#[tokio::test]
async fn a_connection_that_ends_after_the_effect_leaves_the_call_in_doubt() {
    in_doubt(Misbehaviour::ResetAfterCommit, "the connection ended early").await;
}

/// Ctrl-c while the answer is awaited: no further step starts, the run ends with the effect that is
/// under way, within its endpoint's total timeout, says that it may have been applied, and the next
/// run does not pay again.
#[tokio::test]
async fn a_run_that_is_interrupted_says_that_its_effect_may_stand() {
    let stage = Stage::with(vec![Misbehaviour::HangAfterCommit]).await;
    edit(&stage.environment(), "idempotent = true", SHORT);
    let run = ["run", "approve", "--json", "--input", &format!("documents/{INVOICE}")];
    let run = stage.interrupted(run).await.expect(130).json();
    assert_eq!((&run["status"], &run["error"]["rule"]), (&json!("cancelled"), &json!("cancelled")));
    assert!(run["error"]["hint"].as_str().unwrap().contains("may have been applied"), "{run}");
    assert_eq!(statuses(&run), [("read-invoice", "succeeded"), ("check-invoice", "succeeded")]);
    let [late] = run["late"].as_array().unwrap().as_slice() else { panic!("{run}") };
    assert_eq!(
        (&late["step"], &late["asked"], &late["effect"], &late["cause"]),
        (&json!("post-payment"), &json!("erp POST /payments"), &json!("unknown"), &json!("timeout"))
    );
    let (_, _, message) = step_error(stage.approve(INVOICE).await);
    assert!(message.contains("ERP-INVOICE-DUPLICATE"), "{message}");
    assert_eq!(stage.payments().len(), 1);
}

/// The error of a run that never reached the service, and what its check of the supplier recorded.
async fn not_applied(stage: &Stage, why: &str, cause: &str) {
    let ended = stage.approve(INVOICE).await;
    let run = ended.json();
    let (code, kind, message) = step_error(ended);
    assert_eq!((code.as_str(), kind.as_str()), ("call-not-applied", "retryable"));
    assert_eq!(message, format!("call-not-applied: the endpoint was not reached: {why}"));
    assert_eq!(statuses(&run), [("read-invoice", "succeeded"), ("check-invoice", "failed")]);
    assert_eq!(
        stage.trace(&run, 1)["calls"][0]["reply"]["value"],
        json!({ "Err": { "not-applied": cause } })
    );
    assert_eq!((stage.payments(), stage.requests()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_service_that_is_down_is_worth_another_try() {
    let mut stage = Stage::new().await;
    stage.erp.take().unwrap().shutdown().await;
    not_applied(&stage, "no connection could be made", "connect").await;
}

#[tokio::test]
async fn a_root_that_the_environment_does_not_trust_is_refused() {
    let (stage, other) = (Stage::new().await, Stage::new().await);
    fs::copy(other.roots(), stage.roots()).unwrap();
    not_applied(&stage, "the TLS handshake failed", "tls").await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused() {
    let stage = Stage::new().await;
    let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = root.self_signed(&root_key).unwrap().pem();
    let mut leaf = CertificateParams::new(["erp.localhost".to_owned()]).unwrap();
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(root, root_key)).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(drop)
    });
    fs::write(stage.roots(), pem).unwrap();
    edit(
        &stage.environment(),
        &stage.erp.as_ref().unwrap().url(),
        &format!("https://erp.localhost:{port}/api"),
    );
    not_applied(&stage, "the TLS handshake failed", "tls").await;
    // It was this server that was asked, and the client who ended it.
    assert!(accepting.await.unwrap().unwrap_err().to_string().contains("CertificateExpired"));
}

#[tokio::test]
async fn an_answer_that_repeats_the_credential_ends_the_run_with_an_alert() {
    let stage = Stage::with(vec![Misbehaviour::EchoToken]).await;
    let ended = stage.approve(INVOICE).await.expect(3);
    let run = ended.json();
    assert_eq!((&run["status"], &run["error"]["rule"]), (&json!("refused"), &json!("secret-leak")));
    assert_eq!(run["error"]["owner"], "operator");
    assert_eq!(statuses(&run), [("read-invoice", "succeeded"), ("check-invoice", "refused")]);
    assert!(ended.stderr.contains("stepward::alert"), "{}", ended.stderr);
    assert_eq!(stage.requests().len(), 1);
    super::secrets::nothing_tells(&stage, &[ended]);
}
