//! What put, insert and remove plan.

use std::collections::HashSet;

use granit_parser::ScalarStyle;

use super::check::checked;
use super::document::{Doc, Entry, Kind, Node};
use super::place::{
    Extent, Found, Place, block_end, comments_after, extent, find, follow, indented, is_bare_pair, line_end_of,
    refused, root_span, sep, walk,
};
use super::scalar;
use super::value::{self, Swap, flow, literally};
use crate::lens::flow::Brackets;
use crate::lens::rows::{indentation, is_blank, is_comment, line_at, line_start};
use crate::lens::{Edit, Format, Fragment, LensError, Span};
use crate::pointer;
use crate::value::Value;

/// What is to be put, parsed.
pub(super) struct Part {
    text: String,
    shape: Shape,
    is_sequence: bool,
    /// Whether its last node is a block scalar, which needs its line end.
    ends_open: bool,
    /// What it says; see [`literally`].
    says: Value,
    anchors: Vec<String>,
}

/// How a fragment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// On one line, or in quotes or brackets that may go over several.
    Inline,
    /// A first line that belongs behind the colon, and lines.
    Headed,
    /// Lines.
    Block,
}

impl Part {
    pub(super) fn new(fragment: &Fragment) -> Result<Part, LensError> {
        if fragment.format != Format::Yaml {
            return Err(LensError::Refused(format!("a YAML file takes {}, not {}", Format::Yaml, fragment.format)));
        }
        let text = fragment.format.tidy(&fragment.text)?;
        Part::of_text(String::from_utf8_lossy(&text).into_owned())
    }

    fn of_text(text: String) -> Result<Part, LensError> {
        let doc = Doc::parse(text.as_bytes())?;
        let root = &doc.root;
        let shape = match root.is_block() {
            true if root.props.is_none() => Shape::Block,
            false if !root.is_block_scalar() => Shape::Inline,
            _ => Shape::Headed,
        };
        let (is_sequence, ends_open) = (matches!(root.kind, Kind::Sequence { .. }), last(root).is_block_scalar());
        let (says, anchors) = (literally(root, None)?, anchors_of(&doc, root));
        Ok(Part { shape, is_sequence, ends_open, says, anchors, text })
    }

    /// As one line of flow style, with continuation lines at `column` if it is written over several.
    fn inline(&self, column: usize, line_end: &str) -> Result<String, LensError> {
        match self.shape {
            Shape::Inline => Ok(indented(&self.text, column, true, line_end)),
            _ => flow(&Format::Yaml.value(self.text.as_bytes())?),
        }
    }
}

fn last(node: &Node) -> &Node {
    node.entries().last().map_or(node, |entry| last(&entry.value))
}

fn anchors_of(doc: &Doc<'_>, node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    walk(node, &mut |node| {
        if let Some(span) = &node.anchor_span {
            names.push(doc.text[span.clone()].to_owned());
        }
    });
    names
}

