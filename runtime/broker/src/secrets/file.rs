//! Secrets as files of one directory, one file for each, named like the secret.
//!
//! The version stands in the environment file: who replaces a secret's bytes changes it there. A
//! mounted secret volume whose entries are symbolic links is used by handing in the directory that
//! the links lead to.

use super::SecretSource;
use cap_std::fs::Dir;
use rustix::{
    fs::{FileType, Mode, OFlags, Stat, fstat, openat},
    io::Errno,
    process::{getegid, geteuid, getgroups},
};
use std::{fs::File, io::Read};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Label, SecretBytes};
use zeroize::Zeroizing;

/// The secret's file does not exist.
const MISSING: Rule = Rule::new("secret-missing");
/// The secret's file cannot be read.
const UNREADABLE: Rule = Rule::new("secret-unreadable");
/// The secret's name is a link, a directory, a pipe or a device.
const NOT_A_FILE: Rule = Rule::new("secret-not-a-file");
/// Somebody else owns the secret's file or may read or write it.
const TOO_OPEN: Rule = Rule::new("secret-too-open");
/// The secret is empty, or larger than [`SECRET_BYTES`].
const SIZE: Rule = Rule::new("secret-size");

/// Largest secret in bytes: any key or token, and no file put there by mistake.
const SECRET_BYTES: u64 = 64 << 10;

/// The account that this process runs under, to judge who owns a secret.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    uid: u32,
    groups: Vec<u32>,
}

impl ServiceAccount {
    /// An account with its groups.
    pub fn new(uid: u32, groups: Vec<u32>) -> Self {
        Self { uid, groups }
    }

    /// The effective account of this process and its groups, as the kernel knows them.
    ///
    /// # Errors
    /// When the kernel does not tell the groups.
    pub fn of_this_process() -> Result<Self, Fault> {
        let groups = getgroups().map_err(|error| {
            Fault::new(Class::Internal, Owner::Operator, UNREADABLE)
                .says(format_args!("cannot read this process's groups: {error}"))
        })?;
        let groups = groups.into_iter().chain([getegid()]).map(rustix::process::Gid::as_raw).collect();
        Ok(Self { uid: geteuid().as_raw(), groups })
    }
}

/// Secrets in one directory.
pub struct FileSecrets {
    dir: Dir,
    place: String,
    account: ServiceAccount,
}

impl FileSecrets {
    /// Uses `dir`, which people know as `place`. The account is handed in:
    /// [`ServiceAccount::of_this_process`] reads it from the kernel.
    pub fn new(dir: Dir, place: &str, account: ServiceAccount) -> Self {
        Self { dir, place: place.to_owned(), account }
    }
}

impl SecretSource for FileSecrets {
    fn fetch(&self, name: &Label, _version: &str) -> Result<SecretBytes, Fault> {
        let place = format!("{}/{name}", self.place);
        let refused = |rule, class| Fault::new(class, Owner::Operator, rule).at(&place);
        // A label has no slash, so this opens an entry of the directory itself. Without NOFOLLOW a
        // link could lead elsewhere, without NONBLOCK a pipe would hold the service up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&self.dir, name.as_str(), flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => refused(MISSING, Class::Refused)
                .says(format_args!("the secret {name:?} has no file"))
                .hint(format_args!("write it there: install -m 600 /dev/stdin {place}")),
            Errno::LOOP => refused(NOT_A_FILE, Class::Refused)
                .says(format_args!("the secret {name:?} is a symbolic link"))
                .hint("use the directory that the link leads to as the secrets directory"),
            error => refused(UNREADABLE, Class::Unavailable)
                .says(format_args!("the secret {name:?} cannot be opened: {error}"))
                .hint(format_args!(
                    "chown to the account of the service: chown {} {place}",
                    self.account.uid
                )),
        })?;
        let unreadable = |error: std::io::Error| {
            refused(UNREADABLE, Class::Unavailable)
                .says(format_args!("the secret {name:?} cannot be read: {error}"))
        };
        // Everything is judged on the open file: what the name leads to later does not matter.
        let stat = fstat(&opened).map_err(|error| unreadable(error.into()))?;
        let kept = self.judge(&stat, name, &place)?;
        read(kept, File::from(opened)).map_err(unreadable)?.map_err(|says| {
            refused(SIZE, Class::Refused).says(format_args!("the secret {name:?} {says}")).hint(format_args!(
                "a secret has 1 to {SECRET_BYTES} bytes; one newline at the end is not part of it"
            ))
        })
    }
}

/// Proof that a file is kept as a secret must be.
struct Kept(());

