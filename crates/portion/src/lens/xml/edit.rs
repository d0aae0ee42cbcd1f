//! Replacements, insertions and removals, in the style of what stands around.

use super::fragment::{escaped_value, lines, written_text};
use super::parse::is_name;
use super::tree::{Attribute, Node, Token, Tree, tokens};
use crate::lens::markup::{indentation, laid, starts_line, with_lines};
use crate::lens::office::xml::is_sayable;
use crate::lens::{Edit, LensError, Span};

/// One step of indentation where a document shows none.
const UNIT: &str = "  ";
/// So many elements are looked at for the step of indentation.
const LOOKED_AT: usize = 1000;

pub(super) fn edit(span: Span, text: impl Into<Vec<u8>>) -> Edit {
    Edit { span, text: text.into() }
}

/// Refuses characters that no reference can say either.
pub(super) fn check_sayable(text: &str) -> Result<(), LensError> {
    match text.chars().find(|c| !is_sayable(*c)) {
        Some(c) => Err(LensError::Refused(format!("XML cannot hold the character U+{:04X}", u32::from(c)))),
        None => Ok(()),
    }
}

/// The indentation of one level, as the document has it.
pub(super) fn unit<'t>(tree: &Tree<'t>) -> &'t str {
    let step = |node: Node| {
        let parent = tree.parent(node)?;
        let (at, above) = (tree.span(node).start, tree.span(parent).start);
        let own = indentation(tree.text, at).strip_prefix(indentation(tree.text, above))?;
        (starts_line(tree.text, at) && starts_line(tree.text, above) && !own.is_empty()).then_some(own)
    };
    tree.nodes().take(LOOKED_AT).find_map(step).unwrap_or(UNIT)
}

/// Whether an element's text is one CDATA section.
fn is_cdata(tree: &Tree<'_>, node: Node) -> bool {
    let mut parts = tokens(&tree.text[tree.inner(node)]);
    matches!(parts.next(), Some((Token::CData, _))) && parts.next().is_none()
}

/// The edits that give an element without children this text. Comments and instructions in it stay.
pub(super) fn set_text(tree: &Tree<'_>, node: Node, text: &str, line_end: &str) -> Result<Vec<Edit>, LensError> {
    check_sayable(text)?;
    let lines = |text: String| text.replace('\n', line_end);
    let written = lines(written_text(text, is_cdata(tree, node)));
    if tree.is_closed(node) {
        return Ok(if text.is_empty() { Vec::new() } else { vec![opened(tree, node, &written)] });
    }
    let inner = tree.inner(node);
    let raw = &tree.text[inner.clone()];
    let mut texts = tokens(raw).filter(|(token, _)| matches!(token, Token::Text | Token::CData)).map(|(_, span)| span);
    let place = |span: Span| inner.start + span.start..inner.start + span.end;
    let Some(first) = texts.next() else { return Ok(vec![edit(inner.start..inner.start, written)]) };
    let mut edits = vec![edit(place(first), if text.is_empty() { String::new() } else { written })];
    edits.extend(texts.map(|span| edit(place(span), "")));
    Ok(edits)
}

/// The edit that makes two tags of one, with `inner` between them.
pub(super) fn opened(tree: &Tree<'_>, node: Node, inner: &str) -> Edit {
    let end = tree.span(node).end;
    edit(tree.attributes_end(node)..end, format!(">{inner}</{}>", tree.name(node)))
}

/// The edit that gives an attribute this value, in the quotes that it has.
pub(super) fn set_attribute(tree: &Tree<'_>, attribute: &Attribute<'_>, text: &str) -> Result<Edit, LensError> {
    check_sayable(text)?;
    let quote = if tree.text[attribute.value.end..].starts_with('\'') { '\'' } else { '"' };
    Ok(edit(attribute.value.clone(), escaped_value(text, quote)))
}

/// The edit that adds an attribute behind the others: on a line of its own if the last one is on one.
pub(super) fn add_attribute(tree: &Tree<'_>, node: Node, name: &str, text: &str) -> Result<Edit, LensError> {
    check_sayable(text)?;
    if !is_name(name) {
        return Err(LensError::Refused(format!("`{name}` is no name of an attribute")));
    }
    let last = tree.attributes(node).last();
    let quote =
        last.as_ref().map_or('"', |last| if tree.text[last.value.end..].starts_with('\'') { '\'' } else { '"' });
    let before = last.map_or(" ", |last| {
        let before = &tree.text[tree.open(node).start..last.whole.start];
        let gap = &before[before.trim_end_matches(|c: char| c.is_ascii_whitespace()).len()..];
        if gap.contains('\n') { gap } else { " " }
    });
    let at = tree.attributes_end(node);
    Ok(edit(at..at, format!("{before}{name}={quote}{}{quote}", escaped_value(text, quote))))
}

