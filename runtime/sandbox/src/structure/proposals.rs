//! Which WebAssembly proposals a step may use, and the names of the others in refusals.

use stepward_fault::{Class, Fault, Owner, Rule};
use wasmparser::{Validator, WasmFeatures};

/// A proposal that steps may not use.
const PROPOSAL: Rule = Rule::new("component-proposal");

/// Deterministic, and what Rust, C and Zig emit for their default targets.
pub(crate) const ALLOWED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::CM_IMPLEMENTS);

/// What is refused by name: more attack surface, nondeterminism, or limits that could not be summed.
/// Where either of two would do, the later one is named.
const REFUSED: &[(&str, WasmFeatures)] = &[
    ("memory64", WasmFeatures::MEMORY64),
    ("threads and shared memory", WasmFeatures::THREADS),
    ("shared-everything-threads", WasmFeatures::SHARED_EVERYTHING_THREADS),
    ("multi-memory", WasmFeatures::MULTI_MEMORY),
    ("exceptions", WasmFeatures::EXCEPTIONS),
    ("legacy exceptions", WasmFeatures::LEGACY_EXCEPTIONS),
    ("garbage collection", WasmFeatures::GC),
    ("function references", WasmFeatures::FUNCTION_REFERENCES),
    ("relaxed SIMD", WasmFeatures::RELAXED_SIMD),
    ("tail calls", WasmFeatures::TAIL_CALL),
    ("custom page sizes", WasmFeatures::CUSTOM_PAGE_SIZES),
    ("stack switching", WasmFeatures::STACK_SWITCHING),
    ("wide arithmetic", WasmFeatures::WIDE_ARITHMETIC),
    ("component-model async (async functions, futures and streams)", WasmFeatures::CM_ASYNC),
    ("component-model stackful async", WasmFeatures::CM_ASYNC_STACKFUL),
    ("component-model async built-ins", WasmFeatures::CM_MORE_ASYNC_BUILTINS),
    ("component-model threading", WasmFeatures::CM_THREADING),
    ("component-model error-context", WasmFeatures::CM_ERROR_CONTEXT),
    ("component-model values", WasmFeatures::CM_VALUES),
    ("component-model GC", WasmFeatures::CM_GC),
    ("component-model maps", WasmFeatures::CM_MAP),
    ("component-model fixed-length lists", WasmFeatures::CM_FIXED_LENGTH_LISTS),
    ("component-model nested names", WasmFeatures::CM_NESTED_NAMES),
];

/// Every proposal that has a name here, allowed or refused.
pub(super) fn everything() -> WasmFeatures {
    REFUSED.iter().fold(ALLOWED, |all, (_, feature)| all.union(*feature))
}

/// Bytes up to which proposals are named: each name costs a validation of the whole. What a compiler
/// makes of a step in its release profile is smaller; above it the validator's own words must do.
const NAMED_BYTES: usize = 512 << 10;

/// Names the proposals that invalid bytes would need: those without which a validator that knows
/// everything rejects them. `None` when no proposal is to blame.
pub(super) fn name(bytes: &[u8]) -> Option<Fault> {
    let check = |features| Validator::new_with_features(features).validate_all(bytes).map(drop);
    let everything = everything();
    let why = check(ALLOWED).err()?;
    check(everything).ok()?;
    let mut used = Vec::new();
    if bytes.len() <= NAMED_BYTES {
        // Those whose absence alone makes the bytes invalid. A proposal may imply others.
        let needed = REFUSED.iter().filter(|(_, feature)| check(everything.difference(*feature)).is_err());
        used.extend(needed.map(|(name, _)| *name));
    }
    if bytes.len() <= NAMED_BYTES && used.is_empty() {
        // What either of two allows, such as typed references, needs neither alone: take away for good
        // whatever the bytes are valid without, and one of the two is left.
        let mut enough = everything;
        for (name, feature) in REFUSED {
            let fewer = enough.difference(*feature);
            match check(fewer) {
                Ok(()) => enough = fewer,
                Err(_) => used.push(*name),
            }
        }
    }
    let used = match used.as_slice() {
        [] => format!("a proposal that steps may not: {}", why.message()),
        used => used.join(", "),
    };
    Some(
        Fault::new(Class::Refused, Owner::StepAuthor, PROPOSAL)
            .says(format_args!("the component uses {used}"))
            .hint("steps run on deterministic core WebAssembly with SIMD; compile without that feature of the target"),
    )
}

#[cfg(test)]
mod tests {
    use super::{NAMED_BYTES, name};

    /// A component whose one function calls itself as its last act, and which is `bytes` long.
    fn tail_call(bytes: usize) -> Vec<u8> {
        let text = "(component (core module (func return_call 0)))";
        let mut whole = wat::parse_str(text).unwrap();
        // A custom section without a name fills the rest: its number, its length in five bytes of seven
        // bits each, and the length of the name.
        let rest = bytes - whole.len() - 6;
        whole.push(0);
        whole.extend([0, 7, 14, 21, 28].map(|low| {
            let bits = u8::try_from((rest >> low) & 0x7f).unwrap();
            if low < 28 { bits | 0x80 } else { bits }
        }));
        whole.extend(vec![0; rest]);
        assert_eq!(whole.len(), bytes);
        whole
    }

    /// A validation for each proposal is more than a large refused file is worth.
    #[test]
    fn large_bytes_are_not_validated_for_each_proposal() {
        let fault = name(&tail_call(NAMED_BYTES)).unwrap();
        assert_eq!(fault.message(), "the component uses tail calls");
        let fault = name(&tail_call(NAMED_BYTES + 1)).unwrap();
        assert_eq!(fault.rule().as_str(), "component-proposal");
        assert_eq!(
            fault.message(),
            "the component uses a proposal that steps may not: tail calls support is not enabled"
        );
        // What is invalid with every proposal is no proposal's fault, whatever its size.
        let mut broken = tail_call(NAMED_BYTES + 1);
        broken.push(0xff);
        assert!(name(&broken).is_none());
    }
}
