//! Every place that a pointer can name.

use super::document::{Doc, Kind, Node};
use super::place::{Found, Place, place_in, stands_alone, walk};
use crate::lens::{Item, LensError};
use crate::pointer;

/// In the file's order.
pub(super) fn list(doc: &Doc<'_>) -> Vec<Item> {
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', doc.text.as_bytes()).collect();
    let mut lister = Lister { doc, ends, items: Vec::new() };
    lister.children(&doc.root, Place::Root, &mut String::new());
    lister.items
}

/// The selectors alone.
pub(super) fn selectors(doc: &Doc<'_>) -> Vec<String> {
    list(doc).into_iter().map(|item| item.selector).collect()
}

/// What has a key that is no scalar.
pub(super) fn omitted(doc: &Doc<'_>) -> Vec<LensError> {
    let mut omitted = Vec::new();
    walk(&doc.root, &mut |node| {
        let nameless = node.entries().iter().filter(|entry| entry.key.is_some() && entry.name().is_none());
        omitted.extend(nameless.map(|entry| {
            let at = doc.file.len() - doc.text.len() + entry.start;
            LensError::unparsable(doc.file, at, "a key that is no scalar, which no selector names")
        }));
    });
    omitted
}

struct Lister<'d, 'a> {
    doc: &'d Doc<'a>,
    /// Where each line ends.
    ends: Vec<usize>,
    items: Vec<Item>,
}

impl<'d> Lister<'d, '_> {
    fn children(&mut self, node: &'d Node, place: Place, pointer: &mut String) {
        for (index, entry) in node.entries().iter().enumerate() {
            let length = pointer.len();
            match (&entry.key, entry.name()) {
                (Some(_), Some(name)) => pointer::push(pointer, name),
                (Some(_), None) => continue,
                (None, _) => pointer::push(pointer, &index.to_string()),
            }
            let inner = place_in(self.doc, node, place, entry);
            let found = Found { node: &entry.value, place: inner, parents: Vec::new() };
            if !matches!(entry.value.kind, Kind::Alias(..)) {
                if stands_alone(self.doc, &found).is_ok() {
                    let end = entry.value.end().max(entry.start + 1);
                    let (first, last) = (self.line(entry.start), self.line(end - 1));
                    self.items.push(Item { selector: pointer.clone(), kind: kind(&entry.value), lines: (first, last) });
                }
                self.children(&entry.value, inner, pointer);
            }
            pointer.truncate(length);
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }
}

fn kind(node: &Node) -> &'static str {
    use crate::value::Value;
    match &node.kind {
        Kind::Map { .. } => "map",
        Kind::Sequence { .. } => "sequence",
        Kind::Alias(..) => "alias",
        Kind::Scalar(..) => match super::value::literally(node, None) {
            Ok(Value::Null) => "null",
            Ok(Value::Bool(_)) => "boolean",
            Ok(Value::Number(_)) => "number",
            Ok(Value::Map(_)) => "tagged",
            _ => "string",
        },
    }
}
