//! The certificates that a service's own must lead to.

use aws_lc_rs::digest::{Context, SHA256};
use cap_std::fs::Dir;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::io::Read as _;
use stepward_fault::{Class, Fault, Owner, Rule};

/// A file with roots is missing, unreadable, too large or holds no certificate.
const ROOTS: Rule = Rule::new("environment-roots");
/// Largest file with roots in bytes: a public bundle has a quarter of it.
const ROOTS_BYTES: u64 = 1 << 20;

/// The roots of `whose` and SHA-256 over them in order, in hex. `place` is the environment's file, `folder`
/// the one that it lies in.
pub(crate) fn roots(
    place: &str,
    whose: &str,
    files: &[String],
    folder: &Dir,
) -> Result<(RootCertStore, String), Fault> {
    let mut store = RootCertStore::empty();
    let mut digest = Context::new(&SHA256);
    for name in files {
        let refused = |says: String| {
            Fault::new(Class::BadInput, Owner::Operator, ROOTS)
                .at(place)
                .says(format_args!("the roots `{name}` of the {whose} {says}"))
                .hint(
                    "put the PEM certificates of the service's root authority there, beside environment.toml",
                )
        };
        let mut pem = Vec::new();
        let file = folder.open(name).map_err(|error| refused(format!("cannot be opened: {error}")))?;
        file.take(ROOTS_BYTES + 1)
            .read_to_end(&mut pem)
            .map_err(|error| refused(format!("cannot be read: {error}")))?;
        if u64::try_from(pem.len()).unwrap_or(u64::MAX) > ROOTS_BYTES {
            return Err(refused(format!("are larger than {ROOTS_BYTES} bytes")));
        }
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| refused(format!("are no PEM: {error}")))?;
            digest.update(&certificate);
            store
                .add(certificate)
                .map_err(|error| refused(format!("hold a certificate that is no root: {error}")))?;
        }
        if store.len() == before {
            return Err(refused("hold no certificate".to_owned()));
        }
    }
    Ok((store, hex::encode(digest.finish().as_ref())))
}
