//! What the parser of the command line says. It repeats words of the command line, which somebody
//! else may have chosen: a script that passes on a file's name, a link that was pasted.

use clap::{
    builder::StyledStr,
    error::{ContextKind, ContextValue},
};
use std::io::Write as _;
use stepward_fault::shown;

/// The same error about words in which every character that could forge or hide something is
/// written as `\u{…}`; a newline too, since it would start a line of its own.
pub(crate) fn plain_words(mut error: clap::Error) -> clap::Error {
    let plain: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(word) => ContextValue::String(shown(word).to_string()),
                ContextValue::Strings(words) => {
                    ContextValue::Strings(words.iter().map(|word| shown(word).to_string()).collect())
                }
                // Advice, which quotes words between the parser's own styles.
                ContextValue::StyledStrs(lines) => {
                    ContextValue::StyledStrs(lines.iter().map(unstyled).collect())
                }
                // Nothing, numbers, and the usage, which is made of the commands' own names. The
                // enum is open: `safe` looks at what is printed in the end.
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in plain {
        error.insert(kind, value);
    }
    error
}

fn unstyled(text: &StyledStr) -> StyledStr {
    shown(&text.to_string()).to_string().into()
}

/// Prints what the parser says, help too, in its colours where the terminal has them.
pub(crate) fn usage(error: &clap::Error) {
    let text = safe(&error.render());
    // A closed terminal is nobody's fault here.
    drop(if error.use_stderr() {
        write!(anstream::stderr(), "{text}")
    } else {
        write!(anstream::stdout(), "{text}")
    });
}

/// The text with its styles where nothing but styles and lines steers the terminal; otherwise
/// without styles and escaped. Help shows values of the environment, which are no words of ours.
fn safe(text: &StyledStr) -> String {
    let styled = text.ansi().to_string();
    if without_styles(&styled).lines().all(|line| shown(line).to_string() == line) {
        return styled;
    }
    let lines =
        styled.lines().map(|line| shown(&anstream::adapter::strip_str(line).to_string()).to_string() + "\n");
    lines.collect()
}

/// The text without the escape sequences of ECMA-48 that select a graphic rendition.
fn without_styles(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(rest) => plain.push_str(rest),
            // Some other sequence: what stays of it is refused.
            None => plain.extend(["\u{1b}[", piece]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{StyledStr, safe};

    #[test]
    fn styles_stay_and_everything_else_that_steers_is_escaped() {
        let good = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m a word\n\nUsage: \u{1b}[1mx\u{1b}[0m\n";
        assert_eq!(safe(&StyledStr::from(good)), good);
        for bad in ["\u{1b}[2J", "\u{1b}]0;x\u{7}", "\u{9b}2J", "\u{202e}", "\r", "\u{1b}[", "\u{1b}[1"] {
            let text = safe(&StyledStr::from(format!("\u{1b}[1merror:\u{1b}[0m {bad}x\nmore\n")));
            assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
            assert!(text.starts_with("error: ") && text.ends_with("\nmore\n"), "{text:?}");
        }
    }
}
