//! Findings as rules report them.

use invoice_model::Finding;
use std::fmt;

/// The findings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Reports that `rule` is broken at `place`.
    pub(crate) fn add(
        &mut self,
        rule: impl Into<String>,
        place: impl fmt::Display,
        explanation: impl fmt::Display,
    ) {
        self.0.push(Finding {
            rule: rule.into(),
            place: place.to_string(),
            explanation: explanation.to_string(),
        });
    }

    /// Reports that `what` is missing, unless it is there.
    pub(crate) fn require<T: Copy>(
        &mut self,
        rule: &str,
        place: impl fmt::Display,
        there: Option<T>,
        what: &str,
    ) {
        if there.is_none() {
            self.add(rule, place, format_args!("{what} is missing"));
        }
    }

    /// Takes over what another set of rules found.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The findings in the order of their rules.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

/// Most findings that an error lists; the rest is counted.
const LISTED: usize = 20;

/// The findings as one text for a person.
pub(crate) fn describe(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings
        .iter()
        .take(LISTED)
        .map(|finding| format!("{} ({}): {}", finding.rule, finding.place, finding.explanation))
        .collect();
    if let Some(more) = findings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.join("; ")
}
