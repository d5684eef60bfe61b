//! Variables that other clients take a proxy from.

use crate::world::*;
use std::io::ErrorKind;
use std::net::TcpListener;

/// Runs the plain exchange of this binary in a child whose environment names a proxy for
/// everything, and sees that the proxy is not asked.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "only a process of its own can have another environment")]
async fn variables_that_name_a_proxy_change_nothing() {
    let proxy = TcpListener::bind((LOOPBACK, 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies::a_plain_exchange"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "socks_proxy", "ftp_proxy"] {
        child.env(name, &url).env(name.to_uppercase(), &url);
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    let asked = proxy.accept();
    assert_eq!(asked.err().map(|error| error.kind()), Some(ErrorKind::WouldBlock), "the proxy was asked");
}

#[tokio::test]
async fn a_plain_exchange() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    assert_eq!(world.get(&world.target(&server)).await.unwrap().status, 200);
    assert_eq!(server.seen.requests(), 1);
}
