//! Edits of elements, attributes and texts, and the proof that nothing else becomes another tree.

use super::dom::{Dom, Kind, Node, parse};
use crate::lens::markup::{Lines, indentation, laid, starts_line, with_lines};
use crate::lens::{Edit, LensError, Span, apply};

pub(super) fn refused<T>(why: impl Into<String>) -> Result<T, LensError> {
    Err(LensError::Refused(why.into()))
}

/// An attribute in a start tag, by places in the tag.
pub(super) struct Attribute {
    name: Span,
    /// What stands between the quotes, or without any.
    value: Option<(Span, Option<char>)>,
}

/// The attributes of a start tag, by the standard's tokenization. The end of the last, or of the name.
pub(super) fn attributes(tag: &str) -> (Vec<Attribute>, usize) {
    let bytes = tag.as_bytes();
    let is_white = |at: usize| bytes.get(at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
    let until = |from: usize, ends: &dyn Fn(usize) -> bool| (from..tag.len()).find(|at| ends(*at)).unwrap_or(tag.len());
    let closes = |at: usize| bytes[at] == b'>';
    let mut at = until(1, &|at| is_white(at) || bytes[at] == b'/' || closes(at));
    let mut end = at;
    let mut out = Vec::new();
    loop {
        at = until(at, &|at| !is_white(at) && bytes[at] != b'/');
        if at >= tag.len() || closes(at) {
            return (out, end);
        }
        let name = at..until(at + 1, &|at| is_white(at) || bytes[at] == b'/' || bytes[at] == b'=' || closes(at));
        end = name.end;
        let equals = until(name.end, &|at| !is_white(at));
        let mut value = None;
        at = name.end;
        if bytes.get(equals) == Some(&b'=') {
            let start = until(equals + 1, &|at| !is_white(at));
            match bytes.get(start) {
                Some(quote @ (b'"' | b'\'')) => {
                    let close = until(start + 1, &|at| bytes[at] == *quote);
                    value = Some((start + 1..close, Some(char::from(*quote))));
                    at = (close + 1).min(tag.len());
                }
                _ => {
                    let close = until(start, &|at| is_white(at) || closes(at));
                    value = Some((start..close, None));
                    at = close;
                }
            }
            end = at;
        }
        out.push(Attribute { name, value });
    }
}

fn escaped_value(text: &str, quote: char) -> String {
    let text = text.replace('&', "&amp;");
    if quote == '"' { text.replace('"', "&quot;") } else { text.replace('\'', "&#39;") }
}

/// The edit that gives an attribute this value.
pub(super) fn set_attribute(dom: &Dom<'_>, open: &Span, name: &str, text: &str) -> Result<Edit, LensError> {
    let tag = &dom.text[open.clone()];
    let found = attributes(tag).0.into_iter().find(|own| tag[own.name.clone()].eq_ignore_ascii_case(name));
    let Some(found) = found else { return refused(format!("`{name}` does not stand in the start tag")) };
    let at = |span: Span| open.start + span.start..open.start + span.end;
    Ok(match found.value {
        Some((value, Some(quote))) => edit(at(value), escaped_value(text, quote)),
        Some((value, None)) => edit(at(value), format!("\"{}\"", escaped_value(text, '"'))),
        None => edit(at(found.name.end..found.name.end), format!("=\"{}\"", escaped_value(text, '"'))),
    })
}

/// The edit that adds an attribute behind the others.
pub(super) fn add_attribute(dom: &Dom<'_>, open: &Span, name: &str, text: &str) -> Edit {
    let at = open.start + attributes(&dom.text[open.clone()]).1;
    edit(at..at, format!(" {name}=\"{}\"", escaped_value(text, '"')))
}

/// The edit that takes an attribute away, with the blanks before it.
pub(super) fn remove_attribute(dom: &Dom<'_>, open: &Span, name: &str) -> Result<Edit, LensError> {
    let tag = &dom.text[open.clone()];
    let (own, _) = attributes(tag);
    let found = own.iter().find(|own| tag[own.name.clone()].eq_ignore_ascii_case(name));
    let Some(found) = found else { return refused(format!("`{name}` does not stand in the start tag")) };
    let end = match &found.value {
        Some((value, quote)) => value.end + usize::from(quote.is_some()),
        None => found.name.end,
    };
    let start = tag[..found.name.start].trim_ascii_end().len();
    Ok(edit(open.start + start..open.start + end, String::new()))
}

pub(super) fn edit(span: Span, text: String) -> Edit {
    Edit { span, text: text.into_bytes() }
}

/// Where an element's content stands in the source.
pub(super) fn inner(dom: &Dom<'_>, node: Node) -> Option<Span> {
    let (open, outer) = (dom.nodes[node].open.clone()?, dom.nodes[node].outer.clone()?);
    let close = dom.text[..outer.end].rfind("</").filter(|close| *close >= open.end)?;
    Some(open.end..close)
}

/// The edit that gives an element this text. What is to be read raw stands there raw.
pub(super) fn set_text(dom: &Dom<'_>, node: Node, text: &str, line_end: &str) -> Result<Edit, LensError> {
    let Some(inner) = inner(dom, node) else {
        return refused(format!("`<{}>` holds no text that could be put", dom.local(node)));
    };
    const RAW: &[&str] = &["script", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"];
    let local = dom.local(node);
    let written = match RAW.contains(&local) {
        true => text.to_owned(),
        false => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    };
    // The first line end in these is passed over.
    let is_passed = matches!(local, "pre" | "textarea" | "listing") && written.starts_with('\n');
    let written = format!("{}{written}", if is_passed { "\n" } else { "" });
    Ok(edit(inner, written.replace('\n', line_end)))
}

/// The edit that puts an element into another one, behind its last child, on a line of its own if that is on one.
pub(super) fn add_element(dom: &Dom<'_>, parent: Node, new: &Lines<'_>, line_end: &str) -> Result<Edit, LensError> {
    let Some(inner) = inner(dom, parent) else {
        return refused(format!("`<{}>` holds nothing that could be put", dom.local(parent)));
    };
    let children = dom.nodes[parent].children.iter().rev();
    let last = children.filter_map(|child| dom.nodes[*child].outer.clone()).find(|outer| outer.end <= inner.end);
    if let Some(last) = last.filter(|last| starts_line(dom.text, last.start)) {
        let indent = indentation(dom.text, last.start);
        let text = format!("{line_end}{indent}{}", laid(new, indent, line_end));
        let rest = &dom.text[last.end..inner.end];
        let line = &rest[..rest.find(['\n', '\r']).unwrap_or(0)];
        let at = last.end + if line.contains("<!--") == line.contains("-->") { line.trim_ascii_end().len() } else { 0 };
        return Ok(edit(at..at, text));
    }
    Ok(edit(inner.end..inner.end, laid(new, "", line_end)))
}

/// The edit that takes an element away, with its lines if nothing else stands on them.
pub(super) fn remove_element(dom: &Dom<'_>, outer: Span, parent: Option<Node>) -> Edit {
    let is_verbatim = parent.is_some_and(|parent| matches!(dom.local(parent), "pre" | "listing"));
    edit(if is_verbatim { outer } else { with_lines(dom.text, outer) }, String::new())
}

/// What an edit may change in the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// The element that starts there, in both files.
    Element(usize),
    /// Its content.
    Content(usize),
    /// Its attributes.
    Attributes(usize),
    /// The element that starts there is only in the first file, or only in the second. White space around it may differ.
    Gone(usize),
    Come(usize),
}

/// A part of a tree.
#[derive(PartialEq, Eq, Debug)]
enum Part<'d> {
    Open(&'d str, &'d str),
    Attribute(&'d str, &'d str),
    Text(String),
    Comment(&'d str),
    DocumentType(&'d str),
    Close,
}

fn parts<'d>(dom: &'d Dom<'_>, may: May, is_after: bool) -> Vec<Part<'d>> {
    enum Step {
        Enter(Node),
        Leave,
    }
    let mut out: Vec<Part<'d>> = Vec::new();
    let mut stack = vec![Step::Enter(0)];
    let is_loose = matches!(may, May::Gone(_) | May::Come(_));
    while let Some(step) = stack.pop() {
        let Step::Enter(node) = step else {
            out.push(Part::Close);
            continue;
        };
        let data = &dom.nodes[node];
        let start = data.open.as_ref().map(|open| open.start);
        let is = |at: usize| start == Some(at);
        let is_skipped = match may {
            May::Element(at) => is(at),
            May::Gone(at) => is(at) && !is_after,
            May::Come(at) => is(at) && is_after,
            _ => false,
        };
        if is_skipped {
            continue;
        }
        match &data.kind {
            Kind::Document => {}
            Kind::Element(name) => {
                out.push(Part::Open(&name.ns, &name.local));
                if !matches!(may, May::Attributes(at) if is(at)) {
                    let mut own: Vec<_> = data.attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
                    own.sort_unstable();
                    out.extend(own.into_iter().map(|(name, value)| Part::Attribute(name, value)));
                }
                stack.push(Step::Leave);
                if matches!(may, May::Content(at) if is(at)) {
                    continue;
                }
            }
            Kind::Text(text) => match out.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => out.push(Part::Text(text.clone())),
            },
            Kind::Comment(text) => out.push(Part::Comment(text)),
            Kind::DocumentType(text) => out.push(Part::DocumentType(text)),
        }
        stack.extend(data.children.iter().rev().map(|child| Step::Enter(*child)));
    }
    if is_loose {
        for part in &mut out {
            if let Part::Text(text) = part {
                *text = collapsed(text);
            }
        }
        out.retain(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
    }
    out
}

/// Runs of white space as one blank each.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_whitespace() {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(c),
        }
    }
    out
}

/// The edits, if what a browser makes of the result is another tree in nothing but what may change.
pub(super) fn proved(dom: &Dom<'_>, edits: Vec<Edit>, may: May) -> Result<Vec<Edit>, LensError> {
    let written = apply::splice(dom.text.as_bytes(), &edits)?;
    let after = parse(&written)?;
    if parts(dom, may, false) == parts(&after, may, true) {
        return Ok(edits);
    }
    refused("a browser would read something else beside it, too: an element would be closed elsewhere, or moved")
}
