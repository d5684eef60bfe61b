//! What whoever asks knows: keys, and checkpoints that were kept.

use crate::{
    files::{self, Purpose},
    session::absolute,
};
use std::path::{Path, PathBuf};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_ledger::{note::VerifierKey, verify::KnownNote};

/// The rule that a key is one.
const KEY: Rule = Rule::new("verify-key");

/// The keys that were named, each itself or in a file.
pub(super) fn keys(named: &[String]) -> Result<Vec<VerifierKey>, Fault> {
    let mut keys = Vec::new();
    for name in named {
        let path = absolute(Path::new(name));
        if !path.is_file() {
            keys.push(key(name, "--key").map_err(|fault| {
                let says = format!("{}, and there is no such file", fault.message());
                fault.says(says)
            })?);
            continue;
        }
        let (text, place) = (files::read_text(&path, Purpose::Proof)?, files::place(&path));
        let lines = text.lines().map(str::trim).zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            keys.push(key(line, &format!("{place}:{number}"))?);
        }
    }
    Ok(keys)
}

fn key(text: &str, place: &str) -> Result<VerifierKey, Fault> {
    VerifierKey::parse(text).map_err(|error| {
        Fault::new(Class::BadInput, Owner::Caller, KEY)
            .at(place)
            .says(format_args!("`{}` is no public key: {error}", shown(text)))
            .hint("give a verifier key as C2SP signed-note writes it, or a file with one a line")
    })
}

/// The checkpoints that somebody kept.
pub(super) fn notes(files: &[PathBuf]) -> Result<Vec<KnownNote>, Fault> {
    let note = |path: &PathBuf| {
        let path = absolute(path);
        let note = files::read(&path, Purpose::Proof)?;
        Ok(KnownNote { note, source: format!("the checkpoint {}", files::place(&path)) })
    };
    files.iter().map(note).collect()
}
