//! Reading and writing files. Every read is bounded by what the file is for, takes regular files
//! only, and happens once: what was checked is what is used, whatever the file does meanwhile.

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::geteuid,
};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::LimitName;
use zeroize::Zeroizing;

/// The rule that a file must exist and be readable.
pub(crate) const READ: Rule = Rule::new("file-read");
/// The rule that a file must be a regular one.
const KIND: Rule = Rule::new("file-kind");
/// The rule that a file has a most size.
const SIZE: Rule = Rule::new("file-size");
/// The rule that a text file is UTF-8.
const UTF8: Rule = Rule::new("file-utf8");
/// The rule that a file must be writable.
pub(crate) const WRITE: Rule = Rule::new("file-write");
/// The rule that what a state keeps is its owner's alone.
const PRIVATE: Rule = Rule::new("state-private");

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What a file is for: that decides its most size and whose fault a bad one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `stepward.toml`.
    Project,
    /// `stepward.lock`.
    Lock,
    /// A workflow file.
    Workflow,
    /// An environment file.
    Environment,
    /// A component, ready to run.
    Component,
    /// A core module fresh from the compiler.
    CoreModule,
    /// A generated `world.wit`.
    World,
    /// The input document of a run.
    Input,
    /// A case of a step.
    Case,
    /// The trace of a run.
    Trace,
    /// A key of the environment's state.
    Key,
    /// What a backup or a restore says of itself.
    Manifest,
    /// A checkpoint, a proof, an event, public keys.
    Proof,
    /// The events of a run, taken out of a log.
    Evidence,
}

impl Purpose {
    /// Most bytes. Text files that people write are far smaller; documents follow the limits.
    const fn most(self) -> u64 {
        match self {
            Self::Project
            | Self::Workflow
            | Self::Environment
            | Self::World
            | Self::Manifest
            | Self::Proof => MIB,
            Self::Lock => 4 * MIB,
            Self::Component => LimitName::ComponentBytes.most(),
            Self::CoreModule => 256 * MIB,
            Self::Input => LimitName::InputBytes.most(),
            Self::Case | Self::Trace | Self::Evidence => 1024 * MIB,
            Self::Key => KIB,
        }
    }

    const fn owner(self) -> Owner {
        match self {
            Self::Project | Self::Lock | Self::Workflow => Owner::WorkflowAuthor,
            Self::Environment | Self::Key | Self::Manifest => Owner::Operator,
            Self::Component | Self::CoreModule | Self::World | Self::Case => Owner::StepAuthor,
            Self::Input | Self::Trace | Self::Proof | Self::Evidence => Owner::Caller,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Project => "a project file",
            Self::Lock => "a lock file",
            Self::Workflow => "a workflow file",
            Self::Environment => "an environment file",
            Self::Component => "a component",
            Self::CoreModule => "a core module",
            Self::World => "a world file",
            Self::Input => "an input document",
            Self::Case => "a case",
            Self::Trace => "a trace",
            Self::Key => "a key",
            Self::Manifest => "a manifest",
            Self::Proof => "a checkpoint, a proof or a key",
            Self::Evidence => "evidence",
        }
    }
}

/// What messages call a file: its path from the current folder where it lies below it, safe for a
/// terminal.
pub(crate) fn place(path: &Path) -> String {
    shown(&from_here(path)).to_string()
}

/// The path of a file from the current folder where it lies below it, as programs read it.
pub(crate) fn from_here(path: &Path) -> String {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that knows where it stands")]
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// Reads a whole file, wherever its name leads.
pub(crate) fn read(path: &Path, purpose: Purpose) -> Result<Vec<u8>, Fault> {
    let failed = |error: io::Error| unreadable(path, purpose, &error);
    // Before opening, since opening a pipe would wait for its writer; and again on what was opened.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(not_regular(path, purpose));
    }
    let file = File::open(path).map_err(failed)?;
    whole(file, path, purpose).map(|(bytes, _)| bytes)
}

