//! One XML part of an office document: where every element stands in it.
//!
//! Elements are kept as places in the part's text, some 30 bytes each; texts and attributes are read where they are asked for.
//! Names are compared by their namespace, whatever prefix a writer chose. Document types are refused, and with them entities.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

use crate::lens::{LensError, MAX_DEPTH, Position, Span};

const NONE: u32 = u32::MAX;

/// An element of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(u32);

/// What stands in an element.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Element(Node),
}

/// Where an element stands.
struct Place {
    start: u32,
    /// Behind its start tag.
    opened: u32,
    /// Before its end tag.
    closing: u32,
    end: u32,
    first: u32,
    next: u32,
    namespace: u16,
}

/// A part, parsed.
pub(crate) struct Tree {
    /// The part's name in the archive.
    pub(crate) part: String,
    text: String,
    places: Vec<Place>,
    namespaces: Vec<String>,
}

impl Tree {
    /// Parses a part.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] with the place in the part, for what is no XML in UTF-8.
    pub(crate) fn read(part: &str, bytes: Vec<u8>) -> Result<Tree, LensError> {
        let text = String::from_utf8(bytes).map_err(|error| {
            fault(part, &error.as_bytes()[..error.utf8_error().valid_up_to()], "it is no UTF-8".to_owned())
        })?;
        if text.len() >= NONE as usize {
            return Err(LensError::TooLarge(format!("`{part}` has more than 4 GiB")));
        }
        let mut tree =
            Tree { part: part.to_owned(), text: String::new(), places: Vec::new(), namespaces: vec![String::new()] };
        Builder { tree: &mut tree, text: &text, stack: Vec::new(), bindings: Vec::new() }.build()?;
        tree.text = text;
        Ok(tree)
    }

    /// An error about what stands in this part.
    pub(crate) fn fault(&self, node: Node, found: impl Into<String>) -> LensError {
        fault(&self.part, &self.text.as_bytes()[..self.span(node).start], found.into())
    }

    fn place(&self, node: Node) -> &Place {
        &self.places[node.0 as usize]
    }

    pub(crate) fn root(&self) -> Node {
        Node(0)
    }

    pub(crate) fn source(&self) -> &str {
        &self.text
    }

    pub(crate) fn children(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let some = |at: u32| (at != NONE).then_some(Node(at));
        std::iter::successors(some(self.place(node).first), move |node| some(self.place(*node).next))
    }

    /// The elements in this one, at any depth, in their order.
    pub(crate) fn descendants(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        // Places are in the order of their starts.
        let end = self.place(node).end;
        (node.0 + 1..self.places.len() as u32).map(Node).take_while(move |node| self.place(*node).start < end)
    }

    /// The whole element.
    pub(crate) fn span(&self, node: Node) -> Span {
        let place = self.place(node);
        place.start as usize..place.end as usize
    }

    /// The start tag.
    pub(crate) fn open(&self, node: Node) -> Span {
        let place = self.place(node);
        place.start as usize..place.opened as usize
    }

    /// What stands between the tags.
    pub(crate) fn inner(&self, node: Node) -> Span {
        let place = self.place(node);
        place.opened as usize..place.closing as usize
    }

    /// Whether it is written as one tag, `<a/>`.
    pub(crate) fn is_closed(&self, node: Node) -> bool {
        self.place(node).opened == self.place(node).end
    }

    /// The name with its prefix.
    pub(crate) fn full_name(&self, node: Node) -> &str {
        let tag = &self.text[self.open(node)];
        let end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(tag.len());
        tag.get(1..end).unwrap_or_default()
    }

    /// The prefix with its colon; empty where there is none.
    pub(crate) fn prefix(&self, node: Node) -> &str {
        let name = self.full_name(node);
        name.find(':').map_or("", |at| &name[..=at])
    }

    /// The name without its prefix.
    pub(crate) fn name(&self, node: Node) -> &str {
        let name = self.full_name(node);
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    pub(crate) fn namespace(&self, node: Node) -> &str {
        &self.namespaces[usize::from(self.place(node).namespace)]
    }

    /// Whether it has this name, in the namespace of the root.
    pub(crate) fn is(&self, node: Node, name: &str) -> bool {
        self.place(node).namespace == self.places[0].namespace && self.name(node) == name
    }

    /// The first child of this name, in the root's namespace.
    pub(crate) fn child(&self, node: Node, name: &str) -> Option<Node> {
        self.children(node).find(|child| self.is(*child, name))
    }

    /// The children of this name, in the root's namespace.
    pub(crate) fn named<'a>(&'a self, node: Node, name: &'a str) -> impl Iterator<Item = Node> + 'a {
        self.children(node).filter(move |child| self.is(*child, name))
    }

    /// The places of an attribute and of its value, by the name as it is written.
    pub(crate) fn attribute_span(&self, node: Node, name: &str) -> Option<(Span, Span)> {
        let open = self.open(node);
        attributes(&self.text[open.clone()]).find(|(key, _, _)| *key == name).map(|(_, whole, value)| {
            (open.start + whole.start..open.start + whole.end, open.start + value.start..open.start + value.end)
        })
    }

    /// An attribute's value, by the name as it is written. `None` also where it cannot be read.
    pub(crate) fn attribute(&self, node: Node, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.attribute_span(node, name)?;
        unescape(&self.text[value]).ok()
    }

    /// An attribute's value by its local name, whatever its prefix.
    pub(crate) fn local_attribute(&self, node: Node, local: &str) -> Option<Cow<'_, str>> {
        let tag = &self.text[self.open(node)];
        let value =
            attributes(tag).find(|(key, _, _)| key.rsplit(':').next() == Some(local)).map(|(_, _, value)| value)?;
        unescape(&tag[value]).ok()
    }

