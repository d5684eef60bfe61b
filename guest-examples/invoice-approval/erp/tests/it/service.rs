//! Certificates, token, suppliers and the page.

use crate::client::{Client, order, signed, start, start_in};
use invoice_erp::{Erp, Misbehaviour, Options};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};
use stepward_fault::Class;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn suppliers_are_known_however_their_id_is_spelt() {
    let service = start(&[]).await;
    let client = service.client();
    for id in ["NL8200.98.395.B.01", "nl820098395b01", "NL8200%2098395%20B01"] {
        let reply = client.get(&format!("/api/suppliers/{id}")).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["name"]), (200, &"De Koksmaat".into()), "{id}");
        assert_eq!(reply.json()["id"], "NL8200.98.395.B.01");
    }
    let unknown = client.get("/api/suppliers/XX999").await;
    assert_eq!(unknown.refusal(), (404, "supplier-unknown".to_owned()));
    service.erp.shutdown().await;
}

#[tokio::test]
async fn nothing_under_api_answers_without_the_token() {
    let service = start(&[]).await;
    let good = service.client().authorization.unwrap();
    let wrong = format!("Bearer {}", "0".repeat(64));
    for offered in [
        None,
        Some(wrong),
        Some(good.replace("Bearer", "Basic")),
        Some(good[..40].to_owned()),
        Some(format!("{good}0")),
    ] {
        let client = service.client().offering(offered.clone());
        for (method, target) in
            [("GET", "/api/suppliers/DK16356706"), ("POST", "/api/payments"), ("GET", "/api/nothing")]
        {
            let reply = client.send(method, target, &[("idempotency-key", "k")], "{}").await.unwrap();
            assert_eq!(reply.refusal(), (401, "unauthorized".to_owned()), "{offered:?} {method} {target}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn the_token_is_checked_before_the_body_is_read() {
    let service = start(&[]).await;
    let mut stream = service.client().connect(invoice_erp::NAME).await.unwrap();
    let head = "POST /api/payments HTTP/1.1\r\nhost: erp.localhost\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn the_certificate_holds_for_this_machine_under_its_own_root_only() {
    let service = start(&[]).await;
    let client = service.client();
    for name in ["erp.localhost", "localhost", "127.0.0.1"] {
        client.connect(name).await.unwrap();
    }
    let refused = client.connect("erp.example").await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");

    let other = start(&[]).await;
    let stranger = Client::new(service.erp.address(), &other.erp.root_path(), service.erp.token());
    let refused = stranger.connect("erp.localhost").await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
}

#[tokio::test]
async fn private_files_are_private_and_wider_ones_are_refused() {
    let service = start(&[]).await;
    let data = service.folder.path();
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["token", "root.key", "erp.db"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode("root.pem"), 0o644);
    service.erp.shutdown().await;
    for name in ["token", "root.key"] {
        fs::set_permissions(data.join(name), Permissions::from_mode(0o640)).unwrap();
        let fault = Erp::start(Options::new(data)).await.unwrap_err();
        assert_eq!((fault.class(), fault.rule().as_str()), (Class::Refused, "erp-private-file"));
        assert!(fault.remedy().contains("chmod 600"), "{fault:?}");
        fs::set_permissions(data.join(name), Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test]
async fn other_machines_are_not_served() {
    let folder = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8443"] {
        let options = Options { listen: listen.parse().unwrap(), ..Options::new(folder.path().join("erp")) };
        let fault = Erp::start(options).await.unwrap_err();
        assert_eq!(fault.rule().as_str(), "erp-loopback-only");
    }
    assert!(!folder.path().join("erp").exists(), "a refused start leaves nothing behind");
}

fn certificate(erp: &Erp) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(erp.root_path()).unwrap()
}

#[tokio::test]
async fn a_restart_keeps_root_token_and_payments() {
    let service = start(&[]).await;
    let client = service.client();
    assert_eq!(client.pay("k1", &signed(&order("TOSL108"))).await.unwrap().status, 201);
    let (root, token) = (certificate(&service.erp), service.erp.token().to_owned());
    service.erp.shutdown().await;

    let erp = start_in(service.folder.path(), &[]).await;
    assert_eq!((certificate(&erp), erp.token()), (root, token.as_str()));
    let again = Client::new(erp.address(), &erp.root_path(), erp.token());
    let found = again.get("/api/invoices/DK16356706/TOSL108").await;
    assert_eq!((found.status.as_u16(), &found.json()["payment_id"]), (200, &"PAY-000001".into()));
    assert_eq!(again.pay("k1", &signed(&order("TOSL108"))).await.unwrap().json()["status"], "already-posted");
}

#[tokio::test]
async fn a_root_without_its_key_is_refused_not_replaced() {
    let service = start(&[]).await;
    service.erp.shutdown().await;
    fs::remove_file(service.folder.path().join("root.key")).unwrap();
    let fault = Erp::start(Options::new(service.folder.path())).await.unwrap_err();
    assert_eq!(fault.rule().as_str(), "erp-certificate");
}

#[tokio::test]
async fn the_page_shows_what_came_and_escapes_it() {
    let service = start(&[]).await;
    let client = service.client();
    let hostile = "<script>alert(1)</script>";
    assert_eq!(client.pay("k&1", &signed(&order(hostile))).await.unwrap().status, 201);
    let visitor = client.offering(None);
    let page = visitor.get("/").await;
    let text = std::str::from_utf8(&page.body).unwrap();
    assert_eq!(page.status, 200);
    for expected in [
        "&lt;script&gt;alert(1)",
        "SubscriptionSeller",
        "3500.00 DKK",
        "k&amp;1",
        "/api/payments",
        "PAY-000001",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("<script"), "{text}");
    assert!(!text.contains(service.erp.token()));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
}

#[tokio::test]
async fn an_echo_of_the_token_happens_only_on_demand() {
    let service = start(&[Misbehaviour::EchoToken]).await;
    let reply = service.client().get("/api/suppliers/DK16356706").await;
    let sent = format!("Bearer {}", service.erp.token());
    assert_eq!(reply.headers["x-echo-authorization"], sent.as_str());
    assert_eq!(reply.json()["echo"], sent.as_str());

    let honest = start(&[]).await;
    let reply = honest.client().get("/api/suppliers/DK16356706").await;
    assert!(!reply.headers.contains_key("x-echo-authorization"));
    let expected = json!({"id": "DK16356706", "name": "SubscriptionSeller", "iban": "DK1212341234123412"});
    assert_eq!(reply.json(), expected);
    let none_on_file = honest.client().get("/api/suppliers/DK12345678").await;
    assert_eq!(none_on_file.json(), json!({"id": "DK12345678", "name": "Company A"}));
}
