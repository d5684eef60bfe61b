//! Each rule by a valid document with one thing wrong.

use super::check;
use invoice_model::Invoice;
use serde_json::{Value, json};

/// A Peppol invoice at standard rate that has one of everything and breaks no rule.
fn full() -> Value {
    let vat = json!({"code": "S", "rate": "25"});
    let address = json!({"city": "Aarhus", "country": "DK"});
    json!({
        "kind": "invoice",
        "specification": "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        "number": "4711", "issue_date": "2026-01-15", "due_date": "2026-02-14", "type_code": "380",
        "currency": "DKK", "tax_currency": "EUR", "amount_currencies": ["DKK"],
        "period": {"start": "2026-01-01", "end": "2026-01-31"},
        "references": {"preceding": [{"number": "4000"}]},
        "seller": {"name": "Seller", "trading_name": "Shop", "ids": [{"value": "17"}], "vat_id": "DK12345678",
            "endpoint": {"value": "s", "scheme": "0184"}, "address": address},
        "buyer": {"name": "Buyer", "endpoint": {"value": "b", "scheme": "0184"}, "address": address},
        "payee": {"name": "Factor", "id": {"value": "18"}},
        "tax_representative": {"name": "Agent", "vat_id": "DK87654321", "address": address},
        "delivery": {"date": "2026-01-10", "address": address},
        "payment_means": [{"code": "30", "account": "DK50", "has_account": true}],
        "allowances": [{"amount": "100.00", "base_amount": "1000.00", "percentage": "10", "reason": "Volume", "vat": vat}],
        "charges": [{"amount": "40.00", "reason_code": "FC", "vat": vat}],
        "tax_totals": [
            {"amount": "235.00", "currency": "DKK", "breakdown": [{"taxable": "940.00", "tax": "235.00", "vat": vat}]},
            {"amount": "31.50", "currency": "EUR"},
        ],
        "totals": {"lines": "1000.00", "allowances": "100.00", "charges": "40.00", "without_vat": "940.00",
            "with_vat": "1175.00", "prepaid": "175.00", "rounding": "0.25", "due": "1000.25"},
        "lines": [
            {"id": "1", "quantity": "10", "unit": "EA", "net_amount": "950.00", "item": "Chair", "vat": vat,
                "period": {"start": "2026-01-01", "end": "2026-01-31"}, "price": {"net": "100"},
                "allowances": [{"amount": "100.00", "reason": "Scratch"}], "charges": [{"amount": "50.00", "reason": "Rush"}]},
            {"id": "2", "quantity": "5", "unit": "EA", "net_amount": "50.00", "item": "Nails", "vat": vat,
                "price": {"net": "20", "gross": "25", "discount": "5", "base_quantity": "2"}},
        ],
        "attachments": [{"id": "scan"}],
    })
}

/// A small invoice all in one VAT category: a line of 100, an allowance of 10, a charge of 5.
fn in_category(code: &str) -> Value {
    let (rate, tax, due) = match code {
        "S" | "L" | "M" => (Some("20"), "19.00", "114.00"),
        "O" => (None, "0.00", "95.00"),
        _ => (Some("0"), "0.00", "95.00"),
    };
    let vat = rate.map_or_else(|| json!({"code": code}), |rate| json!({"code": code, "rate": rate}));
    let mut document = full();
    for gone in ["tax_currency", "payee", "tax_representative"] {
        document.as_object_mut().unwrap().remove(gone);
    }
    for (at, value) in [
        (
            "/tax_totals",
            json!([{"amount": tax, "currency": "DKK", "breakdown": [{"taxable": "95.00", "tax": tax, "vat": vat}]}]),
        ),
        (
            "/lines",
            json!([{"id": "1", "quantity": "1", "unit": "EA", "net_amount": "100.00", "item": "Chair",
            "vat": vat, "price": {"net": "100"}}]),
        ),
        ("/allowances", json!([{"amount": "10.00", "reason": "a", "vat": vat}])),
        ("/charges", json!([{"amount": "5.00", "reason": "c", "vat": vat}])),
        (
            "/totals",
            json!({"lines": "100.00", "allowances": "10.00", "charges": "5.00", "without_vat": "95.00",
            "with_vat": due, "due": due}),
        ),
    ] {
        *document.pointer_mut(at).unwrap() = value;
    }
    if matches!(code, "E" | "AE" | "K" | "G" | "O") {
        document["tax_totals"][0]["breakdown"][0]["exemption_reason"] = json!("exempt");
    }
    match code {
        "AE" | "K" => document["buyer"]["vat_id"] = json!("SE556000000001"),
        "O" => drop(document["seller"].as_object_mut().unwrap().remove("vat_id")),
        _ => {}
    }
    document
}

