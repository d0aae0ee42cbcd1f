//! What stands around a portion is read after the edit as before: the same nodes at the same places.

use tree_sitter::{Node, Tree};

use super::language::Language;
use super::source::Fault;
use crate::lens::Span;

/// An edit: these bytes became so many.
pub(super) struct Change {
    pub(super) old: Span,
    pub(super) new: Span,
}

impl Change {
    /// Where a place behind the edit is afterwards.
    fn moved(&self, at: usize) -> Option<usize> {
        Some(at.checked_sub(self.old.end)? + self.new.end)
    }
}

/// Whether the two trees differ only within the edit.
pub(super) fn is_same_around(language: &Language, before: &Tree, after: &Tree, change: &Change) -> bool {
    let (mut old, mut new) = (before.root_node(), after.root_node());
    if old.kind_id() != new.kind_id() {
        return false;
    }
    loop {
        let (olds, news) = (children(old, language, &change.old), children(new, language, &change.new));
        let same = |(old, new): &(&Node<'_>, &Node<'_>)| {
            old.kind_id() == new.kind_id() && old.byte_range() == new.byte_range() && old.end_byte() <= change.old.start
        };
        let head = olds.iter().zip(&news).take_while(same).count();
        let same = |(old, new): &(&Node<'_>, &Node<'_>)| {
            let is_behind = change.moved(old.start_byte()) == Some(new.start_byte());
            old.kind_id() == new.kind_id() && is_behind && change.moved(old.end_byte()) == Some(new.end_byte())
        };
        let (olds, news) = (&olds[head..], &news[head..]);
        let tail = olds.iter().rev().zip(news.iter().rev()).take_while(same).count();
        let (olds, news) = (&olds[..olds.len() - tail], &news[..news.len() - tail]);
        let within = |nodes: &[Node<'_>], span: &Span| {
            nodes.iter().all(|node| node.start_byte() >= span.start && node.end_byte() <= span.end)
        };
        match (olds, news) {
            _ if within(olds, &change.old) && within(news, &change.new) => {
                let is_root = new.parent().is_none();
                return is_root
                    || !language.fills_blocks
                    || !news.is_empty()
                    || olds.is_empty()
                    || is_filled(new, change);
            }
            // Nothing at all is a block to the parser of an indented language, and to no interpreter.
            (_, [other]) if language.is_indented && other.kind() == "block" && other.named_child_count() == 0 => {
                return false;
            }
            ([one], [other]) if one.kind_id() == other.kind_id() => (old, new) = (*one, *other),
            _ => return false,
        }
    }
}

/// Whether something else stands in the block that something was taken out of: before or behind it, up to a brace or a word.
fn is_filled(block: Node<'_>, change: &Change) -> bool {
    let mut cursor = block.walk();
    let signs = [";", "&", ";;"];
    let is_extra = |node: &Node<'_>| node.is_extra() || signs.contains(&node.kind());
    let children: Vec<Node<'_>> = block.children(&mut cursor).filter(|node| !is_extra(node)).collect();
    let behind = children.partition_point(|node| node.start_byte() < change.new.start);
    let is_content = |node: Option<&Node<'_>>| node.is_some_and(Node::is_named);
    is_content(behind.checked_sub(1).and_then(|at| children.get(at))) || is_content(children.get(behind))
}

/// The children of a node, without comments within the edit: those above the first statement of a block stand above the block.
fn children<'t>(node: Node<'t>, language: &Language, edit: &Span) -> Vec<Node<'t>> {
    let is_within = |node: &Node<'_>| node.start_byte() >= edit.start && node.end_byte() <= edit.end;
    let mut cursor = node.walk();
    let children = node.children(&mut cursor);
    children.filter(|node| !(is_within(node) && language.comments.contains(&node.kind()))).collect()
}

/// The faults outside of the edit, at their places after it; and those inside, of which there may be none.
pub(super) fn outside<'f>(
    faults: &'f [Fault],
    span: &Span,
    moved: impl Fn(usize) -> usize,
) -> (Vec<Fault>, Vec<&'f Fault>) {
    let is_inside = |fault: &&Fault| {
        fault.span.start < span.end && fault.span.end > span.start
            || (fault.span.is_empty() && fault.span.start > span.start && fault.span.start < span.end)
    };
    let at = |at: usize| if at >= span.end { moved(at) } else { at };
    let (inside, others): (Vec<&Fault>, Vec<&Fault>) = faults.iter().partition(is_inside);
    let others = others
        .into_iter()
        .map(|fault| Fault { span: at(fault.span.start)..at(fault.span.end), missing: fault.missing.clone() });
    (others.collect(), inside)
}
