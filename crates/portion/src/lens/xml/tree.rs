//! Where every element stands in a document. Texts and attributes are read where they are asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::parse::{character, is_name_char, is_white, name_len, predefined};
use crate::lens::Span;

pub(super) const NONE: u32 = u32::MAX;

/// An element, by its place in the order of start tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node(pub(super) u32);

pub(super) struct Element {
    pub(super) start: u32,
    pub(super) name_end: u32,
    /// Behind its start tag.
    pub(super) opened: u32,
    /// Before its end tag.
    pub(super) closing: u32,
    pub(super) end: u32,
    pub(super) parent: u32,
    pub(super) first: u32,
    pub(super) next: u32,
    /// Whether text stands directly in it that is more than white space.
    pub(super) has_text: bool,
}

/// A well-formed document.
pub(super) struct Tree<'t> {
    pub(super) text: &'t str,
    elements: Vec<Element>,
    pub(super) has_doctype: bool,
    /// Where references stand that only the document type knows.
    pub(super) foreign: Vec<u32>,
}

/// An attribute as it is written.
#[derive(Debug, Clone)]
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    /// From its name to its closing quote.
    pub(super) whole: Span,
    /// What stands between its quotes.
    pub(super) value: Span,
}

impl Attribute<'_> {
    /// The prefix that it binds to a namespace; `""` is the default.
    pub(super) fn declares(&self) -> Option<&str> {
        match self.name.strip_prefix("xmlns") {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix(':'),
            None => None,
        }
    }
}

/// A part of what stands in an element.
pub(super) enum Token {
    Start,
    /// A start tag that closes itself.
    Empty,
    End,
    Text,
    CData,
    Comment,
    Instruction,
}

/// The parts of markup that is well-formed, with their places from its start.
pub(super) fn tokens(raw: &str) -> impl Iterator<Item = (Token, Span)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
        // `<!-->` opens a comment, and does not close it.
        let until = |start: &str, end: &str| {
            rest[start.len()..].find(end).map_or(rest.len(), |len| start.len() + len + end.len())
        };
        let (token, len) = if !rest.starts_with('<') {
            (Token::Text, rest.find('<').unwrap_or(rest.len()))
        } else if rest.starts_with("<!--") {
            (Token::Comment, until("<!--", "-->"))
        } else if rest.starts_with("<![CDATA[") {
            (Token::CData, until("<![CDATA[", "]]>"))
        } else if rest.starts_with("<?") {
            (Token::Instruction, until("<?", "?>"))
        } else if rest.starts_with("</") {
            (Token::End, until("</", ">"))
        } else {
            let mut quote = None;
            let end = rest.bytes().position(|b| match quote {
                Some(open) if b == open => {
                    quote = None;
                    false
                }
                Some(_) => false,
                None if b == b'"' || b == b'\'' => {
                    quote = Some(b);
                    false
                }
                None => b == b'>',
            });
            let len = end.map_or(rest.len(), |at| at + 1);
            (if rest[..len].ends_with("/>") { Token::Empty } else { Token::Start }, len)
        };
        at += len;
        Some((token, at - len..at))
    })
}

impl<'t> Tree<'t> {
    pub(super) fn new(text: &'t str) -> Tree<'t> {
        Tree { text, elements: Vec::new(), has_doctype: false, foreign: Vec::new() }
    }

    pub(super) fn push(&mut self, element: Element) -> Node {
        self.elements.push(element);
        Node(self.elements.len() as u32 - 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(super) fn element_mut(&mut self, node: Node) -> &mut Element {
        &mut self.elements[node.0 as usize]
    }

    fn element(&self, node: Node) -> &Element {
        &self.elements[node.0 as usize]
    }

    pub(super) fn root(&self) -> Node {
        Node(0)
    }

    /// All elements, in their order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.elements.len() as u32).map(Node)
    }

    pub(super) fn parent(&self, node: Node) -> Option<Node> {
        some(self.element(node).parent)
    }

    pub(super) fn next(&self, node: Node) -> Option<Node> {
        some(self.element(node).next)
    }

    pub(super) fn children(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        std::iter::successors(some(self.element(node).first), move |node| self.next(*node))
    }

    pub(super) fn has_children(&self, node: Node) -> bool {
        self.element(node).first != NONE
    }

    /// Whether text stands directly in it that is more than white space.
    pub(super) fn has_text(&self, node: Node) -> bool {
        self.element(node).has_text
    }

    /// The elements in this one, at any depth, in their order.
    pub(super) fn descendants(&self, node: Node) -> impl Iterator<Item = Node> + use<> {
        let end = self.element(node).end;
        let last = self.elements.partition_point(|element| element.start < end);
        (node.0 + 1..last as u32).map(Node)
    }

    pub(super) fn span(&self, node: Node) -> Span {
        let element = self.element(node);
        element.start as usize..element.end as usize
    }

    /// The start tag.
    pub(super) fn open(&self, node: Node) -> Span {
        let element = self.element(node);
        element.start as usize..element.opened as usize
    }

    /// What stands between the tags.
    pub(super) fn inner(&self, node: Node) -> Span {
        let element = self.element(node);
        element.opened as usize..element.closing as usize
    }

    /// Whether it is written as one tag, `<a/>`.
    pub(super) fn is_closed(&self, node: Node) -> bool {
        self.element(node).opened == self.element(node).end
    }

    /// The name, with its prefix.
    pub(super) fn name(&self, node: Node) -> &'t str {
        let element = self.element(node);
        &self.text[element.start as usize + 1..element.name_end as usize]
    }

    /// Whether a reference that only the document type knows stands in these bytes; where.
    pub(super) fn foreign(&self, span: &Span) -> Option<usize> {
        let at = self.foreign.partition_point(|at| (*at as usize) < span.start);
        self.foreign.get(at).map(|at| *at as usize).filter(|at| *at < span.end)
    }

    /// All attributes, those that declare namespaces, too.
    pub(super) fn attributes(&self, node: Node) -> impl Iterator<Item = Attribute<'t>> + use<'t> {
        let element = self.element(node);
        let (text, mut at) = (self.text, element.name_end as usize);
        let end = element.opened as usize;
        std::iter::from_fn(move || {
            let white = |from: usize| from + text[from..end].bytes().take_while(|b| is_white(*b)).count();
            let start = white(at);
            let len = name_len(&text[start..end]);
            if len == 0 {
                return None;
            }
            let open = white(white(start + len) + 1);
            let quote = text.as_bytes()[open];
            let close = open + 1 + memchr::memchr(quote, &text.as_bytes()[open + 1..end])?;
            at = close + 1;
            Some(Attribute { name: &text[start..start + len], whole: start..close + 1, value: open + 1..close })
        })
    }

    pub(super) fn attribute(&self, node: Node, name: &str) -> Option<Attribute<'t>> {
        self.attributes(node).find(|attribute| attribute.name == name)
    }

