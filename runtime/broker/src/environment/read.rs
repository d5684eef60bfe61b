//! From text to a checked [`Environment`].

use super::{
    Environment, SignerBinding, WitnessRules, WorkerRules,
    endpoint::{self, EndpointBinding},
    file::{self, File},
    rules::{
        FILE_BYTES, IPV4_PREFIX, IPV6_PREFIX, NETWORK, NUMBER, RESOLVER, SERVERS, SIZE, SYNTAX, VERSION,
        VERSION_BYTES,
    },
    source::Source,
};
use ipnet::IpNet;
use std::{collections::BTreeMap, net::SocketAddr};
use stepward_fault::{Class, Fault, Owner};
use stepward_seam::{Label, Limits};
use toml::Spanned;

pub(super) fn environment(source: Source<'_>) -> Result<Environment, Fault> {
    if source.text.len() > FILE_BYTES {
        return Err(Fault::new(Class::BadInput, Owner::Operator, SIZE)
            .at(source.place)
            .says(format_args!("the file has {} bytes; the most is {FILE_BYTES}", source.text.len()))
            .hint("keep certificates in files of their own, under trust/"));
    }
    let file: File = toml::from_str(source.text).map_err(|error| {
        source
            .fault(SYNTAX, &error.span().unwrap_or_default())
            .says(error.message())
            .hint("`stepward schema environment` prints every key of this file")
    })?;
    let networks = networks(source, &file.networks)?;
    let secrets = secrets(source, &file.secrets)?;
    let mut uses = super::cover::Uses::new(source, &file);
    let mut endpoints = BTreeMap::new();
    for (label, written) in &file.endpoints {
        let names = endpoint::Names { networks: &networks, label };
        endpoints.insert(label.clone(), endpoint::read(source, names, written, &mut uses)?);
    }
    let mut signers = BTreeMap::new();
    for (label, written) in &file.signers {
        let signer = written.get_ref();
        uses.sign(label, &signer.secret)?;
        let secret = signer.secret.get_ref().clone();
        signers.insert(label.clone(), SignerBinding { algorithm: signer.algorithm, secret });
    }
    for secret in &file.reveal.secrets {
        uses.reveal(secret)?;
    }
    let witnesses = WitnessRules::read(source, &file, &networks, &mut uses)?;
    let warnings = uses.unused();
    let revealed = file.reveal.secrets.iter().map(|name| name.get_ref().clone()).collect();
    Ok(Environment {
        place: source.place.to_owned(),
        resolver: resolver(source, &file.resolver)?,
        ceilings: ceilings(source, &file)?,
        workers: WorkerRules::read(source, &file.workers)?,
        witnesses,
        name: file.name,
        endpoints,
        signers,
        secrets,
        revealed,
        warnings,
    })
}

fn networks(
    source: Source<'_>,
    written: &BTreeMap<Label, Spanned<file::Network>>,
) -> Result<BTreeMap<Label, Vec<IpNet>>, Fault> {
    let mut networks = BTreeMap::new();
    for (label, network) in written {
        let cidrs = &network.get_ref().cidrs;
        if cidrs.is_empty() {
            return Err(source
                .fault(NETWORK, &network.span())
                .says(format_args!("the network {label:?} has no ranges"))
                .hint("cidrs = [\"127.0.0.0/8\", \"::1/128\"]"));
        }
        let nets = cidrs.iter().map(|cidr| net(source, cidr)).collect::<Result<Vec<_>, _>>()?;
        networks.insert(label.clone(), nets);
    }
    Ok(networks)
}

fn net(source: Source<'_>, written: &Spanned<String>) -> Result<IpNet, Fault> {
    let fault = || source.fault(NETWORK, &written.span());
    let net: IpNet = written.get_ref().parse().map_err(|_| {
        fault()
            .says(format_args!("`{}` is no range of addresses", written.get_ref()))
            .hint("write an address, a slash and the length of the prefix, such as `10.1.0.0/16`")
    })?;
    let widest = match net {
        IpNet::V4(_) => IPV4_PREFIX,
        IpNet::V6(_) => IPV6_PREFIX,
    };
    if net.prefix_len() < widest {
        return Err(fault()
            .says(format_args!("`{net}` is so wide that it would switch the address policy off"))
            .hint(format_args!("name the networks that are meant; the widest prefix is /{widest}")));
    }
    if net.trunc() != net {
        return Err(fault()
            .says(format_args!("`{net}` has bits set after its prefix"))
            .hint(format_args!("write `{}` if that network is meant", net.trunc())));
    }
    Ok(net)
}

fn secrets(
    source: Source<'_>,
    written: &BTreeMap<Label, Spanned<file::Secret>>,
) -> Result<BTreeMap<Label, String>, Fault> {
    let mut secrets = BTreeMap::new();
    for (label, secret) in written {
        let version = &secret.get_ref().version;
        let text = version.get_ref();
        // It stands in events, whose names read the same in every encoding.
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if text.is_empty() || text.len() > VERSION_BYTES || !text.bytes().all(fits) {
            return Err(source
                .fault(VERSION, &version.span())
                .says(format_args!(
                    "a version has 1 to {VERSION_BYTES} visible ASCII characters, no spaces, quotation marks or \
                     backslashes"
                ))
                .hint("version = \"2026-01\""));
        }
        secrets.insert(label.clone(), text.clone());
    }
    Ok(secrets)
}

fn resolver(source: Source<'_>, written: &file::Resolver) -> Result<Vec<SocketAddr>, Fault> {
    let mut servers = Vec::new();
    for server in &written.servers {
        let fault = || source.fault(RESOLVER, &server.span());
        servers.push(server.get_ref().parse().map_err(|_| {
            fault()
                .says(format_args!("`{}` is no address of a name server", server.get_ref()))
                .hint("servers = [\"127.0.0.1:53\"], or \"[::1]:53\" for IPv6")
        })?);
        if servers.len() > SERVERS {
            return Err(fault()
                .says(format_args!("there are more than {SERVERS} name servers"))
                .hint("keep the nearest ones"));
        }
    }
    Ok(servers)
}

fn ceilings(source: Source<'_>, file: &File) -> Result<Limits, Fault> {
    let Some(table) = &file.ceilings else { return Ok(Limits::most()) };
    table.get_ref().over(Limits::most()).map_err(|error| {
        source
            .fault(NUMBER, &table.span())
            .says(error)
            .hint("leave the line out to allow the most that Stepward allows")
    })
}

/// A number between two bounds, or `default` where the file says nothing.
pub(super) fn bounded(
    source: Source<'_>,
    name: &str,
    written: Option<&Spanned<u64>>,
    default: u64,
    most: u64,
) -> Result<u64, Fault> {
    let Some(number) = written else { return Ok(default) };
    let value = *number.get_ref();
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    Err(source
        .fault(NUMBER, &number.span())
        .says(format_args!("{name} = {value} is out of bounds"))
        .hint(format_args!("{name} lies between 1 and {most}; without the line it is {default}")))
}

impl EndpointBinding {
    /// Where the endpoint leads, for reports.
    pub(super) fn origin(&self) -> String {
        format!("https://{}:{}{}", self.host, self.port, self.base)
    }
}
