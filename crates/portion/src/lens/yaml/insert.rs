//! What insert plans.

use granit_parser::ScalarStyle;

use super::check::checked;
use super::document::{Doc, Entry, Kind, Node};
use super::edit::{check_anchors, put_part, replaced};
use super::part::{Part, Shape, Style, entry_text, item_text};
use super::place::{Found, Place, begins_line, block_end, comments_after, follow, indented, lead, refused, root_span};
use super::scalar;
use super::value::{self, Swap, literally};
use crate::lens::flow::Brackets;
use crate::lens::rows::{is_blank, line_at, line_start};
use crate::lens::{Edit, Format, Fragment, LensError, Span};
use crate::pointer;
use crate::value::Value;

/// See [`crate::lens::Lens::insert`].
pub(super) fn insert(file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let mut part = Part::new(fragment)?;
    let tokens = pointer::parse("yaml", expression)?;
    let (mut found, mut rest) = follow(&doc, &tokens);
    if rest.is_empty() {
        let Some((_, parents)) = tokens.split_last() else {
            return put_part(&doc, &found, &part, expression);
        };
        (found, rest) = (follow(&doc, parents).0, &tokens[parents.len()..]);
    }
    let [first, deeper @ ..] = rest else {
        return Ok(Vec::new());
    };
    let style = Style::of(&doc);
    for name in deeper.iter().rev() {
        let lines = if name == "-" { item_text(&part) } else { entry_text(&scalar::inline(name), &part, &style) };
        part = Part::of_text(lines)?;
    }
    if let Kind::Alias(..) = found.node.kind {
        return Err(refused(expression, "an alias stands in the way, for what another place holds"));
    }
    check_anchors(&doc, &found, None, None, expression)?;
    let said = literally(found.node, None)?;
    let (edits, inner) = match (&found.node.kind, said) {
        (Kind::Map { flow, entries }, _) => {
            let Value::Map(mut members) = inner_of(found.node)? else {
                return Err(refused(expression, "what is around it is no map"));
            };
            members.push((first.clone(), part.says.clone()));
            let edits = match flow {
                false => into_block_map(&doc, &found, entries, first, &part, &style),
                true => into_flow(&doc, &found, entries.len(), Some(first), &part, &style)?,
            };
            (edits, Value::Map(members))
        }
        (Kind::Sequence { flow, items }, _) => {
            let Value::Sequence(mut values) = inner_of(found.node)? else {
                return Err(refused(expression, "what is around it is no list"));
            };
            let at = index(expression, first, items.len())?;
            values.insert(at, part.says.clone());
            let edits = match flow {
                false => into_block_sequence(&doc, &found, items, at, &part),
                true => into_flow(&doc, &found, at, None, &part, &style)?,
            };
            (edits, Value::Sequence(values))
        }
        (Kind::Scalar(..), Value::Null) => {
            let lines = if first == "-" { item_text(&part) } else { entry_text(&scalar::inline(first), &part, &style) };
            let part = Part::of_text(lines)?;
            if found.place != Place::Root {
                return put_part(&doc, &found, &part, expression);
            }
            let expected = literally(&doc.root, Some(Swap::Whole(found.node, part.says.clone())))?;
            return checked(&doc, vec![first_of_all(&doc, &part)], &part.text, &expected);
        }
        (_, other) => {
            let why = match pointer::format(&tokens[..tokens.len() - rest.len()]) {
                root if root.is_empty() => {
                    format!("the document is {}, so nothing can be inserted in it", other.kind())
                }
                at => format!("{} stands at `{at}`, so nothing can be inserted in it", other.kind()),
            };
            return Err(refused(expression, &why));
        }
    };
    let expected = literally(&doc.root, Some(Swap::Inner(found.node, inner)))?;
    checked(&doc, edits, &part.text, &expected)
}

/// The first lines of a document that says nothing yet, behind its comments.
fn first_of_all(doc: &Doc<'_>, part: &Part) -> (Span, String) {
    let line_end = doc.line_end();
    let lines = indented(&part.text, 0, false, line_end);
    let written = doc.root.span.clone();
    if !written.is_empty() {
        return (written, lines.trim_end_matches(['\r', '\n']).to_owned());
    }
    let end = root_span(doc).end;
    let next = line_at(doc.text, end);
    let place = end + next.len();
    let glued = place > 0 && !doc.text[..place].ends_with('\n');
    (place..place, if glued { format!("{line_end}{lines}") } else { lines })
}

/// What a collection holds, without its tag.
pub(super) fn inner_of(node: &Node) -> Result<Value, LensError> {
    let said = literally(node, None)?;
    Ok(match (value::custom_tag(node), said) {
        (Some(_), Value::Map(mut tagged)) => tagged.pop().map_or(Value::Null, |(_, value)| value),
        (_, said) => said,
    })
}

/// Where in a list `token` wants to be.
fn index(expression: &str, token: &str, length: usize) -> Result<usize, LensError> {
    let at = if token == "-" { Some(length) } else { pointer::index(token).filter(|at| *at <= length) };
    at.ok_or_else(|| LensError::Selector {
        scheme: "yaml",
        selector: expression.to_owned(),
        why: format!("the list has {length} items; the next is `{length}` or `-`"),
    })
}

/// The key as its neighbours are written.
fn key_like(entries: &[Entry], name: &str) -> String {
    let quoted = entries.last().and_then(|entry| entry.key.as_ref()).and_then(|key| match key.kind {
        Kind::Scalar(_, style @ (ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted)) => Some(style),
        _ => None,
    });
    quoted.map_or_else(|| scalar::inline(name), |style| scalar::quoted(name, style))
}

