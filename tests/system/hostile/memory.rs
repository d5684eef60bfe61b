//! Guests that try to take more memory, tables or instances than they were given.

use super::guests;
use crate::support::brokers::plain;
use crate::support::sandbox::{limit, limits, refused, run};
use stepward_sandbox::Inspected;
use stepward_seam::{LimitName, Limits};
use stepward_trust::Pinned;

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
pub(super) fn two_memories_summed() {
    let finished =
        run(guests::TWO_MEMORIES_SUMMED.bytes(), limits(&[(LimitName::MemoryBytes, 60 * PAGE)]), plain());
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
    assert_eq!(finished.usage.peak_memory_bytes, 42 * PAGE);
}

#[test]
pub(super) fn memory_growth() {
    let finished =
        run(guests::MEMORY_GROWTH.bytes(), limits(&[(LimitName::MemoryBytes, 99 * PAGE)]), plain());
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
    assert_eq!(finished.usage.peak_memory_bytes, 99 * PAGE);
}

#[test]
pub(super) fn memory_at_start() {
    let finished = run(guests::MEMORY_AT_START.bytes(), Limits::default(), plain());
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
    let finished = run(guests::TABLE_GROWTH.bytes(), limits(&[(LimitName::TableElements, 5_500)]), plain());
    assert_eq!(limit(&finished), LimitName::TableElements);
    assert_eq!(finished.usage.table_elements, 5_000);
}

#[test]
pub(super) fn table_growth_at_once() {
    // Four billion elements cost four billion units of fuel.
    let finished = run(guests::TABLE_GROWTH_AT_ONCE.bytes(), Limits::default(), plain());
    assert_eq!(limit(&finished), LimitName::Fuel);
    let most = limits(&[(LimitName::Fuel, LimitName::Fuel.most())]);
    let finished = run(guests::TABLE_GROWTH_AT_ONCE.bytes(), most, plain());
    assert_eq!(limit(&finished), LimitName::TableElements);
    assert_eq!(finished.usage.table_elements, 0);
}

#[test]
pub(super) fn two_tables_summed() {
    let finished = run(guests::TWO_TABLES_SUMMED.bytes(), Limits::default(), plain());
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

#[test]
pub(super) fn nested_components() {
    let (rule, message) = refused(guests::NESTED_COMPONENTS.bytes());
    assert_eq!(rule, "component-structure");
    // Sixty-four, the base and the guest.
    assert_eq!(message, "the component makes 66 core instances; the limit instances is 16");
}

#[test]
pub(super) fn aliased_components() {
    let (rule, message) = refused(guests::ALIASED_COMPONENTS.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component makes 18 core instances; the limit instances is 16");
    // The count is exact here: with two more it is let through.
    let enough = limits(&[(LimitName::Instances, 18)]);
    let pinned = Pinned::trust_on_first_use(guests::ALIASED_COMPONENTS.bytes());
    assert_eq!(Inspected::read(pinned, &enough).unwrap().core_instances(), 18);
}

#[test]
pub(super) fn code_as_value() {
    let (rule, message) = refused(guests::CODE_AS_VALUE.bytes());
    assert_eq!(rule, "component-structure");
    assert!(message.starts_with("a nested component imports"), "{message}");
}

#[test]
pub(super) fn code_as_an_export() {
    let (rule, message) = refused(guests::CODE_AS_AN_EXPORT.bytes());
    assert_eq!(rule, "component-structure");
    assert!(message.starts_with("a nested component imports"), "{message}");
}

#[test]
pub(super) fn nested_levels() {
    let (rule, message) = refused(guests::NESTED_LEVELS.bytes());
    assert_eq!(rule, "component-structure");
    assert_eq!(message, "the component has 5 levels of nesting; the most is 4");
}
