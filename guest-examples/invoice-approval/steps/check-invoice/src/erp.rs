//! What only the ERP knows: who the supplier is, where to pay, and whether the invoice is new.

use crate::{
    INVALID,
    finding::{Findings, describe},
};
use invoice_model::{Check, CheckedInvoice, Finding, Invoice, PaymentMeans};
use serde::Deserialize;
use stepward_sdk::{Endpoint, Response, StepError};

/// A supplier in the ERP. Fields that this step has no use for are left alone.
#[derive(Debug, Deserialize)]
struct Supplier {
    id: String,
    /// The account on file, if the ERP keeps one.
    iban: Option<String>,
}

/// Asks about an invoice that the rules found nothing about.
pub(crate) fn ask(
    invoice: Invoice,
    mut checks: Vec<Check>,
    remarks: Vec<Finding>,
    erp: &Endpoint,
) -> Result<CheckedInvoice, StepError> {
    let number = present(invoice.number.clone(), "number (BT-1)")?;
    let seller = seller_id(&invoice)?;
    let Some(supplier) = supplier(erp, &seller)? else {
        return Err(refuse(
            "ERP-SUPPLIER-UNKNOWN",
            "seller",
            format_args!("the ERP has no supplier `{seller}`"),
        ));
    };
    checks.push(Check::SupplierKnown);
    if is_posted(erp, &supplier.id, &number)? {
        let explanation =
            format_args!("the invoice `{number}` of supplier `{}` is posted already", supplier.id);
        return Err(refuse("ERP-INVOICE-DUPLICATE", "document", explanation));
    }
    checks.push(Check::InvoiceNew);
    let account = account(&invoice.payment_means, supplier.iban.as_deref())?;
    checks.extend(supplier.iban.as_ref().map(|_| Check::AccountOnFile));
    let remittance = invoice.payment_means.into_iter().find_map(|means| means.remittance);
    Ok(CheckedInvoice {
        kind: invoice.kind,
        number,
        supplier: supplier.id,
        supplier_name: present(invoice.seller.name, "seller's name (BT-27)")?,
        buyer_name: present(invoice.buyer.name, "buyer's name (BT-44)")?,
        issue_date: present(invoice.issue_date, "issue date (BT-2)")?,
        due_date: invoice.due_date,
        amount_due: present(invoice.totals.due, "amount due (BT-115)")?,
        currency: present(invoice.currency, "currency (BT-5)")?,
        iban: account,
        remittance,
        checks,
        remarks,
    })
}

fn refuse(rule: &str, place: &str, explanation: impl std::fmt::Display) -> StepError {
    let mut findings = Findings::default();
    findings.add(rule, place, explanation);
    StepError::permanent(INVALID, describe(&findings.into_vec()))
}

/// A field that the rules require, and so is there.
fn present<T>(field: Option<T>, what: &str) -> Result<T, StepError> {
    field.ok_or_else(|| StepError::permanent(INVALID, format!("the {what} is missing")))
}

/// What the ERP knows the seller by: VAT identifier, legal registration or another identifier.
///
/// It is a segment of a path, where a slash, a backslash, a control character and the names `.` and
/// `..` cannot stand. No register gives such identifiers out, so that one is a finding.
fn seller_id(invoice: &Invoice) -> Result<String, StepError> {
    let seller = &invoice.seller;
    let legal = seller.legal_id.as_ref().or(seller.ids.first()).map(|id| id.value.clone());
    let id = present(seller.vat_id.clone().or(legal), "seller's identifier (BT-31, BT-30 or BT-29)")?;
    let fits = !id.chars().any(|c| c == '/' || c == '\\' || c.is_control()) && id != "." && id != "..";
    if fits {
        Ok(id)
    } else {
        Err(refuse("ERP-SUPPLIER-UNKNOWN", "seller", "no register gives out such an identifier"))
    }
}

fn supplier(erp: &Endpoint, id: &str) -> Result<Option<Supplier>, StepError> {
    let response = found(erp.get(["suppliers", id]).send()?, "supplier-unknown")?;
    response.map(|response| response.json()).transpose()
}

/// The number travels as a query pair: invoice numbers are free text, and slashes in them are
/// common.
fn is_posted(erp: &Endpoint, supplier: &str, number: &str) -> Result<bool, StepError> {
    let response = erp.get(["invoices", supplier]).query("number", number).send()?;
    Ok(found(response, "invoice-unknown")?.is_some())
}

/// An error of the ERP.
#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
}

/// The response, or `None` where the ERP itself says by `unknown` that it has no such thing. A 404
/// of something else on the way must not pass for a new invoice.
fn found(response: Response, unknown: &str) -> Result<Option<Response>, StepError> {
    if response.status() == 404 && response.json::<Problem>()?.code == unknown {
        return Ok(None);
    }
    response.success().map(Some)
}

/// The account to pay to. An invoice that asks for another account than the one on file is the
/// commonest fraud there is.
fn account(means: &[PaymentMeans], on_file: Option<&str>) -> Result<Option<String>, StepError> {
    let mut asked = means.iter().filter_map(|means| means.account.as_deref()).map(compact).peekable();
    let Some(on_file) = on_file.map(compact) else { return Ok(asked.next()) };
    if asked.peek().is_some() && !asked.any(|account| account == on_file) {
        let explanation =
            "the invoice asks for payment to an account that the ERP does not have for this supplier";
        return Err(refuse("ERP-ACCOUNT-UNKNOWN", "payment means", explanation));
    }
    Ok(Some(on_file))
}

/// An account number without the spaces that people print.
fn compact(account: &str) -> String {
    account.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests;
