//! Signatures that are no step's are refused, with a message at the place.

#[test]
fn signatures_that_are_refused() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