/// The edit that takes an attribute away, with the blanks before it.
pub(super) fn remove_attribute(tree: &Tree<'_>, attribute: &Attribute<'_>) -> Edit {
    let before = tree.text[..attribute.whole.start].trim_end_matches(|c: char| c.is_ascii_whitespace());
    edit(before.len()..attribute.whole.end, "")
}

/// The edit that puts new elements into another one: behind the last of their own name, else behind its last child, laid out as that is.
pub(super) fn add_elements(
    tree: &Tree<'_>,
    parent: Node,
    name: &str,
    new: &[Tree<'_>],
    line_end: &str,
) -> Result<Edit, LensError> {
    if tree.has_text(parent) {
        return Err(LensError::Refused(format!(
            "text stands in `{}`, so that no element can be added beside it",
            tree.name(parent)
        )));
    }
    let own_name = tree.children(parent).filter(|child| tree.name(*child) == name).last();
    if let Some(anchor) = own_name.or_else(|| tree.children(parent).last()) {
        return Ok(behind(tree, parent, anchor, new, line_end));
    }
    let at = tree.span(parent).start;
    let inner = if starts_line(tree.text, at) {
        let above = indentation(tree.text, at);
        let indent = format!("{above}{}", unit(tree));
        let texts =
            new.iter().map(|new| format!("{line_end}{indent}{}", laid(&lines(new, new.root()), &indent, line_end)));
        format!("{}{line_end}{above}", texts.collect::<String>())
    } else {
        new.iter().map(|new| laid(&lines(new, new.root()), indentation(tree.text, at), line_end)).collect()
    };
    if tree.is_closed(parent) {
        return Ok(opened(tree, parent, &inner));
    }
    // Comments in it stay before what is new.
    let span = tree.inner(parent);
    let kept = tree.text[span.clone()].trim_end_matches(|c: char| c.is_ascii_whitespace()).len();
    Ok(edit(span.start + kept..span.end, inner))
}

/// The edit that puts new elements before one that stands there.
pub(super) fn before(tree: &Tree<'_>, next: Node, new: &[Tree<'_>], line_end: &str) -> Edit {
    let at = tree.span(next).start;
    let indent = indentation(tree.text, at);
    let gap = if starts_line(tree.text, at) { format!("{line_end}{indent}") } else { String::new() };
    let texts = new.iter().map(|new| format!("{}{gap}", laid(&lines(new, new.root()), indent, line_end)));
    edit(at..at, texts.collect::<String>())
}

/// The edit that puts new elements behind one that stands there.
pub(super) fn behind(tree: &Tree<'_>, parent: Node, anchor: Node, new: &[Tree<'_>], line_end: &str) -> Edit {
    let span = tree.span(anchor);
    let indent = indentation(tree.text, span.start);
    if !starts_line(tree.text, span.start) {
        let text: String = new.iter().map(|new| laid(&lines(new, new.root()), indent, line_end)).collect();
        return edit(span.end..span.end, text);
    }
    // A comment behind it on its line is about it.
    let next = tree.next(anchor).map_or(tree.inner(parent).end, |next| tree.span(next).start);
    let between = &tree.text[span.end..next];
    let at = match between.find(['\n', '\r']) {
        Some(len) if is_whole(&between[..len]) => span.end + between[..len].trim_end_matches([' ', '\t']).len(),
        _ => span.end,
    };
    let texts = new.iter().map(|new| format!("{line_end}{indent}{}", laid(&lines(new, new.root()), indent, line_end)));
    edit(at..at, texts.collect::<String>())
}

/// Whether all comments and instructions that begin in it end in it.
fn is_whole(text: &str) -> bool {
    tokens(text).all(|(token, span)| match token {
        Token::Comment => text[span].ends_with("-->"),
        Token::Instruction => text[span].ends_with("?>"),
        _ => true,
    })
}

/// The edit that takes an element away: with its lines, if nothing else stands on them.
pub(super) fn remove_element(tree: &Tree<'_>, node: Node) -> Edit {
    let span = tree.span(node);
    let is_mixed = tree.parent(node).is_none_or(|parent| tree.has_text(parent));
    edit(if is_mixed { span } else { with_lines(tree.text, span) }, "")
}
