//! What is to be put, parsed; and the lines that it makes as a new entry of a file.

use super::document::{Doc, Kind, Node};
use super::place::{indented, walk};
use super::value::{flow, literally};
use crate::lens::rows::{is_comment, line_at, line_start};
use crate::lens::{Format, Fragment, LensError};
use crate::value::Value;

/// What is to be put, parsed.
pub(super) struct Part {
    pub(super) text: String,
    pub(super) shape: Shape,
    pub(super) is_sequence: bool,
    /// Whether its last node is a block scalar, which needs its line end.
    pub(super) ends_open: bool,
    /// What it says; see [`literally`].
    pub(super) says: Value,
    pub(super) anchors: Vec<String>,
}

/// How a fragment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// On one line, or in quotes or brackets that may go over several.
    Inline,
    /// The first line of a block scalar, which belongs behind the colon, and lines.
    Headed,
    /// The tag of a block collection, which belongs behind the colon, and lines.
    Tagged,
    /// Lines.
    Block,
}

impl Part {
    pub(super) fn new(fragment: &Fragment) -> Result<Part, LensError> {
        if fragment.format != Format::Yaml {
            return Err(LensError::Refused(format!("a YAML file takes {}, not {}", Format::Yaml, fragment.format)));
        }
        let text = fragment.format.tidy(&fragment.text)?;
        let text = String::from_utf8(text.into_owned()).map_err(|error| {
            LensError::unparsable(error.as_bytes(), error.utf8_error().valid_up_to(), "a byte that is no UTF-8")
        })?;
        Part::of_text(text)
    }

    pub(super) fn of_text(text: String) -> Result<Part, LensError> {
        let doc = Doc::parse(text.as_bytes())?;
        let root = &doc.root;
        let shape = match root.is_block() {
            true if root.props.is_none() => Shape::Block,
            true => Shape::Tagged,
            false if root.is_block_scalar() => Shape::Headed,
            false => Shape::Inline,
        };
        let (is_sequence, ends_open) = (matches!(root.kind, Kind::Sequence { .. }), last(root).is_block_scalar());
        let (says, anchors) = (literally(root, None)?, anchors_of(&doc, root));
        Ok(Part { shape, is_sequence, ends_open, says, anchors, text })
    }

    /// As one line of flow style, with continuation lines at `column` if it is written over several.
    pub(super) fn inline(&self, column: usize, line_end: &str) -> Result<String, LensError> {
        match self.shape {
            Shape::Inline => Ok(indented(&self.text, column, true, line_end)),
            _ => flow(&Format::Yaml.value(self.text.as_bytes())?),
        }
    }
}

pub(super) fn last(node: &Node) -> &Node {
    node.entries().last().map_or(node, |entry| last(&entry.value))
}

pub(super) fn anchors_of(doc: &Doc<'_>, node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    walk(node, &mut |node| {
        if let Some(span) = &node.anchor_span {
            names.push(doc.text[span.clone()].to_owned());
        }
    });
    names
}

/// How a file is indented.
pub(super) struct Style {
    pub(super) unit: usize,
    /// Whether sequences stand under the key that they belong to.
    pub(super) indentless: bool,
}

impl Style {
    pub(super) fn of(doc: &Doc<'_>) -> Style {
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

    /// How much deeper than its key the lines of a new block are.
    fn below(&self, part: &Part) -> usize {
        if part.is_sequence && self.indentless { 0 } else { self.unit }
    }
}

/// The lines of a new entry.
pub(super) fn entry_text(key: &str, part: &Part, style: &Style) -> String {
    let text = &part.text;
    match part.shape {
        _ if text.is_empty() => format!("{key}:\n"),
        Shape::Inline => format!("{key}: {text}\n"),
        Shape::Headed => format!("{key}: {text}"),
        Shape::Tagged => format!("{key}: {}", indented(text, style.below(part), true, "\n")),
        Shape::Block => format!("{key}:\n{}", indented(text, style.below(part), false, "\n")),
    }
}

/// The lines of a new item.
pub(super) fn item_text(part: &Part) -> String {
    let text = &part.text;
    match part.shape {
        _ if text.is_empty() => "-\n".to_owned(),
        Shape::Inline => format!("- {text}\n"),
        Shape::Headed => format!("- {text}"),
        Shape::Tagged => format!("- {}", indented(text, 2, true, "\n")),
        Shape::Block if is_comment(line_at(text, 0)) => format!("-\n{}", indented(text, 2, false, "\n")),
        Shape::Block => format!("- {}", indented(text, 2, true, "\n")),
    }
}
