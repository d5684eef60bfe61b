//! Guests that try to take more memory, tables or instances than they were given.

use super::guests;
use crate::support::brokers::plain;
use crate::support::sandbox::{limit, limits, refused, run};
use stepward_seam::{LimitName, Limits};

const PAGE: u64 = 64 << 10;

#[test]
pub(super) fn many_memories() {
    let (rule, message) = refused(guests::MANY_MEMORIES.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 3 memories; the most is 2");
}

#[test]
pub(super) fn one_memory_many_instances() {
    let (rule, message) = refused(guests::ONE_MEMORY_MANY_INSTANCES.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 9 memories; the most is 2");
}

#[test]
pub(super) fn elements_many_instances() {
    let (rule, message) = refused(guests::ELEMENTS_MANY_INSTANCES.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 21000 elements of segments in all instances; the most is 20000");
    let fewer = guests::ELEMENTS_MANY_INSTANCES
        .bytes_with("(core instance (instantiate $m))\n  (core instance (instantiate $m))\n", "");
    run(fewer, limits(&[]), plain);
}

#[test]
pub(super) fn two_memories_summed() {
    let finished =
        run(guests::TWO_MEMORIES_SUMMED.bytes(), limits(&[(LimitName::MemoryBytes, 60 * PAGE)]), plain);
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
    assert_eq!(finished.usage.peak_memory_bytes, 42 * PAGE);
}

#[test]
pub(super) fn memory_growth() {
    let finished = run(guests::MEMORY_GROWTH.bytes(), limits(&[(LimitName::MemoryBytes, 99 * PAGE)]), plain);
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
    assert_eq!(finished.usage.peak_memory_bytes, 99 * PAGE);
}

#[test]
pub(super) fn memory_at_start() {
    let finished = run(guests::MEMORY_AT_START.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
    assert_eq!(finished.usage.peak_memory_bytes, 2 * PAGE);
}

#[test]
pub(super) fn memory_past_the_pool() {
    let (rule, message) = refused(guests::MEMORY_PAST_THE_POOL.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 536936448 bytes in one memory; the most is 536870912");
}

#[test]
pub(super) fn table_growth() {
    let finished = run(guests::TABLE_GROWTH.bytes(), limits(&[(LimitName::TableElements, 5_500)]), plain);
    assert_eq!(limit(&finished), LimitName::TableElements);
    assert_eq!(finished.usage.table_elements, 5_000);
}

#[test]
pub(super) fn table_growth_at_once() {
    // Four billion elements cost four billion units of fuel.
    let finished = run(guests::TABLE_GROWTH_AT_ONCE.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::Fuel);
    let most = limits(&[(LimitName::Fuel, LimitName::Fuel.most())]);
    let finished = run(guests::TABLE_GROWTH_AT_ONCE.bytes(), most, plain);
    assert_eq!(limit(&finished), LimitName::TableElements);
    assert_eq!(finished.usage.table_elements, 0);
}

#[test]
pub(super) fn two_tables_summed() {
    let finished = run(guests::TWO_TABLES_SUMMED.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::TableElements);
    assert_eq!(finished.usage.table_elements, 15_000);
}

#[test]
pub(super) fn many_tables() {
    let (rule, message) = refused(guests::MANY_TABLES.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 9 tables; the most is 8");
}

#[test]
pub(super) fn table_past_the_pool() {
    let (rule, message) = refused(guests::TABLE_PAST_THE_POOL.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 100001 elements in one table; the most is 100000");
}

/// Components within components multiply: instances, or only the compiler's work.
#[test]
pub(super) fn nested_components() {
    nested(guests::NESTED_COMPONENTS.bytes());
}

#[test]
pub(super) fn aliased_components() {
    nested(guests::ALIASED_COMPONENTS.bytes());
}

#[test]
pub(super) fn code_as_value() {
    nested(guests::CODE_AS_VALUE.bytes());
}

#[test]
pub(super) fn code_as_an_export() {
    nested(guests::CODE_AS_AN_EXPORT.bytes());
}

#[test]
pub(super) fn nested_levels() {
    nested(guests::NESTED_LEVELS.bytes());
}

#[test]
pub(super) fn handles_without_end() {
    let (rule, message) = refused(guests::HANDLES_WITHOUT_END.bytes());
    assert_eq!(
        (rule, message.as_str()),
        ("component-resource", "the component defines a resource type; a step has no resources")
    );
}

/// Three levels without a single core module: cubic work for a compiler, nothing to count.
#[test]
pub(super) fn nested_without_modules() {
    nested(guests::NESTED_WITHOUT_MODULES.bytes());
}

/// A string between two nested components would be copied by the engine, outside of fuel.
#[test]
pub(super) fn string_between_components() {
    nested(guests::STRING_BETWEEN_COMPONENTS.bytes());
}

fn nested(bytes: Vec<u8>) {
    let (rule, message) = refused(bytes);
    assert_eq!((rule, message.as_str()), ("component-structure", "the component holds another component"));
}
