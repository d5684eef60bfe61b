//! Showing results: for people on a terminal, or as JSON for programs.

mod fault;
mod json;
mod table;
mod units;
mod usage;

pub(crate) use json::plain;
pub(crate) use table::Table;
pub(crate) use units::{bytes, count, duration, utc};
pub(crate) use usage::{plain_words, usage};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::{
    fmt,
    io::Write as _,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};
use stepward_fault::{Fault, shown};

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to look at.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Headings and names.
pub(crate) const STRONG: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Text in a style. Colours are dropped where the output is no terminal or `NO_COLOR` is set.
pub(crate) fn styled(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// What is said of a secret whose bytes enter a step, wherever it is shown: loud on purpose.
pub(crate) fn reveals(secret: impl fmt::Display) -> String {
    format!("REVEALS SECRET {secret}")
}

/// Prints a result as it is: a document, a schema, a script. A reader that went away is no error.
pub(crate) fn raw(text: &str) {
    drop(writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')));
}

/// Where results go. A reader that went away is no error: there is nobody left to tell.
pub(crate) struct Output {
    json: bool,
    lines: AtomicBool,
}

/// A JSON result that names its schema.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    content: &'a T,
}

impl Output {
    /// Output as JSON or for people.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, lines: AtomicBool::new(false) }
    }

    /// Says that JSON is written in lines from here on, one object each: an error is one too.
    pub(crate) fn in_lines(&self) {
        self.lines.store(true, Ordering::Relaxed);
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One line of a result, for people. It may have styles: escape what others wrote before.
    pub(crate) fn line(&self, text: impl fmt::Display) {
        if !self.json {
            drop(writeln!(anstream::stdout(), "{text}"));
        }
    }

    /// One line of progress, in plain text: on standard error, so that results can be piped.
    pub(crate) fn progress(&self, text: impl fmt::Display) {
        if !self.json {
            drop(writeln!(anstream::stderr(), "{}", shown(&text.to_string())));
        }
    }

    /// The one JSON object of a command, or one line of them; nothing where results are for people.
    pub(crate) fn json<T: Serialize>(&self, schema: &'static str, content: &T) {
        if self.json {
            let document = Document { schema, content };
            let text = if self.lines.load(Ordering::Relaxed) {
                serde_json::to_string(&document)
            } else {
                serde_json::to_string_pretty(&document)
            };
            raw(&json::plain(&text.unwrap_or_default()));
        }
    }

    /// Shows a fault and gives its exit code.
    pub(crate) fn fault(&self, fault: &Fault) -> ExitCode {
        if self.json {
            #[derive(Serialize)]
            struct Error<'a> {
                error: &'a Fault,
            }
            self.json("stepward.error/1", &Error { error: fault });
        } else {
            drop(write!(anstream::stderr(), "{}", fault::Report(fault)));
        }
        ExitCode::from(fault.class().exit_code())
    }

    /// Shows a fault that does not end the command.
    pub(crate) fn finding(&self, fault: &Fault) {
        self.line(fault::Report(fault).to_string().trim_end());
    }

    /// Shows something that a person should look at, in one line: on standard error, beside JSON too.
    #[expect(clippy::unused_self, reason = "a warning is output; who may write says so by this value")]
    pub(crate) fn warning(&self, text: impl fmt::Display) {
        drop(writeln!(anstream::stderr(), "{}: {}", styled(WARN, "warning"), shown(&text.to_string())));
    }
}