/// Reads a key: a regular file, no link, that is this account's alone. Its bytes are wiped when they are
/// dropped.
pub(crate) fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let failed = |error: Errno| {
        Fault::new(Class::BadInput, Purpose::Key.owner(), READ)
            .at(place(path))
            .says(format_args!("a key cannot be read: {error}"))
            .hint("check that the file is yours to read")
    };
    // Without NOFOLLOW a link could lead elsewhere, without NONBLOCK a pipe would hold everything up.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => {
            return Err(not_private(path, "a key lies here, and its name is a symbolic link")
                .hint(format_args!("rm {}; a new key is made, or put the right one there", path.display())));
        }
        Err(error) => return Err(failed(error)),
    };
    let (bytes, about) = whole(file, path, Purpose::Key)?;
    let bytes = Zeroizing::new(bytes);
    let (mode, own) = (about.mode() & 0o7777, geteuid().as_raw());
    if about.uid() == own && matches!(mode, 0o600 | 0o400) {
        return Ok(bytes);
    }
    Err(not_private(path, format_args!("a key has mode {mode:04o} and owner {}", about.uid())).hint(
        format_args!(
            "if nobody else wrote it: chown {own} {0} && chmod 600 {0}; otherwise: rm {0}",
            path.display()
        ),
    ))
}

/// The bytes of an open file, and what was known about it before they were read.
fn whole(file: File, path: &Path, purpose: Purpose) -> Result<(Vec<u8>, fs::Metadata), Fault> {
    let refuse = |rule| Fault::new(Class::BadInput, purpose.owner(), rule).at(place(path));
    let failed = |error: io::Error| unreadable(path, purpose, &error);
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(not_regular(path, purpose));
    }
    let too_large = || {
        refuse(SIZE)
            .says(format_args!("larger than {} bytes, the most for {}", purpose.most(), purpose.name()))
            .hint("is it the right file?")
    };
    // Size first, so that a giant costs nothing; bounded all the same, since it may grow meanwhile.
    if about.len() > purpose.most() {
        return Err(too_large());
    }
    let bytes = bounded(file, purpose.most()).map_err(failed)?.ok_or_else(too_large)?;
    Ok((bytes, about))
}

fn unreadable(path: &Path, purpose: Purpose, error: &io::Error) -> Fault {
    Fault::new(Class::BadInput, purpose.owner(), READ)
        .at(place(path))
        .says(format_args!("{} cannot be read: {error}", purpose.name()))
        .hint(match error.kind() {
            io::ErrorKind::NotFound => "check the spelling and the folder that you are in",
            _ => "check that the file is yours to read",
        })
}

fn not_regular(path: &Path, purpose: Purpose) -> Fault {
    Fault::new(Class::BadInput, purpose.owner(), KIND)
        .at(place(path))
        .says(format_args!("{} must be a regular file", purpose.name()))
        .hint("folders, pipes and devices are not read; copy the content into a file")
}

/// Reads at most `most` bytes; `None` when there are more.
fn bounded(source: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    // The whole room at once where it is small, which a key is: a vector that grows would leave copies
    // behind, unwiped.
    let room = usize::try_from(most).ok().filter(|_| most <= KIB).map_or(0, |most| most + 1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then(|| std::mem::take(&mut *bytes)))
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path, purpose: Purpose) -> Result<String, Fault> {
    text(read(path, purpose)?, &place(path), purpose)
}

/// Reads the input document from standard input.
pub(crate) fn read_stdin() -> Result<Vec<u8>, Fault> {
    let refuse = |rule| Fault::new(Class::BadInput, Owner::Caller, rule).at("standard input");
    bounded(io::stdin().lock(), Purpose::Input.most())
        .map_err(|error| {
            refuse(READ).says(error).hint("pipe the document in, or name its file with `--input FILE`")
        })?
        .ok_or_else(|| {
            refuse(SIZE)
                .says(format_args!("more than {} bytes", Purpose::Input.most()))
                .hint("is it the right input? No step takes a larger one")
        })
}

/// Bytes as UTF-8.
pub(crate) fn text(bytes: Vec<u8>, place: &str, purpose: Purpose) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..at).unwrap_or_default());
        Fault::new(Class::BadInput, purpose.owner(), UTF8)
            .at_offset(place, &before, before.len())
            .says(format_args!("{} must be UTF-8 text; byte {at} is not", purpose.name()))
            .hint("save the file as UTF-8")
    })
}

fn unwritten(path: &Path, error: &io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, WRITE)
        .at(place(path))
        .says(format_args!("cannot be written: {error}"))
        .hint("check the folder's owner, its permissions and the free space")
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever the umask allows.
    Public,
    /// The owner alone: mode 0600.
    Owner,
}