    /// Behind the last attribute, or the name.
    pub(super) fn attributes_end(&self, node: Node) -> usize {
        let end = self.element(node).name_end as usize;
        self.attributes(node).last().map_or(end, |attribute| attribute.whole.end)
    }

    /// What an attribute says. `None` where that takes a declaration of the document type.
    pub(super) fn value(&self, attribute: &Attribute<'_>) -> Option<String> {
        let raw = line_ends(&self.text[attribute.value.clone()]);
        decoded(&raw.replace(['\n', '\t'], " "))
    }

    /// The text that stands directly in an element, comments and instructions left out. `None` where that takes a declaration of the document type.
    pub(super) fn text_of(&self, node: Node) -> Option<String> {
        let mut out = String::new();
        let mut from = self.inner(node).start;
        let end = self.inner(node).end;
        for child in self.children(node).map(Some).chain([None]) {
            let span = child.map_or(end..end, |child| self.span(child));
            let raw = &self.text[from..span.start];
            for (token, place) in tokens(raw) {
                match token {
                    Token::Text => out.push_str(&decoded(&line_ends(&raw[place]))?),
                    Token::CData => out.push_str(&line_ends(&raw[place.start + 9..place.end - 3])),
                    _ => {}
                }
            }
            from = span.end;
        }
        Some(out)
    }

    /// The namespaces that are bound where an element's children stand.
    pub(super) fn bound_in(&self, node: Node) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for node in std::iter::successors(Some(node), |node| self.parent(*node)) {
            for attribute in self.attributes(node) {
                if let Some(prefix) = attribute.declares() {
                    out.entry(prefix.to_owned()).or_insert_with(|| self.value(&attribute).unwrap_or_default());
                }
            }
        }
        // `xmlns=""` takes the default away.
        out.retain(|_, namespace| !namespace.is_empty());
        out
    }

    /// The namespaces that are bound around an element, by what stands above it.
    pub(super) fn bound_around(&self, node: Node) -> BTreeMap<String, String> {
        self.parent(node).map(|parent| self.bound_in(parent)).unwrap_or_default()
    }
}

fn some(at: u32) -> Option<Node> {
    (at != NONE).then_some(Node(at))
}

/// The children by their names, in the order of the first of each.
pub(super) fn groups<'t>(tree: &Tree<'t>, parent: Node) -> Vec<(&'t str, Vec<Node>)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut out: Vec<(&str, Vec<Node>)> = Vec::new();
    for child in tree.children(parent) {
        let name = tree.name(child);
        let at = *places.entry(name).or_insert(out.len());
        match out.get_mut(at) {
            Some((_, nodes)) => nodes.push(child),
            None => out.push((name, vec![child])),
        }
    }
    out
}

/// Line ends as XML reads them: each is one LF.
pub(super) fn line_ends(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    }
}

/// The text with its references resolved.
fn decoded(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = at + rest[at..].find(';')?;
        let name = &rest[at + 1..end];
        out.push(predefined(name).or_else(|| character(name))?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// The prefixes that stand before a colon somewhere in markup: in names, in the values of attributes, in text.
pub(super) fn prefixes(raw: &str) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b':', raw.as_bytes()).filter_map(|at| {
        let before = &raw[..at];
        let is_part = |c: &char| is_name_char(*c) && *c != ':';
        let len: usize = before.chars().rev().take_while(is_part).map(char::len_utf8).sum();
        (len > 0).then(|| &before[at - len..])
    })
}
