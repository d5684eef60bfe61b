//! Guests that use what steps may not: refused by name, before anything is compiled.

use super::guests;
use crate::support::sandbox::refused;

macro_rules! refused_by_name {
    ($($test:ident, $guest:ident, $name:literal;)*) => {$(
        #[test]
        pub(super) fn $test() {
            let (rule, message) = refused(guests::$guest.bytes());
            assert_eq!((rule, message.as_str()), ("component-proposal", concat!("the component uses ", $name)));
        }
    )*};
}

refused_by_name! {
    proposal_memory64, PROPOSAL_MEMORY64, "memory64";
    proposal_shared_memory, PROPOSAL_SHARED_MEMORY, "threads and shared memory";
    proposal_atomics, PROPOSAL_ATOMICS, "threads and shared memory";
    proposal_multi_memory, PROPOSAL_MULTI_MEMORY, "multi-memory";
    proposal_exceptions, PROPOSAL_EXCEPTIONS, "exceptions";
    proposal_function_references, PROPOSAL_FUNCTION_REFERENCES, "function references";
    proposal_typed_references, PROPOSAL_TYPED_REFERENCES, "function references";
    proposal_garbage_collection, PROPOSAL_GARBAGE_COLLECTION, "garbage collection";
    proposal_relaxed_simd, PROPOSAL_RELAXED_SIMD, "relaxed SIMD";
    proposal_tail_calls, PROPOSAL_TAIL_CALLS, "tail calls";
    proposal_custom_page_sizes, PROPOSAL_CUSTOM_PAGE_SIZES, "custom page sizes";
    proposal_stack_switching, PROPOSAL_STACK_SWITCHING, "stack switching";
    proposal_wide_arithmetic, PROPOSAL_WIDE_ARITHMETIC, "wide arithmetic";
    proposal_shared_everything, PROPOSAL_SHARED_EVERYTHING, "shared-everything-threads";
    proposal_async_function, PROPOSAL_ASYNC_FUNCTION, "component-model async (async functions, futures and streams)";
    proposal_stream, PROPOSAL_STREAM, "component-model async (async functions, futures and streams)";
    proposal_future, PROPOSAL_FUTURE, "component-model async (async functions, futures and streams)";
    proposal_error_context, PROPOSAL_ERROR_CONTEXT, "component-model error-context";
    proposal_map, PROPOSAL_MAP, "component-model maps";
    proposal_fixed_length_list, PROPOSAL_FIXED_LENGTH_LIST, "component-model fixed-length lists";
    proposal_async_builtin, PROPOSAL_ASYNC_BUILTIN, "component-model async (async functions, futures and streams)";
    proposal_threading, PROPOSAL_THREADING, "component-model threading";
    proposal_value_import, PROPOSAL_VALUE_IMPORT, "component-model values";
}
