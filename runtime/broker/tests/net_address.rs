//! The address policy, over every form that an address can take.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use ipnet::IpNet;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use stepward_broker::net::{
    ADDRESS_DENIED, ADDRESS_METADATA, ADDRESS_NOT_A_HOST, ADDRESS_OWN_LISTENER, Denied, judge,
};
use stepward_fault::Rule;

fn ask(ip: &str, networks: &[&str]) -> Result<SocketAddr, Denied> {
    let networks: Vec<IpNet> = networks.iter().map(|text| text.parse().unwrap()).collect();
    judge(SocketAddr::new(ip.parse().unwrap(), 443), &networks, &[]).map(|checked| checked.get())
}

fn rule(ip: &str, networks: &[&str]) -> Option<Rule> {
    ask(ip, networks).err().map(|denied| denied.rule())
}

/// The seven ways to carry an IPv4 address in an IPv6 address, Teredo at both of its places.
fn forms(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = u32::from(v4);
    let (high, low) = ((bits >> 16) as u16, (bits & 0xffff) as u16);
    let at = |a, b, c, d, e, f| Ipv6Addr::new(a, b, c, d, e, f, high, low);
    vec![
        v4.to_ipv6_mapped(),
        at(0, 0, 0, 0, 0, 0),
        at(0x64, 0xff9b, 0, 0, 0, 0),
        at(0x64, 0xff9b, 1, 0, 0, 0),
        at(0x64, 0xff9b, 1, 0xfffe, 0, 0),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0, 0),
        at(0xfe80, 0, 0, 0, 0, 0x5efe),
        at(0x2600, 0x1234, 0, 1, 0, 0x5efe),
        at(0x2600, 0x1234, 0, 1, 0x200, 0x5efe),
    ]
}

#[test]
fn the_edges_of_every_network_that_is_not_public() {
    let denied = [
        ("0.0.0.1", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("240.0.0.0", "255.255.255.254"),
        ("::1", "::1"),
        ("::2", "::ffff:ffff"),
        ("::1:0:0", "63:ffff::"),
        ("64:ff9b:1::", "64:ff9b:1:ffff::"),
        ("100::", "1fff:ffff::"),
        ("2001::", "2001:1ff:ffff::"),
        ("2001:db8::", "2001:db8:ffff::"),
        ("2002::", "2002:ffff::"),
        ("3fff::", "3fff:fff:ffff::"),
        ("4000::", "5eff::"),
        ("5f00::", "5f00:ffff::"),
        ("6000::", "fbff::"),
        ("fc00::", "fdff:ffff::"),
        ("fe00::", "fe7f::"),
        ("fe80::", "febf:ffff::"),
        ("fec0::", "feff:ffff::"),
    ];
    for (first, last) in denied {
        assert_eq!(rule(first, &[]), Some(ADDRESS_DENIED), "{first}");
        assert_eq!(rule(last, &[]), Some(ADDRESS_DENIED), "{last}");
    }
    for ip in [
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "ff0e::1",
        "::ffff:0.0.0.0",
    ] {
        assert_eq!(rule(ip, &[]), Some(ADDRESS_NOT_A_HOST), "{ip}");
        assert_eq!(rule(ip, &["0.0.0.0/0", "::/0"]), Some(ADDRESS_NOT_A_HOST), "{ip}: no network allows it");
    }
    let public = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "223.255.255.255",
        "2000::",
        "2001:200::1",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "2606:4700::1111",
        "3ffe::1",
        "3fff:1000::",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ];
    for ip in public {
        assert!(ask(ip, &[]).is_ok(), "{ip}");
    }
}

#[test]
fn a_named_network_opens_itself_and_nothing_more() {
    assert!(ask("10.1.2.3", &["10.1.0.0/16"]).is_ok());
    assert_eq!(rule("10.2.0.1", &["10.1.0.0/16"]), Some(ADDRESS_DENIED));
    assert_eq!(rule("::ffff:10.1.2.3", &["10.1.0.0/16"]), Some(ADDRESS_DENIED));
    assert!(ask("::ffff:10.1.2.3", &["::ffff:10.1.0.0/112"]).is_ok());
    assert!(ask("::1", &["::1/128"]).is_ok());
    assert_eq!(rule("127.0.0.1", &["::1/128", "::ffff:0:0/96"]), Some(ADDRESS_DENIED));
}

#[test]
fn metadata_services_must_be_named_to_the_last_bit() {
    for ip in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"] {
        assert_eq!(rule(ip, &["0.0.0.0/0", "169.254.0.0/16", "::/0"]), Some(ADDRESS_METADATA), "{ip}");
        assert!(ask(ip, &[&format!("{ip}/32")]).is_ok(), "{ip}");
        for form in forms(ip.parse().unwrap()) {
            let own = format!("{ip}/32");
            assert!(rule(&form.to_string(), &[&own]).is_some(), "{form}");
        }
        let mapped = format!("::ffff:{ip}");
        assert_eq!(rule(&mapped, &["::/0"]), Some(ADDRESS_METADATA), "{mapped}");
    }
    for ip in ["fd00:ec2::254", "fd20:ce::254", "fd00:42::42"] {
        assert_eq!(rule(ip, &["fc00::/7"]), Some(ADDRESS_METADATA), "{ip}");
        assert!(ask(ip, &[&format!("{ip}/128")]).is_ok(), "{ip}");
    }
}

