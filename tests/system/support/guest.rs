//! Guests in the text format, and what their `;;!` lines stand for.

use std::fmt::Write as _;

const STEP: &str = include_str!("../../../guest-examples/hostile/prelude/step.wat");
const LOG: &str = include_str!("../../../guest-examples/hostile/prelude/log.wat");
const RUN: &str = include_str!("../../../guest-examples/hostile/prelude/run.wat");
const INTERFACES: [(&str, &str); 5] = [
    ("http-endpoint", include_str!("../../../guest-examples/hostile/prelude/http-endpoint.wat")),
    ("signer", include_str!("../../../guest-examples/hostile/prelude/signer.wat")),
    ("secret", include_str!("../../../guest-examples/hostile/prelude/secret.wat")),
    ("clock", include_str!("../../../guest-examples/hostile/prelude/clock.wat")),
    ("random", include_str!("../../../guest-examples/hostile/prelude/random.wat")),
];

/// A guest in the text format.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> Guest<'a> {
    pub(crate) const fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text }
    }

    /// The name of its file.
    pub(crate) fn name(self) -> &'a str {
        self.name
    }

    /// The lines at the top that say what it tries and what contains it.
    pub(crate) fn says(self) -> impl Iterator<Item = &'a str> {
        self.text.lines().map_while(|line| line.strip_prefix(";; "))
    }

    /// The component's bytes.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let text = expanded(self.text);
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{}.wat: {error}", self.name))
    }

    /// The component's bytes with some of its text replaced first; the text must be there.
    pub(crate) fn bytes_with(self, from: &str, to: &str) -> Vec<u8> {
        assert!(self.text.contains(from), "{}.wat does not hold {from:?}", self.name);
        Guest { name: self.name, text: &self.text.replace(from, to) }.bytes()
    }
}

fn expanded(text: &str) -> String {
    let (mut out, mut imports) = (String::new(), vec![]);
    for line in text.lines() {
        let words: Vec<_> = line.trim().strip_prefix(";;!").unwrap_or_default().split_whitespace().collect();
        match words[..] {
            [] => out.push_str(line),
            ["step"] => out.push_str(STEP),
            ["log"] => {
                imports.push("log");
                out.push_str(LOG);
            }
            ["import", interface, label] => {
                imports.push(label);
                let implements = format!("(implements \"stepward:step/{interface}@0.1.0\")");
                out.push_str(&import(interface, label, &implements));
            }
            ["inline", interface, label] => {
                imports.push(label);
                out.push_str(&import(interface, label, ""));
            }
            ["run"] => out.push_str(&run(&imports)),
            _ => panic!("no such line: {line}"),
        }
        out.push('\n');
    }
    out
}

fn import(interface: &str, label: &str, implements: &str) -> String {
    let (_, text) =
        INTERFACES.into_iter().find(|(name, _)| *name == interface).expect("one of the interfaces");
    text.replace("LABEL", label).replace("IMPLEMENTS", implements)
}

fn run(imports: &[&str]) -> String {
    let mut with = String::new();
    for label in imports {
        write!(with, "(with \"{label}\" (instance ${label}-core))").unwrap();
    }
    RUN.replace("WITH", &with)
}
