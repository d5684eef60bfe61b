//! Real documents are read whole, malformed ones are refused with their place, and nothing panics.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use invoice_model::{Invoice, Kind, Number};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use read_invoice::{Code, read};

const BIS3: &str = include_str!("../../../documents/BIS3_Invoice_positive.XML");
const CREDIT_NOTE: &str = include_str!("../../../documents/ubl-tc434-creditnote1.xml");
const EXAMPLE_1: &str = include_str!("../../../documents/ubl-tc434-example1.xml");
const GUIDE_3: &str = include_str!("../../../documents/guide-example3.xml");

fn number(text: &str) -> Number {
    text.parse().unwrap()
}

#[test]
fn an_invoice_is_read() {
    let invoice = read(BIS3).unwrap();
    assert_eq!(invoice.kind, Kind::Invoice);
    assert_eq!(invoice.number.as_deref(), Some("12345"));
    assert_eq!(invoice.issue_date.unwrap().to_string(), "2019-01-25");
    assert_eq!(invoice.due_date.unwrap().to_string(), "2019-02-24");
    assert_eq!(invoice.currency.as_deref(), Some("DKK"));
    assert_eq!(invoice.seller.vat_id.as_deref(), Some("DK12345678"));
    assert_eq!(invoice.seller.endpoint.as_ref().unwrap().scheme.as_deref(), Some("0184"));
    assert_eq!(invoice.seller.address.as_ref().unwrap().country.as_deref(), Some("DK"));
    assert_eq!(invoice.payment_means[0].account.as_deref(), Some("1234567891234"));
    assert_eq!(invoice.delivery.as_ref().unwrap().date.unwrap().to_string(), "2019-01-25");
    assert_eq!(invoice.tax_totals[0].breakdown[0].tax, Some(number("156435.89")));
    assert_eq!(invoice.totals.due, Some(number("782179.43")));
    assert_eq!(invoice.lines.len(), 1);
    assert_eq!(invoice.lines[0].unit.as_deref(), Some("KWH"));
    assert_eq!(invoice.amount_currencies.iter().collect::<Vec<_>>(), ["DKK"]);
}

#[test]
fn a_credit_note_is_read() {
    let note = read(CREDIT_NOTE).unwrap();
    assert_eq!(note.kind, Kind::CreditNote);
    assert_eq!(note.number.as_deref(), Some("018304 / 28865"));
    assert_eq!(note.type_code.as_deref(), Some("381"));
    assert_eq!(note.lines[0].quantity, Some(number("1.00")));
    let breakdown = &note.tax_totals[0].breakdown[0];
    assert_eq!(breakdown.exemption_reason.as_deref(), Some("Taxes are not applicable"));
    assert_eq!(breakdown.vat.as_ref().unwrap().code.as_deref(), Some("E"));
}

#[test]
fn every_line_and_account_is_read() {
    let invoice = read(EXAMPLE_1).unwrap();
    assert_eq!(invoice.lines.len(), EXAMPLE_1.matches("<cac:InvoiceLine>").count());
    assert_eq!(invoice.payment_means.len(), 2);
    assert_eq!(invoice.tax_totals[0].breakdown.len(), 2);
    let guide = read(GUIDE_3).unwrap();
    assert_eq!(guide.charges[0].reason.as_deref(), Some("Freight charge"));
    assert!(guide.allowances.is_empty());
    assert_eq!(guide.lines[1].vat.as_ref().unwrap().rate, Some(number("25.00")));
}

/// The prefixes are the writer's own: other prefixes, the same document.
#[test]
fn prefixes_do_not_matter() {
    let renamed =
        BIS3.replace("cac:", "a:").replace(":cac", ":a").replace("cbc:", "b:").replace(":cbc", ":b");
    assert_eq!(read(&renamed).unwrap(), read(BIS3).unwrap());
}

/// The right prefixes on the wrong namespaces are not UBL.
#[test]
fn namespaces_do_matter() {
    let foreign = BIS3.replace("CommonBasicComponents-2", "CommonBasicComponents-3");
    let invoice = read(&foreign).unwrap();
    assert_eq!((invoice.number, invoice.totals.due), (None, None));
}

#[test]
fn what_is_missing_is_no_error() {
    let empty = r#"<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>"#;
    assert_eq!(read(empty).unwrap(), Invoice::empty(Kind::Invoice));
}

#[test]
fn text_is_whole_and_trimmed() {
    let spaced = BIS3.replace(
        "<cbc:ID>12345</cbc:ID>\n  <cbc:IssueDate>",
        "<cbc:ID>\n 12<!-- x -->3<![CDATA[4]]>&#53;\n</cbc:ID><cbc:IssueDate>",
    );
    assert_ne!(spaced, BIS3);
    assert_eq!(read(&spaced).unwrap().number.as_deref(), Some("12345"));
}

