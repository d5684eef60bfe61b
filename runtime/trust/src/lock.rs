//! `stepward.lock`: what every step of a project is, down to the byte.
//!
//! `stepward build` writes it, people review and commit it, and a run refuses whatever differs from
//! it. The text is a function of the content alone, so that a diff shows changes and nothing else.

use crate::Digest;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use stepward_fault::{Class, Fault, Owner, Rule, shown};

/// The rule that a lock file is well formed.
pub const LOCK: Rule = Rule::new("lock-file");

/// The version of the format that this code reads and writes.
const VERSION: u32 = 1;

const HEADER: &str = "# Written by `stepward build`: what every step is, down to the byte.\n\
                      # Review its changes and commit it. Do not edit it: a run refuses what differs.\n";

/// The content of a lock file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// What the steps were built with. The same sources and another toolchain make other bytes.
    pub toolchain: Toolchain,
    /// The steps, by their names in the project file.
    #[serde(default)]
    pub steps: BTreeMap<String, LockedStep>,
}

/// What the steps were built with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// The first line of `rustc -V`.
    pub rustc: String,
    /// The target triple of the core modules.
    pub target: String,
    /// The version of Stepward, whose component encoder makes the last bytes.
    pub stepward: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedStep {
    /// The digest of the component: the step's identity.
    pub component: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of the reviewed `wit/world.wit`; absent for a component that was not built here.
    #[serde(default)]
    pub world: Option<Digest>,
    /// What the component imports, each as `label: interface`, sorted.
    pub imports: Vec<String>,
    /// The digest of the input's JSON Schema, where the component carries one.
    #[serde(default)]
    pub input_schema: Option<Digest>,
    /// The digest of the output's JSON Schema, where the component carries one.
    #[serde(default)]
    pub output_schema: Option<Digest>,
}

/// One thing in which two locks are not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The step; empty when it is the toolchain that differs.
    pub step: String,
    /// The key in the lock file, or `step` for a step that one of the two lacks.
    pub field: &'static str,
    /// What the first one says; empty where it says nothing.
    pub old: String,
    /// What the second one says; empty where it says nothing.
    pub new: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, field, old, new } = self;
        let place = if step.is_empty() { "toolchain" } else { step };
        let (place, old, new) = (shown(place), shown(old), shown(new));
        match (old.to_string().is_empty(), new.to_string().is_empty()) {
            (true, _) => write!(f, "{place}: {field} is new: {new}"),
            (_, true) => write!(f, "{place}: {field} is gone: it was {old}"),
            _ => write!(f, "{place}: {field} changed from {old} to {new}"),
        }
    }
}

impl Lock {
    /// A lock over these steps.
    pub fn new(toolchain: Toolchain, steps: BTreeMap<String, LockedStep>) -> Self {
        Self { version: VERSION, toolchain, steps }
    }

    /// Reads a lock file. `place` is what messages call it.
    ///
    /// # Errors
    /// A fault with line and column when it is not a lock file, has keys that this version does not
    /// know, or has another version.
    pub fn parse(text: &str, place: &str) -> Result<Self, Fault> {
        let refuse = |offset: usize| {
            Fault::new(Class::BadInput, Owner::WorkflowAuthor, LOCK).at_offset(place, text, offset).hint(
                "the file is written by `stepward build`: restore it from version control, or delete it and \
                       build again, and review the result",
            )
        };
        let lock: Self = toml::from_str(text).map_err(|error| {
            refuse(error.span().map_or(0, |span| span.start)).says(error.message().trim_end())
        })?;
        if lock.version != VERSION {
            return Err(refuse(0).says(format_args!(
                "the lock has version {}; this `stepward` reads {VERSION}",
                lock.version
            )));
        }
        Ok(lock)
    }

