//! Headings moved between the levels of a file and those of a fragment.

use std::borrow::Cow;
use std::collections::HashMap;

use super::headings::{self, Outline};
use crate::lens::outline::Heading;
use crate::lens::{Format, LensError, Span, body, lf};

/// The deepest level of a heading.
const DEEPEST: usize = 6;

/// The section at `span` as a fragment: its headings `by` levels higher.
pub(super) fn to_root(text: &str, headings: &[Heading], span: &Span, by: usize) -> String {
    let mut out = String::with_capacity(span.len() + 1);
    let mut at = span.start;
    for heading in headings.iter().filter(|heading| span.start <= heading.span.start && heading.span.end <= span.end) {
        push_lines(&mut out, &text[at..heading.span.start]);
        let raw = &text[heading.span.clone()];
        match underlined_content(heading, raw) {
            Some(content) => out.push_str(&hashed(heading.level - by, content)),
            None if heading.underlined => push_lines(&mut out, &with_underline(raw, heading.level - by)),
            None => push_lines(&mut out, &raw.replacen(&"#".repeat(by), "", 1)),
        }
        at = heading.span.end;
    }
    push_lines(&mut out, &text[at..span.end]);
    out
}

/// Appends lines, with LF and with a line end after the last one.
fn push_lines(out: &mut String, text: &str) {
    for line in text.split_inclusive('\n') {
        out.push_str(line.strip_suffix('\n').unwrap_or(line).trim_end_matches('\r'));
        out.push('\n');
    }
}

/// The text of an underlined heading of one line.
fn underlined_content<'a>(heading: &Heading, raw: &'a str) -> Option<&'a str> {
    let mut lines = raw.lines();
    let (content, _underline) = (lines.next()?, lines.next()?);
    (heading.underlined && lines.next().is_none()).then(|| content.trim())
}

/// A heading with `#`, as a line. What ends with `#` gets a closing one, which is not part of it.
fn hashed(level: usize, content: &str) -> String {
    let close = if content.ends_with('#') { " #" } else { "" };
    format!("{} {content}{close}\n", "#".repeat(level))
}

/// An underlined heading with the underline of another level.
fn with_underline(raw: &str, level: usize) -> String {
    let (sign, other) = if level == 1 { ('=', "-") } else { ('-', "=") };
    let underline = raw.trim_end().rfind('\n').map_or(0, |at| at + 1);
    format!("{}{}", &raw[..underline], raw[underline..].replace(other, &sign.to_string()))
}

/// A fragment's text as [`to_root`] would tell it: LF, no blank lines at the ends, headings of one line with `#`.
pub(super) fn tidied(text: &[u8]) -> Result<Cow<'_, str>, LensError> {
    let as_given = text;
    let text = match lf(text) {
        Cow::Borrowed(text) => std::str::from_utf8(text).map(Cow::Borrowed),
        Cow::Owned(text) => return tidied(&text).map(|text| Cow::Owned(text.into_owned())),
    };
    let text = text.map_err(|error| LensError::unparsable(as_given, error.valid_up_to(), "expected UTF-8 text"))?;
    headings::refuse_odd_signs(text.as_bytes())?;
    let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
    let before: usize = body::lines(text.as_bytes()).take_while(is_blank_line).map(<[u8]>::len).sum();
    let rest = &text[before..];
    let after: usize = body::lines_back(rest.as_bytes()).take_while(is_blank_line).map(<[u8]>::len).sum();
    let rest = &rest[..rest.len() - after];
    let tidied = to_root(rest, &headings::of(rest, 0), &(0..rest.len()), 0);
    Ok(if tidied == *text { text } else { Cow::Owned(tidied) })
}

/// A tidied fragment as it stands in a file: its headings `by` levels deeper. Headings that stand in the file keep their bytes; others
/// follow those of their level.
pub(super) fn from_root(text: &str, by: usize, outline: &Outline<'_>) -> Result<String, LensError> {
    let old = outline.headings.iter().filter(|heading| heading.underlined);
    let standing: HashMap<(usize, &str), &str> = old
        .filter_map(|heading| {
            let raw = &outline.text[heading.span.clone()];
            Some(((heading.level, underlined_content(heading, raw)?), raw))
        })
        .collect();
    let is_underlined = |level: usize| {
        let mut others = outline.headings.iter().filter(|heading| heading.level == level);
        others.next().is_some_and(|first| first.underlined)
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for heading in headings::of(text, 0) {
        out.push_str(&text[at..heading.span.start]);
        at = heading.span.end;
        let raw = &text[heading.span.clone()];
        let level = heading.level + by;
        if level > DEEPEST || (heading.underlined && level > 2) {
            return Err(too_deep(&heading.name, level));
        }
        if heading.underlined {
            out.push_str(&with_underline(raw, level));
            continue;
        }
        let content = hashed_content(raw);
        // Only what would come back as the same line may be written otherwise, and nowhere right below text.
        let apart = out.is_empty() || out.ends_with("\n\n");
        let same = apart && level <= 2 && !content.is_empty() && hashed(heading.level, content) == raw;
        match standing.get(&(level, content)) {
            Some(raw) if same => push_lines(&mut out, raw),
            None if same && is_underlined(level) && can_underline(level, content) => {
                out.push_str(&underlined(level, content));
            }
            _ => {
                let hashes = raw.find('#').unwrap_or(0);
                out.push_str(&raw[..hashes]);
                out.push_str(&"#".repeat(by));
                out.push_str(&raw[hashes..]);
            }
        }
    }
    out.push_str(&text[at..]);
    Ok(out)
}

fn underlined(level: usize, content: &str) -> String {
    let sign = if level == 1 { "=" } else { "-" };
    format!("{content}\n{}\n", sign.repeat(content.chars().count().max(3)))
}

/// Whether a heading reads the same when it is underlined: `1. Start` would be a list.
fn can_underline(level: usize, content: &str) -> bool {
    let text = underlined(level, content);
    let read = headings::of(&text, 0);
    read.len() == 1 && read.iter().all(|heading| heading.level == level && heading.span == (0..text.len()))
}

/// What stands between the signs of a heading line.
fn hashed_content(raw: &str) -> &str {
    let content = raw.trim().trim_start_matches('#').trim();
    let open = content.trim_end_matches('#');
    // A closing sequence stands behind a blank.
    if open.len() < content.len() && open.ends_with([' ', '\t']) { open.trim_end() } else { content }
}

fn too_deep(name: &str, level: usize) -> LensError {
    LensError::Refused(format!("the heading `{name}` would have level {level}, and there is none"))
}

/// A heading of this name.
pub(super) fn heading(level: usize, name: &str) -> Result<String, LensError> {
    if level > DEEPEST {
        return Err(too_deep(name, level));
    }
    let line = hashed(level, name);
    let read = headings::of(&line, 0);
    if read.len() == 1 && read.iter().all(|heading| heading.name == name) {
        return Ok(line);
    }
    let what = format!("a heading of the name `{name}`, which holds markup");
    Err(LensError::CannotSay { format: Format::Markdown, path: String::new(), what })
}
