//! Values behind `=`: taken out, put back; and the items of arrays and inline tables.

use toml_edit::Value as Written;

use super::document::{Doc, is_blank, is_comment, items, line_at, line_start, pair_span};
use super::value::key;
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
    let inside = container.span()?;
    let item = item_span(container, token)?;
    let all = items(container)?;
    let at = all.iter().position(|span| *span == item)?;
    let comma = comma_after(doc.text, item.end, inside.end - 1);
    let before = at.checked_sub(1).map(|before| all[before].end);
    let end = comma.map_or(item.end, |comma| comma + 1);
    let line = line_start(doc.text, item.start);
    let rest = line_at(doc.text, end);
    let own_line = line > inside.start && is_blank(&doc.text[line..item.start]) && (is_blank(rest) || is_comment(rest));
    let mut edits = Vec::new();
    if own_line && !doc.is_protected(line) {
        edits.push((line..end + rest.len(), String::new()));
        if let (None, Some(before)) = (comma, before)
            && let Some(comma) = comma_after(doc.text, before, item.start)
        {
            edits.insert(0, (comma..comma + 1, String::new()));
        }
    } else if comma.is_some() {
        let blank = doc.text[end..].len() - doc.text[end..].trim_start_matches([' ', '\t']).len();
        edits.push((item.start..end + blank, String::new()));
    } else {
        edits.push((before.unwrap_or(item.start)..item.end, String::new()));
    }
    Some(edits)
}

/// The comma behind an item, before `limit`: white space and comments may stand between.
fn comma_after(text: &str, mut from: usize, limit: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    while from < limit {
        match bytes[from] {
            b',' => return Some(from),
            b'#' => from += line_at(text, from).len(),
            b' ' | b'\t' | b'\r' | b'\n' => from += 1,
            _ => return None,
        }
    }
    None
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
    let line_end = doc.line_end();
    let is_map = matches!(container, Written::InlineTable(_));
    let shown = |base: &str| indented(item, base, line_end);
    let own_line = |offset: usize| {
        let line = line_start(doc.text, offset);
        line > inside.start && is_blank(&doc.text[line..offset])
    };
    if let Some(next) = all.get(at) {
        let base = doc.value_indentation(next.start);
        let separator = if own_line(next.start) { format!("{line_end}{base}") } else { " ".to_owned() };
        return Ok(vec![(next.start..next.start, format!("{},{separator}", shown(base)))]);
    }
    let Some(last) = all.last() else {
        let inner = inside.start + 1..inside.end - 1;
        let base = doc.value_indentation(inside.start);
        let text = if is_map { format!(" {} ", shown(base)) } else { shown(base) };
        // Comments in an empty array stay.
        let span = if is_blank(&doc.text[inner.clone()]) { inner } else { inner.start..inner.start };
        return Ok(vec![(span, text)]);
    };
    let base = doc.value_indentation(last.start);
    let comma = comma_after(doc.text, last.end, inside.end - 1);
    let end = comma.map_or(last.end, |comma| comma + 1);
    let rest = line_at(doc.text, end);
    let rest = rest.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest));
    match (rest, comma) {
        (Some(rest), comma) if own_line(last.start) && (is_blank(rest) || is_comment(rest)) => {
            let place = end + rest.len();
            let mut edits = Vec::new();
            let text = format!("{line_end}{base}{}{}", shown(base), if comma.is_some() { "," } else { "" });
            match comma {
                Some(_) => edits.push((place..place, text)),
                None if place == end => edits.push((end..end, format!(",{text}"))),
                None => edits.extend([(end..end, ",".to_owned()), (place..place, text)]),
            }
            Ok(edits)
        }
        (_, Some(_)) => Ok(vec![(end..end, format!(" {},", shown(base)))]),
        (_, None) => Ok(vec![(end..end, format!(", {}", shown(base)))]),
    }
}

/// `key = value`.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{} = {value}", key(name))
}
