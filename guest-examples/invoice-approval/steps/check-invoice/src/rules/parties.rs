//! Seller, buyer, payee, tax representative and delivery: BR-06 to BR-11, BR-17 to BR-20, BR-56,
//! BR-57, BR-62, BR-63, BR-CO-09, BR-CO-26.

use super::country;
use crate::finding::Findings;
use invoice_model::{Address, Invoice, Party, Payee};

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    party(&invoice.seller, "seller", ["BR-06", "BR-08", "BR-09", "BR-62"], findings);
    party(&invoice.buyer, "buyer", ["BR-07", "BR-10", "BR-11", "BR-63"], findings);
    let seller = &invoice.seller;
    if seller.vat_id.is_none() && seller.ids.is_empty() && seller.legal_id.is_none() {
        findings.add(
            "BR-CO-26",
            "seller",
            "nothing identifies the seller: an identifier (BT-29), a legal registration (BT-30) or a VAT identifier \
             (BT-31) is needed",
        );
    }
    if let Some(payee) = &invoice.payee {
        self::payee(payee, seller, findings);
    }
    if let Some(representative) = &invoice.tax_representative {
        let place = "tax representative";
        findings.require("BR-18", place, representative.name.as_ref(), "the name (BT-62)");
        findings.require("BR-56", place, representative.vat_id.as_ref(), "the VAT identifier (BT-63)");
        address(representative.address.as_ref(), place, "BR-19", "BR-20", findings);
        vat_prefix(representative.vat_id.as_deref(), place, findings);
    }
    if let Some(Some(to)) = invoice.delivery.as_ref().map(|delivery| &delivery.address) {
        findings.require("BR-57", "delivery", to.country.as_ref(), "the country of the address (BT-80)");
    }
}

fn party(party: &Party, place: &str, [name, postal, land, scheme]: [&str; 4], findings: &mut Findings) {
    findings.require(name, place, party.name.as_ref(), "the name");
    address(party.address.as_ref(), place, postal, land, findings);
    if let Some(endpoint) = &party.endpoint {
        findings.require(scheme, place, endpoint.scheme.as_ref(), "the scheme of the electronic address");
    }
    vat_prefix(party.vat_id.as_deref(), place, findings);
}

fn address(address: Option<&Address>, place: &str, postal: &str, land: &str, findings: &mut Findings) {
    match address {
        None => findings.add(postal, place, "the postal address is missing"),
        Some(address) => {
            findings.require(land, place, address.country.as_ref(), "the country of the address");
        }
    }
}

fn vat_prefix(id: Option<&str>, place: &str, findings: &mut Findings) {
    if let Some(id) = id
        && !country::begins_vat_id(id)
    {
        findings.add("BR-CO-09", place, "the VAT identifier does not begin with the code of a country");
    }
}

/// A payee has a name, and is somebody else than the seller.
fn payee(payee: &Payee, seller: &Party, findings: &mut Findings) {
    let same_name = payee.name.is_some() && payee.name == seller.trading_name;
    let same_id = payee.id.as_ref().is_some_and(|id| seller.ids.iter().any(|other| other.value == id.value));
    if payee.name.is_none() {
        findings.add("BR-17", "payee", "the name (BT-59) is missing");
    } else if same_name || same_id {
        findings.add("BR-17", "payee", "the payee is the seller, and then must not be named apart");
    }
}
