//! From the text of a UBL document to the normalised invoice.

use crate::{
    parts,
    xml::{Code, ReadError, attribute, content, date, first_text, group, groups, quote, text},
};
use invoice_model::{Date, Invoice, Kind, References};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeSet;

/// Longest document, in bytes. Real ones stay under 4 MB; the rest is room for attachments.
const DOCUMENT_BYTES: usize = 6 << 20;

/// Most nodes of a document: elements, texts and comments. A line of an invoice has about 50, and
/// a node costs about 50 bytes of the step's memory.
const NODES: u32 = 400_000;

const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";

/// The names that differ between the two documents.
struct Dialect {
    kind: Kind,
    type_code: &'static str,
    line: &'static str,
    quantity: &'static str,
}

/// Reads a document.
///
/// # Errors
/// [`ReadError`] when it is not a UBL invoice or credit note, when a number, date, indicator or
/// attachment in it is malformed, or when an element that may occur once occurs again. What is
/// missing is no error.
pub fn read(document: &str) -> Result<Invoice, ReadError> {
    if document.len() > DOCUMENT_BYTES {
        return Err(ReadError::document(
            Code::TooLarge,
            format_args!("the document has {} bytes; the most is {DOCUMENT_BYTES}", document.len()),
        ));
    }
    let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let tree =
        Document::parse_with_options(document, options).map_err(|why| ReadError::document(Code::Xml, why))?;
    let root = tree.root_element();
    invoice(root, &dialect(root)?)
}

fn dialect(root: Node<'_, '_>) -> Result<Dialect, ReadError> {
    let name = root.tag_name();
    match (name.namespace(), name.name()) {
        (Some(INVOICE), "Invoice") => Ok(Dialect {
            kind: Kind::Invoice,
            type_code: "InvoiceTypeCode",
            line: "InvoiceLine",
            quantity: "InvoicedQuantity",
        }),
        (Some(CREDIT_NOTE), "CreditNote") => Ok(Dialect {
            kind: Kind::CreditNote,
            type_code: "CreditNoteTypeCode",
            line: "CreditNoteLine",
            quantity: "CreditedQuantity",
        }),
        (namespace, local) => Err(ReadError::document(
            Code::NotAnInvoice,
            format_args!(
                "the root element is `{}` of the namespace `{}`; expected is a UBL 2.1 Invoice or CreditNote",
                quote(local),
                quote(namespace.unwrap_or_default())
            ),
        )),
    }
}

fn invoice(root: Node<'_, '_>, dialect: &Dialect) -> Result<Invoice, ReadError> {
    let role = |name| Ok(group(root, name)?.map(parts::party).transpose()?.unwrap_or_default());
    let (allowances, charges) = parts::allowances_and_charges(root)?;
    let terms = groups(root, "PaymentTerms").find_map(|terms| first_text(terms, "Note"));
    Ok(Invoice {
        kind: dialect.kind,
        specification: text(root, "CustomizationID")?,
        number: text(root, "ID")?,
        issue_date: date(root, "IssueDate")?,
        due_date: due_date(root)?,
        type_code: text(root, dialect.type_code)?,
        currency: text(root, "DocumentCurrencyCode")?,
        tax_currency: text(root, "TaxCurrencyCode")?,
        amount_currencies: amount_currencies(root),
        tax_point_date: date(root, "TaxPointDate")?,
        period: group(root, "InvoicePeriod")?.map(parts::period).transpose()?,
        payment_terms: terms,
        references: references(root)?,
        seller: role("AccountingSupplierParty")?,
        buyer: role("AccountingCustomerParty")?,
        payee: group(root, "PayeeParty")?.map(parts::payee).transpose()?,
        tax_representative: group(root, "TaxRepresentativeParty")?
            .map(parts::tax_representative)
            .transpose()?,
        delivery: group(root, "Delivery")?.map(parts::delivery).transpose()?,
        payment_means: groups(root, "PaymentMeans").map(parts::payment_means).collect::<Result<_, _>>()?,
        allowances,
        charges,
        tax_totals: groups(root, "TaxTotal").map(parts::tax_total).collect::<Result<_, _>>()?,
        totals: group(root, "LegalMonetaryTotal")?.map(parts::totals).transpose()?.unwrap_or_default(),
        lines: groups(root, dialect.line)
            .map(|line| parts::line(line, dialect.quantity))
            .collect::<Result<_, _>>()?,
        attachments: groups(root, "AdditionalDocumentReference")
            .map(parts::attachment)
            .collect::<Result<_, _>>()?,
    })
}

/// BT-9: of the document in an invoice, of the payment means in a credit note.
fn due_date(root: Node<'_, '_>) -> Result<Option<Date>, ReadError> {
    if let Some(due) = date(root, "DueDate")? {
        return Ok(Some(due));
    }
    for means in groups(root, "PaymentMeans") {
        if let Some(due) = date(means, "PaymentDueDate")? {
            return Ok(Some(due));
        }
    }
    Ok(None)
}

fn references(root: Node<'_, '_>) -> Result<References, ReadError> {
    let order = group(root, "OrderReference")?;
    let contract = groups(root, "ContractDocumentReference").next();
    Ok(References {
        buyer: text(root, "BuyerReference")?,
        order: order.map(|order| text(order, "ID")).transpose()?.flatten(),
        sales_order: order.map(|order| text(order, "SalesOrderID")).transpose()?.flatten(),
        contract: contract.map(|contract| text(contract, "ID")).transpose()?.flatten(),
        preceding: groups(root, "BillingReference").map(parts::preceding).collect::<Result<_, _>>()?,
    })
}

/// The currencies of all amounts but those of the tax totals, which may be in the currency of BT-6.
fn amount_currencies(root: Node<'_, '_>) -> BTreeSet<String> {
    root.children()
        .filter(|child| child.is_element() && child.tag_name().name() != "TaxTotal")
        .flat_map(|child| child.descendants())
        .filter(|node| node.is_element() && content_is_amount(*node))
        .filter_map(|node| attribute(node, "currencyID"))
        .collect()
}

fn content_is_amount(node: Node<'_, '_>) -> bool {
    node.has_attribute("currencyID") && content(node).is_some()
}
