//! Lines of which none is longer than it may be.

use std::io::{self, BufRead, Read as _};
use stepward_fault::{Class, Fault, Owner, Rule};

const READ: Rule = Rule::new("export-read");

/// What was read.
pub(crate) enum Line {
    /// Nothing is left.
    End,
    /// A line that ended; its newline is taken off.
    Whole,
    /// The last line, without a newline.
    Cut,
    /// More than there may be.
    TooLong,
}

/// Reads a line of at most `most` bytes.
pub(crate) fn next(source: &mut dyn BufRead, most: usize, line: &mut Vec<u8>) -> Result<Line, Fault> {
    line.clear();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source.take(most).read_until(b'\n', line).map_err(|error| unreadable(&error))?;
    Ok(match line.pop() {
        None => Line::End,
        Some(b'\n') => Line::Whole,
        Some(_) if (line.len() as u64) + 1 == most => Line::TooLong,
        Some(_) => Line::Cut,
    })
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, READ)
        .says(format_args!("it cannot be read: {error}"))
        .hint("check the disk and the file's permissions")
}