    /// All attributes as they are written, name and value.
    pub(crate) fn raw_attributes(&self, node: Node) -> impl Iterator<Item = (&str, &str)> + '_ {
        let tag = &self.text[self.open(node)];
        attributes(tag).map(move |(key, _, value)| (key, &tag[value]))
    }

    /// The text that stands directly in the element, without that of its children.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] for a reference that XML itself does not know.
    pub(crate) fn text(&self, node: Node) -> Result<Cow<'_, str>, LensError> {
        let inner = self.inner(node);
        let unknown = || self.fault(node, "an entity that is not known");
        let raw = &self.text[inner.clone()];
        if !raw.contains('<') {
            return unescape(raw).map(normal).map_err(|_| unknown());
        }
        let texts = self.pieces(node)?.into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Element(_) => String::new(),
        });
        Ok(Cow::Owned(texts.collect()))
    }

    /// What stands directly in the element, in its order: its children, and texts between them that are not empty.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] for a reference that XML itself does not know.
    pub(crate) fn pieces(&self, node: Node) -> Result<Vec<Piece>, LensError> {
        let inner = self.inner(node);
        let mut pieces = Vec::new();
        let mut from = inner.start;
        for child in self.children(node).map(Some).chain([None]) {
            let span = child.map_or(inner.end..inner.end, |child| self.span(child));
            let mut text = String::new();
            let known = character_data(&self.text[from..span.start], &mut text);
            known.ok_or_else(|| self.fault(node, "an entity that is not known"))?;
            if !text.is_empty() {
                pieces.push(Piece::Text(text));
            }
            pieces.extend(child.map(Piece::Element));
            from = span.end;
        }
        Ok(pieces)
    }
}

/// Line ends as XML reads them.
fn normal(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { text }
}

/// The text of what stands between elements: references are resolved, comments and instructions are nothing.
fn character_data(mut raw: &str, out: &mut String) -> Option<()> {
    while let Some(at) = raw.find('<') {
        out.push_str(&normal(unescape(&raw[..at]).ok()?));
        let rest = &raw[at..];
        let (skipped, end) = match rest {
            _ if rest.starts_with("<![CDATA[") => {
                let end = rest.find("]]>")?;
                out.push_str(&normal(Cow::Borrowed(&rest[9..end])));
                (end, 3)
            }
            // `<!-->` opens a comment, and does not close it.
            _ if rest.starts_with("<!--") => (4 + rest[4..].find("-->")?, 3),
            _ => (2 + rest.get(2..)?.find("?>")?, 2),
        };
        raw = &rest[skipped + end..];
    }
    out.push_str(&normal(unescape(raw).ok()?));
    Some(())
}

/// The attributes of a start tag: name, and the places of the whole and of the value. It ends where the tag is not as XML wants it.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, Range<usize>, Range<usize>)> {
    let mut at = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
    std::iter::from_fn(move || {
        let white = |from: usize| from + tag[from..].len() - tag[from..].trim_ascii_start().len();
        let start = white(at);
        let equals = start + tag[start..].find('=')?;
        let name = tag[start..equals].trim_ascii_end();
        if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '<' | '>' | '"' | '\'')) {
            return None;
        }
        let open = white(equals + 1);
        let quote = tag[open..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let close = open + 1 + tag[open + 1..].find(quote)?;
        at = close + 1;
        Some((name, start..close + 1, open + 1..close))
    })
}

fn fault(part: &str, before: &[u8], found: String) -> LensError {
    LensError::Unparsable { at: Position::at(before, before.len()), found: format!("in the part `{part}`: {found}") }
}

struct Builder<'t> {
    tree: &'t mut Tree,
    text: &'t str,
    /// The open elements, with the last child of each.
    stack: Vec<(u32, u32)>,
    /// Prefixes and their namespaces, innermost last, with the depth at which they were bound.
    bindings: Vec<(usize, &'t str, u16)>,
}

