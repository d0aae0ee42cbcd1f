//! Errors as one line: for conditions, which a person reads elsewhere, and for the log.

use std::error::Error;

/// An error and everything that caused it, joined by `: `.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = one_line(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let more = one_line(&cause.to_string());
        // Transparent layers say the same again.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

/// The lines joined by `: `, without the picture of the place that some parsers draw (`3 | text`, `  |  ^`).
fn one_line(text: &str) -> String {
    let drawn = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !drawn(line));
    lines.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let drawn = toml::from_str::<toml::Table>("a = 1\nb = what is this\n").unwrap_err();
        assert!(drawn.to_string().lines().count() > 3, "{drawn}");
        let line = chain(&drawn);
        assert!(line.contains("line 2, column") && !line.contains(['\n', '|']), "{line}");
        assert_eq!(one_line("one\n  12 | x\n   |  ^\ntwo\n"), "one: two");
        assert_eq!(one_line("plain"), "plain");
    }
}
