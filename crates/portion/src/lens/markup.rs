//! Elements of XML and HTML as lines: free of their place, and back.
//!
//! The indentation is that of the line on which the end tag stands alone, so that what stands beside an element has no say in its fragment. It is
//! taken off lines that begin in layout alone; lines within what is *fixed*, which each format tells, are what the file says, and stay as
//! they are. An element that has less indentation within than at its end is left alone altogether.

use super::{Edit, Span};

/// A line of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// Without its indentation, if it is free, and its line end.
    pub(super) content: &'t str,
    pub(super) has_end: bool,
    /// Whether it begins in layout alone.
    pub(super) is_free: bool,
}

/// An element's lines, with their places.
pub(super) struct Lines<'t> {
    pub(super) lines: Vec<Line<'t>>,
    pub(super) spans: Vec<Span>,
    /// What was taken off free lines.
    pub(super) indent: &'t str,
}

/// The blanks that the line begins with in which a place lies.
pub(super) fn indentation(file: &str, at: usize) -> &str {
    let text = file.strip_prefix('\u{feff}').unwrap_or(file);
    let bom = file.len() - text.len();
    let start = text[..at - bom].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = &text[start..at - bom];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether nothing but blanks stands before a place on its line.
pub(super) fn starts_line(file: &str, at: usize) -> bool {
    let before = file[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}'])
}

impl<'t> Lines<'t> {
    /// The lines of the element at `span`. What is fixed in it, by places in `text`, is in its order.
    pub(super) fn of(text: &'t str, span: Span, fixed: Vec<Span>) -> Lines<'t> {
        let mut found = Lines { lines: Vec::new(), spans: Vec::new(), indent: "" };
        found.split(text, span, fixed);
        let end = found.lines.last().filter(|line| line.is_free && unindented(line.content).starts_with("</"));
        let indent = end.map_or("", |line| &line.content[..line.content.len() - unindented(line.content).len()]);
        if found.lines.iter().all(|line| !line.is_free || dedented(line.content, indent).is_some()) {
            found.indent = indent;
            for line in found.lines.iter_mut().filter(|line| line.is_free) {
                line.content = dedented(line.content, indent).unwrap_or(line.content);
            }
        }
        found
    }

    /// Whether it takes the indentation of its place.
    fn is_loose(&self) -> bool {
        self.lines.last().is_some_and(|line| line.is_free && line.content.starts_with("</"))
    }

    fn split(&mut self, text: &'t str, span: Span, fixed: Vec<Span>) {
        let mut fixed = fixed.into_iter().peekable();
        let mut at = span.start;
        while at < span.end {
            let rest = &text[at..span.end];
            let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let end = if rest[len..].starts_with("\r\n") { 2 } else { usize::from(len < rest.len()) };
            while fixed.peek().is_some_and(|fixed| fixed.end < at) {
                fixed.next();
            }
            let is_fixed = fixed.peek().is_some_and(|fixed| fixed.start < at && at <= fixed.end);
            let is_free = at > span.start && !is_fixed;
            self.lines.push(Line { content: &rest[..len], has_end: end > 0, is_free });
            self.spans.push(at..at + len + end);
            at += len + end;
        }
    }

    /// The text of a fragment.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            out.push_str(line.content);
            if line.has_end {
                out.push('\n');
            }
        }
        out
    }
}

fn unindented(line: &str) -> &str {
    line.trim_start_matches([' ', '\t'])
}

/// A line without the indentation; one of nothing but blanks that is shorter than it is empty.
fn dedented<'t>(line: &'t str, indent: &str) -> Option<&'t str> {
    let is_blank = |line: &str| line.bytes().all(|b| matches!(b, b' ' | b'\t'));
    line.strip_prefix(indent).or_else(|| (is_blank(line) && indent.starts_with(line)).then_some(""))
}

/// A fragment's lines as they stand at a place with that indentation.
fn indented(lines: &[Line<'_>], indent: &str, line_end: &str) -> String {
    let mut out = String::new();
    for line in lines {
        if line.is_free && !line.content.is_empty() {
            out.push_str(indent);
        }
        out.push_str(line.content);
        if line.has_end {
            out.push_str(line_end);
        }
    }
    out
}

/// A fragment as it stands at a place with that indentation.
pub(super) fn laid(lines: &Lines<'_>, indent: &str, line_end: &str) -> String {
    indented(&lines.lines, if lines.is_loose() { indent } else { "" }, line_end)
}

/// The edit that puts a fragment's element in the place of the one that stands there.
pub(super) fn replaced(file: &str, span: Span, old: &Lines<'_>, new: &Lines<'_>, line_end: &str) -> Edit {
    let indent = match (new.is_loose(), old.is_loose()) {
        (false, _) => "",
        (true, true) => old.indent,
        (true, false) => indentation(file, span.start),
    };
    if indent != old.indent {
        return Edit { span, text: indented(&new.lines, indent, line_end).into_bytes() };
    }
    let head = old.lines.iter().zip(&new.lines).take_while(|(old, new)| old == new).count();
    let most = old.lines.len().min(new.lines.len()) - head;
    let tail = old.lines.iter().rev().zip(new.lines.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (first, last) = (head, old.lines.len() - tail);
    let start = old.spans.get(first).map_or(span.end, |span| span.start);
    let end = old.spans.get(last).map_or(span.end, |span| span.start);
    let changed = &new.lines[head..new.lines.len() - tail];
    Edit { span: start..end, text: indented(changed, old.indent, line_end).into_bytes() }
}

/// The place of an element with its lines, if nothing else stands on them; its own place otherwise.
pub(super) fn with_lines(file: &str, span: Span) -> Span {
    let rest = &file[span.end..];
    let blanks = rest.len() - unindented(rest).len();
    let line_end = ["\r\n", "\n", "\r"].iter().find(|end| rest[blanks..].starts_with(**end));
    match line_end {
        Some(line_end) if starts_line(file, span.start) => {
            span.start - indentation(file, span.start).len()..span.end + blanks + line_end.len()
        }
        _ => span,
    }
}
