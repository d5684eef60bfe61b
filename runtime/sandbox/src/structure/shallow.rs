//! The one look that comes before every other: is anything nested so deeply that reading it could
//! take the host's stack, or multiply what compiling takes?

use super::{STRUCTURE, proposals};
use stepward_fault::{Class, Fault, Owner};
use wasmparser::{Parser, Payload};

/// Component and instance types within each other. wasmparser reads them recursively; the contract's
/// own types go two deep.
const MAX_TYPE_NESTING: usize = 64;

/// Proof that nothing is nested in the bytes that were looked at.
pub(super) struct Shallow(());

impl Shallow {
    /// Looks at the sections alone, with every proposal on, so that no later reader gets further into
    /// the bytes than this one.
    ///
    /// Components within components are refused altogether: a step exports one function, so no tool
    /// makes them for a step, and a few that instantiate each other cost a compiler any amount of
    /// memory without making a single core instance.
    pub(super) fn check(bytes: &[u8]) -> Result<Self, Fault> {
        let mut parser = Parser::new(0);
        parser.set_features(proposals::everything());
        // What cannot be parsed ends here as it ends for everyone after; they say why.
        for payload in parser.parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::ComponentSection { .. } => {
                    return Err(refused("the component holds another component")
                        .hint("a step is one component that exports `run`: link what it is made of into one core module"));
                }
                Payload::ComponentTypeSection(section) => {
                    let range = section.range();
                    types(bytes.get(range).unwrap_or_default())?;
                }
                // Every other payload is read without recursion.
                _ => {}
            }
        }
        Ok(Self(()))
    }
}

/// A type declared within a component type (0x41) or an instance type (0x42) starts with 0x01, so every
/// level of nesting puts one of two pairs of bytes into the section. Counting the pairs wherever they
/// stand can only overestimate, and needs no parser.
fn types(section: &[u8]) -> Result<(), Fault> {
    let pairs = section.windows(2).filter(|pair| matches!(pair, [0x01, 0x41 | 0x42])).count();
    if pairs > MAX_TYPE_NESTING {
        return Err(refused(&format!(
            "the component has about {pairs} types declared within types; the most is {MAX_TYPE_NESTING}"
        ))
        .hint("import the interfaces of stepward:step@0.1.0 as they are"));
    }
    Ok(())
}

fn refused(what: &str) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, STRUCTURE).says(what)
}

#[cfg(test)]
mod tests {
    use super::Shallow;

    fn component(section: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0, section];
        let mut length = body.len();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn types_within_types_cannot_take_the_stack() {
        for (kind, levels) in [(0x41, 3_000), (0x42, 3_000), (0x41, 1_000_000)] {
            let nested = [1].into_iter().chain([kind, 1].repeat(levels)).collect::<Vec<u8>>();
            let fault = Shallow::check(&component(7, &nested)).map(drop).unwrap_err();
            assert_eq!(fault.rule().as_str(), "component-structure");
        }
    }

    #[test]
    fn components_within_components_are_refused() {
        let inner = component(7, &[0]);
        assert!(Shallow::check(&component(4, &inner)).is_err());
        assert!(Shallow::check(&inner).is_ok());
    }
}
