//! reStructuredText: a line of text with a line of one sign below it, and perhaps one above; the level is told by the order in which the file
//! uses these styles (docutils, "reStructuredText Markup Specification", "Sections").

use std::collections::HashSet;

use super::{Heading, Headings, LensError, Markup, Outline, line_at, squeezed};
use crate::lens::Format;
use crate::selector::Scheme;

pub(super) struct ReStructuredText;

/// The styles of the levels of a fragment, and of a file's levels that have none yet.
const STYLES: &str = "=-~^\"'`*+#:.<>_";

/// A sign, and whether it stands above, too.
type Style = (char, bool);

/// The sign of a line that is nothing but that, and how often.
fn rule(line: &str) -> Option<(char, usize)> {
    let line = line.trim_end();
    let first = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|c| c == first).then_some((first, line.len()))
}

/// The columns that a text takes: wide characters of East Asia take two.
fn width(text: &str) -> usize {
    let is_wide = |c: char| {
        matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
            | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
    };
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Whether a rule underlines a text: docutils lets one of four signs and more be too short.
fn underlines(text: &str, length: usize) -> bool {
    length >= 4 || length >= width(text.trim_end())
}

/// Whether a line begins something that is no paragraph: a list, a field, a directive, a table. Then no rule below makes a heading of it.
fn begins_other(line: &str) -> bool {
    let mut chars = line.chars();
    let (first, second) = (chars.next(), chars.next());
    let blank = |c: Option<char>| c.is_none_or(|c| c == ' ' || c == '\t');
    match first {
        Some('-' | '*' | '+' | '\u{2022}' | '\u{2023}' | '\u{2043}') if blank(second) => true,
        Some('|') if blank(second) => true,
        Some('.') => line.starts_with(".. ") || line.trim_end() == "..",
        Some('_') => line.starts_with("__ ") || line.trim_end() == "__",
        Some('>') => line.starts_with(">>> "),
        Some('+') => line.starts_with("+-") || line.starts_with("+="),
        Some(':') => line[1..].split_once(':').is_some_and(|(name, rest)| {
            !name.is_empty() && !name.starts_with(' ') && (rest.is_empty() || rest.starts_with(' '))
        }),
        _ => false,
    }
}

/// `.. _name:`, which belongs to what stands below.
fn is_target(line: &str) -> bool {
    line.strip_prefix(".. _").is_some_and(|rest| rest.trim_end().ends_with(':') && rest.trim_end().len() > 1)
}

/// A heading as it stands in the file.
struct Found {
    style: Style,
    title: (usize, usize),
    name: String,
    first: usize,
}

/// The headings, without their levels.
fn found(text: &str, start: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut in_paragraph, mut in_doctest) = (false, false);
    // How long the borders are that no table ends with any more.
    let mut endless: HashSet<usize> = HashSet::new();
    // Where the targets begin that stand above what comes.
    let mut targets: Option<usize> = None;
    let mut at = start;
    while at < text.len() {
        let (line, end) = line_at(text, at);
        let here = std::mem::replace(&mut at, end);
        if line.trim().is_empty() {
            (in_paragraph, in_doctest) = (false, false);
            continue;
        }
        if line.starts_with([' ', '\t']) {
            (in_paragraph, targets) = (in_doctest, None);
            continue;
        }
        if in_paragraph {
            continue;
        }
        if is_target(line) {
            targets.get_or_insert(here);
            continue;
        }
        let first = targets.take().unwrap_or(here);
        let (next, after) = line_at(text, end);
        let is_text = |line: &str| !line.trim().is_empty();
        if let Some((sign, length)) = rule(line) {
            let (below, last) = line_at(text, after);
            let over = rule(below).filter(|_| after < text.len() && is_text(next) && rule(next).is_none());
            if over == Some((sign, length)) && underlines(next.trim(), length) {
                found.push(Found { style: (sign, true), title: (here, last), name: squeezed(next), first });
                at = last;
                continue;
            }
            // Otherwise it is a transition, or what docutils calls an error and leaves out; a short one is text.
            if length >= 4 {
                at = match (is_text(next), rule(next)) {
                    (false, _) => end,
                    (true, Some(_)) => after,
                    (true, None) => last,
                };
                continue;
            }
        }
        if line.starts_with('=')
            && line.contains("= ")
            && line.split_whitespace().all(|part| rule(part).is_some_and(|(sign, _)| sign == '='))
        {
            at = match endless.contains(&line.trim_end().len()) {
                true => end,
                false => table_end(text, end, line).unwrap_or_else(|| {
                    endless.insert(line.trim_end().len());
                    end
                }),
            };
            continue;
        }
        if begins_other(line) {
            // A doctest goes on to the next blank line, a grid table to one or an indented line.
            in_doctest = line.starts_with('>');
            in_paragraph = in_doctest || (line.starts_with('+') && !line.starts_with("+ "));
            continue;
        }
        match rule(next) {
            Some((sign, length)) if end < text.len() && underlines(line, length) => {
                found.push(Found { style: (sign, false), title: (here, after), name: squeezed(line), first });
                at = after;
            }
            _ => in_paragraph = true,
        }
    }
    found
}

