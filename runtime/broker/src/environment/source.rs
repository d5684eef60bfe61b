//! Faults that name the line and the column of a file.

use std::ops::Range;
use stepward_fault::{Class, Fault, Owner, Rule};

/// A file's text and the name that people know it by.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) place: &'a str,
}

impl Source<'_> {
    /// A fault of the operator at a byte range of the file.
    pub(super) fn fault(self, rule: Rule, span: &Range<usize>) -> Fault {
        Fault::new(Class::BadInput, Owner::Operator, rule).at(self.at(span.start))
    }

    /// `FILE:LINE:COLUMN`, both from 1; a column counts characters.
    pub(super) fn at(self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", self.place)
    }
}
