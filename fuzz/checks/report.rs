//! What holds of every report on a log.

use stepward_fault::shown;
use stepward_ledger::verify::{MAX_FINDINGS, Open, Report, Trust};

/// The report is bounded, can be shown, and lets nobody vouch but a witness that was named.
pub(crate) fn sound(report: &Report) {
    assert!(report.findings().len() <= MAX_FINDINGS);
    assert!(report.further_findings() == 0 || report.findings().len() == MAX_FINDINGS);
    for text in report.open.iter().map(ToString::to_string) {
        assert_eq!(shown(&text).to_string(), text);
    }
    let named = report.established.signed.iter().flat_map(|signed| &signed.cosigned);
    let named: Vec<_> = named.filter(|seen| seen.trust == Trust::Given).map(|seen| &seen.witness).collect();
    for open in &report.open {
        if let Open::CosignedUntil { witness, .. } = open {
            assert!(named.contains(&witness), "{open}");
        }
    }
    for finding in report.findings() {
        for text in [finding.message(), finding.place()] {
            assert_eq!(shown(text).to_string(), text);
        }
        assert!(!finding.message().is_empty() && !finding.remedy().is_empty(), "{finding}");
    }
}
