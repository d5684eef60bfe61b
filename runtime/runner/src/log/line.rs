//! One report, one line: whatever stands in it.

use crate::render::plain;
use std::io::{self, Write};
use stepward_fault::shown;

/// Where the text of one report goes. What could start a line, move a cursor or turn the reading direction
/// is written as an escape, whoever wrote it: most rooms escape what steps say, and this is behind all of
/// them.
pub(super) struct Line<W> {
    to: W,
    json: bool,
}

impl<W: Write> Line<W> {
    /// `json` where the text is JSON, whose value then stays what it is.
    pub(super) const fn to(to: W, json: bool) -> Self {
        Self { to, json }
    }
}

impl<W: Write> Write for Line<W> {
    /// Takes a whole report, with its newline: it is handed over at once.
    fn write(&mut self, report: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(report);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = if self.json { plain(text).replace('\n', " ") } else { shown(text).to_string() };
        // In one piece, so that another process's line does not come in between.
        self.to.write_all(format!("{line}\n").as_bytes())?;
        Ok(report.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
