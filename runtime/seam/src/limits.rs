//! Limits that cannot be missing.
//!
//! Every limit has a finite default, a highest value that no file can exceed, and the name under
//! which an outcome reports it. The table below is the only place that knows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $unit:literal, default $default:expr, most $most:expr;)*) => {
        /// The name of a limit, as files and outcomes write it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum LimitName {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl LimitName {
            /// All limits, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in files and outcomes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The unit, for people.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit),* }
            }

            /// What applies where no file says anything.
            pub const fn default_value(self) -> u64 {
                match self { $(Self::$variant => $default),* }
            }

            /// What no file can exceed.
            pub const fn most(self) -> u64 {
                match self { $(Self::$variant => $most),* }
            }

            /// What the limit counts, for documentation and the JSON schema.
            pub const fn describes(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*)),* }
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

limits! {
    /// Fuel: about one unit for each WebAssembly instruction, and the price of each host call.
    Fuel = "fuel", "units", default 2_000_000_000, most 1_000_000_000_000;
    /// Linear memory, summed over all memories of the instance.
    MemoryBytes = "memory-bytes", "bytes", default 64 * MIB, most 512 * MIB;
    /// Table elements, summed over all tables of the instance.
    TableElements = "table-elements", "elements", default 20_000, most 100_000;
    /// Core instances that instantiating the component makes.
    Instances = "instances", "instances", default 16, most 32;
    /// Wall time of a run: queueing, compiling, instantiating and running together.
    WallTimeMs = "wall-time-ms", "ms", default 30_000, most 3_600_000;
    /// Calls to the host, log lines included.
    HostCalls = "host-calls", "calls", default 1_000, most 1_000_000;
    /// Bytes that one call carries from the guest to the host.
    BytesOutPerCall = "bytes-out-per-call", "bytes", default 4 * MIB, most 32 * MIB;
    /// Bytes that one reply carries from the host to the guest.
    BytesInPerCall = "bytes-in-per-call", "bytes", default 4 * MIB, most 32 * MIB;
    /// Bytes from the guest to the host over all calls.
    BytesOut = "bytes-out", "bytes", default 16 * MIB, most 256 * MIB;
    /// Bytes from the host to the guest over all calls.
    BytesIn = "bytes-in", "bytes", default 16 * MIB, most 256 * MIB;
    /// Log lines.
    LogLines = "log-lines", "lines", default 200, most 100_000;
    /// Bytes of all log lines.
    LogBytes = "log-bytes", "bytes", default 256 * KIB, most 16 * MIB;
    /// Bytes of the input document.
    InputBytes = "input-bytes", "bytes", default 8 * MIB, most 64 * MIB;
    /// Bytes of the output document.
    OutputBytes = "output-bytes", "bytes", default 8 * MIB, most 64 * MIB;
    /// Bytes of the component.
    ComponentBytes = "component-bytes", "bytes", default 8 * MIB, most 64 * MIB;
    /// Time to compile the component.
    CompileTimeMs = "compile-time-ms", "ms", default 20_000, most 300_000;
}

/// The `limits` or `ceilings` table of a file: any of the limits, each checked against the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LimitTable(BTreeMap<LimitName, u64>);

impl LimitTable {
    /// The limits that the file names.
    pub fn iter(&self) -> impl Iterator<Item = (LimitName, u64)> {
        self.0.iter().map(|(name, value)| (*name, *value))
    }

    /// These values over `base`.
    ///
    /// # Errors
    /// When a value is 0 or above what the table of limits allows, or when one value of this table
    /// takes every effect from another.
    pub fn over(&self, mut base: Limits) -> Result<Limits, LimitError> {
        for (name, value) in self.iter() {
            base.set(name, value)?;
        }
        for (name, by) in PARTS {
            if let (Some(part), Some(whole)) = (self.0.get(&name), self.0.get(&by))
                && part > whole
            {
                return Err(LimitError::NoEffect { name, by });
            }
        }
        Ok(base)
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value for every limit. There is no way to leave one out or to say "unlimited".
///
/// Clones share the values, since every run holds several.
#[derive(Clone, PartialEq, Eq)]
pub struct Limits(Arc<[u64; LimitName::ALL.len()]>);

impl Limits {
    fn each(value: impl Fn(LimitName) -> u64) -> Self {
        let mut values = [0; LimitName::ALL.len()];
        for (slot, name) in values.iter_mut().zip(LimitName::ALL) {
            *slot = value(*name);
        }
        Self(Arc::new(values))
    }

    fn iter(&self) -> impl Iterator<Item = (LimitName, u64)> {
        LimitName::ALL.iter().copied().zip(self.0.iter().copied())
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Limits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Why a value for a limit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitError {
    /// Zero would stop every run.
    Zero(LimitName),
    /// Above the ceiling that applies.
    AboveCeiling {
        /// The limit.
        name: LimitName,
        /// What was asked.
        asked: u64,
        /// The ceiling.
        ceiling: u64,
    },
    /// Another limit of the same file always ends the run first.
    NoEffect {
        /// The limit that can never run out.
        name: LimitName,
        /// The one that runs out before it.
        by: LimitName,
    },
}

/// Pairs in which the first counts a part of what the second counts.
const PARTS: [(LimitName, LimitName); 4] = [
    (LimitName::BytesInPerCall, LimitName::BytesIn),
    (LimitName::BytesOutPerCall, LimitName::BytesOut),
    (LimitName::LogBytes, LimitName::BytesOut),
    (LimitName::LogLines, LimitName::HostCalls),
];

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(name) => write!(f, "the limit {name} is 0; the least is 1 {}", name.unit()),
            Self::AboveCeiling { name, asked, ceiling } => {
                write!(f, "the limit {name} = {asked} is above the ceiling of {ceiling} {}", name.unit())
            }
            Self::NoEffect { name, by } => {
                write!(f, "the limit {name} has no effect: {by}, which counts the same and more, is lower")
            }
        }
    }
}

impl std::error::Error for LimitError {}

impl Default for Limits {
    fn default() -> Self {
        Self::each(LimitName::default_value)
    }
}

impl Limits {
    /// The highest values that any file can give.
    pub fn most() -> Self {
        Self::each(LimitName::most)
    }

