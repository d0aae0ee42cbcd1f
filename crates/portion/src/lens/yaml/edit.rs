//! What put plans.

use std::collections::HashSet;

use super::check::checked;
use super::document::{Doc, Kind, Node};
use super::part::{Part, Shape, Style, anchors_of};
use super::place::{Extent, Found, Place, extent, find, indented, line_end_of, refused, root_span, sep, walk};
use super::value::{Swap, literally};
use crate::lens::rows::{indentation, is_blank, is_comment, line_at, line_start};
use crate::lens::{Edit, Fragment, LensError, Span};

/// Refuses to write where an alias elsewhere would change with it.
pub(super) fn check_anchors(
    doc: &Doc<'_>,
    found: &Found<'_>,
    replaced: Option<&Node>,
    part: Option<&Part>,
    at: &str,
) -> Result<(), LensError> {
    let mut used = HashSet::new();
    walk(&doc.root, &mut |node| {
        if let Kind::Alias(id, _) = node.kind {
            used.insert(id);
        }
    });
    let around = found.parents.iter().map(|(node, ..)| *node).chain([found.node]);
    if around.into_iter().any(|node| node.anchor != 0 && used.contains(&node.anchor)) {
        return Err(refused(at, "an alias elsewhere repeats it, and would change, too"));
    }
    let Some(replaced) = replaced else {
        return Ok(());
    };
    let (mut inner_anchors, mut inner_uses, mut all_uses) = (HashSet::new(), 0, 0);
    walk(replaced, &mut |node| {
        inner_anchors.insert(node.anchor);
    });
    let named = |node: &Node| matches!(node.kind, Kind::Alias(id, _) if inner_anchors.contains(&id));
    walk(replaced, &mut |node| inner_uses += usize::from(named(node)));
    walk(&doc.root, &mut |node| all_uses += usize::from(named(node)));
    if all_uses > inner_uses {
        return Err(refused(at, "an alias elsewhere repeats a part of it"));
    }
    if let Some(part) = part
        && !part.anchors.is_empty()
    {
        let (all, own) = (anchors_of(doc, &doc.root), anchors_of(doc, replaced));
        let foreign = |name: &&String| {
            all.iter().filter(|other| other == name).count() > own.iter().filter(|other| other == name).count()
        };
        if let Some(name) = part.anchors.iter().find(foreign) {
            return Err(refused(at, &format!("the anchor `{name}` is taken in this file")));
        }
    }
    Ok(())
}

/// See [`crate::lens::Lens::put`]. If the text shall come out again as it is, no block is put where only a value on one line can stand.
pub(super) fn put(file: &[u8], expression: &str, fragment: &Fragment, as_it_is: bool) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let part = Part::new(fragment)?;
    if as_it_is && matches!(found.place, Place::Flow { .. }) && part.shape != Shape::Inline {
        return Err(refused(
            expression,
            "it stands in brackets or braces, which hold no block: put it in flow style, as in `[1, {a: 2}]`, or write what is around it as \
             a block",
        ));
    }
    put_part(&doc, &found, &part, expression)
}

pub(super) fn put_part(
    doc: &Doc<'_>,
    found: &Found<'_>,
    part: &Part,
    expression: &str,
) -> Result<Vec<Edit>, LensError> {
    if let Some((entry, _)) = found.entry()
        && entry.explicit
    {
        return Err(refused(expression, "its key is written with `?`"));
    }
    if found.place != Place::Root {
        check_anchors(doc, found, Some(found.node), Some(part), expression)?;
    }
    let expected = literally(&doc.root, Some(Swap::Whole(found.node, part.says.clone())))?;
    checked(doc, replaced(doc, found, part)?, &part.text, &expected)
}

/// The edits that put `part` in the node's place.
pub(super) fn replaced(doc: &Doc<'_>, found: &Found<'_>, part: &Part) -> Result<Vec<(Span, String)>, LensError> {
    let line_end = doc.line_end();
    match found.place {
        Place::Root => {
            let span = root_span(doc);
            let mut text = indented(&part.text, 0, false, line_end);
            let mid_line = span.start > 0 && doc.text.as_bytes()[span.start - 1] != b'\n';
            if mid_line && part.shape != Shape::Inline {
                text.insert_str(0, line_end);
            } else if mid_line && doc.text[..span.start].ends_with('-') && !text.is_empty() {
                text.insert(0, ' ');
            }
            let open = span.end == doc.text.len() && !doc.text.is_empty() && !doc.text.ends_with('\n');
            if open && !part.ends_open {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
            }
            let next = &doc.text[span.end..];
            if part.shape != Shape::Inline && next.starts_with(['\r', '\n']) && text.ends_with(line_end) {
                text.truncate(text.len() - line_end.len());
            }
            if !open && part.shape == Shape::Inline && !text.is_empty() && !next.starts_with(['\r', '\n']) {
                text.push_str(line_end);
            }
            Ok(vec![(span, text)])
        }
        Place::Flow { column } => {
            let Extent::Inline(span) = extent(doc, found) else {
                return Err(LensError::Refused("a block in a flow collection".to_owned()));
            };
            let text = part.inline(column, line_end)?;
            let behind = found.entry().and_then(|(entry, _)| entry.behind);
            let has_key = found.entry().is_some_and(|(entry, _)| entry.key.is_some());
            let lead = match behind {
                None if has_key && !text.is_empty() => ": ",
                Some(behind) if behind == span.start && !text.is_empty() => " ",
                _ => "",
            };
            Ok(vec![(span, format!("{lead}{text}"))])
        }
        Place::Value { column, .. } | Place::Item { column, .. } => Ok(behind(doc, found, part, column)),
    }
}