fn into_block_map(
    doc: &Doc<'_>,
    found: &Found<'_>,
    entries: &[Entry],
    name: &str,
    part: &Part,
    style: &Style,
) -> Vec<(Span, String)> {
    let column = doc.column(found.node.span.start);
    let lines = entry_text(&key_like(entries, name), part, style);
    let names: Vec<&str> = entries.iter().filter_map(Entry::name).collect();
    let is_sorted = names.len() > 2 && names.windows(2).all(|pair| pair[0] < pair[1]);
    let next = if is_sorted { entries.iter().find(|entry| entry.name() > Some(name)) } else { None };
    match next {
        Some(next) if begins_line(doc, next.start) => {
            let place = lead(doc, next.start);
            vec![(place..place, indented(&lines, column, false, doc.line_end()))]
        }
        _ => vec![appended(doc, found, entries, &lines, column, part.ends_open)],
    }
}

fn into_block_sequence(
    doc: &Doc<'_>,
    found: &Found<'_>,
    items: &[Entry],
    at: usize,
    part: &Part,
) -> Vec<(Span, String)> {
    let column = doc.column(found.node.span.start);
    let lines = item_text(part);
    match items.get(at) {
        Some(next) if begins_line(doc, next.start) => {
            let place = lead(doc, next.start);
            vec![(place..place, indented(&lines, column, false, doc.line_end()))]
        }
        Some(next) => {
            let text = indented(&lines, column, true, doc.line_end());
            vec![(next.start..next.start, format!("{text}{}", " ".repeat(column)))]
        }
        None => vec![appended(doc, found, items, &lines, column, part.ends_open)],
    }
}

/// Lines behind the last entry of a block collection.
fn appended(
    doc: &Doc<'_>,
    found: &Found<'_>,
    entries: &[Entry],
    lines: &str,
    column: usize,
    ends_open: bool,
) -> (Span, String) {
    let line_end = doc.line_end();
    let mut end = block_end(doc, found.node);
    if column > found.place.column() || found.place == Place::Root {
        end = comments_after(doc, end, column);
    }
    let mut text = indented(lines, column, false, line_end);
    // Entries with a blank line between them get one more.
    if let [.., before, last] = entries
        && begins_line(doc, last.start)
    {
        let above = lead(doc, last.start);
        if above > before.end() && above > 0 && is_blank(line_at(doc.text, line_start(doc.text, above - 1))) {
            text.insert_str(0, line_end);
        }
    }
    if end == doc.text.len() && !doc.text.ends_with('\n') {
        text.insert_str(0, line_end);
        if !ends_open {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
    }
    (end..end, text)
}

/// Whether a flow collection stays one when something comes in: an empty one becomes a block, unless it is in a flow collection itself.
fn stays_flow(doc: &Doc<'_>, found: &Found<'_>) -> bool {
    let start = found.node.span.start;
    let is_own = begins_line(doc, start) && doc.column(start) == 0;
    !found.node.entries().is_empty()
        || matches!(found.place, Place::Flow { .. })
        || found.node.tag.is_some()
        || (found.place == Place::Root && !is_own)
}

/// A block that is to stand between brackets, as it is told there. `None` where it is not, or is written otherwise than its value is
/// rendered: then brackets would hold less than it says.
pub(super) fn in_brackets(file: &[u8], expression: &str, fragment: &Fragment) -> Option<Fragment> {
    let part = Part::new(fragment).ok().filter(|part| part.shape != Shape::Inline)?;
    let doc = Doc::parse(file).ok()?;
    let tokens = pointer::parse("yaml", expression).ok()?;
    let (found, rest) = follow(&doc, &tokens);
    let is_flow = match &found.node.kind {
        _ if rest.is_empty() => matches!(found.place, Place::Flow { .. }),
        Kind::Map { flow: true, .. } | Kind::Sequence { flow: true, .. } => stays_flow(&doc, &found),
        // What stands for nothing there becomes the map or list itself.
        Kind::Scalar(..) => matches!(found.place, Place::Flow { .. }),
        _ => false,
    };
    let value = Format::Yaml.value(part.text.as_bytes()).ok().filter(|_| is_flow)?;
    let is_rendered = value::render(&value, 2).ok()? == part.text;
    let text = value::flow(&value).ok().filter(|_| is_rendered)?;
    Some(Fragment { format: Format::Yaml, text: text.into_bytes() })
}

fn into_flow(
    doc: &Doc<'_>,
    found: &Found<'_>,
    at: usize,
    name: Option<&str>,
    part: &Part,
    style: &Style,
) -> Result<Vec<(Span, String)>, LensError> {
    let entries = found.node.entries();
    if !stays_flow(doc, found) {
        let lines = match name {
            Some(name) => entry_text(&scalar::inline(name), part, style),
            None => item_text(part),
        };
        if found.place != Place::Root {
            return replaced(doc, found, &Part::of_text(lines)?);
        }
        let lines = lines.strip_suffix('\n').filter(|_| !part.ends_open).unwrap_or(&lines);
        return Ok(vec![(found.node.span.clone(), indented(lines, 0, false, doc.line_end()))]);
    }
    let value = part.inline(found.place.column(), doc.line_end())?;
    let text = name.map_or_else(|| value.clone(), |name| format!("{}: {value}", key_like(entries, name)));
    let items: Vec<Span> = entries.iter().map(|entry| entry.start..entry.end()).collect();
    let brackets =
        Brackets { text: doc.text, inside: found.node.span.clone(), items: &items, line_end: doc.line_end() };
    Ok(brackets.insert(at, &text, ""))
}
