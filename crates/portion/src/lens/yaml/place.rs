//! Where a portion stands, and its text free of that place.
//!
//! A block collection's text is its lines, with comments between them and directly below, and comments above its first key. Other
//! nodes are what is written for them, a tag included, an anchor not. Further lines lose the indentation of what is around.

use super::document::{Doc, Entry, Kind, Node};
use crate::lens::rows::{indentation, is_blank, is_comment, line_at, line_start};
use crate::lens::{LensError, Span};
use crate::pointer;

/// What a node stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the document.
    Root,
    /// Behind a colon of a block map (its keys are at `column`).
    Value { behind: usize, column: usize },
    /// Behind a dash at `column`.
    Item { behind: usize, column: usize },
    /// In a flow collection that is part of something at `column`.
    Flow { column: usize },
}

impl Place {
    /// The column of what is around.
    pub(super) fn column(self) -> usize {
        match self {
            Place::Root => 0,
            Place::Value { column, .. } | Place::Item { column, .. } | Place::Flow { column } => column,
        }
    }
}

/// A node, where it stands, and what is around it.
pub(super) struct Found<'d> {
    pub(super) node: &'d Node,
    pub(super) place: Place,
    /// From the root to the parent, each with the index of the entry that leads on.
    pub(super) parents: Vec<(&'d Node, Place, usize)>,
}

impl<'d> Found<'d> {
    pub(super) fn root(doc: &'d Doc<'_>) -> Found<'d> {
        Found { node: &doc.root, place: Place::Root, parents: Vec::new() }
    }

    /// The entry that leads to the node.
    pub(super) fn entry(&self) -> Option<(&'d Entry, usize)> {
        let (parent, _, at) = self.parents.last()?;
        Some((&parent.entries()[*at], *at))
    }

    fn child(&self, doc: &Doc<'_>, token: &str) -> Option<Found<'d>> {
        let at = match &self.node.kind {
            Kind::Map { entries, .. } => entries.iter().position(|entry| entry.name() == Some(token))?,
            Kind::Sequence { items, .. } => pointer::index(token).filter(|at| *at < items.len())?,
            _ => return None,
        };
        let node: &'d Node = self.node;
        let entry = &node.entries()[at];
        let mut parents = self.parents.clone();
        parents.push((node, self.place, at));
        Some(Found { node: &entry.value, place: place_in(doc, node, self.place, entry), parents })
    }
}

/// Where the value of `entry` stands, which is in `parent`, which stands at `place`.
pub(super) fn place_in(doc: &Doc<'_>, parent: &Node, place: Place, entry: &Entry) -> Place {
    match (&parent.kind, entry.behind) {
        (Kind::Map { flow: false, .. }, Some(behind)) => Place::Value { behind, column: doc.column(parent.span.start) },
        (Kind::Sequence { flow: false, .. }, Some(behind)) => Place::Item { behind, column: doc.column(behind - 1) },
        (Kind::Map { flow: false, .. }, None) => Place::Flow { column: doc.column(parent.span.start) },
        _ => Place::Flow { column: place.column() },
    }
}

/// Follows as many of `tokens` as exist. The second part is what is left.
pub(super) fn follow<'d, 't>(doc: &'d Doc<'_>, tokens: &'t [String]) -> (Found<'d>, &'t [String]) {
    let mut found = Found::root(doc);
    for (at, token) in tokens.iter().enumerate() {
        match found.child(doc, token) {
            Some(child) => found = child,
            None => return (found, &tokens[at..]),
        }
    }
    (found, &[])
}

/// The node that `expression` names.
///
/// # Errors
/// [`LensError::Missing`], [`LensError::Selector`]; [`LensError::Refused`] where an alias stands in the way, or the text
/// does not stand alone.
pub(super) fn find<'d>(doc: &'d Doc<'_>, expression: &str) -> Result<Found<'d>, LensError> {
    let tokens = pointer::parse("yaml", expression)?;
    let (found, rest) = follow(doc, &tokens);
    if let Kind::Alias(..) = found.node.kind {
        return Err(refused(expression, "an alias stands there, for what another place holds"));
    }
    if !rest.is_empty() {
        let merges = found.node.entries().iter().any(|entry| entry.name() == Some("<<"));
        if merges && rest.len() == 1 {
            return Err(refused(
                expression,
                "it may be merged in by `<<`, which only the place that it names can change",
            ));
        }
        return Err(LensError::missing(expression, super::list::selectors(doc)));
    }
    stands_alone(doc, &found).map_err(|why| refused(expression, why))?;
    Ok(found)
}

pub(super) fn refused(expression: &str, why: &str) -> LensError {
    LensError::Refused(format!("`{expression}`: {why}"))
}