/// The edits behind a colon or a dash: one on its line, one on the lines below.
fn behind(doc: &Doc<'_>, found: &Found<'_>, part: &Part, outer: usize) -> Vec<(Span, String)> {
    let line_end = doc.line_end();
    let standing = extent(doc, found);
    let below = |at: usize| {
        let end = line_end_of(doc, at);
        end..end
    };
    let (head, tail) = match &standing {
        Extent::Inline(span) => (span.clone(), below(span.end)),
        Extent::Headed(header, lines) | Extent::Tagged(header, lines, _) => (header.clone(), lines.clone()),
        Extent::Body(lines, _) => (sep(found)..sep(found), lines.clone()),
        Extent::Compact(span, _) => {
            let end = span.start + doc.text[span.clone()].trim_end_matches(['\r', '\n']).len();
            let end = if part.shape == Shape::Block { end } else { end.max(span.start) };
            (span.start..end, span.end..span.end)
        }
    };
    let on_sep_line = head.start == sep(found);
    let head_column = doc.column(head.start) + usize::from(on_sep_line);
    let rest = line_at(doc.text, head.end);
    let is_item = matches!(found.place, Place::Item { .. });
    let own_line = line_start(doc.text, head.start) > sep(found);
    let (head_text, tail_text, block_column) = match part.shape {
        Shape::Inline => (indented(&part.text, outer, true, line_end), String::new(), None),
        Shape::Headed | Shape::Tagged => {
            let (first, lines) = part.text.split_once('\n').unwrap_or((&part.text, ""));
            let tagged = part.shape == Shape::Tagged;
            let column = if tagged { body_column(doc, found, part, &standing, outer) } else { outer };
            (first.to_owned(), indented(lines, column, false, line_end), tagged.then_some(column))
        }
        Shape::Block => {
            let begun = (is_item || own_line)
                && !matches!(standing, Extent::Body(..) | Extent::Headed(..) | Extent::Tagged(..))
                && is_blank(rest)
                && !is_comment(line_at(&part.text, 0));
            if begun {
                let text = part.text.strip_suffix('\n').filter(|_| !part.ends_open || !rest.is_empty());
                let text = indented(text.unwrap_or(&part.text), head_column, true, line_end);
                (text, String::new(), Some(head_column))
            } else {
                let column = body_column(doc, found, part, &standing, outer);
                (String::new(), indented(&part.text, column, false, line_end), Some(column))
            }
        }
    };
    let mut edits = vec![head_edit(doc, found, head, head_text)];
    if !tail.is_empty() || !tail_text.is_empty() || block_column.is_some() {
        edits.push(tail_edit(doc, tail, tail_text, block_column.filter(|column| *column > outer), part.ends_open));
    }
    edits
}

/// Where the lines of a block go.
fn body_column(doc: &Doc<'_>, found: &Found<'_>, part: &Part, standing: &Extent, outer: usize) -> usize {
    let style = Style::of(doc);
    match (standing, found.place) {
        (Extent::Body(_, column) | Extent::Tagged(_, _, column), _) if *column > outer || part.is_sequence => *column,
        (Extent::Compact(_, column), _) => *column,
        (_, Place::Item { .. }) => outer + 2,
        _ if part.is_sequence && style.indentless => outer,
        _ => outer + style.unit,
    }
}

fn head_edit(doc: &Doc<'_>, found: &Found<'_>, head: Span, text: String) -> (Span, String) {
    let sep = sep(found);
    if text.is_empty() {
        let blank = doc.text[sep.min(head.start)..head.start].trim_end_matches([' ', '\t']).len();
        let start = if head.is_empty() { head.start } else { sep.min(head.start) + blank };
        return (start..head.end, text);
    }
    let joined = head.start == sep;
    (head, if joined { format!(" {text}") } else { text })
}

fn tail_edit(doc: &Doc<'_>, tail: Span, mut text: String, column: Option<usize>, ends_open: bool) -> (Span, String) {
    let line_end = doc.line_end();
    let open = !doc.text.ends_with('\n') && tail.end == doc.text.len();
    if open && !text.is_empty() {
        if tail.is_empty() {
            text.insert_str(0, line_end);
        }
        if !ends_open {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
    }
    // Comments below that belonged to nothing stay apart.
    let next = line_at(doc.text, tail.end);
    if let Some(column) = column
        && is_comment(next)
        && indentation(next).len() >= column
    {
        text.push_str(line_end);
    }
    (tail, text)
}
