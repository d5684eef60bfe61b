//! The private root and the service's certificate.
//!
//! The root is made once and can vouch for this machine's own names only (name constraints of
//! RFC 5280, section 4.2.1.10), so that trusting it elsewhere by mistake gives nobody anything. The
//! leaf is new at each start, and its key never touches the disk.

use crate::{
    NAME,
    files::{Audience, Folder},
};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The root certificate's file name in the data folder.
pub(crate) const ROOT: &str = "root.pem";
/// The root key's file name.
const ROOT_KEY: &str = "root.key";
/// The rule that root and leaf can be made.
const CERTIFICATE: Rule = Rule::new("erp-certificate");
const DAY: Duration = Duration::from_hours(24);
/// How long the root holds: longer than an example is kept.
const ROOT_DAYS: u32 = 3650;
/// How long a leaf holds: each start makes a new one.
const LEAF_DAYS: u32 = 90;

/// Reads or makes the root, and makes a leaf under it.
pub(crate) fn server_config(folder: &Folder) -> Result<Arc<ServerConfig>, Fault> {
    let root_key = obtain_root(folder)?;
    let issuer = Issuer::new(root_params(), root_key);
    let leaf_key = KeyPair::generate().map_err(|e| broken(&e))?;
    let leaf = leaf_params()?.signed_by(&leaf_key, &issuer).map_err(|e| broken(&e))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key))
        .map_err(|e| broken(&e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn obtain_root(folder: &Folder) -> Result<KeyPair, Fault> {
    let public = folder.read(ROOT, Audience::Public)?;
    let Some(pem) = folder.read(ROOT_KEY, Audience::Private)? else {
        if public.is_some() {
            return Err(Fault::new(Class::Refused, Owner::Operator, CERTIFICATE)
                .at(folder.path(ROOT_KEY).display())
                .says("the root certificate is here, but its key is not")
                .hint(
                    "restore root.key, or delete root.pem; a new root must then be trusted by every client",
                ));
        }
        let key = KeyPair::generate().map_err(|e| broken(&e))?;
        folder.write(ROOT_KEY, Audience::Private, &key.serialize_pem())?;
        write_root(folder, &key)?;
        return Ok(key);
    };
    let key = KeyPair::from_pem(&pem).map_err(|e| broken(&e).at(folder.path(ROOT_KEY).display()))?;
    if public.is_none() {
        write_root(folder, &key)?;
    }
    Ok(key)
}

fn write_root(folder: &Folder, key: &KeyPair) -> Result<(), Fault> {
    let mut params = root_params();
    valid_for(&mut params, ROOT_DAYS);
    let root = params.self_signed(key).map_err(|e| broken(&e))?;
    folder.write(ROOT, Audience::Public, &root.pem())
}

/// Everything of the root but its dates: what a leaf repeats of its issuer.
fn root_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Example ERP private root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn leaf_params() -> Result<CertificateParams, Fault> {
    let names = [NAME, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(|e| broken(&e))?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid_for(&mut params, LEAF_DAYS);
    Ok(params)
}

/// From yesterday, for clocks that differ, on.
fn valid_for(params: &mut CertificateParams, days: u32) {
    #[expect(clippy::disallowed_methods, reason = "a service of its own dates its own certificates")]
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * days).into();
}

fn broken(cause: &dyn std::fmt::Display) -> Fault {
    Fault::new(Class::BadInput, Owner::Operator, CERTIFICATE)
        .says(format_args!("the certificate cannot be made: {cause}"))
        .hint("delete root.key and root.pem to have a new root made; every client must then trust it")
}
