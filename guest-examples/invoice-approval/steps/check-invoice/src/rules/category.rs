//! The rules of the VAT categories: BR-S-*, BR-Z-*, BR-E-*, BR-AE-*, BR-IC-*, BR-G-*, BR-O-*,
//! BR-AF-* (IGIC, code L) and BR-AG-* (IPSI, code M).
//!
//! The categories have the same ten rules with other words: 01 the breakdown has the category, 02
//! to 04 who must be identified for lines, allowances and charges, 05 to 07 their rates, 08 the
//! taxable amount, 09 the tax, 10 the reason for an exemption. The table says what is what.

use super::{lines, vat};
use crate::{
    arithmetic::{sum, tax_on, within_one},
    finding::Findings,
};
use invoice_model::{Invoice, Number, Period, VatBreakdown, VatCategory};
use rust_decimal::Decimal;

/// The category of what VAT does not apply to.
pub(super) const NOT_SUBJECT: &str = "O";

/// What rate an entry of the category has.
#[derive(Clone, Copy)]
enum Rate {
    Positive,
    NotNegative,
    Zero,
    Absent,
}

/// What the breakdown says about an exemption.
#[derive(Clone, Copy)]
enum Reason {
    Required,
    Forbidden,
}

/// Who must be identified where the category is used.
#[derive(Clone, Copy)]
enum Parties {
    /// The seller, by any tax number, or the representative.
    SellerByAnyTax,
    /// The seller, by a VAT identifier, or the representative.
    SellerByVat,
    /// The seller by any tax number, and the buyer by VAT identifier or legal registration.
    SellerAndAnyBuyer,
    /// Seller or representative and buyer, by VAT identifier.
    SellerAndBuyerByVat,
    /// Nobody may have a VAT identifier.
    Nobody,
}

struct Category {
    code: &'static str,
    prefix: &'static str,
    rate: Rate,
    reason: Reason,
    parties: Parties,
    /// One group for each rate, with room for rounding; else one group, exact and without tax.
    by_rate: bool,
}

const fn taxed(code: &'static str, prefix: &'static str, rate: Rate) -> Category {
    Category {
        code,
        prefix,
        rate,
        reason: Reason::Forbidden,
        parties: Parties::SellerByAnyTax,
        by_rate: true,
    }
}

const fn untaxed(code: &'static str, prefix: &'static str, parties: Parties) -> Category {
    Category { code, prefix, rate: Rate::Zero, reason: Reason::Required, parties, by_rate: false }
}

const CATEGORIES: [Category; 9] = [
    taxed("S", "BR-S", Rate::Positive),
    taxed("L", "BR-AF", Rate::NotNegative),
    taxed("M", "BR-AG", Rate::NotNegative),
    Category { reason: Reason::Forbidden, ..untaxed("Z", "BR-Z", Parties::SellerByAnyTax) },
    untaxed("E", "BR-E", Parties::SellerByAnyTax),
    untaxed("AE", "BR-AE", Parties::SellerAndAnyBuyer),
    untaxed("K", "BR-IC", Parties::SellerAndBuyerByVat),
    untaxed("G", "BR-G", Parties::SellerByVat),
    Category { rate: Rate::Absent, ..untaxed(NOT_SUBJECT, "BR-O", Parties::Nobody) },
];

/// Italian split payment: a code of the standard whose own rules are not checked here.
const SPLIT_PAYMENT: &str = "B";

/// Whether EN 16931 has such a category.
pub(super) fn is_known(code: &str) -> bool {
    code == SPLIT_PAYMENT || CATEGORIES.iter().any(|category| category.code == code)
}

pub(super) fn check(invoice: &Invoice, findings: &mut Findings) {
    for category in &CATEGORIES {
        let uses = Uses::of(invoice, category);
        presence(invoice, category, &uses, findings);
        for (number, group) in [(2, &uses.lines), (3, &uses.allowances), (4, &uses.charges)] {
            if !group.is_empty() {
                parties(invoice, category, number, findings);
            }
        }
        for (number, group) in [(5, &uses.lines), (6, &uses.allowances), (7, &uses.charges)] {
            for entry in group {
                rate(category, number, entry, findings);
            }
        }
        for (index, group) in invoice.vat_breakdown().enumerate() {
            if category.is(group.vat.as_ref()) {
                breakdown(category, group, &vat::place(index), &uses, findings);
            }
        }
    }
    intra_community(invoice, findings);
    not_subject(invoice, findings);
}

impl Category {
    fn rule(&self, number: u8) -> String {
        format!("{}-{number:02}", self.prefix)
    }

    fn is(&self, vat: Option<&VatCategory>) -> bool {
        vat.is_some_and(|vat| vat.code.as_deref() == Some(self.code))
    }
}