impl FileSecrets {
    fn judge(&self, stat: &Stat, name: &Label, place: &str) -> Result<Kept, Fault> {
        let refused = |rule| Fault::new(Class::Refused, Owner::Operator, rule).at(place);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refused(NOT_A_FILE)
                .says(format_args!("the secret {name:?} is not a regular file"))
                .hint("put the bytes of the secret into a file of that name"));
        }
        let mode = stat.st_mode & 0o7777;
        let own = stat.st_uid == self.account.uid && matches!(mode, 0o600 | 0o400);
        let mounted =
            stat.st_uid == 0 && self.account.groups.contains(&stat.st_gid) && matches!(mode, 0o640 | 0o440);
        if own || mounted {
            return Ok(Kept(()));
        }
        Err(refused(TOO_OPEN)
            .says(format_args!(
                "the secret {name:?} has mode {mode:04o}, owner {} and group {}",
                stat.st_uid, stat.st_gid
            ))
            .hint(format_args!(
                "chown {} {place} && chmod 600 {place}\n(or, for a mounted secret: owner root, a group of the \
                 service's account, mode 0440)",
                self.account.uid
            )))
    }
}

/// Reads a file that is kept well; the inner error is what is wrong with its size.
fn read(_kept: Kept, file: File) -> std::io::Result<Result<SecretBytes, &'static str>> {
    // The whole room at once: a vector that grows would leave copies behind, unwiped.
    let capacity = usize::try_from(SECRET_BYTES).unwrap_or(usize::MAX) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(SECRET_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() == capacity {
        return Ok(Err("is too large"));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(if bytes.is_empty() { Err("is empty") } else { Ok(SecretBytes::new(bytes.to_vec())) })
}

#[cfg(test)]
mod tests {
    use super::{FileSecrets, SECRET_BYTES, SecretSource, ServiceAccount};
    use cap_std::{ambient_authority, fs::Dir};
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
    };
    use stepward_seam::Label;

    fn put(dir: &Path, name: &str, bytes: &[u8], mode: u32) {
        let path = dir.join(name);
        #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    fn fetch(dir: &Path, account: ServiceAccount, name: &str) -> Result<Vec<u8>, stepward_fault::Fault> {
        let dir = Dir::open_ambient_dir(dir, ambient_authority()).unwrap();
        FileSecrets::new(dir, "secrets", account)
            .fetch(&Label::new(name).unwrap(), "1")
            .map(|bytes| bytes.expose().to_vec())
    }

    #[test]
    fn own_files_with_narrow_modes_are_read_and_nothing_wider() {
        let folder = tempfile::tempdir().unwrap();
        let me = ServiceAccount::of_this_process().unwrap();
        for mode in [0o600, 0o400] {
            put(folder.path(), "token", b"0123456789\n", mode);
            assert_eq!(fetch(folder.path(), me.clone(), "token").unwrap(), b"0123456789");
            fs::remove_file(folder.path().join("token")).unwrap();
        }
        let outsider = ServiceAccount::new(me.uid, vec![]);
        for mode in [0o644, 0o604, 0o660, 0o620, 0o601, 0o700, 0o4600, 0o640, 0o440] {
            put(folder.path(), "token", b"0123456789", mode);
            let fault = fetch(folder.path(), outsider.clone(), "token").unwrap_err();
            assert_eq!(fault.rule().as_str(), "secret-too-open", "{mode:o}");
            assert!(fault.remedy().contains("chmod 600 secrets/token"), "{fault:?}");
        }
    }

    #[test]
    fn a_mounted_secret_belongs_to_root_and_a_group_of_the_service() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "token", b"0123456789", 0o440);
        let stat = rustix::fs::stat(folder.path().join("token")).unwrap();
        let member = ServiceAccount::new(4242, vec![7, stat.st_gid]);
        let outsider = ServiceAccount::new(4242, vec![7]);
        let (member, outsider) =
            (fetch(folder.path(), member, "token"), fetch(folder.path(), outsider, "token"));
        assert_eq!(outsider.unwrap_err().rule().as_str(), "secret-too-open");
        // Only root can make the mount's file; as another account the owner differs.
        if stat.st_uid == 0 {
            assert_eq!(member.unwrap(), b"0123456789");
        } else {
            assert_eq!(member.unwrap_err().rule().as_str(), "secret-too-open");
        }
    }

    #[test]
    fn only_regular_files_of_a_sane_size() {
        let folder = tempfile::tempdir().unwrap();
        let me = || ServiceAccount::of_this_process().unwrap();
        let rule = |name| fetch(folder.path(), me(), name).unwrap_err().rule().as_str();
        put(folder.path(), "token", b"0123456789", 0o600);
        symlink("token", folder.path().join("link")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        put(folder.path(), "empty", b"\n", 0o600);
        put(folder.path(), "huge", &vec![b'x'; usize::try_from(SECRET_BYTES).unwrap() + 1], 0o600);
        put(folder.path(), "full", &vec![b'x'; usize::try_from(SECRET_BYTES).unwrap()], 0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), 0o600.into()).unwrap();
        assert_eq!(rule("link"), "secret-not-a-file");
        assert_eq!(rule("folder"), "secret-not-a-file");
        assert_eq!(rule("pipe"), "secret-not-a-file");
        assert_eq!(rule("empty"), "secret-size");
        assert_eq!(rule("huge"), "secret-size");
        assert_eq!(rule("absent"), "secret-missing");
        assert_eq!(fetch(folder.path(), me(), "full").unwrap().len() as u64, SECRET_BYTES);
    }
}
