//! Which addresses an endpoint may be reached at.
//!
//! A pure decision on one socket address. What is not globally reachable is denied unless the
//! operator names its network; a few addresses take more than that, and some cannot be had at all.
//! The tables follow IANA's registries of special-purpose addresses (RFC 6890, RFC 8190): an IPv4
//! address is public unless listed, an IPv6 address only inside `2000::/3` and unless listed.
//!
//! IPv6 has seven ways to carry an IPv4 address inside. Two of them lead to that IPv4 address in
//! ordinary networks, mapped (RFC 4291) and the well-known prefix of NAT64 (RFC 6052), and are
//! judged by it. The others (compatible, local NAT64, 6to4, Teredo, ISATAP) are denied whatever
//! they carry. Naming an IPv4 network never allows an IPv6 form of it: that has to be named itself.
//! A NAT64 prefix of a network's own cannot be known here; such a prefix is the operator's to guard.
//!
//! Zone identifiers (`fe80::1%eth0`) cannot occur: [`IpAddr`] has no room for one, its parser
//! refuses them, and the scope of a [`SocketAddr`] made here is always 0.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The address lies in a network that is denied unless named.
pub const ADDRESS_DENIED: Rule = Rule::new("endpoint-address-denied");
/// The address hands out credentials of the machine; only its own name, to the last bit, allows it.
pub const ADDRESS_METADATA: Rule = Rule::new("endpoint-address-metadata");
/// The address is one that this process itself listens on.
pub const ADDRESS_OWN_LISTENER: Rule = Rule::new("endpoint-address-own-listener");
/// The address is not that of one host.
pub const ADDRESS_NOT_A_HOST: Rule = Rule::new("endpoint-address-not-a-host");

/// An address that the policy let pass, and the only thing that can be dialled.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckedAddress(SocketAddr);

impl CheckedAddress {
    /// The address.
    pub fn get(&self) -> SocketAddr {
        self.0
    }
}

/// An address that the policy refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Denied {
    address: SocketAddr,
    rule: Rule,
    why: &'static str,
}

impl Denied {
    /// The rule that refused.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What the address is.
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// The refusal for an operator, with the line that would allow the address where one can.
    pub fn fault(&self, place: &str) -> Fault {
        let ip = self.address.ip();
        let fault = Fault::new(Class::Refused, Owner::Operator, self.rule)
            .at(place)
            .says(format_args!("the address {} is {}", self.address, self.why));
        if self.rule == ADDRESS_DENIED || self.rule == ADDRESS_METADATA {
            let network = IpNet::from(ip);
            fault.hint(format_args!(
                "if this endpoint is meant to be there, add to its table in environment.toml:\n\
                 networks = [\"internal\"]\n[networks.internal]\ncidrs = [\"{network}\"]"
            ))
        } else {
            fault.hint("no network can allow this; point the endpoint's URL at the service itself")
        }
    }
}

/// Judges one address.
///
/// `networks` are those the operator named for this endpoint. `listeners` are the sockets that this
/// process itself serves on: they are refused whatever the networks say, so that a step cannot drive
/// its own runner. A listener bound to every interface is refused on every address that is not
/// public; the dialler refuses the rest once it knows the local end.
///
/// # Errors
/// [`Denied`] names the rule.
pub fn judge(
    address: SocketAddr,
    networks: &[IpNet],
    listeners: &[SocketAddr],
) -> Result<CheckedAddress, Denied> {
    // A scope in an IPv6 socket address would choose an interface; none is taken over.
    let address = SocketAddr::new(address.ip(), address.port());
    let ip = address.ip();
    let deny = |rule, why| Err(Denied { address, rule, why });
    let kind = Kind::of(ip);
    let own = |listener: &SocketAddr| {
        let at = listener.ip().to_canonical();
        listener.port() == address.port()
            && match kind {
                Kind::Public => at == ip.to_canonical(),
                Kind::NoHost(_) | Kind::Metadata | Kind::Special(_) => {
                    at == ip.to_canonical() || at.is_unspecified()
                }
            }
    };
    match kind {
        Kind::NoHost(why) => deny(ADDRESS_NOT_A_HOST, why),
        Kind::Metadata | Kind::Special(_) | Kind::Public if listeners.iter().any(own) => {
            deny(ADDRESS_OWN_LISTENER, "one that this process listens on")
        }
        // A wide network named for another reason must not open the door to the machine's own
        // credentials, so only the address itself counts as naming it.
        Kind::Metadata if networks.iter().any(|network| *network == IpNet::from(ip)) => {
            Ok(CheckedAddress(address))
        }
        Kind::Metadata => {
            deny(ADDRESS_METADATA, "a metadata service, which hands out the machine's own credentials")
        }
        Kind::Special(_) if networks.iter().any(|network| network.contains(&ip)) => {
            Ok(CheckedAddress(address))
        }
        Kind::Special(why) => deny(ADDRESS_DENIED, why),
        Kind::Public => Ok(CheckedAddress(address)),
    }
}

