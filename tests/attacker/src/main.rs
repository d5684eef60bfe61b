//! An escaped guest, played by a program.
//!
//! `attacker LAYERS KIND WORD PARENT SIBLING LISTENER`: applies the layers to itself (`all` is the real
//! lockdown, `none` is nothing, else names joined by commas), then does what the word asks for and
//! tells on descriptor 0. Besides the attempts it understands
//!
//! - `call:N`: lock, then make the system call with that number and no sensible argument, as native
//!   code could;
//! - `abort`, `panic`: lock, then end so;
//! - `work`: lock, then do an honest worker's work;
//! - `grow-beyond`: lock, let guests grow reserved memories, and end with how many could;
//! - `parent-of:WORD`: start another of itself with that word, print its number, and wait.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this program plays an attacker and is no part of the product"
)]

mod work;

use std::process::{Command, ExitCode, Stdio};
use stepward_worker::lockdown::Lockdown;
use stepward_worker::lockdown::Required;
use stepward_worker::lockdown::layer::Layer;
use stepward_worker::lockdown::probe::{Asked, PROBE_CEILINGS, answer, probe_main};

/// Ends so where a layer does not hold on this machine, so that no test takes that for a refusal.
const LAYER_MISSING: u8 = 3;

/// Ends so where the kernel let a system call through.
const CALL_RETURNED: u8 = 4;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let layers = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let Some(asked) = Asked::from_words(&words) else { return ExitCode::FAILURE };

    if let Some(word) = asked.word.strip_prefix("parent-of:") {
        return parent_of(&layers, word);
    }
    if asked.word == "work" {
        return work::work(asked.kind, asked.around.parent);
    }
    if asked.word == "grow-beyond" {
        return work::grow_beyond(asked.kind, asked.around.parent);
    }
    if let Some(end) = end(&asked.word) {
        let lockdown = Lockdown::enter(asked.kind, asked.around.parent);
        if lockdown.lock(PROBE_CEILINGS, &Required::all()).is_err() {
            return ExitCode::from(LAYER_MISSING);
        }
        return end();
    }
    let done = match layers.as_str() {
        "all" => probe_main(&words),
        "none" => answer(&asked.word, &asked.around),
        names => {
            for layer in Layer::ALL {
                let named = names.split(',').any(|name| name == layer.name());
                // The limit on processes does not hold of root, which the layers' test knows.
                if named && layer.apply(asked.kind, PROBE_CEILINGS).is_err() && layer != Layer::Limits {
                    return ExitCode::from(LAYER_MISSING);
                }
            }
            answer(&asked.word, &asked.around)
        }
    };
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The words that end the locked process themselves.
fn end(word: &str) -> Option<Box<dyn FnOnce() -> ExitCode>> {
    if let Some(number) = word.strip_prefix("call:") {
        let number = number.parse().ok()?;
        return Some(Box::new(move || call(number)));
    }
    match word {
        "abort" => Some(Box::new(|| std::process::abort())),
        "panic" => Some(Box::new(|| panic!("as a defect of ours would"))),
        _ => None,
    }
}

/// Starts the same program with the same pipe, prints its number, and waits to be killed.
fn parent_of(layers: &str, word: &str) -> ExitCode {
    let own = std::process::id().to_string();
    let started = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .args([layers, "runner", word, &own, "1", "nobody-listens"])
            .env_clear()
            .stdout(Stdio::null())
            .spawn()
    });
    let Ok(mut child) = started else { return ExitCode::FAILURE };
    println!("{}", child.id());
    if child.wait().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the call with arguments that are neither descriptors nor addresses.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "this program plays native code of an attacker, which makes any system call")]
fn call(number: i64) -> ExitCode {
    const NOTHING: i64 = -1;
    // SAFETY: every argument is an address that is mapped nowhere or a descriptor that nobody has, so
    // the kernel writes to no memory of this process; and the call is expected to end it.
    let _ = unsafe { libc::syscall(number, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING) };
    ExitCode::from(CALL_RETURNED)
}

#[cfg(not(target_os = "linux"))]
fn call(_number: i64) -> ExitCode {
    ExitCode::FAILURE
}
