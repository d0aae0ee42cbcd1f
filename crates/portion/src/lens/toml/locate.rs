//! From a pointer to the place that it names, and every place that a pointer can name.

use std::collections::HashMap;

use toml_edit::Value as Written;

use super::document::{Doc, Kind, Node, is_spread};
use crate::lens::{Item, LensError, Span};
use crate::pointer;

/// A place that exists.
pub(super) struct Found<'d> {
    /// Tokens from the document's root, the empty key of a document that stands for a list included.
    pub(super) path: Vec<String>,
    /// How many of them are keys of tables (not indices), up to the first value.
    pub(super) keys: usize,
    /// What stands there.
    pub(super) node: Node<'d>,
}

/// Follows as many of `tokens` as exist. The second part is what is left.
pub(super) fn follow<'d, 't>(doc: &'d Doc<'_>, tokens: &'t [String]) -> (Found<'d>, &'t [String]) {
    let root = Node::Table(doc.tree.as_table());
    let mut found = Found { path: Vec::new(), keys: 0, node: root };
    let base = doc.base();
    for token in &base {
        if let Some(child) = found.node.child(token) {
            found = Found { path: base.clone(), keys: 1, node: child };
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        let Some(child) = found.node.child(token) else {
            return (found, &tokens[at..]);
        };
        if matches!(found.node, Node::Table(_)) {
            found.keys += 1;
        }
        found.path.push(token.clone());
        found.node = child;
    }
    (found, &[])
}

/// The place that `expression` names.
///
/// # Errors
/// [`LensError::Missing`], [`LensError::Selector`]; [`LensError::Refused`] for a table that has no text of its own.
pub(super) fn find<'d>(doc: &'d Doc<'_>, expression: &str) -> Result<Found<'d>, LensError> {
    let tokens = pointer::parse("toml", expression)?;
    let (found, rest) = follow(doc, &tokens);
    if !rest.is_empty() {
        return Err(LensError::missing(expression, list(doc).into_iter().map(|item| item.selector)));
    }
    if let Node::Value(value) = found.node
        && is_spread(value)
    {
        return Err(LensError::Refused(format!(
            "`{expression}` is spread over dotted keys inside an inline table; address the table around it"
        )));
    }
    Ok(found)
}

/// Every place that can be named, in the file's order.
pub(super) fn list(doc: &Doc<'_>) -> Vec<Item> {
    let root = Node::Table(doc.tree.as_table());
    let mut lister = Lister { extents: extents(doc), items: Vec::new() };
    let base = doc.base();
    let mut path = pointer::format(&base);
    let node = base.first().and_then(|key| root.child(key)).unwrap_or(root);
    let hidden = path.len();
    lister.children(&mut path, node);
    let mut items = lister.items;
    items.sort_by_key(|(start, _, _, _)| *start);
    let starts: Vec<usize> = memchr::memchr_iter(b'\n', doc.text.as_bytes()).collect();
    let line = |offset: usize| starts.partition_point(|end| *end < offset) + 1;
    items
        .into_iter()
        .map(|(start, end, selector, kind)| Item {
            selector: selector[hidden..].to_owned(),
            kind,
            lines: (line(start), line(end.saturating_sub(1).max(start))),
        })
        .collect()
}

/// From the first to the last byte of every table, by its pointer.
fn extents(doc: &Doc<'_>) -> HashMap<String, Span> {
    let mut extents: HashMap<String, Span> = HashMap::new();
    for statement in &doc.statements {
        let mut pointer = String::new();
        for token in &statement.path {
            pointer::push(&mut pointer, token);
            let extent = extents.entry(pointer.clone()).or_insert(statement.line..statement.end);
            extent.end = extent.end.max(statement.end);
        }
    }
    extents
}

struct Lister {
    extents: HashMap<String, Span>,
    items: Vec<(usize, usize, String, &'static str)>,
}

impl Lister {
    fn children(&mut self, pointer: &mut String, node: Node<'_>) {
        match node {
            Node::Table(table) => table.iter().for_each(|(key, _)| self.child(pointer, key, node.child(key))),
            Node::Value(Written::InlineTable(table)) => {
                table.iter().for_each(|(key, value)| self.child(pointer, key, Some(Node::Value(value))));
            }
            Node::Tables(tables) => {
                tables.iter().enumerate().for_each(|(at, table)| {
                    self.child(pointer, &at.to_string(), Some(Node::Table(table)));
                });
            }
            Node::Value(Written::Array(array)) => {
                array.iter().enumerate().for_each(|(at, value)| {
                    self.child(pointer, &at.to_string(), Some(Node::Value(value)));
                });
            }
            Node::Value(_) => {}
        }
    }

    fn child(&mut self, pointer: &mut String, token: &str, node: Option<Node<'_>>) {
        let Some(node) = node else {
            return;
        };
        let length = pointer.len();
        pointer::push(pointer, token);
        let span = match node {
            Node::Value(value) if is_spread(value) => None,
            Node::Value(value) => value.span(),
            Node::Table(_) | Node::Tables(_) => self.extents.get(pointer.as_str()).cloned(),
        };
        if let Some(span) = span {
            self.items.push((span.start, span.end, pointer.clone(), node.kind()));
            self.children(pointer, node);
        }
        pointer.truncate(length);
    }
}

/// The statement that a value stands in, if the value is all that stands behind its `=`.
pub(super) fn pair_of(doc: &Doc<'_>, value: &Written) -> Option<usize> {
    let span = value.span()?;
    let at = doc.statement_at(span.start)?;
    (doc.statements[at].kind == Kind::Pair(span)).then_some(at)
}