/// Whether the node's text means the same without what is around it.
pub(super) fn stands_alone(doc: &Doc<'_>, found: &Found<'_>) -> Result<(), &'static str> {
    let own = |node: &Node| node.anchor;
    let mut anchors = Vec::new();
    let mut aliases = Vec::new();
    let mut complex = false;
    let mut tagged = false;
    walk(found.node, &mut |node| {
        anchors.push(own(node));
        if let Kind::Alias(id, _) = node.kind {
            aliases.push(id);
        }
        tagged |= node.tag.is_some();
        complex |= node.entries().iter().any(|entry| entry.key.is_some() && entry.name().is_none());
    });
    let is_root = matches!(found.place, Place::Root);
    // The node's own anchor is no part of its text.
    if !is_root && found.node.anchor != 0 {
        anchors.retain(|id| *id != found.node.anchor);
    }
    if aliases.iter().any(|id| !anchors.contains(id)) {
        return Err("it holds an alias of something outside it");
    }
    if complex {
        return Err("it holds a key that is no scalar");
    }
    let first = line_at(doc.text, text_start(found)).split_whitespace().next();
    if !is_root && matches!(first, Some("---" | "...")) {
        return Err("it begins with what marks a document where it stands alone");
    }
    if !is_root
        && let (Some(anchor), Some(props)) = (&found.node.anchor_span, &found.node.props)
        && anchor.start > props.start
    {
        return Err("its anchor stands behind its tag");
    }
    if tagged && doc.text[..doc.body.start].contains("%TAG") {
        return Err("its tags are declared at the head of the file");
    }
    Ok(())
}

/// Every node of the tree below and at `node`, keys included.
pub(super) fn walk<'d>(node: &'d Node, see: &mut dyn FnMut(&'d Node)) {
    see(node);
    for entry in node.entries() {
        if let Some(key) = &entry.key {
            walk(key, see);
        }
        walk(&entry.value, see);
    }
}

/// Where the node's text starts on its line: its own anchor is left out.
pub(super) fn text_start(found: &Found<'_>) -> usize {
    let node = found.node;
    match (&node.anchor_span, &node.tag) {
        (Some(anchor), None) if !matches!(found.place, Place::Root) => {
            if node.span.is_empty() {
                anchor.end
            } else {
                node.span.start.max(anchor.end)
            }
        }
        (Some(anchor), Some(_)) if !matches!(found.place, Place::Root) => {
            node.props.as_ref().map_or(anchor.end, |props| {
                let tag = node.tag.as_ref().map_or(0, String::len);
                props.end - tag
            })
        }
        _ => node.start(),
    }
}

/// Behind the colon or dash, and the node's own anchor.
pub(super) fn sep(found: &Found<'_>) -> usize {
    let behind = match found.place {
        Place::Value { behind, .. } | Place::Item { behind, .. } => behind,
        Place::Root | Place::Flow { .. } => text_start(found),
    };
    found.node.anchor_span.as_ref().map_or(behind, |anchor| behind.max(anchor.end))
}

/// How a node's text lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extent {
    /// From one byte to another; further lines are indented by the column of what is around.
    Inline(Span),
    /// The header of a block scalar, and the lines behind its line.
    Headed(Span, Span),
    /// The tag of a block collection, and the lines behind its line, at this column.
    Tagged(Span, Span, usize),
    /// Lines behind the line of the colon or dash, at this column.
    Body(Span, usize),
    /// A block collection that begins behind its dash; further lines are at this column.
    Compact(Span, usize),
}

/// See [`Extent`].
pub(super) fn extent(doc: &Doc<'_>, found: &Found<'_>) -> Extent {
    let node = found.node;
    let start = text_start(found);
    if node.is_block_scalar() {
        let line = line_at(doc.text, node.span.start);
        let indicators = line.split([' ', '\t', '\r', '\n', '#']).next().unwrap_or_default().len();
        let content = node.span.start + line.len();
        return Extent::Headed(start..node.span.start + indicators, content..node.span.end.max(content));
    }
    if !node.is_block() {
        return Extent::Inline(start..node.end().max(start));
    }
    let column = doc.column(node.span.start);
    if let Some(tag) = &node.tag {
        let props = node.props.as_ref().map_or(start, |props| props.end);
        let body = doc.line_end_after(props);
        return Extent::Tagged(props - tag.len()..props, body..tail(doc, found, column), column);
    }
    let sep = sep(found);
    let own_line = line_start(doc.text, node.span.start) > sep;
    if !own_line {
        return Extent::Compact(node.span.start..tail(doc, found, column), column);
    }
    let first = doc.line_end_after(sep);
    let mut body = first;
    while body < node.span.start && is_blank(line_at(doc.text, body)) {
        body = doc.line_end_after(body);
    }
    Extent::Body(body..tail(doc, found, column), column)
}

/// The end of a block collection's lines: with the comments directly below that are indented like it, if that is deeper than what is
/// around it.
fn tail(doc: &Doc<'_>, found: &Found<'_>, column: usize) -> usize {
    let node = found.node;
    let end = block_end(doc, node);
    match found.place {
        Place::Value { column: outer, .. } | Place::Item { column: outer, .. } if column > outer => {
            comments_after(doc, end, column)
        }
        _ => end,
    }
}

