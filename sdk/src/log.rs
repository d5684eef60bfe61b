//! Lines for people who watch or debug a step.
//!
//! The host counts, caps and records them. Native builds write them to standard error, where the
//! test harness captures them.
//!
//! ```
//! stepward_sdk::log::info("checked");
//! stepward_sdk::log::warn(format_args!("{} lines without a unit", 3));
//! ```

use std::fmt::Display;

macro_rules! levels {
    ($($(#[doc = $doc:literal])* $name:ident $level:ident;)*) => {
        /// How much a line matters.
        #[derive(Clone, Copy, Debug)]
        enum Level {$(
            $level,
        )*}

        $(
            $(#[doc = $doc])*
            pub fn $name(message: impl Display) {
                emit(Level::$level, &message);
            }
        )*
    };
}

levels! {
    /// Finest detail.
    trace Trace;
    /// Detail for debugging.
    debug Debug;
    /// Ordinary progress.
    info Info;
    /// Something a person should look at.
    warn Warn;
    /// Something failed.
    error Error;
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "a native build is a test, and its harness captures this")]
fn emit(level: Level, message: &dyn Display) {
    eprintln!("{level:?}: {message}");
}

#[cfg(target_arch = "wasm32")]
fn emit(level: Level, message: &dyn Display) {
    use crate::glue::bindings::stepward::step::log;
    let level = match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    };
    log::emit(level, &message.to_string());
}
