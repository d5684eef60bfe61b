//! The groups of a UBL document, each read into its part of the model.

use crate::xml::{
    Code, ReadError, attribute, content, date, first_text, group, groups, leaf, leaves, number, text, walk,
};
use invoice_model::{
    Address, AllowanceCharge, Attachment, Delivery, Identifier, Line, Party, Payee, PaymentMeans, Period,
    Preceding, Price, TaxRepresentative, TaxTotal, Totals, VatBreakdown, VatCategory,
};
use roxmltree::Node;

/// The scheme of BT-90, the bank's creditor identifier, which stands among the party's own.
const CREDITOR_SCHEME: &str = "SEPA";

fn identifier(node: Node<'_, '_>) -> Option<Identifier> {
    content(node).map(|value| Identifier { value, scheme: attribute(node, "schemeID") })
}

fn is_vat(node: Node<'_, '_>) -> Result<bool, ReadError> {
    let Some(scheme) = group(node, "TaxScheme")? else { return Ok(false) };
    Ok(text(scheme, "ID")?.is_some_and(|id| id.eq_ignore_ascii_case("VAT")))
}

/// The tax numbers of a party: that for VAT, then that for another tax.
fn tax_numbers(party: Node<'_, '_>) -> Result<(Option<String>, Option<String>), ReadError> {
    let (mut vat, mut other) = (None, None);
    for scheme in groups(party, "PartyTaxScheme") {
        let slot = if is_vat(scheme)? { &mut vat } else { &mut other };
        let number = text(scheme, "CompanyID")?;
        if slot.is_some() && number.is_some() {
            return Err(ReadError::at(scheme, Code::Repeated, "the party has two numbers for one tax"));
        }
        *slot = slot.take().or(number);
    }
    Ok((vat, other))
}

/// A seller or a buyer, from the `cac:Party` within.
pub(crate) fn party(role: Node<'_, '_>) -> Result<Party, ReadError> {
    let Some(node) = group(role, "Party")? else { return Ok(Party::default()) };
    let legal = group(node, "PartyLegalEntity")?;
    let trading = group(node, "PartyName")?;
    let (vat_id, tax_registration) = tax_numbers(node)?;
    let ids = groups(node, "PartyIdentification")
        .filter_map(|id| leaves(id, "ID").next().and_then(identifier))
        .filter(|id| id.scheme.as_deref() != Some(CREDITOR_SCHEME));
    Ok(Party {
        name: legal.map(|legal| text(legal, "RegistrationName")).transpose()?.flatten(),
        trading_name: trading.map(|name| text(name, "Name")).transpose()?.flatten(),
        ids: ids.collect(),
        legal_id: legal.map(|legal| leaf(legal, "CompanyID")).transpose()?.flatten().and_then(identifier),
        vat_id,
        tax_registration,
        endpoint: leaf(node, "EndpointID")?.and_then(identifier),
        address: group(node, "PostalAddress")?.map(address).transpose()?,
    })
}

fn address(node: Node<'_, '_>) -> Result<Address, ReadError> {
    let country = group(node, "Country")?;
    Ok(Address {
        street: text(node, "StreetName")?,
        city: text(node, "CityName")?,
        postal_code: text(node, "PostalZone")?,
        country: country.map(|country| text(country, "IdentificationCode")).transpose()?.flatten(),
    })
}

/// Who is paid where that is not the seller.
pub(crate) fn payee(node: Node<'_, '_>) -> Result<Payee, ReadError> {
    let name = group(node, "PartyName")?;
    let legal = group(node, "PartyLegalEntity")?;
    let ids =
        groups(node, "PartyIdentification").filter_map(|id| leaves(id, "ID").next().and_then(identifier));
    Ok(Payee {
        name: name.map(|name| text(name, "Name")).transpose()?.flatten(),
        id: ids.filter(|id| id.scheme.as_deref() != Some(CREDITOR_SCHEME)).last(),
        legal_id: legal.map(|legal| leaf(legal, "CompanyID")).transpose()?.flatten().and_then(identifier),
    })
}

/// Who answers for the seller's VAT.
pub(crate) fn tax_representative(node: Node<'_, '_>) -> Result<TaxRepresentative, ReadError> {
    let name = group(node, "PartyName")?;
    Ok(TaxRepresentative {
        name: name.map(|name| text(name, "Name")).transpose()?.flatten(),
        vat_id: tax_numbers(node)?.0,
        address: group(node, "PostalAddress")?.map(address).transpose()?,
    })
}

