//! The contract that this host checks is the one that `wit/step.wit` says, word for word.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test ends at the first surprise"
)]

use stepward_fault::Fault;
use stepward_sandbox::{ImportKind, Inspected};
use stepward_seam::{Interface, Limits};
use stepward_trust::Pinned;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

const CONTRACT: &str = include_str!("../../../wit/step.wit");
const WORLD: &str = "package test:steps;
world all {
  include stepward:step/step@0.1.0;
  import an-endpoint: stepward:step/http-endpoint@0.1.0;
  import a-signer: stepward:step/signer@0.1.0;
  import a-secret: stepward:step/secret@0.1.0;
  import a-clock: stepward:step/clock@0.1.0;
  import some-random: stepward:step/random@0.1.0;
}";

/// A component of a world, as other people's tools encode it; its functions only trap.
fn component(contract: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_str("step.wit", contract).unwrap_or_else(|error| panic!("{error:#}\n{contract}"));
    let package = resolve.push_str("world.wit", world).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

fn inspect(bytes: Vec<u8>) -> Result<Inspected, Fault> {
    Inspected::read(Pinned::trust_on_first_use(bytes), &Limits::default())
}

#[test]
fn a_component_of_the_contract_is_accepted_whole() {
    let inspected = inspect(component(CONTRACT, WORLD)).unwrap();
    let mut seen: Vec<_> =
        inspected.imports().iter().map(|import| (import.name().to_owned(), import.interface)).collect();
    seen.sort();
    let mut expected = vec![
        ("an-endpoint".to_owned(), Interface::HttpEndpoint.id()),
        ("a-signer".to_owned(), Interface::Signer.id()),
        ("a-secret".to_owned(), Interface::Secret.id()),
        ("a-clock".to_owned(), Interface::Clock.id()),
        ("some-random".to_owned(), Interface::Random.id()),
        ("stepward:step/log@0.1.0".to_owned(), "stepward:step/log@0.1.0"),
    ];
    expected.sort();
    assert_eq!(seen, expected);
}

/// Tools that cannot encode labels of a named interface write it inline.
#[test]
fn an_interface_written_inline_is_the_same() {
    for interface in Interface::ALL {
        let name = interface.id().trim_start_matches("stepward:step/").trim_end_matches("@0.1.0");
        let body = body_of(name);
        let world = format!(
            "package test:steps; world one {{ include stepward:step/step@0.1.0; import a-label: interface {{{body}}} }}"
        );
        let inspected = inspect(component(CONTRACT, &world)).unwrap();
        let granted = inspected.imports().iter().find(|import| import.name() == "a-label").unwrap();
        assert_eq!(granted.interface, interface.id());
        assert!(matches!(&granted.kind, ImportKind::Granted { interface: found, .. } if *found == interface));
    }
}

/// What stands between the braces of an interface of the contract.
fn body_of(interface: &str) -> &'static str {
    let (_, rest) = CONTRACT.split_once(&format!("interface {interface} {{")).unwrap();
    rest.split_once("\n}").unwrap().0
}

/// Every name of a function, parameter, field or case, and every primitive type, is part of the
/// contract: change one anywhere, and components built from the changed text are refused.
#[test]
fn every_name_and_type_counts() {
    let mut tried = 0;
    for (at, word) in words() {
        let after = CONTRACT[at + word.len()..].chars().next().unwrap();
        let changed = match word {
            "string" => "list<u8>".to_owned(),
            "u8" | "u16" | "u32" | "u64" => word.replace('u', "s"),
            _ if after == ':' => format!("{word}-changed"),
            // A case, with or without a payload.
            _ if matches!(after, ',' | '(') && CONTRACT[..at].ends_with("  ") => format!("{word}-changed"),
            _ => continue,
        };
        let contract = format!("{}{changed}{}", &CONTRACT[..at], &CONTRACT[at + word.len()..]);
        let line = CONTRACT[..at].matches('\n').count() + 1;
        let Err(fault) = inspect(component(&contract, WORLD)) else {
            panic!("line {line}: {word} as {changed}")
        };
        let rule = fault.rule().as_str();
        assert!(["import-types", "exports"].contains(&rule), "line {line}: {word} as {changed}: {fault}");
        tried += 1;
    }
    assert!(tried >= 89, "only {tried} names and types were tried");
}

/// The words of the contract that declare something, with their places: not its comments, nor the
/// names of its types and interfaces, which carry no meaning once encoded.
fn words() -> impl Iterator<Item = (usize, &'static str)> {
    let mut at = 0;
    CONTRACT.split_inclusive('\n').flat_map(move |line| {
        let start = at;
        at += line.len();
        let code =
            !["///", "package", "use ", "import ", "record ", "enum ", "variant ", "interface ", "world "]
                .iter()
                .any(|skipped| line.trim_start().starts_with(skipped));
        let line = if code { line } else { "" };
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
            .map(move |word| (start + word.as_ptr().addr() - line.as_ptr().addr(), word))
    })
}

/// The order of cases is their number on the wire.
#[test]
fn the_order_of_cases_counts() {
    let swapped = CONTRACT
        .replacen("retryable,", "\u{1}", 1)
        .replacen("permanent,", "retryable,", 1)
        .replace('\u{1}', "permanent,");
    assert_eq!(inspect(component(&swapped, WORLD)).unwrap_err().rule().as_str(), "exports");
}
