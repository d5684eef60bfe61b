//! Who owns a log just now.

use crate::{
    cli::Cli,
    files::{self, Purpose},
    running::state::State,
};
use clap::{ArgMatches, CommandFactory as _};
use std::{os::unix::fs::MetadataExt as _, path::Path};

/// The kernel's list of file locks, `proc_locks(5)`.
const LOCKS: &str = "/proc/locks";

/// Who owns the log of an environment at this moment, in the owner's own words; not escaped.
///
/// The kernel's list is asked, and no lock is tried: that could keep the log from an owner who starts just
/// then. `None` also where the kernel does not tell.
pub(crate) fn owner(state: &State) -> Option<String> {
    let path = state.ledger_lock();
    let inode = path.symlink_metadata().ok()?.ino().to_string();
    // The list is short text, like the other files of the system that this program reads.
    let locks = files::read_text(Path::new(LOCKS), Purpose::Environment).ok()?;
    locks.lines().any(|line| is_of(line, &inode)).then(|| {
        let words = files::read_text(&path, Purpose::Environment).unwrap_or_default();
        words.trim().to_owned()
    })
}

/// The command that this process carries out, in the words that name it. Its values stay untold: a
/// reason that is sealed in the log may be one of them.
pub(super) fn command() -> String {
    words(Cli::command().try_get_matches_from(std::env::args_os()).ok().as_ref())
}

fn words(mut matches: Option<&ArgMatches>) -> String {
    let mut words = String::from("stepward");
    while let Some((name, within)) = matches.and_then(ArgMatches::subcommand) {
        words.push(' ');
        words.push_str(name);
        matches = Some(within);
    }
    words
}

/// Whether a line is about a lock of a whole file, held on this inode. Those that are waited for have an
/// arrow in the second column.
fn is_of(line: &str, inode: &str) -> bool {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (kind, place) = (words.next(), words.nth(3));
    kind == Some("FLOCK") && place.and_then(|place| place.rsplit(':').next()) == Some(inode)
}

#[cfg(test)]
mod tests {
    use super::{is_of, words};
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn a_command_is_told_without_its_values() {
        let told = |line: &str| words(Cli::command().try_get_matches_from(line.split(' ')).ok().as_ref());
        assert_eq!(
            told("stepward --state run runs resolve backup 0 --as applied --reason seen"),
            "stepward runs resolve"
        );
        assert_eq!(told("stepward run w --input in.json"), "stepward run");
        assert_eq!(told("stepward runs resolve --no-such-option secret"), "stepward");
    }

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let held = "3: FLOCK  ADVISORY  WRITE 28800 fe:00:5693442 0 EOF";
        assert!(is_of(held, "5693442"));
        assert!(!is_of(held, "693442"));
        assert!(!is_of("3: -> FLOCK  ADVISORY  WRITE 28800 fe:00:5693442 0 EOF", "5693442"));
        assert!(!is_of("4: POSIX  ADVISORY  WRITE 1 fe:00:5693442 0 EOF", "5693442"));
        assert!(!is_of("", "5693442"));
    }
}