/// Where and when the goods went.
pub(crate) fn delivery(node: Node<'_, '_>) -> Result<Delivery, ReadError> {
    Ok(Delivery {
        date: date(node, "ActualDeliveryDate")?,
        address: walk(node, &["DeliveryLocation", "Address"])?.map(address).transpose()?,
    })
}

/// A period of invoicing.
pub(crate) fn period(node: Node<'_, '_>) -> Result<Period, ReadError> {
    Ok(Period {
        start: date(node, "StartDate")?,
        end: date(node, "EndDate")?,
        tax_point_code: first_text(node, "DescriptionCode"),
    })
}

/// One way to pay.
pub(crate) fn payment_means(node: Node<'_, '_>) -> Result<PaymentMeans, ReadError> {
    let account = group(node, "PayeeFinancialAccount")?;
    let bank = account.map(|account| group(account, "FinancialInstitutionBranch")).transpose()?.flatten();
    Ok(PaymentMeans {
        code: text(node, "PaymentMeansCode")?,
        remittance: first_text(node, "PaymentID"),
        account: account.map(|account| text(account, "ID")).transpose()?.flatten(),
        account_name: account.map(|account| text(account, "Name")).transpose()?.flatten(),
        bank: bank.map(|bank| text(bank, "ID")).transpose()?.flatten(),
        has_account: account.is_some(),
    })
}

/// The VAT category among the tax categories called `name`: the one of the scheme VAT.
fn vat_category<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> Result<Option<(Node<'a, 'i>, VatCategory)>, ReadError> {
    let mut found = None;
    for category in groups(node, name) {
        if !is_vat(category)? {
            continue;
        }
        if found.is_some() {
            return Err(ReadError::at(category, Code::Repeated, "a second VAT category"));
        }
        found =
            Some((category, VatCategory { code: text(category, "ID")?, rate: number(category, "Percent")? }));
    }
    Ok(found)
}

/// The allowances of a line or document, then its charges.
pub(crate) fn allowances_and_charges(
    node: Node<'_, '_>,
) -> Result<(Vec<AllowanceCharge>, Vec<AllowanceCharge>), ReadError> {
    let (mut allowances, mut charges) = (Vec::new(), Vec::new());
    for entry in groups(node, "AllowanceCharge") {
        if is_charge(entry)? { &mut charges } else { &mut allowances }.push(allowance_charge(entry)?);
    }
    Ok((allowances, charges))
}

fn is_charge(node: Node<'_, '_>) -> Result<bool, ReadError> {
    match text(node, "ChargeIndicator")?.as_deref() {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(_) | None => Err(ReadError::at(
            node,
            Code::Indicator,
            "the cbc:ChargeIndicator must say `true` (charge) or `false`",
        )),
    }
}

fn allowance_charge(node: Node<'_, '_>) -> Result<AllowanceCharge, ReadError> {
    Ok(AllowanceCharge {
        amount: number(node, "Amount")?,
        base_amount: number(node, "BaseAmount")?,
        percentage: number(node, "MultiplierFactorNumeric")?,
        reason: first_text(node, "AllowanceChargeReason"),
        reason_code: text(node, "AllowanceChargeReasonCode")?,
        vat: vat_category(node, "TaxCategory")?.map(|(_, vat)| vat),
    })
}

/// The total of VAT in one currency, with its breakdown.
pub(crate) fn tax_total(node: Node<'_, '_>) -> Result<TaxTotal, ReadError> {
    Ok(TaxTotal {
        amount: number(node, "TaxAmount")?,
        currency: leaf(node, "TaxAmount")?.and_then(|amount| attribute(amount, "currencyID")),
        breakdown: groups(node, "TaxSubtotal").map(vat_breakdown).collect::<Result<_, _>>()?,
    })
}

fn vat_breakdown(node: Node<'_, '_>) -> Result<VatBreakdown, ReadError> {
    let category = vat_category(node, "TaxCategory")?;
    let (exemption_reason, exemption_code) = match &category {
        Some((at, _)) => (first_text(*at, "TaxExemptionReason"), text(*at, "TaxExemptionReasonCode")?),
        None => (None, None),
    };
    Ok(VatBreakdown {
        taxable: number(node, "TaxableAmount")?,
        tax: number(node, "TaxAmount")?,
        vat: category.map(|(_, vat)| vat),
        exemption_reason,
        exemption_code,
    })
}

