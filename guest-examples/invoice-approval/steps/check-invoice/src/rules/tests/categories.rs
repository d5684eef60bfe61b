//! The rules of each VAT category.

use super::{in_category, mutated};
use serde_json::{Value, json};

/// Code, prefix of its rules, a rate that the category cannot have.
const CATEGORIES: [(&str, &str, Option<&str>); 9] = [
    ("S", "BR-S", Some("0")),
    ("L", "BR-AF", Some("-1")),
    ("M", "BR-AG", Some("-1")),
    ("Z", "BR-Z", Some("20")),
    ("E", "BR-E", Some("20")),
    ("AE", "BR-AE", Some("20")),
    ("K", "BR-IC", Some("20")),
    ("G", "BR-G", Some("20")),
    ("O", "BR-O", Some("0")),
];

const GROUP: &str = "/tax_totals/0/breakdown/0";

fn by_rate(code: &str) -> bool {
    matches!(code, "S" | "L" | "M")
}

/// Other rules may be broken too; the one named must be.
fn breaks(rule: &str, code: &str, changes: &[(&str, Option<Value>)]) {
    let rules = mutated(in_category(code), changes);
    assert!(rules.iter().any(|found| found == rule), "{rule} of {code}: {rules:?}");
}

/// Exactly the one named is broken.
fn breaks_only(rule: &str, code: &str, changes: &[(&str, Option<Value>)]) {
    assert_eq!(mutated(in_category(code), changes), [rule], "{code}");
}

#[test]
fn a_used_category_is_in_the_breakdown() {
    for (code, prefix, _) in CATEGORIES {
        let other = if code == "Z" { "E" } else { "Z" };
        let at = format!("{GROUP}/vat/code");
        breaks(&format!("{prefix}-01"), code, &[(&at, Some(json!(other)))]);
        let group = in_category(code).pointer(GROUP).unwrap().clone();
        let twice = [("/tax_totals/0/breakdown/1", Some(group))];
        if by_rate(code) {
            assert!(!mutated(in_category(code), &twice).contains(&format!("{prefix}-01")), "{code}");
        } else {
            breaks(&format!("{prefix}-01"), code, &twice);
        }
    }
}

#[test]
fn the_parties_are_identified() {
    for (code, prefix, _) in CATEGORIES {
        let anonymous = match code {
            "O" => [("/seller/vat_id", Some(json!("DK12345678")))],
            _ => [("/seller/vat_id", None)],
        };
        let rules: Vec<String> =
            ["02", "03", "04"].iter().map(|number| format!("{prefix}-{number}")).collect();
        assert_eq!(mutated(in_category(code), &anonymous), rules, "{code}");
    }
    for (code, prefix) in [("AE", "BR-AE"), ("K", "BR-IC")] {
        breaks(&format!("{prefix}-02"), code, &[("/buyer/vat_id", None)]);
    }
    let registered = [("/buyer/vat_id", None), ("/buyer/legal_id", Some(json!({"value": "556"})))];
    assert_eq!(mutated(in_category("AE"), &registered), [""; 0]);
    breaks("BR-IC-02", "K", &registered);
    let other_tax = [("/seller/vat_id", None), ("/seller/tax_registration", Some(json!("17")))];
    assert_eq!(mutated(in_category("S"), &other_tax), [""; 0]);
    breaks("BR-G-02", "G", &other_tax);
    let agent = json!({"name": "A", "vat_id": "DK1", "address": {"country": "DK"}});
    let represented = [("/seller/vat_id", None), ("/tax_representative", Some(agent))];
    assert_eq!(mutated(in_category("G"), &represented), [""; 0]);
}

#[test]
fn rates_fit_the_category() {
    for (code, prefix, rate) in CATEGORIES {
        for (number, at) in [("05", "/lines/0/vat"), ("06", "/allowances/0/vat"), ("07", "/charges/0/vat")] {
            let at = format!("{at}/rate");
            let rule = format!("{prefix}-{number}");
            let wrong = [(at.as_str(), rate.map(Value::from))];
            breaks(&rule, code, &wrong);
            if !by_rate(code) {
                breaks_only(&rule, code, &wrong);
            }
        }
    }
}

#[test]
fn taxable_amounts_add_up() {
    for (code, prefix, _) in CATEGORIES {
        let at = format!("{GROUP}/taxable");
        let rule = format!("{prefix}-08");
        breaks_only(&rule, code, &[(&at, Some(json!("96.00")))]);
        let cents = mutated(in_category(code), &[(&at, Some(json!("95.01")))]);
        assert_eq!(cents.is_empty(), by_rate(code), "{code}: {cents:?}");
    }
}

#[test]
fn taxes_fit_the_category() {
    for (code, prefix, _) in CATEGORIES {
        let at = format!("{GROUP}/tax");
        breaks(&format!("{prefix}-09"), code, &[(&at, Some(json!("20.00")))]);
        let cents = if by_rate(code) { "19.01" } else { "0.01" };
        let rules = mutated(in_category(code), &[(&at, Some(json!(cents)))]);
        assert_eq!(rules.contains(&format!("{prefix}-09")), !by_rate(code), "{code}: {rules:?}");
    }
}

#[test]
fn a_category_without_tax_has_none_on_any_amount() {
    let changes =
        [("/tax_totals/0/breakdown/0/taxable", None), ("/tax_totals/0/breakdown/0/tax", Some(json!("1.00")))];
    breaks("BR-Z-09", "Z", &changes);
}

#[test]
fn exemptions_are_explained() {
    for (code, prefix, _) in CATEGORIES {
        let at = format!("{GROUP}/exemption_reason");
        let rule = format!("{prefix}-10");
        let value = matches!(code, "S" | "L" | "M" | "Z").then(|| json!("because"));
        breaks_only(&rule, code, &[(&at, value)]);
        let coded = format!("{GROUP}/exemption_code");
        if !matches!(code, "S" | "L" | "M" | "Z") {
            let by_code = [(at.as_str(), None), (coded.as_str(), Some(json!("VATEX-EU-O")))];
            assert_eq!(mutated(in_category(code), &by_code), [""; 0], "{code}");
        }
    }
}

#[test]
fn goods_that_cross_a_border_say_when_and_where_to() {
    breaks_only("BR-IC-12", "K", &[("/delivery/address", None)]);
    breaks_only("BR-IC-11", "K", &[("/delivery/date", None), ("/period", None)]);
    breaks("BR-IC-11", "K", &[("/delivery/date", None), ("/period", Some(json!({})))]);
    assert_eq!(mutated(in_category("K"), &[("/delivery/date", None)]), [""; 0]);
}

#[test]
fn what_vat_does_not_apply_to_stands_alone() {
    let other = json!({"code": "Z", "rate": "0"});
    let group = json!({"taxable": "0.00", "tax": "0.00", "vat": other});
    breaks("BR-O-11", "O", &[("/tax_totals/0/breakdown/1", Some(group))]);
    for (rule, at) in
        [("BR-O-12", "/lines/0/vat"), ("BR-O-13", "/allowances/0/vat"), ("BR-O-14", "/charges/0/vat")]
    {
        breaks(rule, "O", &[(at, Some(other.clone()))]);
    }
}