    /// The text of the file: sorted, and equal for equal locks.
    pub fn render(&self) -> String {
        let Toolchain { rustc, target, stepward } = &self.toolchain;
        let mut out = format!(
            "{HEADER}version = {}\n\n[toolchain]\nrustc = {}\ntarget = {}\nstepward = {}\n",
            self.version,
            quoted(rustc),
            quoted(target),
            quoted(stepward)
        );
        for (name, step) in &self.steps {
            let LockedStep { component, size, world, imports, input_schema, output_schema } = step;
            let lines = [
                Some(format!("\n[steps.{}]", key(name))),
                Some(format!("component = \"{component}\"")),
                Some(format!("size = {size}")),
                world.map(|digest| format!("world = \"{digest}\"")),
                Some(format!(
                    "imports = [{}]",
                    imports.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(", ")
                )),
                input_schema.map(|digest| format!("input-schema = \"{digest}\"")),
                output_schema.map(|digest| format!("output-schema = \"{digest}\"")),
            ];
            for line in lines.into_iter().flatten() {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }

    /// In what `new` is not the same as this one. Empty exactly when they are equal.
    pub fn differences(&self, new: &Self) -> Vec<Difference> {
        let mut all = self.toolchain.differences(&new.toolchain);
        let names = self.steps.keys().chain(new.steps.keys()).collect::<std::collections::BTreeSet<_>>();
        for name in names {
            match (self.steps.get(name), new.steps.get(name)) {
                (Some(old), Some(new)) => all.extend(old.differences(new, name)),
                (old, new) => all.extend(Difference::between(
                    name,
                    "step",
                    old.map(|step| step.component.to_string()),
                    new.map(|step| step.component.to_string()),
                )),
            }
        }
        all
    }
}

/// A bare key where TOML allows one, else a quoted one.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Toolchain {
    fn differences(&self, new: &Self) -> Vec<Difference> {
        let pairs = [
            ("rustc", &self.rustc, &new.rustc),
            ("target", &self.target, &new.target),
            ("stepward", &self.stepward, &new.stepward),
        ];
        pairs
            .into_iter()
            .filter_map(|(field, old, new)| {
                Difference::between("", field, Some(old.clone()), Some(new.clone()))
            })
            .collect()
    }
}

impl LockedStep {
    /// In what `new` is not the same as this one; `step` is the name that the differences carry.
    pub fn differences(&self, new: &Self, step: &str) -> Vec<Difference> {
        let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        let imports = |step: &Self| Some(format!("[{}]", step.imports.join(", ")));
        [
            Difference::between(
                step,
                "component",
                Some(self.component.to_string()),
                Some(new.component.to_string()),
            ),
            Difference::between(step, "size", Some(self.size.to_string()), Some(new.size.to_string())),
            Difference::between(step, "world", digest(self.world), digest(new.world)),
            Difference::between(step, "imports", imports(self), imports(new)),
            Difference::between(step, "input-schema", digest(self.input_schema), digest(new.input_schema)),
            Difference::between(step, "output-schema", digest(self.output_schema), digest(new.output_schema)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Difference {
    fn between(step: &str, field: &'static str, old: Option<String>, new: Option<String>) -> Option<Self> {
        (old != new).then(|| Self {
            step: step.to_owned(),
            field,
            old: old.unwrap_or_default(),
            new: new.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockedStep, Toolchain};
    use crate::Digest;
    use insta::assert_snapshot;
    use std::collections::BTreeMap;

    fn lock() -> Lock {
        let step = |text: &[u8]| LockedStep {
            component: Digest::of(text),
            size: 7,
            world: Some(Digest::of(b"world")),
            imports: vec!["erp: stepward:step/http-endpoint@0.1.0".to_owned()],
            input_schema: None,
            output_schema: Some(Digest::of(b"{}")),
        };
        let toolchain = Toolchain {
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)".to_owned(),
            target: "wasm32-unknown-unknown".to_owned(),
            stepward: "0.1.0".to_owned(),
        };
        Lock::new(toolchain, BTreeMap::from([("b".to_owned(), step(b"b")), ("a".to_owned(), step(b"a"))]))
    }

    #[test]
    fn the_text_is_stable_and_read_back() {
        let text = lock().render();
        assert_eq!(Lock::parse(&text, "stepward.lock").unwrap(), lock());
        assert_eq!(Lock::parse(&text, "stepward.lock").unwrap().render(), text);
        assert!(text.find("[steps.a]") < text.find("[steps.b]"));
        assert_snapshot!(text, @r#"
# Written by `stepward build`: what every step is, down to the byte.
# Review its changes and commit it. Do not edit it: a run refuses what differs.
version = 1

[toolchain]
rustc = "rustc 1.95.0 (59807616e 2026-04-14)"
target = "wasm32-unknown-unknown"
stepward = "0.1.0"

[steps.a]
component = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
size = 7
world = "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
imports = ["erp: stepward:step/http-endpoint@0.1.0"]
output-schema = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

[steps.b]
component = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
size = 7
world = "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
imports = ["erp: stepward:step/http-endpoint@0.1.0"]
output-schema = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
"#);
    }

    #[test]
    fn any_names_survive() {
        for name in ["a.b", "a\"]\n[x", "\\", "ü", ""] {
            let mut odd = lock();
            let step = odd.steps.remove("a").unwrap();
            odd.toolchain.rustc = name.to_owned();
            odd.steps.insert(name.to_owned(), step);
            assert_eq!(Lock::parse(&odd.render(), "l").unwrap(), odd, "{name:?}");
        }
    }

    #[test]
    fn differences_name_step_field_old_and_new() {
        assert!(lock().differences(&lock()).is_empty());
        let mut new = lock();
        new.toolchain.stepward = "0.2.0".to_owned();
        let a = new.steps.get_mut("a").unwrap();
        a.size = 8;
        a.input_schema = Some(Digest::of(b"{}"));
        a.output_schema = None;
        a.imports.clear();
        let b = new.steps.remove("b").unwrap();
        new.steps.insert("c".to_owned(), b);
        let text = lock().differences(&new).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_snapshot!(text, @r"
toolchain: stepward changed from 0.1.0 to 0.2.0
a: size changed from 7 to 8
a: imports changed from [erp: stepward:step/http-endpoint@0.1.0] to []
a: input-schema is new: sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
a: output-schema is gone: it was sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
b: step is gone: it was sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
c: step is new: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
");
    }

    #[test]
    fn bad_locks_are_refused_with_a_place() {
        let refused = |text: &str| Lock::parse(text, "stepward.lock").unwrap_err().to_string();
        let good = lock().render();
        assert_snapshot!(refused(""), @"stepward.lock:1:1: missing field `version` [lock-file]");
        assert_snapshot!(refused(&good.replace("version = 1", "version = 2")), @"stepward.lock:1:1: the lock has version 2; this `stepward` reads 1 [lock-file]");
        assert_snapshot!(refused(&good.replace("size", "sise")), @"stepward.lock:12:1: unknown field `sise`, expected one of `component`, `size`, `world`, `imports`, `input-schema`, `output-schema` [lock-file]");
        assert_snapshot!(refused(&good.replace("sha256:", "sha512:")), @"stepward.lock:11:13: a digest is written `sha256:` followed by 64 lower-case hex digits [lock-file]");
    }

    #[test]
    fn a_flipped_bit_is_refused_or_is_a_difference() {
        let good = lock().render();
        let start = good.find("version").unwrap();
        for at in start..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if let Ok(read) = Lock::parse(&text, "l") {
                let only_layout = matches!(good.as_bytes()[at], b' ' | b'\n' | b'"' | b'#');
                assert!(only_layout || !lock().differences(&read).is_empty(), "byte {at} of {text}");
            }
        }
    }
}
