//! The check of an output: a JSON document that every reader in the house can read.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Says why `text` is not a JSON document.
///
/// # Errors
/// Also when it is nested deeper than `serde_json` reads (128 levels), or holds a number that no
/// `f64` can: the next step's reader, or a trace's, would fail on it.
pub(crate) fn read(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Read>(text).map(|Read| ())
}

/// Everything was read and nothing kept. serde's own `IgnoredAny` does not go down into arrays and
/// objects, and so would pass any depth.
struct Read;

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// Whatever passes can be read as a value, and the other way round.
    #[test]
    fn what_passes_is_what_serde_json_reads() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for text in [
            "null",
            " true ",
            "0",
            "-0.5e3",
            "18446744073709551616",
            "\"\\u00e9\"",
            "[]",
            "{}",
            "[1,{\"a\":[null]}]",
            "1e400",
            "\"\\ud800\"",
            "",
            "nul",
            "[1,]",
            "{\"a\"}",
            "1 2",
            &deep(127),
            &deep(128),
            &deep(100_000),
        ] {
            let shown = &text[..text.len().min(40)];
            assert_eq!(
                read(text).is_ok(),
                serde_json::from_str::<serde_json::Value>(text).is_ok(),
                "{shown}"
            );
        }
    }
}