/// A line, an allowance or a charge in the category.
struct Entry {
    place: String,
    rate: Option<Number>,
    amount: Option<Number>,
}

/// Where a document uses the category.
struct Uses {
    lines: Vec<Entry>,
    allowances: Vec<Entry>,
    charges: Vec<Entry>,
}

impl Uses {
    fn of(invoice: &Invoice, category: &Category) -> Self {
        let entry = |place: String, vat: Option<&VatCategory>, amount| {
            category.is(vat).then(|| Entry { place, rate: vat.and_then(|vat| vat.rate), amount })
        };
        let lines = invoice.lines.iter().enumerate();
        let on_document = |what: &str, list: &[invoice_model::AllowanceCharge]| {
            let entries = list.iter().enumerate();
            entries
                .filter_map(|(i, e)| entry(format!("{what} {}", i + 1), e.vat.as_ref(), e.amount))
                .collect()
        };
        Self {
            lines: lines.filter_map(|(i, l)| entry(lines::place(i), l.vat.as_ref(), l.net_amount)).collect(),
            allowances: on_document("allowance", &invoice.allowances),
            charges: on_document("charge", &invoice.charges),
        }
    }

    fn are_none(&self) -> bool {
        self.lines.is_empty() && self.allowances.is_empty() && self.charges.is_empty()
    }

    /// Lines less allowances plus charges, of one rate or of all.
    fn taxable(&self, rate: Option<Decimal>) -> Decimal {
        let total = |entries: &[Entry]| {
            let of_rate = |entry: &&Entry| rate.is_none() || entry.rate.map(Number::value) == rate;
            sum(entries.iter().filter(of_rate).map(|entry| entry.amount))
        };
        total(&self.lines) - total(&self.allowances) + total(&self.charges)
    }

    fn has_rate(&self, rate: Decimal) -> bool {
        let mut all = self.lines.iter().chain(&self.allowances).chain(&self.charges);
        all.any(|entry| entry.rate.map(Number::value) == Some(rate))
    }
}

/// Rule 01: the breakdown has the category when anything uses it, and only once unless by rate.
fn presence(invoice: &Invoice, category: &Category, uses: &Uses, findings: &mut Findings) {
    let groups = invoice.vat_breakdown().filter(|group| category.is(group.vat.as_ref())).count();
    let explanation = match (!uses.are_none(), groups) {
        (true, 0) => "it is used, but the VAT breakdown has no group for it",
        (false, 1..) if category.by_rate => "the VAT breakdown has a group for it, but nothing uses it",
        (_, 2..) if !category.by_rate => "the VAT breakdown has two groups for it, and one is allowed",
        (true | false, _) => return,
    };
    findings.add(
        category.rule(1),
        "VAT breakdown",
        format_args!("VAT category {}: {explanation}", category.code),
    );
}

/// Rules 02 to 04.
fn parties(invoice: &Invoice, category: &Category, number: u8, findings: &mut Findings) {
    let (seller, buyer) = (&invoice.seller, &invoice.buyer);
    let representative = invoice.tax_representative.as_ref().is_some_and(|by| by.vat_id.is_some());
    let by_vat = seller.vat_id.is_some() || representative;
    let by_any_tax = by_vat || seller.tax_registration.is_some();
    let (holds, explanation) = match category.parties {
        Parties::SellerByAnyTax => (by_any_tax, "the seller or the representative needs a tax number"),
        Parties::SellerByVat => (by_vat, "the seller or the representative needs a VAT identifier"),
        Parties::SellerAndAnyBuyer => (
            by_any_tax && (buyer.vat_id.is_some() || buyer.legal_id.is_some()),
            "the seller needs a tax number, and the buyer a VAT identifier or a legal registration",
        ),
        Parties::SellerAndBuyerByVat => {
            (by_vat && buyer.vat_id.is_some(), "the seller and the buyer need VAT identifiers")
        }
        Parties::Nobody => (!by_vat && buyer.vat_id.is_none(), "nobody may have a VAT identifier"),
    };
    if !holds {
        findings.add(
            category.rule(number),
            "document",
            format_args!("VAT category {}: {explanation}", category.code),
        );
    }
}

/// Rules 05 to 07.
fn rate(category: &Category, number: u8, entry: &Entry, findings: &mut Findings) {
    let value = entry.rate.map(Number::value);
    let (holds, explanation) = match category.rate {
        Rate::Positive => (value.is_some_and(|rate| rate > Decimal::ZERO), "a rate above 0"),
        Rate::NotNegative => (value.is_some_and(|rate| rate >= Decimal::ZERO), "a rate of 0 or more"),
        Rate::Zero => (value.is_some_and(|rate| rate.is_zero()), "the rate 0"),
        Rate::Absent => (value.is_none(), "no rate"),
    };
    if !holds {
        let explanation = format_args!("VAT category {} has {explanation}", category.code);
        findings.add(category.rule(number), &entry.place, explanation);
    }
}

