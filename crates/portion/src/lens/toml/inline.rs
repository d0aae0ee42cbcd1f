//! Values behind `=`: taken out, put back; and the items of arrays and inline tables.

use toml_edit::Value as Written;

use super::document::{Doc, items, pair_span};
use super::value::key;
use crate::lens::flow::Brackets;
use crate::lens::rows::is_blank;
use crate::lens::{LensError, Span};
use crate::pointer;

/// A value's text, its further lines free of the indentation of the first.
pub(super) fn text(doc: &Doc<'_>, span: Span) -> String {
    let base = doc.value_indentation(span.start);
    let mut out = String::new();
    let mut start = span.start;
    // All further lines must have the indentation, or none gives it up.
    let aligned = further_lines(doc, span.clone()).all(|(_, line)| is_blank(line) || line.starts_with(base));
    for line in doc.text[span].split_inclusive('\n') {
        let cut = if aligned && start > 0 && is_further(doc, start) { line.strip_prefix(base) } else { None };
        out.push_str(cut.unwrap_or(line));
        start += line.len();
    }
    out.replace("\r\n", "\n")
}

/// The value's lines behind its first, without those that start inside a string.
fn further_lines<'a>(doc: &Doc<'a>, span: Span) -> impl Iterator<Item = (usize, &'a str)> {
    let mut start = span.start;
    let lines = doc.text[span].split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    });
    let protected: Vec<(usize, &str)> = lines.skip(1).filter(|(at, _)| !doc.is_protected(*at)).collect();
    protected.into_iter()
}

fn is_further(doc: &Doc<'_>, start: usize) -> bool {
    doc.text.as_bytes()[start - 1] == b'\n' && !doc.is_protected(start)
}

/// A value's text (LF, behind `v = ` in `wrapped`) as it stands in the file at an indentation.
pub(super) fn indented(value: &str, base: &str, line_end: &str) -> String {
    let wrapped = format!("v={value}");
    let doc = Doc::parse(wrapped.as_bytes());
    let mut out = String::new();
    let mut start = "v=".len();
    for (at, line) in value.split_inclusive('\n').enumerate() {
        let protected = doc.as_ref().is_ok_and(|doc| doc.is_protected(start));
        if at > 0 && !protected && line != "\n" {
            out.push_str(base);
        }
        match line.strip_suffix('\n') {
            Some(body) => {
                out.push_str(body);
                out.push_str(line_end);
            }
            None => out.push_str(line),
        }
        start += line.len();
    }
    out
}

/// The bytes of the item that `token` names in an array or inline table; with its key.
fn item_span(container: &Written, token: &str) -> Option<Span> {
    match container {
        Written::Array(array) => array.get(pointer::index(token)?)?.span(),
        Written::InlineTable(table) => pair_span(table, token),
        _ => None,
    }
}

/// The plan that takes an item away, with its comma, and with its line if it has one of its own.
pub(super) fn remove(doc: &Doc<'_>, container: &Written, token: &str) -> Option<Vec<(Span, String)>> {
    let item = item_span(container, token)?;
    let all = items(container)?;
    let at = all.iter().position(|span| *span == item)?;
    Some(brackets(doc, container.span()?, &all).remove(at))
}

fn brackets<'b>(doc: &'b Doc<'_>, inside: Span, items: &'b [Span]) -> Brackets<'b> {
    Brackets { text: doc.text, inside, items, line_end: doc.line_end() }
}

/// The plan that inserts `item` (LF) into an array or inline table: before item `at`, or at the end.
///
/// # Errors
/// [`LensError::Refused`] for an inline table that dotted keys spread.
pub(super) fn insert(
    doc: &Doc<'_>,
    container: &Written,
    at: usize,
    item: &str,
) -> Result<Vec<(Span, String)>, LensError> {
    let refused = || LensError::Refused("an inline table with dotted keys cannot be added to".to_owned());
    let inside = container.span().ok_or_else(refused)?;
    let all = items(container).ok_or_else(refused)?;
    let place = all.get(at).or(all.last()).map_or(inside.start, |span| span.start);
    let shown = indented(item, doc.value_indentation(place), doc.line_end());
    let padding = if matches!(container, Written::InlineTable(_)) { " " } else { "" };
    Ok(brackets(doc, inside, &all).insert(at, &shown, padding))
}

/// `key = value`.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{} = {value}", key(name))
}
