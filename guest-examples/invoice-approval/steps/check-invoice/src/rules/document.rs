//! What every document must say about itself: BR-01 to BR-05, BR-16, BR-29, BR-49 to BR-55.

use crate::finding::Findings;
use invoice_model::{Invoice, Kind, PaymentMeans, Period};

const DOCUMENT: &str = "document";

/// Payment means that are credit transfers and so need an account (UNTDID 4461).
const CREDIT_TRANSFERS: [&str; 2] = ["30", "58"];

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    let texts = [
        ("BR-01", &invoice.specification, "the specification identifier (BT-24)"),
        ("BR-02", &invoice.number, "the number (BT-1)"),
        ("BR-04", &invoice.type_code, "the type code (BT-3)"),
        ("BR-05", &invoice.currency, "the currency (BT-5)"),
    ];
    for (rule, text, what) in texts {
        findings.require(rule, DOCUMENT, text.as_ref(), what);
    }
    findings.require("BR-03", DOCUMENT, invoice.issue_date, "the issue date (BT-2)");
    findings.require("BR-16", DOCUMENT, invoice.lines.first(), "a line (BG-25)");
    findings.require("BR-CO-18", DOCUMENT, invoice.vat_breakdown().next(), "the VAT breakdown (BG-23)");
    if let Some(currency) = &invoice.tax_currency {
        let total = invoice.tax_totals.iter().find(|total| total.currency.as_ref() == Some(currency));
        findings.require("BR-53", DOCUMENT, total, "the VAT total in the accounting currency (BT-111)");
    }
    for (index, preceding) in invoice.references.preceding.iter().enumerate() {
        let place = format!("preceding invoice {}", index + 1);
        findings.require("BR-55", place, preceding.number.as_ref(), "its number (BT-25)");
    }
    for (index, attachment) in invoice.attachments.iter().enumerate() {
        let place = format!("supporting document {}", index + 1);
        findings.require("BR-52", place, attachment.id.as_ref(), "its reference (BT-122)");
    }
    for (index, means) in invoice.payment_means.iter().enumerate() {
        payment_means(means, &format!("payment means {}", index + 1), findings);
    }
    document_period(invoice, findings);
}

fn payment_means(means: &PaymentMeans, place: &str, findings: &mut Findings) {
    findings.require("BR-49", place, means.code.as_ref(), "the payment means code (BT-81)");
    let is_transfer = means.code.as_deref().is_some_and(|code| CREDIT_TRANSFERS.contains(&code));
    if is_transfer && means.account.is_none() {
        if means.has_account {
            findings.add("BR-50", place, "the account (BG-17) has no identifier (BT-84)");
        }
        findings.add("BR-61", place, "a credit transfer needs an account to pay to (BT-84)");
    }
}

fn document_period(invoice: &Invoice, findings: &mut Findings) {
    let Some(period) = &invoice.period else { return };
    if invoice.tax_point_date.is_some() && period.tax_point_code.is_some() {
        findings.add(
            "BR-CO-03",
            DOCUMENT,
            "it has a VAT point date (BT-7) and a code for one (BT-8): only one may be",
        );
    }
    if period.tax_point_code.is_none() && period.start.is_none() && period.end.is_none() {
        findings.add("BR-CO-19", DOCUMENT, "the period (BG-14) has neither a first nor a last day");
    }
    in_order("BR-29", DOCUMENT, period, findings);
}

/// Reports a period that ends before it starts.
pub(super) fn in_order(rule: &str, place: &str, period: &Period, findings: &mut Findings) {
    if let (Some(start), Some(end)) = (period.start, period.end)
        && end < start
    {
        findings.add(rule, place, format_args!("the period ends on {end}, before it starts on {start}"));
    }
}

/// BR-CO-25, which the standard states and its validation artefacts no longer enforce: a remark.
pub(super) fn payment_due(invoice: &Invoice, remarks: &mut Findings) {
    let owes = invoice.totals.due.is_some_and(|due| due.value().is_sign_positive() && !due.value().is_zero());
    let said = invoice.due_date.is_some() || invoice.payment_terms.is_some();
    if invoice.kind == Kind::Invoice && owes && !said {
        remarks.add(
            "BR-CO-25",
            DOCUMENT,
            "neither a due date (BT-9) nor payment terms (BT-20) say when to pay",
        );
    }
}
