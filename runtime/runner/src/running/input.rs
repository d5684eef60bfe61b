//! The input document of a run.

use crate::files::{self, Purpose};
use std::path::Path;
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that an input is a JSON document.
const JSON: Rule = Rule::new("input-json");

/// Reads the input: a `.json` file is the document itself, any other file is handed over as one
/// JSON string, `-` is standard input with a JSON document.
pub(crate) fn read(path: &Path) -> Result<String, Fault> {
    if path == Path::new("-") {
        return document(
            files::text(files::read_stdin()?, "standard input", Purpose::Input)?,
            "standard input",
        );
    }
    let text = files::read_text(path, Purpose::Input)?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json {
        document(text, &files::place(path))
    } else {
        Ok(serde_json::Value::String(text).to_string())
    }
}

fn document(text: String, place: &str) -> Result<String, Fault> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Fault::new(Class::BadInput, Owner::Caller, JSON)
            .at(format_args!("{place}:{}:{}", error.line(), error.column()))
            .says(format_args!("not a JSON document: {error}"))
            .hint("a file whose name does not end in .json is handed over as one string")),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files that they read")]
mod tests {
    use super::read;
    use std::fs;

    #[test]
    fn json_is_itself_and_other_text_is_a_string() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).unwrap();
            read(&dir.path().join(name))
        };
        assert_eq!(file("a.json", "{ \"a\": 1 }").unwrap(), "{ \"a\": 1 }");
        assert_eq!(file("a.xml", "<a b=\"c\"/>\n").unwrap(), r#""<a b=\"c\"/>\n""#);
        let fault = file("b.json", "{\n \"a\": }").unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place().ends_with("b.json:2:7")), ("input-json", true));
        assert_eq!(file("c.json", "").unwrap_err().rule().as_str(), "input-json");
        assert_eq!(file("d.JSON", "{} {}").unwrap_err().rule().as_str(), "input-json");
    }
}
