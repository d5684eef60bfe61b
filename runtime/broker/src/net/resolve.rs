//! From names to addresses.

use super::failure::RESOLVE_FAILED;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{fmt, pin::Pin, time::Duration};
use stepward_fault::{Class, Fault, Owner};

/// The future of a look-up.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Looks up names. Every answer is judged by the address policy; a resolver decides nothing.
pub trait Resolve: Send + Sync {
    /// All addresses of a host name, given in lower case and without a final dot.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// Why a look-up brought no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// The name has no address.
    NotFound,
    /// No name server answered in time.
    Timeout,
    /// The name servers could not answer; the text is for operators.
    Failed(String),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("it has no address"),
            Self::Timeout => f.write_str("no name server answered in time"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ResolveError {}

/// How long one question to one name server may take; the connect timeout bounds them together.
const ASK: Duration = Duration::from_secs(2);
/// Questions to a name server in a row before it counts as silent.
const ASKS: usize = 2;
/// How long an answer is reused at most, whatever its own time to live says. It spares the name
/// servers under load. The address is judged on every use all the same.
const REUSE_MOST: Duration = Duration::from_secs(5);
/// Names whose answers are kept.
const KEPT_NAMES: u64 = 256;
/// Name servers that are asked, as in resolv.conf(5).
const SERVERS_MOST: usize = 3;
/// The port of DNS.
const DNS_PORT: u16 = 53;

/// A stub resolver: asks the given name servers over UDP, over TCP where an answer is cut. It knows
/// no hosts file and no search list.
pub struct Dns(TokioResolver);

impl Dns {
    /// Makes a resolver that asks these servers.
    ///
    /// # Errors
    /// When no server is given.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, Fault> {
        let fault = || Fault::new(Class::BadInput, Owner::Operator, RESOLVE_FAILED);
        if servers.is_empty() {
            return Err(fault()
                .says("there is no name server to ask")
                .hint("name one in the environment or the system"));
        }
        let servers = servers.iter().take(SERVERS_MOST).map(|server| {
            let on_port = |mut connection: ConnectionConfig| {
                connection.port = server.port();
                connection
            };
            let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = ASK;
        options.attempts = ASKS;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = KEPT_NAMES;
        options.positive_max_ttl = Some(REUSE_MOST);
        options.negative_max_ttl = Some(REUSE_MOST);
        let resolver = builder.build().map_err(|error| fault().says(error))?;
        Ok(Self(resolver))
    }
}

impl Resolve for Dns {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            // The final dot keeps a search list out of it.
            let found = self.0.lookup_ip(format!("{name}.")).await.map_err(|error| refine(&error))?;
            Ok(found.iter().collect())
        })
    }
}

fn refine(error: &NetError) -> ResolveError {
    match error {
        NetError::Timeout => ResolveError::Timeout,
        _ if error.is_no_records_found() => ResolveError::NotFound,
        _ => ResolveError::Failed(error.to_string()),
    }
}

/// The name servers that the text of a resolv.conf(5) names; where it names none, the one on this
/// machine. Servers with a zone identifier are left out.
pub fn servers_in(resolv_conf: &str) -> Vec<SocketAddr> {
    let server = |line: &str| -> Option<IpAddr> {
        let mut words = line.split_ascii_whitespace();
        if words.next()? == "nameserver" { words.next()?.parse().ok() } else { None }
    };
    let mut servers: Vec<_> = resolv_conf
        .lines()
        .filter_map(server)
        .map(|ip| SocketAddr::new(ip, DNS_PORT))
        .take(SERVERS_MOST)
        .collect();
    if servers.is_empty() {
        servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DNS_PORT));
    }
    servers
}

#[cfg(test)]
mod tests {
    use super::{Dns, servers_in};

    #[test]
    fn the_servers_of_a_resolv_conf() {
        let text = "# comment\nsearch corp.example\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \n\
                    nameserver fe80::1%eth0\nnameservers 192.0.2.9\n; nameserver 192.0.2.8\noptions ndots:5\n";
        let found: Vec<_> = servers_in(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53"]);
        assert_eq!(servers_in("")[0].to_string(), "127.0.0.1:53");
    }

    #[test]
    fn no_server_is_an_error() {
        assert!(Dns::new(&[]).is_err());
    }
}