/// What an address is; the texts say why.
#[derive(Clone, Copy)]
enum Kind {
    /// Not the address of one host.
    NoHost(&'static str),
    /// A service that hands out the machine's own credentials.
    Metadata,
    /// Not public.
    Special(&'static str),
    /// Everybody's.
    Public,
}

impl Kind {
    fn of(ip: IpAddr) -> Self {
        let metadata = match carried(ip).unwrap_or(ip) {
            IpAddr::V4(v4) => METADATA_V4.contains(&v4),
            IpAddr::V6(v6) => METADATA_V6.contains(&v6),
        };
        match (no_host(ip), metadata, special(ip)) {
            (Some(why), _, _) => Self::NoHost(why),
            (None, true, _) => Self::Metadata,
            (None, false, Some(why)) => Self::Special(why),
            (None, false, None) => Self::Public,
        }
    }
}

/// Why an address cannot be that of one host.
fn no_host(ip: IpAddr) -> Option<&'static str> {
    let ip = match ip {
        IpAddr::V6(v6) => translated(v6).map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    match ip {
        _ if ip.is_unspecified() => Some("the unspecified address, which means this machine"),
        _ if ip.is_multicast() => Some("a multicast address"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Services of cloud hosts that answer any local process with credentials. Some of them stand on
/// addresses that are otherwise public.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google, OpenStack and others
    Ipv4Addr::new(169, 254, 170, 2),   // AWS container credentials
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),   // Scaleway
];

const fn v4(a: u8, b: u8, c: u8, prefix: u8, why: &'static str) -> (Ipv4Net, &'static str) {
    (Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix), why)
}

const SPECIAL_V4: [(Ipv4Net, &str); 15] = [
    v4(0, 0, 0, 8, "in \"this network\" (RFC 791)"),
    v4(10, 0, 0, 8, "private (RFC 1918)"),
    v4(100, 64, 0, 10, "shared by a carrier's customers (RFC 6598)"),
    v4(127, 0, 0, 8, "loopback (RFC 1122)"),
    v4(169, 254, 0, 16, "link-local (RFC 3927)"),
    v4(172, 16, 0, 12, "private (RFC 1918)"),
    v4(192, 0, 0, 24, "reserved for protocols (RFC 6890)"),
    v4(192, 0, 2, 24, "for documentation (RFC 5737)"),
    v4(192, 88, 99, 24, "a retired 6to4 relay (RFC 7526)"),
    v4(192, 168, 0, 16, "private (RFC 1918)"),
    v4(198, 18, 0, 15, "for benchmarks (RFC 2544)"),
    v4(198, 51, 100, 24, "for documentation (RFC 5737)"),
    v4(203, 0, 113, 24, "for documentation (RFC 5737)"),
    v4(224, 0, 0, 4, "multicast (RFC 1112)"),
    v4(240, 0, 0, 4, "reserved (RFC 1112)"),
];

const fn v6(a: u16, b: u16, c: u16, prefix: u8, why: &'static str) -> (Ipv6Net, &'static str) {
    (Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix), why)
}

/// Listed in the order of search; what lies outside `2000::/3` is denied even when it is not here.
const SPECIAL_V6: [(Ipv6Net, &str); 11] = [
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback (RFC 4291)"),
    v6(0, 0, 0, 96, "an IPv4-compatible address (RFC 4291)"),
    v6(0x64, 0xff9b, 1, 48, "translated to IPv4 locally (RFC 8215)"),
    v6(0x2001, 0, 0, 32, "a Teredo tunnel (RFC 4380)"),
    v6(0x2001, 0, 0, 23, "reserved for protocols (RFC 2928)"),
    v6(0x2001, 0xdb8, 0, 32, "for documentation (RFC 3849)"),
    v6(0x2002, 0, 0, 16, "a 6to4 tunnel (RFC 3056)"),
    v6(0x3fff, 0, 0, 20, "for documentation (RFC 9637)"),
    v6(0xfc00, 0, 0, 7, "private (RFC 4193)"),
    v6(0xfe80, 0, 0, 10, "link-local (RFC 4291)"),
    v6(0xfec0, 0, 0, 10, "site-local (RFC 3879)"),
];
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3, "").0;

/// Why an address is not public.
fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(v4) => SPECIAL_V4.iter().find(|(net, _)| net.contains(&v4)).map(|(_, why)| *why),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = translated(ip) {
        return special(inner.into()).map(|_| "a form of an IPv4 address that is not public");
    }
    let [_, _, _, _, e, f, _, _] = ip.segments();
    if f == 0x5efe && (e == 0 || e == 0x200) {
        return Some("an ISATAP tunnel (RFC 5214)");
    }
    let listed = SPECIAL_V6.iter().find(|(net, _)| net.contains(&ip)).map(|(_, why)| *why);
    listed.or_else(|| (!GLOBAL_UNICAST.contains(&ip)).then_some("outside the public part of IPv6 (RFC 4291)"))
}

/// The IPv4 address that packets to `ip` reach in ordinary networks.
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        _ => None,
    }
}

/// The IPv4 address inside any of the seven forms.
fn carried(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(ip) = ip else { return None };
    let v4 = match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low]
        | [0x2002, high, low, ..] => join(high, low),
        // A Teredo client's address is stored with every bit turned.
        [0x2001, 0, _, _, _, _, high, low] => join(!high, !low),
        _ => translated(ip)?,
    };
    Some(v4.into())
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}
