//! The findings, for people.

use super::{
    Kept, Promised, Report,
    trial::{End, Tried},
};
use crate::render::{BAD, DIM, GOOD, Output, STRONG, Table, WARN, styled};
use anstyle::Style;
use stepward_fault::shown;

/// Characters of the last column: what the others leave of a terminal of 100.
const MEANING: usize = 54;
/// By what seccomp ends a process, on every architecture that workers are locked on.
const SIGSYS: i32 = 31;

/// Shows everything but the error.
pub(super) fn report(output: &Output, report: &Report) {
    let machine = &report.machine;
    let kernel = machine.kernel.as_deref().unwrap_or("of an unknown release");
    let landlock = match machine.landlock_abi {
        Some(abi) => format!("Landlock ABI {abi}"),
        None => "no Landlock".to_owned(),
    };
    let system = if machine.system == "linux" { "Linux" } else { machine.system };
    output.line(format_args!("{system} {}, {}, {landlock}", shown(kernel), machine.architecture));
    if let (Some(environment), Some(witnesses)) = (&report.environment, &report.witnesses) {
        output.line(format_args!("the log of {environment} has {witnesses}"));
    }

    heading(output, "What workers promise, the processes in which guests are compiled and run");
    let mut table = Table::new(&["promise", "compiler", "runner", "meaning"]);
    for promised in &report.promises {
        let kept = |kept: &Kept| match (kept, promised.demanded) {
            (Kept::Held, _) => styled(GOOD, "held"),
            (Kept::Missing { .. }, true) => styled(BAD, "MISSING"),
            (Kept::Missing { .. }, false) => styled(WARN, "missing"),
        };
        let cells = [promised.name.to_string(), kept(&promised.compiler), kept(&promised.runner)];
        explained(&mut table, cells.to_vec(), promised.meaning);
    }
    output.line(table);
    for promised in report.promises.iter().filter(|promised| !promised.is_held()) {
        missing(output, promised);
    }

    heading(output, "What an escaped guest would try, each tried in a locked worker just now");
    let mut table = Table::new(&["attempt", "compiler", "runner", "meaning"]);
    for tried in &report.attempts {
        let cells =
            vec![tried.name.name().to_owned(), end(tried.compiler.as_ref()), end(tried.runner.as_ref())];
        explained(&mut table, cells, tried.meaning);
    }
    output.line(table);
    for tried in &report.attempts {
        succeeded(output, tried);
    }

    heading(output, "What this process forbids about itself, since it works with the credentials");
    let mut table = Table::new(&["protection", "state", "meaning"]);
    for own in &report.process {
        let state = if own.is_held() { styled(GOOD, "held") } else { styled(BAD, "MISSING") };
        explained(&mut table, vec![own.name.to_owned(), state], own.meaning);
    }
    output.line(table);
    output.line("");
    if report.error.is_none() {
        sum(output, report);
    }
}

fn heading(output: &Output, text: &str) {
    output.line(format_args!("\n{}", styled(STRONG, text)));
}

/// A row whose last cell takes as many lines as it needs.
fn explained(table: &mut Table, cells: Vec<String>, meaning: &str) {
    let mut lines = wrapped(meaning).into_iter();
    let columns = cells.len();
    let dim = |line: Option<String>| styled(DIM, line.unwrap_or_default());
    table.row(cells.into_iter().chain([dim(lines.next())]));
    for line in lines {
        table.row(vec![String::new(); columns].into_iter().chain([dim(Some(line))]));
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= MEANING => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn missing(output: &Output, promised: &Promised) {
    let style = if promised.demanded { BAD } else { WARN };
    let whys = [("compiler", &promised.compiler), ("runner", &promised.runner)];
    output.line(format_args!("\n  {}", styled(style, promised.name)));
    let whys = whys.map(|(kind, kept)| match kept {
        Kept::Held => None,
        Kept::Missing { why } => Some((kind, why)),
    });
    match whys {
        [Some((_, compiler)), Some((_, runner))] if compiler == runner => {
            output.line(format_args!("    because: {}", shown(compiler)));
        }
        each => {
            for (kind, why) in each.into_iter().flatten() {
                output.line(format_args!("    because: {} ({kind})", shown(why)));
            }
        }
    }
    output.line(format_args!("    to do:   {}", promised.remedy.unwrap_or_default()));
    if !promised.demanded {
        output.line("    the environment does not demand it");
    }
}

fn end(end: Option<&End>) -> String {
    let (style, word): (Style, &str) = match end {
        None => (DIM, "may"),
        Some(End::Refused { .. }) => (GOOD, "refused"),
        Some(End::Ended { signal: SIGSYS }) => (GOOD, "ended, SIGSYS"),
        Some(End::Ended { .. }) => (GOOD, "ended"),
        Some(End::Succeeded { .. }) => (BAD, "SUCCEEDED"),
        Some(End::Unknown { .. }) => (WARN, "not known"),
    };
    styled(style, word)
}

fn succeeded(output: &Output, tried: &Tried) {
    for (kind, end) in [("compiler", &tried.compiler), ("runner", &tried.runner)] {
        match end {
            Some(End::Succeeded { got }) => {
                output.line(format_args!(
                    "  {} in a {kind}: it got {}",
                    styled(BAD, tried.name.name()),
                    shown(got)
                ));
            }
            Some(End::Unknown { why }) => {
                output.line(format_args!(
                    "  {} in a {kind}: {}",
                    styled(WARN, tried.name.name()),
                    shown(why)
                ));
            }
            Some(End::Refused { .. } | End::Ended { .. }) | None => {}
        }
    }
}

/// What it comes to, where nothing is wrong.
fn sum(output: &Output, report: &Report) {
    let made = |tried: &Tried| usize::from(tried.compiler.is_some()) + usize::from(tried.runner.is_some());
    let attempts: usize = report.attempts.iter().map(made).sum();
    let held = report.promises.iter().filter(|promised| promised.is_held()).count();
    let all = report.promises.len();
    let demanded = match &report.environment {
        Some(name) => format!(", and the environment `{}` demands no other", shown(name)),
        None => String::new(),
    };
    output.line(format_args!(
        "{} {held} of {all} promises hold{demanded}; {attempts} attempts to break out, and none got anything",
        styled(GOOD, "ok")
    ));
}

#[cfg(test)]
mod tests {
    use super::{MEANING, wrapped};

    #[test]
    fn a_meaning_is_wrapped_between_words() {
        let text = "a word and another ".repeat(9);
        let lines = wrapped(text.trim());
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= MEANING), "{lines:?}");
        assert_eq!(lines.join(" "), text.trim());
        assert_eq!(wrapped("x".repeat(99).as_str()).len(), 1);
    }
}
