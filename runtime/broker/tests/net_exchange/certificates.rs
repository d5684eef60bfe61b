//! Certificates that must not pass, and the ones that must.

use crate::world::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::version::{TLS12, TLS13};
use std::net::{Ipv4Addr, Ipv6Addr};
use stepward_broker::net::*;
use stepward_seam::Cause;
use tokio::net::TcpListener;
use url::Host;

const NO: (Cause, Sent, stepward_fault::Rule) = (Cause::Tls, Sent::Nothing, TLS_FAILED);

#[tokio::test]
async fn a_certificate_for_another_name() {
    let world = World::new();
    for names in
        [&["other.test"][..], &["test"], &["*.erp.test"], &["erp.test.evil.test"], &["127.0.0.1"], &[]]
    {
        let server = always(world.authority.server(names), OK).await;
        assert_eq!(failed(world.get(&world.target(&server)).await), NO, "{names:?}");
        assert_eq!(server.seen.requests(), 0, "{names:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_a_thousand_names_does_not_fill_the_log() {
    let world = World::new();
    let names: Vec<_> = (0..1000).map(|number| format!("name-{number}.other.test")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let server = always(world.authority.server(&names), OK).await;
    let failure = world.get(&world.target(&server)).await.err().unwrap();
    let told = failure.fault().message();
    assert!(told.contains("name-0.other.test") && told.ends_with("(cut)"), "{told}");
    assert!(told.chars().count() < 600, "{told}");
}

#[tokio::test]
async fn an_expired_one_and_one_of_the_future() {
    let world = World::new();
    let years = [(2001, 2002), (2199, 2200)];
    for (from, to) in years {
        let change = |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        };
        let server = always(world.authority.server_with(&[NAME], change, rustls::ALL_VERSIONS), OK).await;
        assert_eq!(failed(world.get(&world.target(&server)).await), NO, "{from}");
        assert_eq!(server.seen.requests(), 0);
    }
}

#[tokio::test]
async fn a_self_signed_one_and_one_from_another_root() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let self_signed = settings(own.der().clone(), &key, rustls::ALL_VERSIONS);
    // Its root bears the same distinguished name as the trusted one.
    let stranger = Authority::new().server(&[NAME]);
    for config in [self_signed, stranger] {
        let server = always(config, OK).await;
        assert_eq!(failed(world.get(&world.target(&server)).await), NO);
        assert_eq!(server.seen.requests(), 0);
    }
}

#[tokio::test]
async fn no_roots_trust_nobody() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let spec = TargetSpec {
        roots: std::sync::Arc::new(rustls::RootCertStore::empty()),
        ..world.spec(server.address.port())
    };
    assert_eq!(failed(world.get(&Target::new(spec).unwrap()).await), NO);
}

#[tokio::test]
async fn tls_1_2_and_1_3_without_a_default_of_the_process() {
    let world = World::new();
    for version in [&TLS12, &TLS13] {
        let server = always(world.authority.server_with(&[NAME], |_| {}, &[version]), OK).await;
        assert_eq!(world.get(&world.target(&server)).await.unwrap().status, 200);
    }
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn only_http_1_1_is_offered() {
    let world = World::new();
    let mut config = (*world.config()).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = serve(std::sync::Arc::new(config), |mut stream, seen| async move {
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(stream.get_ref().1.server_name(), Some(NAME));
        request(&mut stream, &seen).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, OK.as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::flush(&mut stream).await.unwrap();
    })
    .await;
    assert_eq!(world.get(&world.target(&server)).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_address_as_host_is_checked_as_an_address() {
    let world = World::new();
    let v4 = Host::Ipv4(Ipv4Addr::LOCALHOST);
    let server = always(world.authority.server(&["127.0.0.1"]), OK).await;
    let spec = TargetSpec { host: v4.clone(), ..world.spec(server.address.port()) };
    assert_eq!(world.get(&Target::new(spec).unwrap()).await.unwrap().status, 200);
    assert!(server.seen.last().contains(&format!("host: 127.0.0.1:{}\r\n", server.address.port())));
    let server = always(world.config(), OK).await;
    let spec = TargetSpec { host: v4, ..world.spec(server.address.port()) };
    assert_eq!(failed(world.get(&Target::new(spec).unwrap()).await), NO);

    // Machines without IPv6 have nothing to listen on.
    if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await {
        let server = serve_on(listener, world.authority.server(&["::1"]), |mut stream, seen| async move {
            request(&mut stream, &seen).await;
            tokio::io::AsyncWriteExt::write_all(&mut stream, OK.as_bytes()).await.unwrap();
            tokio::io::AsyncWriteExt::flush(&mut stream).await.unwrap();
        });
        let spec = TargetSpec {
            host: Host::Ipv6(Ipv6Addr::LOCALHOST),
            networks: vec!["::1/128".parse().unwrap()],
            ..world.spec(server.address.port())
        };
        assert_eq!(world.get(&Target::new(spec).unwrap()).await.unwrap().status, 200);
        assert!(server.seen.last().contains(&format!("host: [::1]:{}\r\n", server.address.port())));
    }
}

#[tokio::test]
async fn a_host_that_no_certificate_can_carry() {
    let world = World::new();
    for name in ["", "a..b", "-a.test", "a b", "ü.test"] {
        let spec = TargetSpec { host: Host::Domain(name.to_owned()), ..world.spec(443) };
        assert_eq!(Target::new(spec).err().unwrap().rule(), HOST_NOT_A_NAME, "{name:?}");
    }
}
