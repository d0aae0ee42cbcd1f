//! The names that an item declares: mostly one, several in `let a = 1, b = 2` and `x, y = f()`.

use tree_sitter::Node;

use super::language::Name;
use super::source::{Source, chain, child, children, only_child};
use crate::lens::Span;

/// Longer names, in bytes, are none that people write.
const MAX_NAME: usize = 160;
/// Of a declaration that has more names, none is an item.
const MAX_NAMES: usize = 32;
/// So many nodes of a pattern are looked at.
const MAX_NODES: usize = 256;

/// The names of the item that a node is by this rule, each once, in the file's order; none where it has none.
pub(super) fn of(source: &Source<'_>, node: Node<'_>, name: &Name) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all(source, node, name) {
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MAX_NAMES {
            return Vec::new();
        }
    }
    names
}

fn all(source: &Source<'_>, node: Node<'_>, name: &Name) -> Vec<String> {
    let text = |node: Node<'_>| text(source, node.byte_range());
    match name {
        Name::Field(field) => fields(node, field).flat_map(|held| declared(source, held)).collect(),
        Name::Chain(field) => {
            let ends = fields(node, field).map(|held| chain(held, field).last().unwrap_or(held));
            ends.filter(|end| is_simple(*end)).filter_map(text).collect()
        }
        Name::Child(kind) => child(node, kind).and_then(text).into_iter().collect(),
        Name::Only(kind, field) => {
            let held = parts(source, node, kind).into_iter();
            held.flat_map(|part| fields(part, field).flat_map(|held| declared(source, held)).collect::<Vec<_>>())
                .collect()
        }
        Name::Inside(kind, inner) => {
            let held = parts(source, node, kind).into_iter();
            held.filter_map(|part| text(child(part, inner)?)).collect()
        }
        Name::UpTo(kind) => {
            let end = child(node, kind).map(|child| child.start_byte());
            end.and_then(|end| self::text(source, node.start_byte()..end)).into_iter().collect()
        }
        Name::Both(first, between, second) => {
            let part = |field: &str| node.child_by_field_name(field).and_then(text);
            let both = match (part(first), part(second)) {
                (Some(first), Some(second)) => Some(format!("{first}{between}{second}")),
                (one, other) => one.or(other),
            };
            both.into_iter().collect()
        }
        Name::Method => method(source, node).into_iter().collect(),
    }
}

/// `func (s *Server[T]) Serve()`.
fn method(source: &Source<'_>, node: Node<'_>) -> Option<String> {
    let text = |node: Node<'_>| text(source, node.byte_range());
    let receiver = node.child_by_field_name("receiver").and_then(|list| only_child(list, "parameter_declaration"));
    let kind = text(receiver?.child_by_field_name("type")?)?;
    let kind = kind.trim_start_matches(['*', '(', ' ']).split(['[', ')']).next()?.trim();
    Some(format!("{kind}.{}", text(node.child_by_field_name("name")?)?))
}

/// The children of a kind: one, or all where they are no items of their own, as those of Go between parentheses are.
fn parts<'t>(source: &Source<'_>, node: Node<'t>, kind: &str) -> Vec<Node<'t>> {
    let is_item = source.language.items.iter().any(|rule| rule.node == kind);
    let found: Vec<Node<'t>> = children(node).filter(|child| child.kind() == kind).take(MAX_NAMES + 1).collect();
    if is_item && found.len() > 1 { Vec::new() } else { found }
}

/// What stands in a field, without the commas between that grammars have in it, too.
fn fields<'t>(node: Node<'t>, field: &str) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    let found: Vec<Node<'t>> =
        node.children_by_field_name(field, &mut cursor).filter(|held| held.kind() != ",").take(MAX_NAMES + 1).collect();
    found.into_iter()
}

/// The names that a node declares: itself, or those in a pattern of several.
fn declared(source: &Source<'_>, node: Node<'_>) -> Vec<String> {
    if is_simple(node) {
        return text(source, node.byte_range()).into_iter().collect();
    }
    let mut names = Vec::new();
    let mut next = vec![node];
    for _ in 0..MAX_NODES {
        let Some(node) = next.pop() else { return names };
        match node.kind() {
            // Places in something else, which has its own name.
            "subscript"
            | "subscript_expression"
            | "element_reference"
            | "attribute"
            | "member_expression"
            | "call"
            | "dot_index_expression"
            | "bracket_index_expression" => {}
            "pair_pattern" => next.extend(node.child_by_field_name("value")),
            // With a default.
            "assignment_pattern" | "object_assignment_pattern" => next.extend(node.child_by_field_name("left")),
            "variable_name" => names.extend(text(source, node.byte_range())),
            _ if node.named_child_count() == 0 => names.extend(text(source, node.byte_range()).filter(|t| is_word(t))),
            _ => {
                let inner: Vec<Node<'_>> = children(node).filter(Node::is_named).take(MAX_NODES).collect();
                next.extend(inner.into_iter().rev());
            }
        }
    }
    // More than anybody writes.
    Vec::new()
}

fn is_word(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| !c.is_ascii_digit()) && text.chars().all(|c| c.is_alphanumeric() || "_$@?".contains(c))
}

/// Whether a node is a name, and no pattern of several.
fn is_simple(node: Node<'_>) -> bool {
    let kind = node.kind();
    let several = ["pattern", "subscript", "tuple", "list", "parenthesized", "attribute", "element", "bracket"];
    !several.iter().any(|part| kind.contains(part))
}

/// A name's text, with single blanks.
fn text(source: &Source<'_>, span: Span) -> Option<String> {
    if span.len() > MAX_NAME || span.is_empty() {
        return None;
    }
    let words: Vec<&str> = std::str::from_utf8(&source.file[span]).ok()?.split_whitespace().collect();
    let name = words.join(" ");
    (!name.is_empty()).then_some(name)
}
