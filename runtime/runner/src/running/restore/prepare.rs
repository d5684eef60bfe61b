//! A restored log, made beside the one that is there: copied, checked, and told that it was restored.

use super::{
    KEYS, LEDGER, STAGED, TILES, WRAPPING, disk,
    disk::{fallible, sync_folder},
    manifest::{Vouched, check_copied},
};
use crate::{
    files,
    running::{
        book,
        book::{MAX_GENERATIONS, Names, Signing},
        state,
    },
};
use std::{
    collections::BTreeSet,
    fs::Permissions,
    num::NonZeroU32,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use stepward::journal::{Unfinished, check_erased, sealer};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Draft, Event, What},
    facts,
    log::{Attached, Log},
    merkle::TreeHead,
    note::{SignedCheckpoint, VerifierKey},
    runs,
    store::{
        Fact, Records,
        owner::{Holder, Ownership},
        sqlite::{Reader, Writer},
    },
    tiles::TileDir,
    verify::{self, Beside, Keys},
};
use stepward_seam::Label;
use stepward_trust::Digest;
use stepward_vault::{EnvironmentRoot, Lookup, RunKeys};
use tempfile::TempDir;

/// The rule that the log of a backup is the one that was backed up.
const ROOT: Rule = Rule::new("backup-root");
/// The rule that everything in the log of a backup holds.
const FINDINGS: Rule = Rule::new("backup-log-invalid");
/// The rule that the keys of a backup know its runs.
const KEYS_BEHIND: Rule = Rule::new("backup-keys-behind");
/// The rule that each restored log has a name of its own.
const GENERATIONS: Rule = Rule::new("restore-generation");

/// The lock of a log that nobody else knows of yet.
const LOCK: &str = "ledger.lock";

/// Where a backup lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backup<'a> {
    /// The log and the keys of runs.
    pub(crate) folder: &'a Path,
    /// The keys that wrap them.
    pub(crate) wrapping: &'a Path,
}

impl<'a> Backup<'a> {
    /// The folder of one of its files.
    pub(crate) fn folder_of(self, name: &str) -> &'a Path {
        if name == WRAPPING { self.wrapping } else { self.folder }
    }
}

/// A log that can take its place.
pub(crate) struct Prepared {
    /// Where it lies; removed again unless it takes its place.
    pub(crate) staged: TempDir,
    /// Its name from now on.
    pub(crate) origin: String,
    /// The runs that had not ended when the backup was made.
    pub(crate) unfinished: Vec<Unfinished>,
    /// The runs that a log here says were erased, and that can be opened with the keys of the backup.
    pub(crate) erased: Vec<String>,
}

/// What the copy was written into says.
struct Recorded {
    origin: String,
    unfinished: Vec<Unfinished>,
    erased: Vec<String>,
}

/// Copies a backup beside the state in `root`, checks it as a whole, and writes into the copy that it
/// was restored.
pub(crate) async fn prepare(
    root: &Path,
    environment: &Label,
    keys: &EnvironmentRoot,
    backup: Backup<'_>,
    vouched: &Vouched,
    generation: NonZeroU32,
) -> Result<Prepared, Fault> {
    let staged =
        tempfile::Builder::new().prefix(STAGED).permissions(Permissions::from_mode(0o700)).tempdir_in(root);
    let staged = fallible(root, staged)?;
    let folder = staged.path();
    for (name, expected) in vouched.manifest().files.each() {
        let from = backup.folder_of(name).join(name);
        check_copied(&from, disk::copy(&from, &folder.join(name), expected.bytes)?, expected)?;
    }
    let log = open(folder, vouched.head(), keys)?;
    let result = record(root, folder, environment, keys, &log, (vouched.head(), generation)).await;
    // In any case: the files are removed, or take their places.
    let closed = log.close().await;
    let Recorded { origin, unfinished, erased } = result?;
    closed?;
    fallible(folder, std::fs::remove_file(folder.join(LOCK)))?;
    sync_folder(folder)?;
    Ok(Prepared { staged, origin, unfinished, erased })
}

/// Opens the copied log; every event is hashed and compared with the tree that was backed up, and what
/// stands beside the tree with its seal.
fn open(folder: &Path, backed_up: TreeHead, keys: &EnvironmentRoot) -> Result<Log, Fault> {
    let lock = folder.join(LOCK);
    let holder = Holder { pid: std::process::id(), since: "now", what: "stepward restore" };
    let ownership = Ownership::claim(files::open_lock(&lock)?, files::place(&lock), &holder)?;
    let store = Writer::open(&folder.join(LEDGER), ownership)?;
    let clock = Arc::new(book::clock::SystemClock::start());
    let (log, opened) = Log::open(Box::new(store), clock, &[], &book::sequence, &sealer(keys))?;
    check_head(opened.head, backed_up)?;
    Ok(log)
}