/// The totals of the document.
pub(crate) fn totals(node: Node<'_, '_>) -> Result<Totals, ReadError> {
    Ok(Totals {
        lines: number(node, "LineExtensionAmount")?,
        allowances: number(node, "AllowanceTotalAmount")?,
        charges: number(node, "ChargeTotalAmount")?,
        without_vat: number(node, "TaxExclusiveAmount")?,
        with_vat: number(node, "TaxInclusiveAmount")?,
        prepaid: number(node, "PrepaidAmount")?,
        rounding: number(node, "PayableRoundingAmount")?,
        due: number(node, "PayableAmount")?,
    })
}

/// One line; `quantity` is the name of the element that holds how much.
pub(crate) fn line(node: Node<'_, '_>, quantity: &'static str) -> Result<Line, ReadError> {
    let item = group(node, "Item")?;
    let seller_item = item.map(|item| group(item, "SellersItemIdentification")).transpose()?.flatten();
    let vat = item.map(|item| vat_category(item, "ClassifiedTaxCategory")).transpose()?.flatten();
    let (allowances, charges) = allowances_and_charges(node)?;
    Ok(Line {
        id: text(node, "ID")?,
        quantity: number(node, quantity)?,
        unit: leaf(node, quantity)?.and_then(|quantity| attribute(quantity, "unitCode")),
        net_amount: number(node, "LineExtensionAmount")?,
        period: group(node, "InvoicePeriod")?.map(period).transpose()?,
        item: item.map(|item| text(item, "Name")).transpose()?.flatten(),
        seller_item_id: seller_item.map(|id| text(id, "ID")).transpose()?.flatten(),
        vat: vat.map(|(_, vat)| vat),
        price: group(node, "Price")?.map(price).transpose()?.unwrap_or_default(),
        allowances,
        charges,
    })
}

fn price(node: Node<'_, '_>) -> Result<Price, ReadError> {
    let discount = group(node, "AllowanceCharge")?;
    Ok(Price {
        net: number(node, "PriceAmount")?,
        discount: discount.map(|discount| number(discount, "Amount")).transpose()?.flatten(),
        gross: discount.map(|discount| number(discount, "BaseAmount")).transpose()?.flatten(),
        base_quantity: number(node, "BaseQuantity")?,
    })
}

/// An earlier invoice.
pub(crate) fn preceding(node: Node<'_, '_>) -> Result<Preceding, ReadError> {
    let Some(reference) = group(node, "InvoiceDocumentReference")? else { return Ok(Preceding::default()) };
    Ok(Preceding { number: text(reference, "ID")?, issue_date: date(reference, "IssueDate")? })
}

/// A supporting document, its content measured and dropped.
pub(crate) fn attachment(node: Node<'_, '_>) -> Result<Attachment, ReadError> {
    let embedded = match group(node, "Attachment")? {
        Some(attachment) => leaf(attachment, "EmbeddedDocumentBinaryObject")?,
        None => None,
    };
    Ok(Attachment {
        id: text(node, "ID")?,
        description: first_text(node, "DocumentDescription"),
        file_name: embedded.and_then(|object| attribute(object, "filename")),
        media_type: embedded.and_then(|object| attribute(object, "mimeCode")),
        bytes: embedded.map(decoded_size).transpose()?,
    })
}

/// The size of base64 (RFC 4648, section 4; white space between) once decoded, in bytes.
fn decoded_size(node: Node<'_, '_>) -> Result<u64, ReadError> {
    let (mut digits, mut padding) = (0_u32, 0_u32);
    for piece in node.children().filter_map(|child| if child.is_text() { child.text() } else { None }) {
        for byte in piece.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => digits += 1,
                b'=' => padding += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => {
                    return Err(ReadError::at(node, Code::Attachment, "the embedded document is not base64"));
                }
            }
        }
    }
    if padding > 2 || !(digits + padding).is_multiple_of(4) {
        return Err(ReadError::at(
            node,
            Code::Attachment,
            "the embedded document is base64 of the wrong length",
        ));
    }
    Ok(u64::from((digits + padding) / 4 * 3 - padding))
}