/// Refuses to write where an alias elsewhere would change with it.
fn check_anchors(
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

/// See [`crate::lens::Lens::put`].
pub(super) fn put(file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let part = Part::new(fragment)?;
    put_part(&doc, &found, &part, expression)
}

fn put_part(doc: &Doc<'_>, found: &Found<'_>, part: &Part, expression: &str) -> Result<Vec<Edit>, LensError> {
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
fn replaced(doc: &Doc<'_>, found: &Found<'_>, part: &Part) -> Result<Vec<(Span, String)>, LensError> {
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
        Extent::Headed(header, lines) => (header.clone(), lines.clone()),
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
        Shape::Headed => {
            let (first, lines) = part.text.split_once('\n').unwrap_or((&part.text, ""));
            (first.to_owned(), indented(lines, outer, false, line_end), None)
        }
        Shape::Block => {
            let begun = (is_item || own_line)
                && !matches!(standing, Extent::Body(..) | Extent::Headed(..))
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
        (Extent::Body(_, column), _) if *column > outer || part.is_sequence => *column,
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

/// How a file is indented.
struct Style {
    unit: usize,
    /// Whether sequences stand under the key that they belong to.
    indentless: bool,
}

impl Style {
    fn of(doc: &Doc<'_>) -> Style {
        let (mut unit, mut indentless) = (None, None);
        walk(&doc.root, &mut |node| {
            if !matches!(node.kind, Kind::Map { flow: false, .. }) {
                return;
            }
            let column = doc.column(node.span.start);
            for entry in node.entries() {
                let value = &entry.value;
                let deeper = doc.column(value.span.start).checked_sub(column);
                let own_line = entry.behind.is_some_and(|behind| line_start(doc.text, value.span.start) > behind);
                match (&value.kind, deeper) {
                    (Kind::Map { flow: false, .. }, Some(deeper @ 1..=8)) if own_line => {
                        unit.get_or_insert(deeper);
                    }
                    (Kind::Sequence { flow: false, .. }, Some(deeper)) if own_line => {
                        indentless.get_or_insert(deeper == 0);
                    }
                    _ => {}
                }
            }
        });
        Style { unit: unit.unwrap_or(2), indentless: indentless.unwrap_or(false) }
    }
}

/// The lines of a new entry.
fn entry_text(key: &str, part: &Part, style: &Style) -> String {
    let text = &part.text;
    match part.shape {
        _ if text.is_empty() => format!("{key}:\n"),
        Shape::Inline => format!("{key}: {text}\n"),
        Shape::Headed => format!("{key}: {text}"),
        Shape::Block => {
            let column = if part.is_sequence && style.indentless { 0 } else { style.unit };
            format!("{key}:\n{}", indented(text, column, false, "\n"))
        }
    }
}

/// The lines of a new item.
fn item_text(part: &Part) -> String {
    let text = &part.text;
    match part.shape {
        _ if text.is_empty() => "-\n".to_owned(),
        Shape::Inline => format!("- {text}\n"),
        Shape::Headed => format!("- {text}"),
        Shape::Block if is_comment(line_at(text, 0)) => format!("-\n{}", indented(text, 2, false, "\n")),
        Shape::Block => format!("- {}", indented(text, 2, true, "\n")),
    }
}

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
            return put_part(&doc, &found, &Part::of_text(lines)?, expression);
        }
        (_, other) => {
            let why = format!(
                "{} stands at `{}`, so nothing can be inserted in it",
                other.kind(),
                pointer::format(&tokens[..tokens.len() - rest.len()])
            );
            return Err(refused(expression, &why));
        }
    };
    let expected = literally(&doc.root, Some(Swap::Inner(found.node, inner)))?;
    checked(&doc, edits, &part.text, &expected)
}

/// What a collection holds, without its tag.
fn inner_of(node: &Node) -> Result<Value, LensError> {
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

fn into_flow(
    doc: &Doc<'_>,
    found: &Found<'_>,
    at: usize,
    name: Option<&str>,
    part: &Part,
    style: &Style,
) -> Result<Vec<(Span, String)>, LensError> {
    let entries = found.node.entries();
    // An empty collection becomes a block, unless it is in a flow collection itself.
    if entries.is_empty() && !matches!(found.place, Place::Flow { .. }) && found.node.tag.is_none() {
        let lines = match name {
            Some(name) => entry_text(&scalar::inline(name), part, style),
            None => item_text(part),
        };
        if found.place != Place::Root {
            return replaced(doc, found, &Part::of_text(lines)?);
        }
        if begins_line(doc, found.node.span.start) && doc.column(found.node.span.start) == 0 {
            let lines = lines.strip_suffix('\n').filter(|_| !part.ends_open).unwrap_or(&lines);
            return Ok(vec![(found.node.span.clone(), indented(lines, 0, false, doc.line_end()))]);
        }
    }
    let value = part.inline(found.place.column(), doc.line_end())?;
    let text = name.map_or_else(|| value.clone(), |name| format!("{}: {value}", key_like(entries, name)));
    let items: Vec<Span> = entries.iter().map(|entry| entry.start..entry.end()).collect();
    let brackets =
        Brackets { text: doc.text, inside: found.node.span.clone(), items: &items, line_end: doc.line_end() };
    Ok(brackets.insert(at, &text, ""))
}

/// Whether only blanks stand before `offset` on its line.
fn begins_line(doc: &Doc<'_>, offset: usize) -> bool {
    is_blank(&doc.text[line_start(doc.text, offset)..offset])
}

/// The start of the line of `offset`, or of the comment lines directly above it that are indented alike.
fn lead(doc: &Doc<'_>, offset: usize) -> usize {
    let mut line = line_start(doc.text, offset);
    let column = offset - line;
    while line > doc.body.start {
        let above = line_start(doc.text, line - 1);
        let text = &doc.text[above..line];
        if above < doc.body.start || !is_comment(text) || indentation(text).len() != column {
            break;
        }
        line = above;
    }
    line
}

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
        Extent::Headed(_, span) | Extent::Body(span, _) | Extent::Compact(span, _) => span.end,
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
        return Ok(vec![(hole(doc, entry.start, end), String::new())]);
    }
    // The first of a compact collection: the next takes its place behind the dash.
    let next = entries[at + 1].start;
    if lead(doc, next) == line_start(doc.text, next) && line_start(doc.text, next) == end {
        return Ok(vec![(entry.start..next, String::new())]);
    }
    Ok(vec![(entry.start..end, doc.line_end().to_owned())])
}

/// The lines of an entry, with the comment lines above that are about it alone, and with a blank line that would be one too many.
fn hole(doc: &Doc<'_>, start: usize, end: usize) -> Span {
    let next = line_at(doc.text, end);
    let same_level = indentation(next).len() == doc.column(start);
    let alone = is_blank(next) || is_comment(next) || !same_level;
    let start = if alone { lead(doc, start) } else { line_start(doc.text, start) };
    let above = if start > doc.body.start { &doc.text[line_start(doc.text, start - 1)..start] } else { "" };
    if is_blank(above) && is_blank(next) && !next.is_empty() {
        return start..end + next.len();
    }
    if next.is_empty() && is_blank(above) && start > doc.body.start {
        return line_start(doc.text, start - 1)..end;
    }
    start..end
}
