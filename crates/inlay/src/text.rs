//! Differences of texts, as people read them.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

/// The largest text that is compared line by line; larger ones are only said to differ.
const MAX_COMPARED: usize = 16 << 20;

/// A unified diff of `before` and `after`, with three lines of context; empty where they are equal.
/// Bytes that are no UTF-8 are shown as U+FFFD.
pub(crate) fn unified(name: &str, before: &[u8], after: &[u8]) -> String {
    unified_between(&format!("{name} (now)"), &format!("{name} (then)"), before, after)
}

/// A unified diff of two texts with names of their own.
pub(crate) fn unified_between(from: &str, to: &str, before: &[u8], after: &[u8]) -> String {
    if before == after {
        return String::new();
    }
    if before.len().max(after.len()) > MAX_COMPARED {
        return format!("{from} and {to} differ\n");
    }
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    TextDiff::from_lines(before.as_ref(), after.as_ref()).unified_diff().context_radius(3).header(from, to).to_string()
}

/// How many lines of `before` are gone, and how many of `after` are new.
pub(crate) fn counted(before: &[u8], after: &[u8]) -> (usize, usize) {
    if before.len().max(after.len()) > MAX_COMPARED {
        let lines = |text: &[u8]| text.split_inclusive(|b| *b == b'\n').count();
        return (lines(before), lines(after));
    }
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
    diff.iter_all_changes().fold((0, 0), |(gone, new), change| match change.tag() {
        ChangeTag::Delete => (gone + 1, new),
        ChangeTag::Insert => (gone, new + 1),
        ChangeTag::Equal => (gone, new),
    })
}

/// The diff with its lines coloured as git colours them. Escapes are left out again where the output has no colours.
pub(crate) fn coloured(diff: &str) -> String {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    let mut out = String::with_capacity(diff.len() + diff.len() / 4);
    for line in diff.split_inclusive('\n') {
        let style = match line.as_bytes() {
            [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => Style::new().bold(),
            [b'@', ..] => colour(AnsiColor::Cyan),
            [b'-', ..] => colour(AnsiColor::Red),
            [b'+', ..] => colour(AnsiColor::Green),
            _ => Style::new(),
        };
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        // Writing to a string cannot fail.
        let _ = write!(out, "{style}{body}{style:#}{end}");
    }
    out
}