/// Refuses a log that is not the one that was backed up.
pub(crate) fn check_head(found: TreeHead, backed_up: TreeHead) -> Result<(), Fault> {
    if found == backed_up {
        return Ok(());
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, ROOT)
        .at(LEDGER)
        .says(format_args!(
            "the events of the copy lead to the root {} over {} of them; {} over {} was signed",
            found.root, found.size, backed_up.root, backed_up.size
        ))
        .hint("nothing was changed; take another backup"))
}

/// Refuses a log in which anything does not hold. The signed root is over its events alone: which runs
/// had not ended is read from an index beside them, and what is signed is one of many heads.
fn check_log(reader: &Reader, environment: &Label, keys: &EnvironmentRoot) -> Result<(), Fault> {
    let key = VerifierKey::Log(Names::of(environment, keys)?.first().clone());
    let report = verify::store(reader, &Keys::new([key]), &Beside::default())?;
    let Some(first) = report.findings().first() else { return Ok(()) };
    let more = match report.findings().len() {
        1 => String::new(),
        some => format!(", and {} more", some - 1),
    };
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, FINDINGS)
        .at(LEDGER)
        .says(format_args!("the log of this backup does not hold: {first}{more}"))
        .hint("nothing was changed; `stepward verify` on the backup tells all of it; take another backup"))
}

/// Checks the copy as a whole, writes that the log was restored, signs it under its new name, and
/// publishes it.
async fn record(
    root: &Path,
    folder: &Path,
    environment: &Label,
    keys: &EnvironmentRoot,
    log: &Log,
    (backed_up, generation): (TreeHead, NonZeroU32),
) -> Result<Recorded, Fault> {
    let reader = Reader::open(&folder.join(LEDGER))?;
    check_log(&reader, environment, keys)?;
    let erased = {
        let run_keys = RunKeys::open(&folder.join(KEYS), &folder.join(WRAPPING), keys)?;
        check_keys(&reader, &run_keys)?;
        revived(root, &run_keys)?
    };
    let what = What::LogRestored {
        size: backed_up.size.get(),
        root: Digest::from_bytes(*backed_up.root.as_bytes()),
        generation: u64::from(generation.get()),
    };
    let draft = Draft { actor: book::person(keys)?, run: None, step: None, call: None, body: None, what };
    let fact = |name: &str, value: u64| Fact { name: name.to_owned(), value: value.to_be_bytes().to_vec() };
    // Nobody else appends: the event's number is the size.
    let facts = vec![
        fact(facts::RESTORED, backed_up.size.get()),
        fact(facts::GENERATION, u64::from(generation.get())),
    ];
    let name = book::name(environment.as_str())?;
    let mut told: Option<Event> = None;
    let ticket = log.append(Attached { facts, ..Attached::default() }, |sequence, stamp| {
        told.insert(draft.at(sequence, name, *stamp)).encode()
    })?;
    let _durable = log.durable(ticket).await?;
    if let Some(event) = told {
        event.tell();
    }
    let signing = Signing::of(&reader, environment, keys)?;
    let mut signed: Option<SignedCheckpoint> = None;
    log.checkpoint(|head| Ok(signed.insert(signing.signer().sign(head)).to_string())).await?;
    if let Some(newest) = signed {
        let tiles = folder.join(TILES);
        files::make_private_folder(&tiles)?;
        let records: &dyn Records = &reader;
        TileDir::new(state::folder(&tiles)?).publish(records, &signing.signer().verifier(), &newest)?;
    }
    let restored = Some(backed_up.size.get());
    let unfinished = runs::unfinished(&reader, log.open_runs(), restored);
    Ok(Recorded { origin: signing.signer().origin().to_string(), unfinished, erased })
}

/// The keys of a backup were copied after its log, so they know its newest run and its last erasure.
pub(crate) fn check_keys(records: &dyn Records, keys: &RunKeys) -> Result<(), Fault> {
    check_erased(records, keys).map_err(|fault| fault.at(KEYS))?;
    let Some(newest) = records.runs(u64::MAX, 1)?.pop() else { return Ok(()) };
    match keys.get(&newest.name)? {
        Lookup::Key(_) | Lookup::Erased { .. } => Ok(()),
        Lookup::Damaged(fault) => Err(fault),
        Lookup::Never => Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, KEYS_BEHIND)
            .at(KEYS)
            .says(format_args!(
                "it does not know the run {}, which is in {LEDGER}: it is an older copy",
                newest.name
            ))
            .hint("nothing was changed; take the keys.db that was backed up with this log")),
    }
}