/// Writes a file whole or not at all: a temporary file beside it takes its name.
pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Fault> {
    let failed = |error: io::Error| unwritten(path, &error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = match readers {
        Readers::Public => 0o666,
        Readers::Owner => 0o600,
    };
    let mut file = tempfile::Builder::new()
        .prefix(".stepward-")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file for its owner alone, unless somebody was first: then theirs stays.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let failed = |error: io::Error| unwritten(path, &error);
    let mut file = tempfile::Builder::new()
        .prefix(".stepward-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error.error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Opens the file of a lock, and makes it for its owner alone where it is missing. What it says stays.
pub(crate) fn open_lock(path: &Path) -> Result<File, Fault> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|error| unwritten(path, &error.into()))
}

/// Removes a folder with all that is in it, and says whether there was one.
pub(crate) fn remove_folder(path: &Path) -> Result<bool, Fault> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unwritten(path, &error)),
    }
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|error| unwritten(path, &error))
}

/// Makes a folder in which nobody else can put or replace anything, or checks that it is one. Those
/// above it are made as the umask says. `links` says whether its name may be a link.
pub(crate) fn make_own_folder(path: &Path, links: Links) -> Result<(), Fault> {
    make_folder(path.parent().unwrap_or(path))?;
    if let Err(error) = fs::DirBuilder::new().mode(0o700).create(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(unwritten(path, &error));
    }
    let found = match links {
        Links::Followed => fs::metadata(path),
        Links::Refused => fs::symlink_metadata(path),
    }
    .map_err(|error| unwritten(path, &error))?;
    let own = geteuid().as_raw();
    if !found.is_dir() {
        return Err(not_private(path, "state lies here, and this is a link or no folder")
            .hint(format_args!("rm {}; or name the folder that you mean with --state", path.display())));
    }
    // Root can replace anything anyway.
    if found.uid() != own && found.uid() != 0 {
        return Err(not_private(
            path,
            format_args!("state lies here, and the folder is the user {}'s, who can replace it", found.uid()),
        )
        .hint(format_args!(
            "if nobody else put files there: chown -R {own} {0}; otherwise: rm -r {0}",
            path.display()
        )));
    }
    if found.permissions().mode() & 0o022 != 0 {
        return Err(not_private(path, "state lies here, and others can replace what is in the folder")
            .hint(format_args!("if nobody else put files there: chmod go-w {}", path.display())));
    }
    Ok(())
}

/// Whether the name of a folder may be a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// A person named the folder: what the link leads to is checked.
    Followed,
    /// The name is a fixed one in somebody's project: a link would lead to somebody else's state.
    Refused,
}

/// Makes a folder that only its owner can enter, or checks that it is one.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), Fault> {
    if let Err(error) = fs::DirBuilder::new().mode(0o700).create(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(unwritten(path, &error));
    }
    let found = fs::symlink_metadata(path).map_err(|error| unwritten(path, &error))?;
    let own = geteuid().as_raw();
    if !found.is_dir() {
        return Err(not_private(path, "keys and recorded data lie here, and this is a link or no folder")
            .hint(format_args!("rm {}; the folder is made anew", path.display())));
    }
    if found.uid() != own {
        return Err(not_private(
            path,
            format_args!("keys and recorded data lie here, and the folder is the user {}'s", found.uid()),
        )
        .hint(format_args!(
            "if nobody else put files there: chown -R {own} {0}; otherwise: rm -r {0}",
            path.display()
        )));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Err(not_private(path, "keys and recorded data lie here, and others can enter")
            .hint(format_args!("chmod 700 {}", path.display())));
    }
    Ok(())
}

fn not_private(path: &Path, says: impl std::fmt::Display) -> Fault {
    Fault::new(Class::Refused, Owner::Operator, PRIVATE).at(place(path)).says(says)
}

/// A folder in the making: it appears under its name whole, or not at all.
pub(crate) struct Staged(tempfile::TempDir);

impl Staged {
    /// Starts one beside its later place.
    pub(crate) fn new(parent: &Path) -> Result<Self, Fault> {
        tempfile::Builder::new()
            .prefix(".stepward-")
            .permissions(fs::Permissions::from_mode(0o777))
            .tempdir_in(parent)
            .map(Self)
            .map_err(|error| unwritten(parent, &error))
    }