/// What is replaced by what, and then the code and the start of the message.
const MALFORMED: &[(&str, &str, Code, &str)] = &[
    (
        ">2019-01-25</cbc:IssueDate>",
        ">25.01.2019</cbc:IssueDate>",
        Code::Date,
        "line 11, Invoice/cbc:IssueDate: `25.01.2019`: a date is",
    ),
    (
        ">782179.43</cbc:PayableAmount>",
        ">782.179,43</cbc:PayableAmount>",
        Code::Number,
        "line 127, Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount: `782.179,43`",
    ),
    (
        ">1</cbc:InvoicedQuantity>",
        ">1e9</cbc:InvoicedQuantity>",
        Code::Number,
        "line 131, Invoice/cac:InvoiceLine/cbc:InvoicedQuantity: `1e9`",
    ),
    (
        "<cac:LegalMonetaryTotal>",
        "<cac:LegalMonetaryTotal/><cac:LegalMonetaryTotal>",
        Code::Repeated,
        "line 123, Invoice/cac:LegalMonetaryTotal: the element may occur once",
    ),
    (
        "<cbc:PayableAmount ",
        "<cbc:PayableAmount>1</cbc:PayableAmount><cbc:PayableAmount ",
        Code::Repeated,
        "line 127, Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount: ",
    ),
    (
        "<cac:TaxTotal>",
        "<cac:AllowanceCharge><cbc:ChargeIndicator>yes</cbc:ChargeIndicator></cac:AllowanceCharge><cac:TaxTotal>",
        Code::Indicator,
        "line 109, Invoice/cac:AllowanceCharge: ",
    ),
    (
        "<cac:AccountingSupplierParty>",
        "<cac:AdditionalDocumentReference><cac:Attachment><cbc:EmbeddedDocumentBinaryObject>é</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference><cac:AccountingSupplierParty>",
        Code::Attachment,
        "line 28, Invoice/cac:AdditionalDocumentReference/cac:Attachment/cbc:EmbeddedDocumentBinaryObject: ",
    ),
    ("</Invoice>", "", Code::Xml, ""),
    ("<Invoice ", "<!DOCTYPE Invoice [<!ENTITY x \"x\">]><Invoice ", Code::Xml, ""),
    (
        "xsd:Invoice-2",
        "xsd:Invoice-3",
        Code::NotAnInvoice,
        "the root element is `Invoice` of the namespace `urn:",
    ),
];

#[test]
fn what_is_malformed_is_refused_with_its_place() {
    for (from, to, code, message) in MALFORMED {
        let document = BIS3.replacen(from, to, 1);
        assert_ne!(document, BIS3, "{from}");
        let error = read(&document).unwrap_err();
        assert_eq!(error.code, *code, "{error}");
        assert!(error.message.starts_with(message), "{message:?}\n{:?}", error.message);
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for (document, code) in
        [("", Code::Xml), ("%PDF-1.7", Code::Xml), ("<a/>", Code::NotAnInvoice), ("{}", Code::Xml)]
    {
        assert_eq!(read(document).unwrap_err().code, code, "{document:?}");
    }
    let huge = " ".repeat((6 << 20) + 1);
    assert_eq!(read(&huge).unwrap_err().code, Code::TooLarge);
    let deep = "<a>".repeat(500_000);
    assert_eq!(read(&deep).unwrap_err().code, Code::Xml);
}

#[test]
fn a_refused_document_type_cannot_expand() {
    let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>"#;
    assert!(read(bomb).unwrap_err().message.contains("DTD"), "{bomb}");
}

/// An invoice of more than 4 MB: half of it an attachment, half of it lines.
fn large() -> String {
    let attachment = format!(
        "<cac:AdditionalDocumentReference><cbc:ID>scan</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject \
         mimeCode=\"application/pdf\" filename=\"scan.pdf\">{}QQ==</cbc:EmbeddedDocumentBinaryObject></cac:Attachment>\
         </cac:AdditionalDocumentReference><cac:AccountingSupplierParty>",
        "QUJD\n".repeat(400_000)
    );
    let start = BIS3.find("<cac:InvoiceLine>").unwrap();
    let line = &BIS3[start..BIS3.find("</Invoice>").unwrap()];
    let document = BIS3.replacen("<cac:AccountingSupplierParty>", &attachment, 1);
    document.replacen("</Invoice>", &format!("{}</Invoice>", line.repeat(2_200)), 1)
}

#[test]
fn a_large_invoice_with_an_attachment_is_read() {
    let document = large();
    assert!(document.len() > 4 << 20, "{}", document.len());
    let invoice = read(&document).unwrap();
    assert_eq!(invoice.lines.len(), 2_201);
    let attachment = &invoice.attachments[0];
    assert_eq!(attachment.bytes, Some(1_200_001));
    assert_eq!(attachment.file_name.as_deref(), Some("scan.pdf"));
    assert_eq!(attachment.media_type.as_deref(), Some("application/pdf"));
}

/// What a mutation puts into a document.
fn splice() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "",
        "<",
        ">",
        "&",
        "\"",
        "/",
        "<!--",
        "]]>",
        "<![CDATA[",
        "-",
        "é",
        "\u{0}",
        "9999999999999999999999",
        "<cbc:ID>",
        "</cac:Party>",
        "xmlns=\"\"",
        "&#x110000;",
        "2019-02-30",
        "=",
    ]);
    prop_oneof![piece.prop_map(str::to_owned), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_mutation_panics(
        original in prop::sample::select(vec![BIS3, CREDIT_NOTE, GUIDE_3]),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, splice()), 1..4),
    ) {
        let mut document = original.to_owned();
        for (at, length, put) in cuts {
            let positions: Vec<usize> = document.char_indices().map(|(at, _)| at).collect();
            let from = at.index(positions.len());
            let to = positions.get(from + length).copied().unwrap_or(document.len());
            document.replace_range(positions[from]..to, &put);
        }
        if let Err(error) = read(&document) {
            assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        assert!(read(&text).is_err());
    }
}