/// Rules 08 to 10.
fn breakdown(category: &Category, group: &VatBreakdown, place: &str, uses: &Uses, findings: &mut Findings) {
    let rate = group.vat.as_ref().and_then(|vat| vat.rate).map(Number::value);
    taxable(category, group, rate, place, uses, findings);
    tax(category, group, rate, place, findings);
    let explained = group.exemption_reason.is_some() || group.exemption_code.is_some();
    let explanation = match (category.reason, explained) {
        (Reason::Required, false) => "needs a reason for the exemption (BT-120 or BT-121)",
        (Reason::Forbidden, true) => "is no exemption, and must not have a reason for one",
        (Reason::Required, true) | (Reason::Forbidden, false) => return,
    };
    findings.add(category.rule(10), place, format_args!("VAT category {} {explanation}", category.code));
}

fn taxable(
    category: &Category,
    group: &VatBreakdown,
    rate: Option<Decimal>,
    place: &str,
    uses: &Uses,
    findings: &mut Findings,
) {
    let Some(stated) = group.taxable else { return };
    let computed = match rate {
        Some(rate) if category.by_rate => {
            let computed = uses.taxable(Some(rate));
            if uses.has_rate(rate) && within_one(stated.value(), computed) {
                return;
            }
            computed
        }
        // BR-48 has asked for the rate.
        None if category.by_rate => return,
        Some(_) | None => {
            let computed = uses.taxable(None);
            if stated.value() == computed {
                return;
            }
            computed
        }
    };
    findings.add(
        category.rule(8),
        place,
        format_args!(
            "the taxable amount (BT-116) is {stated}, but lines, allowances and charges come to {computed}"
        ),
    );
}

fn tax(
    category: &Category,
    group: &VatBreakdown,
    rate: Option<Decimal>,
    place: &str,
    findings: &mut Findings,
) {
    let Some(tax) = group.tax else { return };
    let (holds, expected) = match (rate, group.taxable) {
        (Some(rate), Some(taxable)) if category.by_rate => {
            let expected = tax_on(taxable.value(), rate);
            (within_one(tax.value().abs(), expected), expected)
        }
        (_, _) if category.by_rate => return,
        (_, _) => (tax.value().is_zero(), Decimal::ZERO),
    };
    if !holds {
        findings.add(
            category.rule(9),
            place,
            format_args!("the tax (BT-117) is {tax}, and should be {expected}"),
        );
    }
}

/// BR-IC-11 and BR-IC-12: goods that cross a border say when and where to.
fn intra_community(invoice: &Invoice, findings: &mut Findings) {
    if !invoice.vat_breakdown().any(|group| has_code(group.vat.as_ref(), "K")) {
        return;
    }
    let delivery = invoice.delivery.as_ref();
    let period = invoice.period.as_ref().is_some_and(|period| *period != Period::default());
    if delivery.is_none_or(|delivery| delivery.date.is_none()) && !period {
        findings.add(
            "BR-IC-11",
            "delivery",
            "neither the day of delivery (BT-72) nor a period (BG-14) is given",
        );
    }
    let country = delivery.and_then(|delivery| delivery.address.as_ref()).and_then(|to| to.country.as_ref());
    findings.require("BR-IC-12", "delivery", country, "the country that the goods went to (BT-80)");
}

/// BR-O-11 to BR-O-14: what VAT does not apply to stands alone.
fn not_subject(invoice: &Invoice, findings: &mut Findings) {
    if !invoice.vat_breakdown().any(|group| has_code(group.vat.as_ref(), NOT_SUBJECT)) {
        return;
    }
    let other = |vat: Option<&VatCategory>| vat.is_some() && !has_code(vat, NOT_SUBJECT);
    let mixed = [
        ("BR-O-11", "VAT breakdown", invoice.vat_breakdown().any(|group| other(group.vat.as_ref()))),
        ("BR-O-12", "lines", invoice.lines.iter().any(|line| other(line.vat.as_ref()))),
        ("BR-O-13", "allowances", invoice.allowances.iter().any(|entry| other(entry.vat.as_ref()))),
        ("BR-O-14", "charges", invoice.charges.iter().any(|entry| other(entry.vat.as_ref()))),
    ];
    for (rule, place, broken) in mixed {
        if broken {
            findings.add(rule, place, "VAT category O stands beside another, and must stand alone");
        }
    }
}

fn has_code(vat: Option<&VatCategory>, code: &str) -> bool {
    vat.and_then(|vat| vat.code.as_deref()) == Some(code)
}
