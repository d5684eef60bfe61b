//! The totals of the document: BR-12 to BR-15, BR-CO-10 to BR-CO-13, BR-CO-15, BR-CO-16.

use crate::{
    arithmetic::{or_zero, round2, sum},
    finding::Findings,
};
use invoice_model::{AllowanceCharge, Invoice, Number, TaxTotal};
use rust_decimal::Decimal;

const TOTALS: &str = "totals";

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    let totals = &invoice.totals;
    findings.require("BR-12", TOTALS, totals.lines, "the sum of the lines (BT-106)");
    findings.require("BR-13", TOTALS, totals.without_vat, "the total without VAT (BT-109)");
    findings.require("BR-14", TOTALS, totals.with_vat, "the total with VAT (BT-112)");
    findings.require("BR-15", TOTALS, totals.due, "the amount due (BT-115)");
    lines(invoice, findings);
    entries("BR-CO-11", "allowances (BT-107)", totals.allowances, &invoice.allowances, findings);
    entries("BR-CO-12", "charges (BT-108)", totals.charges, &invoice.charges, findings);
    without_vat(invoice, findings);
    with_vat(invoice, findings);
    due(invoice, findings);
}

/// Reports a total that is not what its parts come to.
fn equal(rule: &str, what: &str, stated: Decimal, computed: Decimal, of: &str, findings: &mut Findings) {
    if stated != computed {
        let computed = computed.normalize();
        findings.add(rule, TOTALS, format_args!("{what} is {stated}, not {computed} as {of} make it"));
    }
}

fn lines(invoice: &Invoice, findings: &mut Findings) {
    if let Some(stated) = invoice.totals.lines {
        let computed = round2(sum(invoice.lines.iter().map(|line| line.net_amount)));
        let of = "the net amounts of the lines (BT-131)";
        equal("BR-CO-10", "the sum of the lines (BT-106)", stated.value(), computed, of, findings);
    }
}

fn entries(
    rule: &str,
    what: &str,
    stated: Option<Number>,
    entries: &[AllowanceCharge],
    findings: &mut Findings,
) {
    let computed = round2(sum(entries.iter().map(|entry| entry.amount)));
    match stated {
        Some(stated) => {
            equal(rule, &format!("the sum of the {what}"), stated.value(), computed, "the entries", findings);
        }
        None if entries.is_empty() => {}
        None => findings.add(
            rule,
            TOTALS,
            format_args!("the sum of the {what} is missing; it comes to {computed}"),
        ),
    }
}

fn without_vat(invoice: &Invoice, findings: &mut Findings) {
    let totals = &invoice.totals;
    let (Some(lines), Some(stated)) = (totals.lines, totals.without_vat) else { return };
    // Without allowances and charges nothing is computed, and so nothing may be rounded.
    let computed = if totals.allowances.is_none() && totals.charges.is_none() {
        lines.value()
    } else {
        round2(lines.value() - or_zero(totals.allowances) + or_zero(totals.charges))
    };
    let of = "lines, allowances and charges";
    equal("BR-CO-13", "the total without VAT (BT-109)", stated.value(), computed, of, findings);
}

/// BT-112 is BT-109 plus BT-110, and there is exactly one BT-110.
fn with_vat(invoice: &Invoice, findings: &mut Findings) {
    let Some(currency) = &invoice.currency else { return };
    let mut totals = invoice.tax_totals.iter().filter(|total| total.currency.as_ref() == Some(currency));
    let vat = match (totals.next(), totals.next()) {
        (Some(TaxTotal { amount: Some(amount), .. }), None) => amount.value(),
        (Some(_) | None, None) => {
            return findings.add(
                "BR-CO-15",
                TOTALS,
                format_args!("the VAT total in {currency} (BT-110) is missing"),
            );
        }
        (_, Some(_)) => {
            return findings.add(
                "BR-CO-15",
                TOTALS,
                format_args!("there are two VAT totals in {currency} (BT-110)"),
            );
        }
    };
    if let (Some(without), Some(with)) = (invoice.totals.without_vat, invoice.totals.with_vat) {
        let of = "the total without VAT (BT-109) and the VAT (BT-110)";
        equal(
            "BR-CO-15",
            "the total with VAT (BT-112)",
            with.value(),
            round2(without.value() + vat),
            of,
            findings,
        );
    }
}

fn due(invoice: &Invoice, findings: &mut Findings) {
    let totals = &invoice.totals;
    let (Some(with), Some(due)) = (totals.with_vat, totals.due) else { return };
    let computed =
        if totals.prepaid.is_none() { with.value() } else { round2(with.value() - or_zero(totals.prepaid)) };
    let stated = match totals.rounding {
        Some(rounding) => round2(due.value() - rounding.value()),
        None => due.value(),
    };
    let of = "the total with VAT (BT-112) and what is paid (BT-113)";
    equal("BR-CO-16", "the amount due less rounding (BT-115 − BT-114)", stated, computed, of, findings);
}
