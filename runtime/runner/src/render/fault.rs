//! A fault as people read it: what, where, which rule, whose turn it is, what to do.

use super::{BAD, DIM, styled};
use std::fmt;
use stepward_fault::Fault;

/// A fault, one aspect a line.
pub(super) struct Report<'a>(pub(super) &'a Fault);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.0;
        writeln!(f, "{}: {}", styled(BAD, "error"), fault.message())?;
        if !fault.place().is_empty() {
            writeln!(f, "  {} {}", styled(DIM, "at:  "), fault.place())?;
        }
        writeln!(f, "  {} {} ({})", styled(DIM, "rule:"), fault.rule(), fault.owner())?;
        for (number, line) in fault.remedy().lines().enumerate() {
            writeln!(f, "  {} {line}", if number == 0 { styled(DIM, "hint:") } else { "     ".to_owned() })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use insta::assert_snapshot;
    use stepward_fault::{Class, Fault, Owner, Rule};

    #[test]
    fn every_aspect_has_its_line_and_nothing_forges_one() {
        let fault = Fault::new(Class::BadInput, Owner::Operator, Rule::new("a-rule"))
            .at("environment.toml:1:2")
            .says("two\nlines")
            .hint("first\nsecond");
        assert_snapshot!(anstream::adapter::strip_str(&Report(&fault).to_string()), @r"
error: two\u{a}lines
  at:   environment.toml:1:2
  rule: a-rule (operator)
  hint: first
        second
");
    }
}
