//! Real documents. None breaks a rule that binds it, as the public validation artefacts say too.

use super::check;
use crate::rules::Verdict;

fn verdict(document: &str) -> Verdict {
    check(&read_invoice::read(document).unwrap())
}

macro_rules! document {
    ($name:literal) => {
        include_str!(concat!("../../../../../documents/", $name))
    };
}

#[test]
fn real_documents_break_nothing() {
    for (name, document) in [
        ("positive", document!("BIS3_Invoice_positive.XML")),
        ("negative", document!("BIS3_Invoice_negativ.XML")),
        ("guide 3", document!("guide-example3.xml")),
        ("credit note", document!("ubl-tc434-creditnote1.xml")),
        ("example 1", document!("ubl-tc434-example1.xml")),
        ("example 3", document!("ubl-tc434-example3.xml")),
    ] {
        assert_eq!(verdict(document).findings, [], "{name}");
    }
}

/// An invoice over a negative amount is a valid one: quantities and amounts turn their sign, prices
/// do not, and tax is compared without it.
#[test]
fn negative_invoices_are_compared_without_sign() {
    let negative = verdict(document!("BIS3_Invoice_negativ.XML"));
    assert!(negative.peppol);
    assert_eq!(negative.remarks, []);
}

/// Two of the standard's examples have lines of 2 × 800 that come to 400 and to 800. EN 16931 has
/// no rule against that, so a person is told.
#[test]
fn lines_that_do_not_multiply_are_remarks() {
    for document in [document!("guide-example3.xml"), document!("ubl-tc434-example3.xml")] {
        let verdict = verdict(document);
        let remarks: Vec<(&str, &str)> =
            verdict.remarks.iter().map(|remark| (remark.rule.as_str(), remark.place.as_str())).collect();
        assert_eq!(remarks, [("PEPPOL-EN16931-R120", "line 1"), ("PEPPOL-EN16931-R120", "line 2")]);
    }
}

/// One digit changed in a real document is found by the sums that it is part of.
#[test]
fn a_changed_digit_is_found() {
    let original = document!("ubl-tc434-example1.xml");
    for (from, to, rules) in [
        (
            ">19.90</cbc:LineExtensionAmount>",
            ">18.90</cbc:LineExtensionAmount>",
            &["BR-CO-10", "BR-S-08"][..],
        ),
        (">20.73</cbc:TaxAmount>", ">20.74</cbc:TaxAmount>", &["BR-CO-15", "BR-CO-14"]),
        (">250.33</cbc:PayableAmount>", ">950.33</cbc:PayableAmount>", &["BR-CO-16"]),
        (">46.37</cbc:TaxableAmount>", ">36.37</cbc:TaxableAmount>", &["BR-CO-17", "BR-S-08", "BR-S-09"]),
        (">NL8200.98.395.B.01<", ">8200.98.395.B.01<", &["BR-CO-09"]),
        (
            "currencyID=\"EUR\">250.33</cbc:Pay",
            "currencyID=\"USD\">250.33</cbc:Pay",
            &["PEPPOL-EN16931-R051"],
        ),
    ] {
        let changed = original.replacen(from, to, 1);
        assert_ne!(changed, original, "{from}");
        let found: Vec<String> = verdict(&changed).findings.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(found, rules, "{to}");
    }
}
