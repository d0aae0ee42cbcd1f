//! A portion's text, free of its indentation, and back.
//!
//! Lines that begin inside of a string are left as they are: their blanks are what the string says.

use tree_sitter::Node;

use super::source::Source;
use crate::lens::{Edit, LensError, Span, apply, body};

/// Where lines begin inside of a string, sorted.
pub(super) struct Fixed(Vec<usize>);

impl Fixed {
    pub(super) fn holds(&self, line: usize) -> bool {
        self.0.binary_search(&line).is_ok()
    }
}

/// Parts of the names of nodes whose text is data.
const STRINGS: &[&str] =
    &["string", "heredoc", "nowdoc", "quoted", "regex", "character", "char_literal", "subshell", "raw_text"];

fn is_string(kind: &str) -> bool {
    STRINGS.iter().any(|part| kind.contains(part)) && !kind.starts_with("concatenated")
}

/// The lines within `span` that begin inside of a string.
pub(super) fn fixed(source: &Source<'_>, span: &Span) -> Fixed {
    let mut lines = Vec::new();
    let mut cursor = source.tree.walk();
    let mut mark = |node: Node<'_>| {
        let inside = node.start_byte()..node.end_byte();
        let text = &source.file[inside.clone()];
        lines
            .extend(memchr::memchr_iter(b'\n', text).map(|at| inside.start + at + 1).filter(|line| *line < inside.end));
    };
    loop {
        let node = cursor.node();
        let is_within = node.start_byte() < span.end && node.end_byte() > span.start;
        let is_comment = source.language.comments.contains(&node.kind());
        let is_long = node.start_position().row < node.end_position().row;
        let mut is_done = !is_within || is_comment || !is_long;
        if !is_done
            && (is_string(node.kind()) && node.is_named() || node.child_count() == 0 && node.kind() != "jsx_text")
        {
            mark(node);
            is_done = true;
        }
        if !is_done && cursor.goto_first_child() {
            continue;
        }
        let mut is_over = node.start_byte() >= span.end;
        loop {
            if !is_over && cursor.goto_next_sibling() {
                break;
            }
            is_over = false;
            if !cursor.goto_parent() {
                lines.sort_unstable();
                lines.dedup();
                return Fixed(lines);
            }
        }
    }
}

/// How a portion's lines stand in the file.
pub(super) struct Layout<'a> {
    pub(super) indent: &'a [u8],
    pub(super) fixed: Fixed,
    /// Whether taking the indentation away can be reversed. What stands out to the left of its first line keeps it.
    pub(super) can_dedent: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn of(source: &Source<'a>, span: &Span) -> Layout<'a> {
        let text = &source.file[span.clone()];
        let first = body::lines(text).next().map(body::content).unwrap_or_default();
        let indent = body::indentation(first);
        let none = Fixed(Vec::new());
        let fixed = if indent.is_empty() { none } else { fixed(source, span) };
        let can_dedent = starts(text, span.start)
            .all(|(at, line)| fixed.holds(at) || body::dedented(body::content(line), indent).is_some());
        Layout { indent, fixed, can_dedent }
    }

    /// The portion's text as a fragment has it.
    pub(super) fn taken(&self, source: &Source<'_>, span: &Span) -> Vec<u8> {
        let text = &source.file[span.clone()];
        let mut out = Vec::with_capacity(text.len() + 1);
        for (at, line) in starts(text, span.start) {
            let line = body::content(line);
            let is_fixed = !self.can_dedent || self.fixed.holds(at);
            out.extend_from_slice(if is_fixed { line } else { body::dedented(line, self.indent).unwrap_or(line) });
            out.push(b'\n');
        }
        out
    }
}

/// The lines of a text that begins at `start`, with where they begin.
fn starts(text: &[u8], start: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = start;
    body::lines(text).map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The lines of a fragment as they are to stand at `span`, with `indent` on all that are not inside of a string.
pub(super) fn indented(source: &Source<'_>, span: &Span, indent: &[u8], new: &[u8]) -> Result<Vec<u8>, LensError> {
    let is_plain = indent.is_empty() || matches!(new.first(), Some(b' ' | b'\t'));
    if is_plain {
        return Ok(new.to_vec());
    }
    let fixed = fixed_in(source, span, new)?;
    let mut out = Vec::with_capacity(new.len() + 64);
    for (at, line) in starts(new, 0) {
        if !fixed.holds(at) && !body::content(line).is_empty() {
            out.extend_from_slice(indent);
        }
        out.extend_from_slice(line);
    }
    Ok(out)
}

/// Which lines of a fragment begin inside of a string, wherever it stands in the end.
fn fixed_in(source: &Source<'_>, span: &Span, new: &[u8]) -> Result<Fixed, LensError> {
    if source.language.is_indented {
        let alone = Source::read(source.language, new)?;
        return Ok(fixed(&alone, &(0..new.len())));
    }
    // In its place, since many an item does not parse alone.
    let written = apply::splice(source.file, &[Edit { span: span.clone(), text: new.to_vec() }])?;
    let there = Source::read(source.language, &written)?;
    let Fixed(lines) = fixed(&there, &(span.start..span.start + new.len()));
    Ok(Fixed(lines.into_iter().filter_map(|line| line.checked_sub(span.start)).collect()))
}

/// Plans the replacement of the lines at `span` by `new`, which is [`indented`]. Lines at both ends that say the same keep their bytes.
pub(super) fn replaced(source: &Source<'_>, span: &Span, layout: &Layout<'_>, new: &[u8]) -> Vec<Edit> {
    let starts: Vec<usize> = starts(&source.file[span.clone()], span.start).map(|(at, _)| at).collect();
    let same = |line: usize, old: &[u8], new: &[u8]| {
        let is_free = layout.can_dedent && !starts.get(line).is_some_and(|at| layout.fixed.holds(*at));
        old == new || (is_free && new.is_empty() && body::dedented(old, layout.indent) == Some(b""))
    };
    body::replaced_where(source.file, span, b"", new, same)
}
