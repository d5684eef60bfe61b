//! Files with a secret in them that lie outside the state: credentials, files with a passphrase.

use crate::files;
use rustix::{
    fs::{FileType, Mode, OFlags, Stat, fstat, open},
    io::Errno,
    process::{getegid, geteuid, getgroups},
};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;
use zeroize::Zeroizing;

/// The rule that such a file can be read.
const READ: Rule = Rule::new("private-file-read");
/// The rule that it is a regular file, and no link.
const KIND: Rule = Rule::new("private-file-kind");
/// The rule that nobody else can read it.
const OPEN: Rule = Rule::new("private-file-open");
/// The rule that it is no larger than what belongs in it.
const SIZE: Rule = Rule::new("private-file-size");

/// Largest of them in bytes: any key or passphrase, and no file named by mistake.
const MOST: u64 = 4096;

/// Where the service manager puts credentials (systemd.exec(5), `CREDENTIALS_DIRECTORY`): a file of
/// this name. None where it gave none; a path that is not absolute is as none.
pub(super) fn credential(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that reads the environment")]
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)?;
    folder.is_absolute().then(|| folder.join(name))
}

/// Reads a file whole. `what` is in it, for messages.
pub(super) fn read(path: &Path, what: &str) -> Result<SecretBytes, Fault> {
    let refused = |class, rule| Fault::new(class, Owner::Operator, rule).at(files::place(path));
    let unreadable = |error: std::io::Error| {
        refused(Class::Unavailable, READ)
            .says(format_args!("{what} cannot be read: {error}"))
            .hint("check the name, and that the file is readable for this account")
    };
    // Without NOFOLLOW a link could lead elsewhere, without NONBLOCK a pipe would hold everything up.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match open(path, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::LOOP) => {
            return Err(refused(Class::Refused, KIND)
                .says(format_args!("{what} should lie here, and this is a symbolic link"))
                .hint("name the file that the link leads to"));
        }
        Err(error) => return Err(unreadable(error.into())),
    };
    // Judged on the open file: what the name leads to later does not matter.
    let Kept = judge(&fstat(&opened).map_err(|error| unreadable(error.into()))?, path, what)?;
    let capacity = usize::try_from(MOST).unwrap_or(usize::MAX) + 1;
    // The whole room at once: a vector that grows would leave copies behind, unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    File::from(opened).take(MOST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() == capacity {
        return Err(refused(Class::BadInput, SIZE)
            .says(format_args!("the file has more than {MOST} bytes, the most for {what}"))
            .hint("is it the right file?"));
    }
    Ok(SecretBytes::new(bytes.to_vec()))
}

/// That a file is kept as a secret must be.
struct Kept;

/// Own files of mode 0600 or 0400 are. So are those of root that a group may read which is root's or
/// this account's: that is how systemd gives credentials to accounts that are not root's.
fn judge(stat: &Stat, path: &Path, what: &str) -> Result<Kept, Fault> {
    let refused = |rule| Fault::new(Class::Refused, Owner::Operator, rule).at(files::place(path));
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refused(KIND)
            .says(format_args!("{what} should lie here, and this is no regular file"))
            .hint("put it into a file; folders, pipes and devices are not read"));
    }
    let mode = stat.st_mode & 0o7777;
    let own = stat.st_uid == geteuid().as_raw() && matches!(mode, 0o600 | 0o400);
    let given = stat.st_uid == 0 && matches!(mode, 0o400 | 0o440) && is_own_group(stat.st_gid);
    if own || given {
        return Ok(Kept);
    }
    Err(refused(OPEN)
        .says(format_args!("{what} lies here, and the file has mode {mode:04o}, owner {}", stat.st_uid))
        .hint(format_args!(
            "if nobody else wrote it: chown {0} {1} && chmod 600 {1}",
            geteuid().as_raw(),
            path.display()
        )))
}

fn is_own_group(group: u32) -> bool {
    let groups = getgroups().unwrap_or_default();
    group == 0 || groups.into_iter().chain([getegid()]).any(|own| own.as_raw() == group)
}