    /// Adds a file; `path` is relative to the folder.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), Fault> {
        let path = self.0.path().join(path);
        make_folder(path.parent().unwrap_or(self.0.path()))?;
        write(&path, text.as_bytes(), Readers::Public)
    }

    /// Gives the folder its name.
    pub(crate) fn rename_to(self, place: &Path) -> Result<(), Fault> {
        fs::rename(self.0.path(), place).map_err(|error| unwritten(place, &error))?;
        // Nothing is left under the temporary name, so there is nothing to remove.
        drop(self.0.keep());
        Ok(())
    }
}

/// The names of the folders in a folder, sorted; empty when there is no such folder.
pub(crate) fn folders(folder: &Path) -> Result<Vec<String>, Fault> {
    let entries = entries(folder)?;
    Ok(entries
        .iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect())
}

/// The files in a folder with this extension, sorted by name; empty when there is no such folder.
pub(crate) fn list(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Fault> {
    let mut found = entries(folder)?;
    found.retain(|path| path.extension() == Some(OsStr::new(extension)));
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let failed = |error: io::Error| {
        Fault::new(Class::BadInput, Owner::Caller, READ)
            .at(place(folder))
            .says(format_args!("the folder cannot be listed: {error}"))
            .hint("check that it is a folder, and yours to read")
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files that they read")]
mod tests {
    use super::{Purpose, Readers, make_private_folder, place, read, read_key, read_text, write};
    use rustix::process::geteuid;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, chown, symlink},
        path::Path,
    };

    #[test]
    fn a_bad_file_is_named_with_place_and_rule() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let rule = |purpose| read_text(&file, purpose).unwrap_err().rule().as_str();
        assert_eq!(rule(Purpose::Input), "file-read");
        fs::write(&file, [b'\n', b'a', 0xff]).unwrap();
        let fault = read_text(&file, Purpose::Workflow).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place().ends_with("f:2:2")), ("file-utf8", true));
        fs::write(&file, vec![b' '; 1025]).unwrap();
        assert_eq!(rule(Purpose::Key), "file-size");
        assert_eq!(read(dir.path(), Purpose::Key).unwrap_err().rule().as_str(), "file-kind");
        assert_eq!(read("/dev/zero".as_ref(), Purpose::Input).unwrap_err().rule().as_str(), "file-kind");
    }

    #[test]
    fn a_file_is_written_whole_and_for_its_readers() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        write(&file, b"one", Readers::Public).unwrap();
        write(&file, b"two", Readers::Owner).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(
            write(&dir.path().join("no/f"), b"", Readers::Owner).unwrap_err().rule().as_str(),
            "file-write"
        );
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        make_private_folder(&folder).unwrap();
        make_private_folder(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(make_private_folder(&folder).unwrap_err().remedy().starts_with("chmod 700"));
    }

    #[test]
    fn a_folder_of_another_user_and_a_link_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, link) = (dir.path().join("state"), dir.path().join("link"));
        make_private_folder(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        let fault = make_private_folder(&link).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.remedy().starts_with("rm ")), ("state-private", true));
        // Root can give a folder away; for everybody else the root folder is somebody else's.
        let others = if geteuid().is_root() {
            chown(&folder, Some(65_534), None).unwrap();
            folder
        } else {
            "/".into()
        };
        let fault = make_private_folder(&others).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.remedy().contains("chown -R")), ("state-private", true));
    }

    #[test]
    fn a_key_is_a_file_of_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (key, link) = (dir.path().join("key"), dir.path().join("link"));
        write(&key, &[7; 32], Readers::Owner).unwrap();
        assert_eq!(*read_key(&key).unwrap(), [7; 32]);
        symlink(&key, &link).unwrap();
        let rule = |path: &Path| read_key(path).unwrap_err().rule().as_str();
        assert_eq!(rule(&link), "state-private");
        assert_eq!(rule(dir.path()), "file-kind");
        for mode in [0o640, 0o604, 0o660, 0o700] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(rule(&key), "state-private", "{mode:o}");
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(*read_key(&key).unwrap(), [7; 32]);
        if geteuid().is_root() {
            chown(&key, Some(65_534), None).unwrap();
            assert_eq!(rule(&key), "state-private");
        }
    }

    #[test]
    fn a_place_cannot_steer_a_terminal() {
        assert_eq!(place(Path::new("/a\u{1b}[2J\nb")), "/a\\u{1b}[2J\\u{a}b");
    }
}