/// Where a simple table ends that begins with this border: behind the border that no text follows.
fn table_end(text: &str, from: usize, border: &str) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        let (line, end) = line_at(text, at);
        at = end;
        if line.trim_end().len() == border.trim_end().len()
            && line.trim_end().bytes().all(|b| b == b'=' || b == b' ')
            && line_at(text, end).0.trim().is_empty()
        {
            return Some(end);
        }
    }
    None
}

/// The styles of a file, by level.
fn styles(outline: &Outline<'_>) -> Vec<Style> {
    let mut styles: Vec<Style> = Vec::new();
    for heading in &outline.headings {
        if heading.level == styles.len() + 1 {
            styles.push(style(&outline.text[heading.title.clone()]));
        }
    }
    styles
}

/// The style of a heading's lines.
fn style(title: &str) -> Style {
    let last = title.lines().last().and_then(rule).map_or('=', |(sign, _)| sign);
    (last, title.lines().count() > 2)
}

/// A heading in a style.
fn styled(text: &str, (sign, over): Style) -> String {
    let line: String = std::iter::repeat_n(sign, width(text).max(if over { 0 } else { 3 })).collect();
    if over { format!("{line}\n{text}\n{line}\n") } else { format!("{text}\n{line}\n") }
}

impl Markup for ReStructuredText {
    fn scheme(&self) -> Scheme {
        Scheme::Rst
    }

    fn format(&self) -> Format {
        Format::Rst
    }

    fn headings(&self, text: &str, start: usize) -> Result<Headings, LensError> {
        let mut styles: Vec<Style> = Vec::new();
        let mut headings: Vec<Heading> = Vec::new();
        for Found { style, title: (at, end), name, first } in found(text, start) {
            let above = headings.last().map_or(0, |heading| heading.level);
            let level = match styles.iter().position(|known| *known == style) {
                Some(known) => known + 1,
                None => {
                    styles.push(style);
                    styles.len()
                }
            };
            if level > above + 1 {
                let found = format!("the heading `{name}` has level {level} and stands below one of level {above}");
                return Err(LensError::unparsable(text.as_bytes(), at, found));
            }
            if begins_other(&name) {
                let found = format!("the heading `{name}` would be none without the line above it; write it otherwise");
                return Err(LensError::unparsable(text.as_bytes(), at, found));
            }
            headings.push(Heading { level, name, span: first..end, title: at..end, underlined: true, parent: None });
        }
        Ok(Headings { headings, limit: text.len() })
    }

    fn normal(&self, title: &str, _: &Heading, level: usize) -> Option<String> {
        let sign = STYLES.chars().nth(level - 1)?;
        let (_, over) = style(title);
        let text = title.lines().nth(usize::from(over))?.trim();
        Some(styled(text, (sign, false)))
    }

    fn written(&self, normal: String, level: usize, outline: &Outline<'_>) -> Option<String> {
        let styles = styles(outline);
        let text = normal.lines().next()?;
        let mut unused = STYLES.chars().filter(|sign| !styles.iter().any(|(known, _)| known == sign));
        let style = match styles.get(level - 1) {
            Some(style) => *style,
            None => (unused.nth(level - 1 - styles.len())?, false),
        };
        Some(styled(text, style))
    }

    fn titled(&self, name: &str) -> String {
        styled(name, ('=', false))
    }

    fn rule(&self) -> &'static str {
        "a section's fragment begins with its heading at level 1, underlined with `=`, whatever its level in the file (targets may stand \
         above it)"
    }
}
