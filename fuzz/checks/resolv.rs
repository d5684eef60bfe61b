//! What holds of every text that is offered as a resolv.conf(5).

use std::net::{Ipv4Addr, SocketAddr};
use stepward::broker::net::{Dns, servers_in};

/// Reads the text. There is always a server to ask, never more than three, each is one that the text
/// names, and a resolver can be made of them.
pub(crate) fn check(text: &str) -> Vec<SocketAddr> {
    let servers = servers_in(text);
    assert!((1..=3).contains(&servers.len()), "{servers:?}");
    let named =
        |server: &SocketAddr| text.split_ascii_whitespace().any(|word| word.parse() == Ok(server.ip()));
    for server in &servers {
        assert_eq!(server.port(), 53);
        assert!(named(server) || (servers.len() == 1 && server.ip() == Ipv4Addr::LOCALHOST), "{server}");
    }
    assert!(Dns::new(&servers).is_ok(), "{servers:?}");
    servers
}
