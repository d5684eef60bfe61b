//! Guests that ask for what they were not granted, or export what they should not.

use super::guests;
use crate::support::guest::Guest;
use crate::support::sandbox::{grant, inspect, refused};
use stepward_seam::{Grants, Interface, Label};

#[track_caller]
fn rule(guest: Guest<'_>, expected: &str, says: &str) {
    let (rule, message) = refused(guest.bytes());
    assert_eq!(rule, expected, "{message}");
    assert!(message.contains(says), "{message}");
}

fn grants(of: &[(&str, Interface)]) -> Grants {
    let mut grants = Grants::default();
    for (label, interface) in of {
        grants.add(Label::new(label).unwrap(), grant(*interface)).unwrap();
    }
    grants
}

#[test]
pub(super) fn import_nobody_granted() {
    let inspected = || inspect(guests::IMPORT_NOBODY_GRANTED.bytes()).unwrap();
    let fault = inspected().admit(&Grants::default()).unwrap_err();
    assert_eq!(fault.rule().as_str(), "grant-missing");
    assert_eq!(
        fault.message(),
        "the step imports `erp` (stepward:step/http-endpoint@0.1.0) and `payment-signing` \
         (stepward:step/signer@0.1.0), which nobody granted"
    );
    assert!(
        fault.remedy().contains("[steps.grants.endpoint.erp]\nmethods = [\"GET\"]"),
        "{}",
        fault.remedy()
    );
    assert!(fault.remedy().contains("[steps.grants.signer.payment-signing]"), "{}", fault.remedy());

    let one = inspected().admit(&grants(&[("erp", Interface::HttpEndpoint)])).unwrap_err();
    assert_eq!(
        one.message(),
        "the step imports `payment-signing` (stepward:step/signer@0.1.0), which nobody granted"
    );
}

#[test]
fn a_grant_of_another_kind_is_no_grant() {
    let granted = grants(&[("erp", Interface::HttpEndpoint), ("payment-signing", Interface::Secret)]);
    let fault = inspect(guests::IMPORT_NOBODY_GRANTED.bytes()).unwrap().admit(&granted).unwrap_err();
    assert_eq!(fault.rule().as_str(), "grant-kind");
    assert_eq!(
        fault.message(),
        "the step imports `payment-signing` as stepward:step/signer@0.1.0, but it is granted as \
         stepward:step/secret@0.1.0"
    );
}

#[test]
fn a_grant_that_nothing_uses_is_reported() {
    let granted = grants(&[
        ("erp", Interface::HttpEndpoint),
        ("payment-signing", Interface::Signer),
        ("payment-signin", Interface::Signer),
    ]);
    let admitted = inspect(guests::IMPORT_NOBODY_GRANTED.bytes()).unwrap().admit(&granted).unwrap();
    assert_eq!(admitted.unused_grants(), [Label::new("payment-signin").unwrap()]);
}

#[test]
pub(super) fn label_in_capitals() {
    rule(guests::LABEL_IN_CAPITALS, "import-label", "the label `ERP`");
}

#[test]
pub(super) fn label_twice() {
    rule(guests::LABEL_TWICE, "component-invalid", "conflicts with previous name");
}

#[test]
pub(super) fn label_look_alike() {
    rule(guests::LABEL_LOOK_ALIKE, "component-invalid", "not a valid");
}

#[test]
pub(super) fn label_two_dashes() {
    rule(guests::LABEL_TWO_DASHES, "component-invalid", "not a valid");
}

#[test]
pub(super) fn label_too_long() {
    rule(guests::LABEL_TOO_LONG, "import-label", "1 to 64 bytes");
}

#[test]
pub(super) fn import_of_wasi() {
    rule(guests::IMPORT_OF_WASI, "import-wasi", "`wasi:cli/environment@0.2.0`");
    let fault = inspect(guests::IMPORT_OF_WASI.bytes()).unwrap_err();
    assert!(fault.remedy().contains("wasm32-unknown-unknown"), "{}", fault.remedy());
}

#[test]
pub(super) fn label_of_wasi() {
    rule(guests::LABEL_OF_WASI, "import-wasi", "`wall` is an import of `wasi:clocks/wall-clock@0.2.0`");
}

#[test]
pub(super) fn import_without_label() {
    rule(guests::IMPORT_WITHOUT_LABEL, "import-label", "`stepward:step/clock@0.1.0` without a label");
}

#[test]
pub(super) fn import_of_another_version() {
    rule(guests::IMPORT_OF_ANOTHER_VERSION, "import-label", "`stepward:step/log@0.2.0`");
}

#[test]
pub(super) fn label_of_another_version() {
    rule(guests::LABEL_OF_ANOTHER_VERSION, "import-types", "claims to be `stepward:step/clock@0.2.0`");
}

#[test]
pub(super) fn label_of_another_interface() {
    rule(guests::LABEL_OF_ANOTHER_INTERFACE, "import-types", "claims to be `stepward:step/clock@0.1.0`");
}

#[test]
pub(super) fn types_that_differ() {
    rule(guests::TYPES_THAT_DIFFER, "import-types", "claims to be `stepward:step/secret@0.1.0`");
}

#[test]
pub(super) fn log_that_differs() {
    rule(guests::LOG_THAT_DIFFERS, "import-types", "claims to be `stepward:step/log@0.1.0`");
}

#[test]
pub(super) fn types_with_functions() {
    rule(guests::TYPES_WITH_FUNCTIONS, "import-types", "claims to be `stepward:step/types@0.1.0`");
}

#[test]
pub(super) fn interface_of_its_own() {
    rule(guests::INTERFACE_OF_ITS_OWN, "import-unknown", "`erp` is none of the interfaces");
}

#[test]
pub(super) fn empty_interface() {
    rule(guests::EMPTY_INTERFACE, "import-unknown", "`erp` is none of the interfaces");
}

#[test]
pub(super) fn type_without_end() {
    rule(guests::TYPE_WITHOUT_END, "import-unknown", "`erp` is none of the interfaces");
}

#[test]
pub(super) fn import_of_a_function() {
    rule(guests::IMPORT_OF_A_FUNCTION, "import-unknown", "other than an instance");
}

#[test]
pub(super) fn import_of_a_module() {
    rule(guests::IMPORT_OF_A_MODULE, "import-unknown", "other than an instance");
}

#[test]
pub(super) fn import_of_a_component() {
    rule(guests::IMPORT_OF_A_COMPONENT, "import-unknown", "other than an instance");
}

#[test]
pub(super) fn import_of_a_resource() {
    rule(guests::IMPORT_OF_A_RESOURCE, "import-unknown", "`files` is none of the interfaces");
}

#[test]
pub(super) fn import_of_a_resource_type() {
    rule(guests::IMPORT_OF_A_RESOURCE_TYPE, "component-resource", "declares the resource type `thing`");
}

#[test]
pub(super) fn resource_in_an_interface() {
    rule(guests::RESOURCE_IN_AN_INTERFACE, "component-resource", "declares the resource type `cup`");
}

#[test]
pub(super) fn export_of_a_resource() {
    rule(guests::EXPORT_OF_A_RESOURCE, "component-resource", "defines a resource type");
}

#[test]
pub(super) fn export_beside_run() {
    rule(guests::EXPORT_BESIDE_RUN, "exports", "exports `run-as-root`");
}

#[test]
pub(super) fn export_of_no_run() {
    rule(guests::EXPORT_OF_NO_RUN, "exports", "does not export `run`");
}

#[test]
pub(super) fn export_of_another_run() {
    rule(guests::EXPORT_OF_ANOTHER_RUN, "exports", "other parameters or results");
}