#[test]
fn a_refusal_prints_the_line_to_add() {
    let denied = ask("10.1.2.3", &[]).unwrap_err();
    assert_eq!(denied.why(), "private (RFC 1918)");
    let fault = denied.fault("endpoint erp");
    assert_eq!(
        fault.to_string(),
        "endpoint erp: the address 10.1.2.3:443 is private (RFC 1918) [endpoint-address-denied]"
    );
    assert!(fault.remedy().ends_with("cidrs = [\"10.1.2.3/32\"]"), "{}", fault.remedy());
    let fault = ask("fe80::1", &[]).unwrap_err().fault("endpoint erp");
    assert!(fault.remedy().ends_with("cidrs = [\"fe80::1/128\"]"), "{}", fault.remedy());
    let fault = ask("0.0.0.0", &["0.0.0.0/0"]).unwrap_err().fault("endpoint erp");
    assert!(!fault.remedy().contains("networks ="), "{}", fault.remedy());
}

#[test]
fn the_runners_own_listeners_are_refused_whatever_is_named() {
    let networks = ["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
    let ask = |address: &str, listener: &str| {
        judge(address.parse().unwrap(), &networks, &[listener.parse().unwrap()])
            .err()
            .map(|denied| denied.rule())
    };
    assert_eq!(ask("127.0.0.1:7001", "127.0.0.1:7001"), Some(ADDRESS_OWN_LISTENER));
    assert_eq!(ask("[::ffff:127.0.0.1]:7001", "127.0.0.1:7001"), Some(ADDRESS_OWN_LISTENER));
    assert_eq!(ask("127.0.0.1:7002", "127.0.0.1:7001"), None);
    assert_eq!(ask("10.0.0.7:7001", "127.0.0.1:7001"), None);
    for everywhere in ["0.0.0.0:7001", "[::]:7001"] {
        for own in ["127.0.0.1:7001", "127.8.8.8:7001", "10.0.0.7:7001", "[::1]:7001", "[fe80::1]:7001"] {
            assert_eq!(ask(own, everywhere), Some(ADDRESS_OWN_LISTENER), "{own} {everywhere}");
        }
        assert_eq!(ask("8.8.8.8:7001", everywhere), None);
    }
}

#[test]
fn a_zone_cannot_be_carried() {
    for text in ["fe80::1%eth0", "fe80::1%1", "::1%lo"] {
        assert!(text.parse::<IpAddr>().is_err(), "{text}");
    }
    let zoned = SocketAddrV6::new("fe80::1".parse().unwrap(), 443, 7, 3);
    let checked = judge(zoned.into(), &["fe80::/10".parse().unwrap()], &[]).unwrap();
    let SocketAddr::V6(checked) = checked.get() else { panic!("still IPv6") };
    assert_eq!((checked.flowinfo(), checked.scope_id()), (0, 0));
}

proptest! {
    /// Whatever IPv4 address is denied stays denied in every IPv6 form, also where the operator
    /// named every IPv4 network there is.
    #[test]
    fn no_form_of_a_denied_address_passes(bits: u32, special in 0_usize..14, named: bool) {
        let prefixes = [
            (0, 8), (0x0a00_0000, 8), (0x6440_0000, 10), (0x7f00_0000, 8), (0xa9fe_0000, 16), (0xac10_0000, 12),
            (0xc000_0000, 24), (0xc000_0200, 24), (0xc0a8_0000, 16), (0xc612_0000, 15), (0xc633_6400, 24),
            (0xcb00_7100, 24), (0xe000_0000, 4), (0xf000_0000, 4),
        ];
        let (base, prefix) = prefixes[special];
        let v4 = Ipv4Addr::from(base | bits & (u32::MAX >> prefix));
        prop_assert!(judge(SocketAddr::new(v4.into(), 443), &[], &[]).is_err(), "{}", v4);
        let networks: Vec<IpNet> = if named { vec!["0.0.0.0/0".parse().unwrap()] } else { vec![] };
        for form in forms(v4) {
            prop_assert!(judge(SocketAddr::new(form.into(), 443), &networks, &[]).is_err(), "{} as {}", v4, form);
        }
    }

    /// The standard library's own idea of the plain classes, as a second opinion.
    #[test]
    fn what_the_standard_library_calls_private_is_denied(bits: u32, wide: u128) {
        let v4 = Ipv4Addr::from(bits);
        if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation() || v4.is_multicast() {
            prop_assert!(judge(SocketAddr::new(v4.into(), 1), &[], &[]).is_err());
        }
        let v6 = Ipv6Addr::from(wide);
        if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() {
            prop_assert!(judge(SocketAddr::new(v6.into(), 1), &[], &[]).is_err());
        }
        if wide >> 125 != 1 {
            prop_assert!(judge(SocketAddr::new(v6.into(), 1), &[], &[]).is_err(), "{} is outside 2000::/3", v6);
        }
    }
}
