//! The names of the values that a log remembers beside its events: whoever writes one, whoever goes by it and
//! whoever verifies it means the same one.
//!
//! A value is remembered in the commit of the event that it follows from, under the seal of the log.

use crate::event::Name;

/// The digest of the environment's configuration, of the last event that it changed.
pub const POLICY: &str = "policy";
/// The name of the run that was erased last.
pub const ERASED: &str = "erased";
/// The sequence of the last event that the log was restored.
pub const RESTORED: &str = "restored";
/// Which restore the log came from: a part of its name. It follows from no event.
pub const GENERATION: &str = "generation";

/// The digest of what is pinned under a name, of the last event that it changed.
pub fn bundle(object: &Name) -> String {
    format!("bundle {object}")
}

#[cfg(test)]
mod tests {
    use super::{ERASED, GENERATION, POLICY, RESTORED, bundle};
    use crate::event::Name;
    use std::collections::BTreeSet;

    /// Logs that exist have these names. What is pinned can be called like any of the others.
    #[test]
    fn names_stay_and_differ() {
        let fixed = [POLICY, ERASED, RESTORED, GENERATION];
        assert_eq!(fixed, ["policy", "erased", "restored", "generation"]);
        let bundles = fixed.map(|name| bundle(&Name::new(name).unwrap()));
        assert_eq!(bundles[0], "bundle policy");
        let all = fixed.iter().copied().chain(bundles.iter().map(String::as_str));
        assert_eq!(all.collect::<BTreeSet<_>>().len(), 8);
    }
}
