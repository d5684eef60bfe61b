//! The step with a scripted ERP.

use crate::check_invoice;
use invoice_model::{Check, CheckedInvoice, Invoice, Kind};
use serde_json::{Value, json};
use stepward_sdk::{Cause, Endpoint, ErrorKind, StepError, script};

fn document(name: &str) -> Invoice {
    let text = match name {
        "credit note" => include_str!("../../../../documents/ubl-tc434-creditnote1.xml"),
        "two accounts" => include_str!("../../../../documents/ubl-tc434-example1.xml"),
        _ => include_str!("../../../../documents/BIS3_Invoice_positive.XML"),
    };
    read_invoice::read(text).unwrap()
}

fn problem(code: &str) -> Value {
    json!({"code": code, "message": "…"})
}

fn supplier(id: &str, body: &Value) -> script::Exchange {
    script::get(["suppliers", id]).reply(200).json(body)
}

fn new_invoice(supplier: &str, number: &str) -> script::Exchange {
    script::get(["invoices", supplier]).query("number", number).reply(404).json(&problem("invoice-unknown"))
}

fn run(invoice: Invoice, exchanges: Vec<script::Exchange>) -> Result<CheckedInvoice, StepError> {
    let erp = Endpoint::scripted(exchanges);
    let result = check_invoice(invoice, &erp);
    erp.finish();
    result
}

#[test]
fn a_valid_invoice_of_a_known_supplier_passes() {
    let known = supplier("DK12345678", &json!({"id": "DK12345678", "name": "Company A"}));
    let checked = run(document("invoice"), vec![known, new_invoice("DK12345678", "12345")]).unwrap();
    assert_eq!(
        checked.checks,
        [Check::En16931, Check::PeppolArithmetic, Check::SupplierKnown, Check::InvoiceNew]
    );
    assert_eq!(checked.amount_due.to_string(), "782179.43");
    assert_eq!((checked.supplier.as_str(), checked.iban.as_deref()), ("DK12345678", Some("1234567891234")));
    assert_eq!(checked.remittance.as_deref(), Some("12345667890"));
}

/// The number has a slash and spaces; it reaches the ERP as it is.
#[test]
fn a_credit_note_passes() {
    let known = supplier("BE0000000196", &json!({"id": "BE0000000196", "name": "S"}));
    let checked =
        run(document("credit note"), vec![known, new_invoice("BE0000000196", "018304 / 28865")]).unwrap();
    assert_eq!((checked.kind, checked.number.as_str()), (Kind::CreditNote, "018304 / 28865"));
}

/// The ERP's spelling of the identifier is the one that counts from then on.
#[test]
fn the_account_on_file_is_the_one_that_is_paid() {
    let spelled = "NL8200.98.395.B.01";
    let body = json!({"id": "NL820098395B01", "name": "De Koksmaat", "iban": "NL03INGB0004489902"});
    let exchanges = vec![supplier(spelled, &body), new_invoice("NL820098395B01", "12115118")];
    let checked = run(document("two accounts"), exchanges).unwrap();
    assert_eq!(checked.iban.as_deref(), Some("NL03INGB0004489902"));
    assert!(checked.checks.contains(&Check::AccountOnFile));
}

fn refusal(invoice: Invoice, exchanges: Vec<script::Exchange>) -> (ErrorKind, String, String) {
    let error = run(invoice, exchanges).unwrap_err();
    (error.kind(), error.code().to_owned(), error.message().to_owned())
}

#[test]
fn findings_end_the_step_before_the_erp_is_asked() {
    let mut invoice = document("invoice");
    invoice.number = None;
    invoice.totals.due = Some("1.00".parse().unwrap());
    let (kind, code, message) = refusal(invoice, vec![]);
    assert_eq!((kind, code.as_str()), (ErrorKind::Permanent, "invoice-invalid"));
    assert_eq!(
        message,
        "BR-02 (document): the number (BT-1) is missing; BR-CO-16 (totals): the amount due less rounding (BT-115 − \
         BT-114) is 1.00, not 782179.43 as the total with VAT (BT-112) and what is paid (BT-113) make it"
    );
}

#[test]
fn an_unknown_supplier_is_a_finding() {
    let unknown = script::get(["suppliers", "DK12345678"]).reply(404).json(&problem("supplier-unknown"));
    let (kind, code, message) = refusal(document("invoice"), vec![unknown]);
    assert_eq!((kind, code.as_str()), (ErrorKind::Permanent, "invoice-invalid"));
    assert!(message.starts_with("ERP-SUPPLIER-UNKNOWN (seller): "), "{message}");
}

#[test]
fn a_posted_invoice_is_a_finding() {
    let posted = script::get(["invoices", "DK12345678"]).query("number", "12345").reply(200).json(&json!({}));
    let known = supplier("DK12345678", &json!({"id": "DK12345678"}));
    let (_, code, message) = refusal(document("invoice"), vec![known, posted]);
    assert_eq!(code, "invoice-invalid");
    assert!(message.starts_with("ERP-INVOICE-DUPLICATE (document): "), "{message}");
}

#[test]
fn another_account_than_the_one_on_file_is_a_finding() {
    let known = supplier("DK12345678", &json!({"id": "DK12345678", "iban": "DK5000400440116243"}));
    let (_, code, message) = refusal(document("invoice"), vec![known, new_invoice("DK12345678", "12345")]);
    assert_eq!(code, "invoice-invalid");
    assert!(message.starts_with("ERP-ACCOUNT-UNKNOWN (payment means): "), "{message}");
}

#[test]
fn an_identifier_that_is_no_path_segment_is_a_finding() {
    for id in ["DK/1", "DK\\1", "DK\n1"] {
        let mut invoice = document("invoice");
        invoice.seller.vat_id = Some(id.to_owned());
        let (_, code, message) = refusal(invoice, vec![]);
        assert_eq!(code, "invoice-invalid");
        assert!(message.starts_with("ERP-SUPPLIER-UNKNOWN (seller): "), "{message}");
    }
}

/// A 404 that is not the ERP's own word does not make an invoice new.
#[test]
fn only_the_erp_says_that_an_invoice_is_new() {
    for answer in [json!({"code": "no-such-resource"}), json!("gone"), json!({})] {
        let known = supplier("DK12345678", &json!({"id": "DK12345678"}));
        let lost = script::get(["invoices", "DK12345678"]).query("number", "12345").reply(404).json(&answer);
        let (kind, code, _) = refusal(document("invoice"), vec![known, lost]);
        assert_eq!(kind, ErrorKind::Permanent);
        assert_ne!(code, "invoice-invalid");
    }
}

#[test]
fn an_erp_that_is_down_can_be_asked_again() {
    for (exchange, kind, code) in [
        (script::get(["suppliers", "DK12345678"]).reply(503), ErrorKind::Retryable, "reply-status"),
        (script::get(["suppliers", "DK12345678"]).reply(401), ErrorKind::Permanent, "reply-status"),
        (
            script::get(["suppliers", "DK12345678"]).not_applied(Cause::Connect),
            ErrorKind::Retryable,
            "call-not-applied",
        ),
        (
            script::get(["suppliers", "DK12345678"]).reply(200).bytes(*b"<html>"),
            ErrorKind::Permanent,
            "reply-invalid",
        ),
    ] {
        let (found, found_code, _) = refusal(document("invoice"), vec![exchange]);
        assert_eq!((found, found_code.as_str()), (kind, code));
    }
}
