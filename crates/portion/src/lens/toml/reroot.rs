//! Text on its way between a file and a fragment: headers, indentation, line ends; and how it fits where it is put.

use super::document::Doc;
use crate::lens::Span;
use crate::lens::rows::{is_blank, is_comment, line_at, line_start};

/// How a fragment's text becomes the file's.
pub(super) struct Style<'s> {
    /// The table's path, for headers.
    pub(super) header: String,
    /// What each root pair's key starts with.
    pub(super) dotted: Option<String>,
    /// Whether the fragment stands for a list: `header` then takes the place of the first key.
    pub(super) is_list: bool,
    /// The indentation of every line.
    pub(super) base: &'s str,
    pub(super) line_end: &'s str,
}

/// The fragment's bytes `span` as the file writes them. It ends with a line end, unless it is empty.
pub(super) fn rerooted(fragment: &Doc<'_>, span: Span, style: &Style<'_>) -> String {
    let dotted_header = format!("{}.", style.header);
    let mut cuts: Vec<(Span, &str)> = Vec::new();
    for (start, line) in lines(fragment, span.clone()) {
        if !style.base.is_empty() && line != "\n" && !fragment.is_protected(start) {
            cuts.push((start..start, style.base));
        }
    }
    let mut in_root = true;
    for statement in &fragment.statements {
        in_root &= !statement.is_header();
        let first = statement.keys[0].clone();
        if !span.contains(&first.start) {
            continue;
        }
        match (&style.dotted, statement.is_header()) {
            (_, true) if style.is_list => cuts.push((first, &style.header)),
            (_, true) => cuts.push((first.start..first.start, &dotted_header)),
            (Some(dotted), false) if in_root => cuts.push((first.start..first.start, dotted)),
            _ => {}
        }
    }
    cuts.sort_by_key(|(span, _)| span.start);
    let mut out = String::new();
    push_edited(&mut out, fragment.text, span, &cuts, style.line_end);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(style.line_end);
    }
    out
}

/// Appends `span` of `text` with the cuts done (sorted, disjoint) and line ends as `line_end`.
pub(super) fn push_edited(out: &mut String, text: &str, span: Span, cuts: &[(Span, &str)], line_end: &str) {
    let mut push = |part: &str| {
        for line in part.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(body) => {
                    out.push_str(body.strip_suffix('\r').unwrap_or(body));
                    out.push_str(line_end);
                }
                None => out.push_str(line),
            }
        }
    };
    let mut from = span.start;
    for (cut, with) in cuts {
        push(&text[from..cut.start.max(from)]);
        push(with);
        from = cut.end.max(from);
    }
    push(&text[from..span.end.max(from)]);
}

/// The lines of `span`, which starts at a line's start, each with its offset.
pub(super) fn lines<'a>(doc: &Doc<'a>, span: Span) -> impl Iterator<Item = (usize, &'a str)> {
    let text = &doc.text[span.clone()];
    let mut from = span.start;
    text.split_inclusive('\n').map(move |line| {
        let start = from;
        from += line.len();
        (start, line)
    })
}

/// `text`, which ends with a line end, made to fit in place of `span`, which starts and ends at lines' starts: the file keeps a missing
/// final line end, and a comment at the end of `text` keeps its distance from a header that follows.
pub(super) fn fit(doc: &Doc<'_>, span: Span, mut text: String) -> (Span, String) {
    let line_end = doc.line_end();
    let open = !doc.text.is_empty() && !doc.text.ends_with('\n');
    if open && span.end == doc.text.len() {
        if span.is_empty() {
            text.insert_str(0, line_end);
        }
        text.truncate(text.len() - text.chars().rev().take_while(|c| matches!(c, '\r' | '\n')).count());
    }
    let last = text.trim_end_matches(['\r', '\n']);
    if is_comment(&last[line_start(last, last.len())..]) && !is_blank(line_at(doc.text, span.end)) {
        text.push_str(line_end);
    }
    (span, text)
}

/// The lines of `span` and the blank lines that would be left over without them.
pub(super) fn without(doc: &Doc<'_>, span: Span) -> Span {
    let end = doc.skip_blank(span.end, doc.text.len());
    if end == doc.text.len() {
        return doc.skip_blank_back(span.start, 0)..span.end;
    }
    let after_blank = span.start == 0 || is_blank(&doc.text[line_start(doc.text, span.start - 1)..span.start]);
    if after_blank { span.start..end } else { span }
}