/// The generation after every one that is known of: that of the backup, and those that this state has
/// or had. What lies here need not be sound to be looked at; no name is used twice.
pub(crate) fn next_generation(root: &Path, names: &Names, backed_up: u32) -> Result<NonZeroU32, Fault> {
    let folders = replaced(root)?.chain([root.to_owned()]);
    let known = folders.flat_map(|folder| [published(&folder, names), remembered(&folder)]).flatten();
    let newest = known.max().unwrap_or(0).max(u64::from(backed_up));
    let next = u32::try_from(newest).ok().and_then(|newest| newest.checked_add(1));
    next.filter(|next| *next <= MAX_GENERATIONS).and_then(NonZeroU32::new).ok_or_else(|| {
        Fault::new(Class::Refused, Owner::Operator, GENERATIONS)
            .at(files::place(root))
            .says(format_args!(
                "generation {newest} of this log is known of, and there are {MAX_GENERATIONS} at most"
            ))
            .hint("somebody edited ledger.db here: restore into another state")
    })
}

/// The runs that a log here says were erased, the present one or one that was replaced, and of which
/// these keys have the key. A log need not be sound to be asked; one that cannot be read says nothing.
fn revived(root: &Path, keys: &RunKeys) -> Result<Vec<String>, Fault> {
    let mut erased = BTreeSet::new();
    for folder in replaced(root)?.chain([root.to_owned()]) {
        let looked = Reader::open(&folder.join(LEDGER)).and_then(|reader| {
            let end = reader.head()?.size.get();
            reader.leaves(0..end, &mut |leaf| {
                if let Ok(Event { run: Some(run), what: What::BodyErased { .. }, .. }) =
                    Event::decode(leaf.bytes)
                {
                    erased.insert(run.as_str().to_owned());
                }
                Ok(())
            })
        });
        // As far as it could be read.
        drop(looked);
    }
    let mut revived = Vec::new();
    for run in erased {
        match keys.get(&run)? {
            Lookup::Key(_) | Lookup::Damaged(_) => revived.push(run),
            Lookup::Erased { .. } | Lookup::Never => {}
        }
    }
    Ok(revived)
}

/// The folders with logs that were replaced.
fn replaced(root: &Path) -> Result<impl Iterator<Item = PathBuf>, Fault> {
    let names = files::folders(root)?.into_iter().filter(|name| name.starts_with(super::REPLACED));
    Ok(names.map(|name| root.join(name)))
}

/// The generation of a published checkpoint that this log signed. Any other says nothing.
fn published(folder: &Path, names: &Names) -> Option<u64> {
    let most = NonZeroU32::new(MAX_GENERATIONS)?;
    let note = files::read_text(&folder.join(TILES).join("checkpoint"), files::Purpose::Manifest).ok()?;
    names.open(note.as_bytes(), most).ok().map(|(generation, _)| u64::from(generation.get()))
}

/// The generation that a log remembers.
fn remembered(folder: &Path) -> Option<u64> {
    let value = Reader::open(&folder.join(LEDGER)).ok()?.fact(facts::GENERATION).ok()??;
    <[u8; 8]>::try_from(value).ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::{MAX_GENERATIONS, Names, TILES, next_generation};
    use std::{fs, num::NonZeroU32};
    use stepward_ledger::{
        merkle::{RootHash, TreeHead, TreeSize},
        note::LogSigner,
    };
    use stepward_seam::{Label, SecretBytes};
    use stepward_vault::EnvironmentRoot;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test puts real files where others may")]
    fn a_generation_is_taken_from_what_the_log_signed() {
        let (here, dev) = (tempfile::tempdir().unwrap(), Label::new("dev").unwrap());
        let keys = EnvironmentRoot::derive(&SecretBytes::new(vec![7; 32])).unwrap();
        let names = Names::of(&dev, &keys).unwrap();
        let next = |backed_up| next_generation(here.path(), &names, backed_up).map(NonZeroU32::get);
        let publish = |note: &str| {
            fs::create_dir_all(here.path().join(TILES)).unwrap();
            fs::write(here.path().join(TILES).join("checkpoint"), note).unwrap();
        };
        assert_eq!(next(1).unwrap(), 2);
        let fourth = NonZeroU32::new(4).unwrap();
        let signer = LogSigner::of_environment("dev", fourth, &keys.log_signing_seed()).unwrap();
        let head = TreeHead { size: TreeSize::new(3).unwrap(), root: RootHash::from_bytes([1; 32]) };
        let note = signer.sign(head).to_string();
        publish(&note);
        assert_eq!(next(1).unwrap(), 5);
        for forged in [u32::MAX, MAX_GENERATIONS, 5] {
            publish(&note.replace("/g4", &format!("/g{forged}")));
            assert_eq!(next(1).unwrap(), 2, "nobody signed that one");
        }
        assert_eq!(next(MAX_GENERATIONS - 1).unwrap(), MAX_GENERATIONS);
        for most in [MAX_GENERATIONS, u32::MAX] {
            assert_eq!(next(most).unwrap_err().rule().as_str(), "restore-generation");
        }
    }
}
