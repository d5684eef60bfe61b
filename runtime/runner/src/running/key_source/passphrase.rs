//! Where a passphrase comes from: a file, a credential, or a person at the terminal.

use super::{is_there, private};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::PathBuf,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;
use stepward_vault::passphrase::PASSPHRASE_BYTES_MAX;
use zeroize::Zeroizing;

/// The rule that a passphrase can be had.
const NEEDED: Rule = Rule::new("passphrase-needed");
/// The rule that a new passphrase is typed the same twice.
const TWICE: Rule = Rule::new("passphrase-differs");
/// The rule that a person may stop.
const STOPPED: Rule = Rule::new("passphrase-cancelled");

/// The name of the credential with the passphrase.
const CREDENTIAL: &str = "stepward.passphrase";
/// The terminal of this process, whatever its input and output are.
const TERMINAL: &str = "/dev/tty";

/// How a sealed key is opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unlock {
    /// A file with the passphrase.
    pub(crate) file: Option<PathBuf>,
    /// Whether a person may be asked.
    pub(crate) may_ask: bool,
}

impl Unlock {
    /// The passphrase of the key of an environment.
    pub(crate) fn passphrase(&self, environment: &str) -> Result<SecretBytes, Fault> {
        match self.written()? {
            Some(passphrase) => Ok(passphrase),
            None => self.ask([&format!("Passphrase of the key of {environment}: ")]).map(|[typed]| typed),
        }
    }

    /// A new passphrase. A person types it twice: nobody sees what is typed.
    pub(crate) fn new_passphrase(&self, environment: &str) -> Result<SecretBytes, Fault> {
        if let Some(passphrase) = self.written()? {
            return Ok(passphrase);
        }
        let [first, second] =
            self.ask([&format!("New passphrase for the key of {environment}: "), "The same again: "])?;
        if first.expose() == second.expose() {
            return Ok(first);
        }
        Err(Fault::new(Class::Refused, Owner::Caller, TWICE)
            .says("the two passphrases differ")
            .hint("nothing was changed; try again"))
    }

    /// The passphrase as a file has it, without its line end.
    fn written(&self) -> Result<Option<SecretBytes>, Fault> {
        let given = || private::credential(CREDENTIAL).filter(|path| is_there(path));
        let Some(path) = self.file.clone().or_else(given) else { return Ok(None) };
        let bytes = private::read(&path, "a passphrase")?;
        let line = bytes.expose();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(SecretBytes::new(line.to_vec())))
    }

    /// Asks a person, once for each prompt.
    fn ask<const N: usize>(&self, prompts: [&str; N]) -> Result<[SecretBytes; N], Fault> {
        if !self.may_ask {
            return Err(needed("--no-input says that nobody may be asked"));
        }
        let terminal = File::options().read(true).write(true).open(TERMINAL);
        let terminal = terminal.map_err(|_| needed("there is no terminal to ask at"))?;
        let typed = Unseen::start(&terminal).map_err(io::Error::from).and_then(|unseen| {
            prompts.iter().map(|prompt| unseen.line(prompt)).collect::<io::Result<Option<Vec<_>>>>()
        });
        let typed = typed.map_err(|error| needed(&format!("the terminal does not answer: {error}")))?;
        typed.and_then(|typed| typed.try_into().ok()).ok_or_else(|| {
            Fault::new(Class::Cancelled, Owner::Caller, STOPPED)
                .says("no passphrase was typed")
                .hint("nothing was changed")
        })
    }
}

fn needed(why: &str) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, NEEDED)
        .says(format_args!("the environment's key is sealed under a passphrase, and {why}"))
        .hint(format_args!(
            "name a file that has it with --passphrase-file, or give the service the credential {CREDENTIAL}"
        ))
}

/// A terminal that does not show what is typed, and shows it again when this is dropped.
struct Unseen<'a> {
    terminal: &'a File,
    before: Termios,
    /// What a person types to stop. It ends the line here, instead of this process: no signal may
    /// leave the terminal as it is now.
    stop: u8,
}

impl<'a> Unseen<'a> {
    fn start(terminal: &'a File) -> rustix::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let stop = before.special_codes[SpecialCodeIndex::VINTR];
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        unseen.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON);
        unseen.special_codes[SpecialCodeIndex::VEOL] = stop;
        tcsetattr(terminal, OptionalActions::Flush, &unseen)?;
        Ok(Self { terminal, before, stop })
    }

    /// One line without its end; none where the person stopped.
    fn line(&self, prompt: &str) -> io::Result<Option<SecretBytes>> {
        let mut terminal = self.terminal;
        terminal.write_all(prompt.as_bytes())?;
        // The whole room at once: a vector that grows would leave copies behind, unwiped.
        let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
        let mut byte = Zeroizing::new([0]);
        loop {
            let ended = terminal.read(byte.as_mut_slice())? == 0;
            let [typed] = *byte;
            if ended || typed == self.stop {
                terminal.write_all(b"\n")?;
                return Ok(None);
            }
            if typed == b'\n' {
                return Ok(Some(SecretBytes::new(line.to_vec())));
            }
            // A line that is too long is refused for its length by whoever takes it.
            if line.len() <= PASSPHRASE_BYTES_MAX {
                line.push(typed);
            }
        }
    }
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        // Where that fails the terminal is gone, and there is nobody to tell.
        let _gone = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