    /// The value of one limit.
    pub fn get(&self, name: LimitName) -> u64 {
        self.0.get(name as usize).copied().unwrap_or_else(|| name.default_value())
    }

    /// Sets one limit.
    ///
    /// # Errors
    /// When the value is 0 or above what the table allows.
    pub fn set(&mut self, name: LimitName, value: u64) -> Result<(), LimitError> {
        if value == 0 {
            return Err(LimitError::Zero(name));
        }
        if value > name.most() {
            return Err(LimitError::AboveCeiling { name, asked: value, ceiling: name.most() });
        }
        if let Some(slot) = Arc::make_mut(&mut self.0).get_mut(name as usize) {
            *slot = value;
        }
        Ok(())
    }

    /// These limits, each cut down to the ceiling's value.
    #[must_use]
    pub fn under(&self, ceiling: &Self) -> Self {
        Self::each(|name| self.get(name).min(ceiling.get(name)))
    }
}

/// What a step used, in the units of the limits of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Fuel consumed.
    pub fuel: u64,
    /// Highest sum of linear memory.
    pub peak_memory_bytes: u64,
    /// Highest sum of table elements.
    pub table_elements: u64,
    /// Host calls made, log lines included.
    pub host_calls: u64,
    /// Bytes from host to guest.
    pub bytes_in: u64,
    /// Bytes from guest to host.
    pub bytes_out: u64,
    /// Log lines written.
    pub log_lines: u64,
    /// Bytes of all log lines.
    pub log_bytes: u64,
    /// Bytes of the output document.
    pub output_bytes: u64,
    /// Wall time in microseconds. Not part of what a replay repeats.
    pub wall_us: u64,
}

#[cfg(test)]
mod tests {
    use super::{LimitError, LimitName, LimitTable, Limits};

    #[test]
    fn every_default_is_finite_and_below_its_most() {
        for name in LimitName::ALL {
            assert!(name.default_value() >= 1 && name.default_value() <= name.most(), "{name}");
            assert!(!name.describes().is_empty());
        }
    }

    #[test]
    fn zero_and_too_much_are_refused() {
        let mut limits = Limits::default();
        assert_eq!(limits.set(LimitName::Fuel, 0), Err(LimitError::Zero(LimitName::Fuel)));
        assert!(limits.set(LimitName::Fuel, u64::MAX).is_err());
        assert_eq!(limits, Limits::default());
    }

    #[test]
    fn a_declared_limit_has_an_effect() {
        let table = |text: &str| serde_json::from_str::<LimitTable>(text).unwrap().over(Limits::default());
        assert!(table(r#"{"bytes-in-per-call": 10, "bytes-in": 10}"#).is_ok());
        assert_eq!(
            table(r#"{"bytes-in-per-call": 11, "bytes-in": 10}"#),
            Err(LimitError::NoEffect { name: LimitName::BytesInPerCall, by: LimitName::BytesIn })
        );
        assert!(
            table(r#"{"log-lines": 20, "host-calls": 10}"#)
                .unwrap_err()
                .to_string()
                .contains("has no effect")
        );
    }

    #[test]
    fn a_ceiling_only_lowers() {
        let mut ceiling = Limits::most();
        ceiling.set(LimitName::HostCalls, 7).unwrap();
        let cut = Limits::default().under(&ceiling);
        assert_eq!(cut.get(LimitName::HostCalls), 7);
        assert_eq!(cut.get(LimitName::Fuel), LimitName::Fuel.default_value());
    }
}
