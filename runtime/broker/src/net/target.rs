//! An endpoint as the operator bound it, made ready for use.

use super::address::{CheckedAddress, judge};
use super::failure::{NoAnswer, RESOLVE_FAILED};
use super::resolve::{Resolve, ResolveError};
use http::HeaderValue;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls_pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{sync::Arc, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule};
use url::Host;

/// The host of an endpoint cannot stand in a certificate.
pub const HOST_NOT_A_NAME: Rule = Rule::new("endpoint-host");

/// Look-up and connection, all addresses together: a service that is up answers within a round trip.
pub const CONNECT: Duration = Duration::from_secs(5);
/// The TLS handshake: two round trips and a signature.
pub const HANDSHAKE: Duration = Duration::from_secs(5);
/// From the request to the head of its answer: what a business service may compute.
pub const FIRST_BYTE: Duration = Duration::from_secs(15);
/// The whole exchange: the default wall time of a step.
pub const TOTAL: Duration = Duration::from_secs(30);

/// The timeouts of one exchange. A zero times out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Looking up the name and connecting, all addresses together.
    pub connect: Duration,
    /// The TLS handshake.
    pub handshake: Duration,
    /// From handing over the request to the head of the answer.
    pub first_byte: Duration,
    /// The whole exchange.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT, handshake: HANDSHAKE, first_byte: FIRST_BYTE, total: TOTAL }
    }
}

/// Bytes of an answer's status line and headers: eight times what common servers send at most.
pub const HEADER_BYTES: usize = 64 << 10;
/// Headers of an answer: what common clients and servers take.
pub const HEADERS: usize = 100;
/// Bytes of an answer's body: the default of `bytes-in-per-call`.
pub const BODY_BYTES: usize = 4 << 20;

/// The caps on one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of status line and headers, and of the trailers, which are dropped.
    pub header_bytes: usize,
    /// Headers.
    pub headers: usize,
    /// Bytes of the body as it stands on the wire; nothing is decompressed.
    pub body_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { header_bytes: HEADER_BYTES, headers: HEADERS, body_bytes: BODY_BYTES }
    }
}

/// What a [`Target`] is made of.
pub struct TargetSpec {
    /// The endpoint's name and its environment. Connections never cross from one binding to another.
    pub binding: String,
    /// The host of the endpoint's URL; certificates are checked against it.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Networks that the operator allows although they are denied by default.
    pub networks: Vec<IpNet>,
    /// Sockets that this process serves on; always refused.
    pub listeners: Vec<SocketAddr>,
    /// The roots that the environment trusts for this endpoint, and no others.
    pub roots: Arc<RootCertStore>,
    /// A digest of the roots. Connections never cross from one set of roots to another.
    pub roots_id: String,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Caps on answers.
    pub caps: Caps,
}

/// An endpoint, ready to be used for any number of exchanges. Make it once and keep it.
pub struct Target {
    pub(super) identity: Arc<Identity>,
    pub(super) server_name: ServerName<'static>,
    pub(super) host_header: HeaderValue,
    pub(super) listeners: Vec<SocketAddr>,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) timeouts: Timeouts,
    pub(super) caps: Caps,
    whereabouts: Whereabouts,
    networks: Vec<IpNet>,
    place: String,
}

/// Everything of a target that an open connection depends on.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Identity {
    binding: String,
    host: String,
    port: u16,
    roots_id: String,
    // hyper applies these when the connection is made, so a tighter target needs another one.
    header_bytes: usize,
    headers: usize,
}

/// How a host becomes addresses.
enum Whereabouts {
    Known(IpAddr),
    Name(String),
}

impl Target {
    /// Makes a target.
    ///
    /// # Errors
    /// When the host can stand neither in a certificate nor in a request.
    pub fn new(spec: TargetSpec) -> Result<Self, Fault> {
        let place = format!("endpoint {}", spec.binding);
        let host = match spec.host {
            // A final dot asks DNS for the name as it stands, which happens here anyway;
            // certificates and the Host header carry no dot.
            Host::Domain(name) => Host::Domain(name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase()),
            literal @ (Host::Ipv4(_) | Host::Ipv6(_)) => literal,
        };
        let unfit = || {
            Fault::new(Class::BadInput, Owner::Operator, HOST_NOT_A_NAME)
                .at(&place)
                .says(format_args!("`{host}` is not a host name that a certificate can carry"))
                .hint("write the service's DNS name or IP address in the endpoint's URL")
        };
        let (server_name, whereabouts) = match &host {
            Host::Domain(name) => {
                let server_name = ServerName::try_from(name.clone()).map_err(|_| unfit())?;
                (server_name, Whereabouts::of(name))
            }
            Host::Ipv4(ip) => (ServerName::from(IpAddr::V4(*ip)), Whereabouts::Known((*ip).into())),
            Host::Ipv6(ip) => (ServerName::from(IpAddr::V6(*ip)), Whereabouts::Known((*ip).into())),
        };
        let authority = if spec.port == HTTPS { host.to_string() } else { format!("{host}:{}", spec.port) };
        let host_header = HeaderValue::from_str(&authority).map_err(|_| unfit())?;
        let identity = Identity {
            binding: spec.binding,
            host: host.to_string(),
            port: spec.port,
            roots_id: spec.roots_id,
            header_bytes: spec.caps.header_bytes,
            headers: spec.caps.headers,
        };
        Ok(Self {
            identity: Arc::new(identity),
            server_name,
            host_header,
            listeners: spec.listeners,
            roots: spec.roots,
            timeouts: spec.timeouts,
            caps: spec.caps,
            whereabouts,
            networks: spec.networks,
            place,
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn port(&self) -> u16 {
        self.identity.port
    }

    /// Looks up the host and judges every address. One bad address among good ones refuses the
    /// whole: whoever controls the answer could otherwise choose which one is dialled.
    pub(super) async fn addresses(&self, resolver: &dyn Resolve) -> Result<Vec<CheckedAddress>, NoAnswer> {
        match &self.whereabouts {
            Whereabouts::Known(ip) => Ok(vec![self.judge(*ip)?]),
            Whereabouts::Name(name) => {
                let some =
                    |found: Vec<_>| if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) };
                let found = resolver.resolve(name).await.and_then(some);
                let found = found.map_err(|error| {
                    NoAnswer::unsent(
                        self,
                        RESOLVE_FAILED,
                        format_args!("the name `{name}` did not resolve: {error}"),
                    )
                })?;
                found.into_iter().map(|ip| self.judge(ip)).collect()
            }
        }
    }

    fn judge(&self, ip: IpAddr) -> Result<CheckedAddress, NoAnswer> {
        judge(SocketAddr::new(ip, self.port()), &self.networks, &self.listeners)
            .map_err(|denied| NoAnswer::denied(self, &denied))
    }
}

/// The port that a Host header leaves out.
const HTTPS: u16 = 443;

impl Whereabouts {
    /// `localhost` and the names below it mean loopback without asking anyone (RFC 6761, section
    /// 6.3). That is IPv4 loopback, where services listen; `[::1]` can be written as such.
    fn of(name: &str) -> Self {
        if name == "localhost" || name.ends_with(".localhost") {
            Self::Known(Ipv4Addr::LOCALHOST.into())
        } else {
            Self::Name(name.to_owned())
        }
    }
}