impl Builder<'_> {
    fn build(mut self) -> Result<(), LensError> {
        let text = self.text;
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let offset = text.len() - body.len();
        let mut reader = Reader::from_str(body);
        let part = self.tree.part.clone();
        let wrong = |at: usize, found: &str| fault(&part, &text.as_bytes()[..at.min(text.len())], found.to_owned());
        loop {
            let start = offset + reader.buffer_position() as usize;
            let event = reader
                .read_event()
                .map_err(|error| wrong(offset + reader.error_position() as usize, &error.to_string()))?;
            let end = offset + reader.buffer_position() as usize;
            match event {
                Event::Start(ref tag) | Event::Empty(ref tag) => {
                    // What is read here and there of a tag is sound as a whole.
                    if let Some(error) = tag.attributes().find_map(Result::err) {
                        return Err(wrong(start, &format!("an attribute that is none: {error}")));
                    }
                    if self.stack.is_empty() && !self.tree.places.is_empty() {
                        return Err(wrong(start, "a second root"));
                    }
                    if self.stack.len() >= MAX_DEPTH {
                        return Err(LensError::TooLarge(format!("`{part}` is nested deeper than {MAX_DEPTH} levels")));
                    }
                    let closed = matches!(event, Event::Empty(_));
                    self.open(start, end, closed).ok_or_else(|| wrong(start, "a name without its namespace"))?;
                }
                Event::End(_) => self.close(start, end),
                Event::DocType(_) => return Err(wrong(start, "a document type, which may hide entities")),
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_)
                    if self.stack.is_empty() && !text[start..end].trim().is_empty() =>
                {
                    return Err(wrong(start, "text outside of the root"));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if self.tree.places.is_empty() || !self.stack.is_empty() {
            return Err(wrong(text.len(), "the part ends before its root does"));
        }
        Ok(())
    }

    fn open(&mut self, start: usize, end: usize, closed: bool) -> Option<()> {
        let (at, depth) = (self.tree.places.len() as u32, self.stack.len() + 1);
        let tag = &self.text[start..end];
        if tag.contains("xmlns") {
            for (key, _, value) in attributes(tag) {
                let prefix = match key.strip_prefix("xmlns") {
                    Some("") => "",
                    Some(rest) if rest.starts_with(':') => &rest[1..],
                    _ => continue,
                };
                let namespace = self.namespace(&tag[value])?;
                self.bindings.push((depth, prefix, namespace));
            }
        }
        let stop = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))?;
        let prefix = tag[1..stop].split_once(':').map_or("", |(prefix, _)| prefix);
        let bound = self.bindings.iter().rev().find(|(_, name, _)| *name == prefix).map(|(_, _, namespace)| *namespace);
        let namespace = bound.or((prefix.is_empty()).then_some(0))?;
        let (start, end) = (start as u32, end as u32);
        self.tree.places.push(Place { start, opened: end, closing: end, end, first: NONE, next: NONE, namespace });
        if let Some((parent, last)) = self.stack.last_mut() {
            match *last {
                NONE => self.tree.places[*parent as usize].first = at,
                last => self.tree.places[last as usize].next = at,
            }
            *last = at;
        }
        if closed {
            self.unbind(depth);
        } else {
            self.stack.push((at, NONE));
        }
        Some(())
    }

    fn close(&mut self, start: usize, end: usize) {
        let depth = self.stack.len();
        if let Some((at, _)) = self.stack.pop() {
            let place = &mut self.tree.places[at as usize];
            (place.closing, place.end) = (start as u32, end as u32);
        }
        self.unbind(depth);
    }

    fn unbind(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|(bound, _, _)| *bound >= depth) {
            self.bindings.pop();
        }
    }

    /// The number of a namespace.
    fn namespace(&mut self, uri: &str) -> Option<u16> {
        let known = self.tree.namespaces.iter().position(|known| known == uri);
        let at = known.unwrap_or_else(|| {
            self.tree.namespaces.push(uri.to_owned());
            self.tree.namespaces.len() - 1
        });
        u16::try_from(at).ok().filter(|at| *at < 1000)
    }
}

/// Text as it stands in an element. What XML cannot say at all is left to the caller.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether XML 1.0 can say this character.
pub(crate) fn is_sayable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_instructions_are_no_text() {
        for (raw, text) in [
            ("a<!-- b -->c", Some("ac")),
            ("a<!--> b -->c", Some("ac")),
            ("a<!---> b -->c", Some("ac")),
            ("a<?b?>c<![CDATA[<&]]>&lt;", Some("ac<&<")),
            ("a<?> ?>c", Some("ac")),
            ("a<!-->", None),
            ("a<?>", None),
        ] {
            let mut out = String::new();
            assert_eq!(character_data(raw, &mut out).map(|()| &out[..]), text, "{raw}");
        }
    }
}
