//! What holds of every report on a log.

use stepward_fault::shown;
use stepward_ledger::verify::{MAX_FINDINGS, Report};

/// The report is bounded, and can be shown.
pub(crate) fn sound(report: &Report) {
    assert!(report.findings().len() <= MAX_FINDINGS);
    assert!(report.further_findings() == 0 || report.findings().len() == MAX_FINDINGS);
    for text in report.open.iter().map(ToString::to_string) {
        assert_eq!(shown(&text).to_string(), text);
    }
    for finding in report.findings() {
        for text in [finding.message(), finding.place()] {
            assert_eq!(shown(text).to_string(), text);
        }
        assert!(!finding.message().is_empty() && !finding.remedy().is_empty(), "{finding}");
    }
}