/// The end of the line on which a node ends.
pub(super) fn block_end(doc: &Doc<'_>, node: &Node) -> usize {
    line_end_of(doc, node.end())
}

/// The end of the line of the byte before `end`.
pub(super) fn line_end_of(doc: &Doc<'_>, end: usize) -> usize {
    if end > 0 && doc.text.as_bytes()[end - 1] == b'\n' { end } else { doc.line_end_after(end) }
}

/// Behind the comment lines at `from` that are indented by `column` or more.
pub(super) fn comments_after(doc: &Doc<'_>, mut from: usize, column: usize) -> usize {
    while from < doc.text.len() {
        let line = line_at(doc.text, from);
        if !is_comment(line) || indentation(line).len() < column {
            break;
        }
        from += line.len();
    }
    from
}

/// The fragment's text.
pub(super) fn text(doc: &Doc<'_>, found: &Found<'_>) -> String {
    if matches!(found.place, Place::Root) {
        return root_text(doc);
    }
    let outer = found.place.column();
    match extent(doc, found) {
        // The only pair in `[a: b]` has no braces of its own.
        Extent::Inline(span) if is_bare_pair(doc, found.node) => {
            format!("{{{}}}", dedented(&doc.text[span], outer, true))
        }
        Extent::Inline(span) => dedented(&doc.text[span], outer, true),
        Extent::Headed(header, lines) => headed(doc, header, lines, outer),
        Extent::Tagged(header, lines, column) => headed(doc, header, lines, column),
        Extent::Body(span, column) => closed(dedented(&doc.text[span], column, false)),
        Extent::Compact(span, column) => closed(dedented(&doc.text[span], column, true)),
    }
}

fn headed(doc: &Doc<'_>, header: Span, lines: Span, column: usize) -> String {
    closed(format!("{}\n{}", &doc.text[header], dedented(&doc.text[lines], column, false)))
}

pub(super) fn is_bare_pair(doc: &Doc<'_>, node: &Node) -> bool {
    matches!(node.kind, Kind::Map { flow: true, .. }) && !doc.text[node.span.clone()].starts_with('{')
}

fn closed(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The bytes of the whole document that are its text: without blank lines at both ends.
pub(super) fn root_span(doc: &Doc<'_>) -> Span {
    let bytes = doc.text.as_bytes();
    let mut start = doc.body.start;
    // Behind `---` the text may begin on its line.
    if start > 0 && bytes[start - 1] != b'\n' {
        let rest = line_at(doc.text, start);
        if is_blank(rest) || (is_comment(rest) && doc.root.start() >= start + rest.len()) {
            start += rest.len();
        } else {
            start += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        }
    }
    while start < doc.body.end && is_blank(line_at(doc.text, start)) {
        start += line_at(doc.text, start).len();
    }
    let start = start.min(doc.body.end);
    let written = doc.text[start..doc.body.end].trim_end().len() + start;
    let end = if doc.root.is_block() || doc.root.is_block_scalar() {
        let kept = doc.root.end().max(written).min(doc.body.end);
        line_end_of(doc, kept).min(doc.body.end)
    } else {
        written
    };
    start..end.max(start)
}

fn root_text(doc: &Doc<'_>) -> String {
    let span = root_span(doc);
    let column = if doc.root.is_block() { doc.column(doc.root.span.start) } else { 0 };
    let mid_line = span.start > 0 && doc.text.as_bytes()[span.start - 1] != b'\n';
    let text = dedented(&doc.text[span], column, mid_line);
    if doc.root.is_block() || doc.root.is_block_scalar() { closed(text) } else { text }
}

/// The lines without up to `column` blanks at their start; the first line as it is if it is `begun`. Line ends as LF.
pub(super) fn dedented(text: &str, column: usize, begun: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (body, end) = match line.strip_suffix('\n') {
            Some(body) => (body.strip_suffix('\r').unwrap_or(body), "\n"),
            None => (line, ""),
        };
        let blanks = body.len() - body.trim_start_matches(' ').len();
        let cut = if at == 0 && begun { 0 } else { blanks.min(column) };
        out.push_str(&body[cut..]);
        out.push_str(end);
    }
    out
}

/// The lines with `column` blanks before each that is not empty; the first as it is if it is `begun`. Line ends as `line_end`.
pub(super) fn indented(text: &str, column: usize, begun: bool, line_end: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let blanks = " ".repeat(column);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (body, end) = match line.strip_suffix('\n') {
            Some(body) => (body, line_end),
            None => (line, ""),
        };
        let is_first = at == 0 && begun;
        if !body.is_empty() && !is_first {
            out.push_str(&blanks);
        }
        out.push_str(body);
        out.push_str(end);
    }
    out
}

/// Whether only blanks stand before `offset` on its line.
pub(super) fn begins_line(doc: &Doc<'_>, offset: usize) -> bool {
    is_blank(&doc.text[line_start(doc.text, offset)..offset])
}

/// The start of the line of `offset`, or of the comment lines directly above it that are indented alike.
pub(super) fn lead(doc: &Doc<'_>, offset: usize) -> usize {
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
