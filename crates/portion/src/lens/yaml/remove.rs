//! What remove plans.

use super::check::checked;
use super::document::{Doc, Kind};
use super::edit::{check_anchors, replaced};
use super::insert::inner_of;
use super::part::Part;
use super::place::{Extent, Found, Place, begins_line, extent, find, is_bare_pair, lead, line_end_of, refused};
use super::value::{Swap, literally};
use crate::lens::flow::Brackets;
use crate::lens::rows::{indentation, is_blank, line_at, line_start};
use crate::lens::{Edit, LensError, Span};
use crate::value::Value;

/// See [`crate::lens::Lens::remove`].
pub(super) fn remove(file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let Some((parent, place, at)) = found.parents.last().copied() else {
        return Err(LensError::Refused("the whole file is not removed; remove the file itself".to_owned()));
    };
    if parent.entries()[at].explicit {
        return Err(refused(expression, "its key is written with `?`"));
    }
    check_anchors(&doc, &found, Some(found.node), None, expression)?;
    let around = Found { node: parent, place, parents: found.parents[..found.parents.len() - 1].to_vec() };
    let edits = removed(&doc, &found, &around, at)?;
    checked(&doc, edits, "", &without(&doc, &found)?)
}

/// What the whole file says without a node.
fn without(doc: &Doc<'_>, found: &Found<'_>) -> Result<Value, LensError> {
    let Some((parent, _, at)) = found.parents.last().copied() else {
        return Ok(Value::Null);
    };
    let mut inner = inner_of(parent)?;
    match &mut inner {
        Value::Map(members) => drop(members.remove(at)),
        Value::Sequence(values) => drop(values.remove(at)),
        _ => {}
    }
    literally(&doc.root, Some(Swap::Inner(parent, inner)))
}

/// See [`crate::lens::Lens::is_removed`].
pub(super) fn is_removed(before: &[u8], after: &[u8], expression: &str) -> Result<bool, LensError> {
    let (before, after) = (Doc::parse(before)?, Doc::parse(after)?);
    Ok(literally(&after.root, None)? == without(&before, &find(&before, expression)?)?)
}

fn removed(doc: &Doc<'_>, found: &Found<'_>, around: &Found<'_>, at: usize) -> Result<Vec<(Span, String)>, LensError> {
    let entries = around.node.entries();
    let entry = &entries[at];
    if is_bare_pair(doc, around.node) {
        return replaced(doc, around, &Part::of_text("{}".to_owned())?);
    }
    if !around.node.is_block() {
        let items: Vec<Span> = entries.iter().map(|entry| entry.start..entry.end()).collect();
        let inside = around.node.span.clone();
        return Ok(Brackets { text: doc.text, inside, items: &items, line_end: doc.line_end() }.remove(at));
    }
    let end = match extent(doc, found) {
        Extent::Headed(_, span) | Extent::Tagged(_, span, _) | Extent::Body(span, _) | Extent::Compact(span, _) => {
            span.end
        }
        Extent::Inline(span) => line_end_of(doc, span.end.max(entry.end())),
    };
    if entries.len() == 1 {
        let empty = if matches!(around.node.kind, Kind::Map { .. }) { "{}" } else { "[]" };
        if around.place == Place::Root && begins_line(doc, entry.start) {
            let start = entry.start;
            return Ok(vec![(start..end, format!("{empty}{}", doc.line_end()))]);
        }
        return replaced(doc, around, &Part::of_text(empty.to_owned())?);
    }
    if begins_line(doc, entry.start) {
        return Ok(vec![hole(doc, entry.start, end)]);
    }
    // The first of a compact collection: the next takes its place behind the dash.
    let Some(next) = entries.get(at + 1).map(|entry| entry.start) else {
        return Err(LensError::Refused(
            "the entry's place in its line is not clear; remove what is around it".to_owned(),
        ));
    };
    if lead(doc, next) == line_start(doc.text, next) && line_start(doc.text, next) == end {
        return Ok(vec![(entry.start..next, String::new())]);
    }
    Ok(vec![(entry.start..end, doc.line_end().to_owned())])
}

/// The lines of an entry, and a blank line that would be one too many. Comment lines above it stay, set off from an entry that follows
/// at once: they may be about more than it, and are not about that one.
fn hole(doc: &Doc<'_>, start: usize, end: usize) -> (Span, String) {
    let next = line_at(doc.text, end);
    let line = line_start(doc.text, start);
    let above = if line > doc.body.start { &doc.text[line_start(doc.text, line - 1)..line] } else { "" };
    if lead(doc, start) < line && !is_blank(next) && indentation(next).len() == doc.column(start) {
        return (line..end, doc.line_end().to_owned());
    }
    if is_blank(above) && is_blank(next) && !next.is_empty() {
        return (line..end + next.len(), String::new());
    }
    if next.is_empty() && is_blank(above) && line > doc.body.start {
        return (line_start(doc.text, line - 1)..end, String::new());
    }
    (line..end, String::new())
}

/// See [`crate::lens::Syntax::without_comments`].
pub(super) fn without_comments(file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let Some((parent, _, at)) = found.parents.last().copied() else { return Ok(Vec::new()) };
    let start = parent.entries()[at].start;
    let (first, line) = (lead(&doc, start), line_start(doc.text, start));
    if first == line || !begins_line(&doc, start) {
        return Ok(Vec::new());
    }
    let bom = file.len() - doc.text.len();
    Ok(vec![Edit { span: first + bom..line + bom, text: Vec::new() }])
}