/// The names of the rules that a document breaks, each once, in order.
fn broken(document: &Value) -> Vec<String> {
    let invoice: Invoice = serde_json::from_value(document.clone()).unwrap();
    let mut rules: Vec<String> = check(&invoice).findings.into_iter().map(|finding| finding.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// Sets what is at a JSON pointer, or takes it away.
fn put(document: &mut Value, at: &str, value: Option<Value>) {
    let (parent, key) = at.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{at}"));
    match (parent, value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(key.to_owned(), value)),
        (Value::Object(fields), None) => drop(fields.remove(key).unwrap_or_else(|| panic!("{at}"))),
        (Value::Array(items), Some(value)) => items.insert(key.parse().unwrap(), value),
        (Value::Array(items), None) => drop(items.remove(key.parse().unwrap())),
        (other, _) => panic!("{at} is in {other}"),
    }
}

fn mutated(mut document: Value, changes: &[(&str, Option<Value>)]) -> Vec<String> {
    for (at, value) in changes {
        put(&mut document, at, value.clone());
    }
    broken(&document)
}

#[test]
fn valid_documents_break_nothing() {
    assert_eq!(broken(&full()), [""; 0]);
    let mut credit_note = full();
    put(&mut credit_note, "/kind", Some(json!("credit-note")));
    assert_eq!(broken(&credit_note), [""; 0]);
    for code in ["S", "Z", "E", "AE", "K", "G", "O", "L", "M"] {
        assert_eq!(broken(&in_category(code)), [""; 0], "{code}");
    }
}

/// What is taken away, and the rules that miss it.
const MISSING: &[(&str, &[&str])] = &[
    ("/specification", &["BR-01"]),
    ("/number", &["BR-02"]),
    ("/issue_date", &["BR-03"]),
    ("/type_code", &["BR-04"]),
    ("/currency", &["BR-05"]),
    ("/seller/name", &["BR-06"]),
    ("/buyer/name", &["BR-07"]),
    ("/seller/address", &["BR-08"]),
    ("/seller/address/country", &["BR-09"]),
    ("/buyer/address", &["BR-10"]),
    ("/buyer/address/country", &["BR-11"]),
    ("/totals/lines", &["BR-12"]),
    ("/totals/without_vat", &["BR-13"]),
    ("/totals/with_vat", &["BR-14"]),
    ("/totals/due", &["BR-15"]),
    ("/payee/name", &["BR-17"]),
    ("/tax_representative/name", &["BR-18"]),
    ("/tax_representative/address", &["BR-19"]),
    ("/tax_representative/address/country", &["BR-20"]),
    ("/lines/0/id", &["BR-21"]),
    ("/lines/0/quantity", &["BR-22"]),
    ("/lines/0/unit", &["BR-23"]),
    ("/lines/0/item", &["BR-25"]),
    ("/lines/0/price/net", &["BR-26"]),
    ("/allowances/0/vat", &["BR-32", "BR-S-08"]),
    ("/allowances/0/reason", &["BR-33", "BR-CO-21"]),
    ("/charges/0/vat", &["BR-37", "BR-S-08"]),
    ("/charges/0/reason_code", &["BR-38", "BR-CO-22"]),
    ("/lines/0/allowances/0/reason", &["BR-42", "BR-CO-23"]),
    ("/lines/0/charges/0/reason", &["BR-44", "BR-CO-24"]),
    ("/tax_totals/0/breakdown/0/taxable", &["BR-45"]),
    ("/tax_totals/0/breakdown/0/tax", &["BR-46", "BR-CO-14"]),
    ("/tax_totals/0/breakdown/0/vat/rate", &["BR-48", "BR-CO-17"]),
    ("/payment_means/0/code", &["BR-49"]),
    ("/payment_means/0/account", &["BR-50", "BR-61"]),
    ("/attachments/0/id", &["BR-52"]),
    ("/tax_totals/1", &["BR-53"]),
    ("/references/preceding/0/number", &["BR-55"]),
    ("/tax_representative/vat_id", &["BR-56"]),
    ("/delivery/address/country", &["BR-57"]),
    ("/seller/endpoint/scheme", &["BR-62"]),
    ("/buyer/endpoint/scheme", &["BR-63"]),
    ("/totals/allowances", &["BR-CO-11", "BR-CO-13"]),
    ("/totals/charges", &["BR-CO-12", "BR-CO-13"]),
    ("/tax_totals/0/amount", &["BR-CO-14", "BR-CO-15"]),
    ("/totals/prepaid", &["BR-CO-16"]),
    ("/totals/rounding", &["BR-CO-16"]),
    ("/lines/0/vat", &["BR-CO-04", "BR-S-08"]),
];

#[test]
fn what_is_missing_is_named() {
    for (at, rules) in MISSING {
        assert_eq!(mutated(full(), &[(at, None)]), *rules, "without {at}");
    }
}

#[test]
fn larger_gaps_are_named() {
    let line_amount = [("/lines/1/net_amount", None)];
    assert_eq!(mutated(full(), &line_amount), ["BR-24", "BR-CO-10", "BR-S-08"]);
    let lines = [("/lines", Some(json!([])))];
    assert_eq!(mutated(full(), &lines), ["BR-16", "BR-CO-10", "BR-S-08"]);
    let tax = [("/tax_totals", Some(json!([]))), ("/tax_currency", None)];
    assert_eq!(mutated(full(), &tax), ["BR-CO-15", "BR-CO-18", "BR-S-01"]);
    let anonymous = [("/seller/ids", Some(json!([]))), ("/seller/vat_id", None)];
    assert_eq!(mutated(full(), &anonymous), ["BR-CO-26"]);
    let category = [("/tax_totals/0/breakdown/0/vat/code", None)];
    assert_eq!(mutated(full(), &category), ["BR-47", "BR-S-01"]);
    let amounts = [
        ("/allowances/0/amount", &["BR-31", "BR-CO-11", "BR-S-08", "PEPPOL-EN16931-R040"][..]),
        ("/charges/0/amount", &["BR-36", "BR-CO-12", "BR-S-08"]),
        ("/lines/0/allowances/0/amount", &["BR-41", "PEPPOL-EN16931-R120"]),
        ("/lines/0/charges/0/amount", &["BR-43", "PEPPOL-EN16931-R120"]),
    ];
    for (at, rules) in amounts {
        assert_eq!(mutated(full(), &[(at, None)]), rules, "without {at}");
    }
    let empty = Invoice::empty(invoice_model::Kind::Invoice);
    let rules: Vec<String> = check(&empty).findings.into_iter().map(|finding| finding.rule).collect();
    for rule in [
        "BR-01", "BR-02", "BR-03", "BR-04", "BR-05", "BR-06", "BR-07", "BR-08", "BR-10", "BR-12", "BR-13",
        "BR-14", "BR-15", "BR-16", "BR-CO-18", "BR-CO-26",
    ] {
        assert!(rules.iter().any(|found| found == rule), "{rule}");
    }
}

/// What is changed to what, and the rules that it breaks.
const WRONG: &[(&str, &str, &[&str])] = &[
    ("/lines/1/price/net", "-20", &["BR-27", "PEPPOL-EN16931-R046", "PEPPOL-EN16931-R120"]),
    ("/lines/1/price/gross", "-25", &["BR-28", "PEPPOL-EN16931-R046"]),
    ("/period/end", "2025-12-31", &["BR-29"]),
    ("/lines/0/period/end", "2025-12-31", &["BR-30"]),
    ("/seller/vat_id", "12345678", &["BR-CO-09"]),
    ("/seller/vat_id", "dk12345678", &["BR-CO-09"]),
    ("/tax_representative/vat_id", "Ø", &["BR-CO-09"]),
    ("/payee/name", "Shop", &["BR-17"]),
    ("/payee/id/value", "17", &["BR-17"]),
    ("/totals/lines", "1000.01", &["BR-CO-10", "BR-CO-13"]),
    ("/totals/allowances", "100.01", &["BR-CO-11", "BR-CO-13"]),
    ("/totals/charges", "40.01", &["BR-CO-12", "BR-CO-13"]),
    ("/totals/without_vat", "940.01", &["BR-CO-13", "BR-CO-15"]),
    ("/tax_totals/0/amount", "235.01", &["BR-CO-14", "BR-CO-15"]),
    ("/totals/with_vat", "1175.01", &["BR-CO-15", "BR-CO-16"]),
    ("/totals/due", "1000.24", &["BR-CO-16"]),
    ("/totals/rounding", "0.24", &["BR-CO-16"]),
    ("/tax_totals/0/currency", "SEK", &["BR-CO-15"]),
    ("/tax_totals/0/breakdown/0/tax", "236.00", &["BR-CO-14", "BR-CO-17", "BR-S-09"]),
    ("/tax_totals/0/breakdown/0/tax", "234.00", &["BR-CO-14", "BR-CO-17", "BR-S-09"]),
    ("/tax_totals/0/breakdown/0/tax", "235.99", &["BR-CO-14"]),
    ("/tax_totals/0/breakdown/0/taxable", "941.00", &["BR-S-08"]),
    ("/tax_totals/0/breakdown/0/taxable", "940.99", &[]),
    ("/tax_totals/0/breakdown/0/vat/code", "Q", &["BR-CL-17", "BR-S-01"]),
    ("/lines/1/vat/code", "Q", &["BR-CL-18", "BR-S-08"]),
    ("/lines/0/net_amount", "949.00", &["BR-CO-10", "BR-S-08", "PEPPOL-EN16931-R120"]),
    ("/lines/1/price/base_quantity", "0", &["PEPPOL-EN16931-R121"]),
    ("/lines/1/price/base_quantity", "0.00000000000001", &["PEPPOL-EN16931-R120"]),
    ("/lines/1/price/discount", "4", &["PEPPOL-EN16931-R046"]),
    ("/allowances/0/percentage", "11", &["PEPPOL-EN16931-R040"]),
    ("/charges/0/percentage", "4", &["PEPPOL-EN16931-R041"]),
    ("/charges/0/base_amount", "1000.00", &["PEPPOL-EN16931-R042"]),
    ("/amount_currencies/1", "USD", &["PEPPOL-EN16931-R051"]),
    ("/tax_point_date", "2026-01-31", &[]),
    ("/allowances/0/amount", "100.000", &["BR-DEC-01"]),
    ("/allowances/0/base_amount", "1000.000", &["BR-DEC-02"]),
    ("/charges/0/amount", "40.000", &["BR-DEC-05"]),
    ("/totals/lines", "1000.000", &["BR-DEC-09"]),
    ("/totals/allowances", "100.000", &["BR-DEC-10"]),
    ("/totals/charges", "40.000", &["BR-DEC-11"]),
    ("/totals/without_vat", "940.000", &["BR-DEC-12"]),
    ("/tax_totals/0/amount", "235.000", &["BR-DEC-13"]),
    ("/totals/with_vat", "1175.000", &["BR-DEC-14"]),
    ("/tax_totals/1/amount", "31.500", &["BR-DEC-15"]),
    ("/totals/prepaid", "175.000", &["BR-DEC-16"]),
    ("/totals/rounding", "0.250", &["BR-DEC-17"]),
    ("/totals/due", "1000.250", &["BR-DEC-18"]),
    ("/tax_totals/0/breakdown/0/taxable", "940.000", &["BR-DEC-19"]),
    ("/tax_totals/0/breakdown/0/tax", "235.000", &["BR-DEC-20"]),
    ("/lines/0/net_amount", "950.000", &["BR-DEC-23"]),
    ("/lines/0/allowances/0/amount", "100.000", &["BR-DEC-24"]),
    ("/lines/0/charges/0/amount", "50.000", &["BR-DEC-27"]),
    ("/lines/0/quantity", "10.0000", &[]),
    ("/lines/0/price/net", "100.0000", &[]),
];

/// Replaces in arrays too, where [`put`] would insert.
fn replaced(mut document: Value, at: &str, value: &str) -> Vec<String> {
    put(&mut document, at, Some(json!(value)));
    broken(&document)
}

#[test]
fn what_is_wrong_is_named() {
    for (at, value, rules) in WRONG {
        assert_eq!(replaced(full(), at, value), *rules, "{at} = {value}");
    }
}

#[test]
fn periods_and_tax_points_are_complete_and_single() {
    let open = [("/period", Some(json!({})))];
    assert_eq!(mutated(full(), &open), ["BR-CO-19"]);
    let open_line = [("/lines/0/period", Some(json!({})))];
    assert_eq!(mutated(full(), &open_line), ["BR-CO-20"]);
    let two = [("/tax_point_date", Some(json!("2026-01-31"))), ("/period/tax_point_code", Some(json!("35")))];
    assert_eq!(mutated(full(), &two), ["BR-CO-03"]);
    let code_alone = [("/period", Some(json!({"tax_point_code": "35"})))];
    assert_eq!(mutated(full(), &code_alone), [""; 0]);
    let two_totals = [("/tax_totals/1", Some(json!({"amount": "235.00", "currency": "DKK"})))];
    assert_eq!(mutated(full(), &two_totals), ["BR-CO-15"]);
}

/// The base amounts of line entries need a percentage in Peppol, and so come with one here.
#[test]
fn base_amounts_have_two_decimals() {
    let entry = |rule: &str, at: &str, base: &str, percentage: &str| {
        let base = (format!("{at}/base_amount"), Some(json!(base)));
        let percentage = (format!("{at}/percentage"), Some(json!(percentage)));
        assert_eq!(mutated(full(), &[(&base.0, base.1), (&percentage.0, percentage.1)]), [rule], "{at}");
    };
    entry("BR-DEC-06", "/charges/0", "400.000", "10");
    entry("BR-DEC-25", "/lines/0/allowances/0", "1000.000", "10");
    entry("BR-DEC-28", "/lines/0/charges/0", "500.000", "10");
}

/// Without a claim to follow Peppol its arithmetic is for a person to judge.
#[test]
fn peppol_arithmetic_binds_those_who_claim_it() {
    let mut document = full();
    put(&mut document, "/specification", Some(json!("urn:cen.eu:en16931:2017")));
    put(&mut document, "/lines/1/price/discount", Some(json!("4")));
    let verdict = check(&serde_json::from_value(document).unwrap());
    assert!(verdict.findings.is_empty() && !verdict.peppol);
    assert_eq!(verdict.remarks[0].rule, "PEPPOL-EN16931-R046");
}

#[test]
fn an_invoice_without_a_date_to_pay_is_a_remark() {
    let mut document = full();
    put(&mut document, "/due_date", None);
    let verdict = check(&serde_json::from_value(document).unwrap());
    assert!(verdict.findings.is_empty());
    assert_eq!(verdict.remarks[0].rule, "BR-CO-25");
}

/// Numbers as wide as the model allows do not overflow.
#[test]
fn the_widest_numbers_are_computed() {
    let mut text = serde_json::to_string(&full()).unwrap();
    for number in
        ["100.00", "1000.00", "40.00", "25", "235.00", "940.00", "100", "950.00", "50.00", "10", "5", "2"]
    {
        text = text.replace(&format!("\"{number}\""), "\"-9999999999999.99999999999999\"");
    }
    let invoice: Invoice = serde_json::from_str(&text).unwrap();
    assert!(check(&invoice).findings.len() > 10);
}

mod categories;
mod real;
