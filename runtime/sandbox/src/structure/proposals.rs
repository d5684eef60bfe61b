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
const REFUSED: &[(&str, WasmFeatures)] = &[
    ("memory64", WasmFeatures::MEMORY64),
    ("threads and shared memory", WasmFeatures::THREADS),
    ("shared-everything-threads", WasmFeatures::SHARED_EVERYTHING_THREADS),
    ("multi-memory", WasmFeatures::MULTI_MEMORY),
    ("exceptions", WasmFeatures::EXCEPTIONS),
    ("legacy exceptions", WasmFeatures::LEGACY_EXCEPTIONS),
    ("function references", WasmFeatures::FUNCTION_REFERENCES),
    ("garbage collection", WasmFeatures::GC),
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

/// Names the proposals that invalid bytes would need: those without which a validator that knows
/// everything rejects them. `None` when no proposal is to blame.
pub(super) fn name(bytes: &[u8]) -> Option<Fault> {
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    let everything = everything();
    if valid(ALLOWED) || !valid(everything) {
        return None;
    }
    // A proposal may imply others (GC needs function references): take each away together with
    // nothing else, and keep those whose absence alone makes the bytes invalid.
    let used: Vec<_> = REFUSED
        .iter()
        .filter(|(_, feature)| !valid(everything.difference(*feature)))
        .map(|(name, _)| *name)
        .collect();
    let used = if used.is_empty() { "a proposal that is not enabled".to_owned() } else { used.join(", ") };
    Some(
        Fault::new(Class::Refused, Owner::StepAuthor, PROPOSAL)
            .says(format_args!("the component uses {used}"))
            .hint("steps run on deterministic core WebAssembly with SIMD; compile without that feature of the target"),
    )
}
