//! An element as text that is free of its place: without the indentation ([`crate::lens::markup`]) and with the namespaces that its place gives
//! it.
//!
//! What is fixed are lines within text, CDATA sections, processing instructions and the values of attributes; what is layout are white space between
//! elements, blanks in tags, and comments.

use std::collections::BTreeMap;

use super::tree::{Attribute, Node, Token, Tree, prefixes, tokens};
use crate::lens::Span;
use crate::lens::markup::Lines;

/// Where text stands within an element that is no layout, and has several lines.
fn fixed(tree: &Tree<'_>, node: Node) -> Vec<Span> {
    let span = tree.span(node);
    let has_line = |span: &Span| memchr::memchr2(b'\n', b'\r', &tree.text.as_bytes()[span.clone()]).is_some();
    let mut out = Vec::new();
    let mut next = node;
    let mut open: Vec<Node> = Vec::new();
    for (token, place) in tokens(&tree.text[span.clone()]) {
        let place = span.start + place.start..span.start + place.end;
        match token {
            Token::Start | Token::Empty => {
                if has_line(&place) {
                    out.extend(tree.attributes(next).map(|attribute| attribute.value).filter(has_line));
                }
                if matches!(token, Token::Start) {
                    open.push(next);
                }
                next = Node(next.0 + 1);
            }
            Token::End => drop(open.pop()),
            Token::CData | Token::Instruction if has_line(&place) => out.push(place),
            Token::Text if has_line(&place) => {
                let is_layout = |node: &Node| tree.has_children(*node) && !tree.has_text(*node);
                if !open.last().is_some_and(is_layout) {
                    out.push(place);
                }
            }
            _ => {}
        }
    }
    out
}

/// An element's lines.
pub(super) fn lines<'t>(tree: &Tree<'t>, node: Node) -> Lines<'t> {
    Lines::of(tree.text, tree.span(node), fixed(tree, node))
}

/// A fragment's namespaces, as its place gives them.
pub(super) struct Names<'c> {
    /// What is bound at the place: prefixes and namespaces.
    pub(super) context: &'c BTreeMap<String, String>,
}

impl Names<'_> {
    /// What an element uses of its place, and does not declare itself.
    fn used<'c>(&'c self, tree: &Tree<'_>, node: Node) -> Vec<(&'c str, &'c str)> {
        if self.context.is_empty() {
            return Vec::new();
        }
        let raw = &tree.text[tree.span(node)];
        let mut used: Vec<&str> = prefixes(raw).collect();
        let plain = |node: Node| !tree.name(node).contains(':');
        if plain(node) || tree.descendants(node).any(plain) {
            used.push("");
        }
        used.sort_unstable();
        used.dedup();
        let pairs = self.context.iter().map(|(prefix, namespace)| (prefix.as_str(), namespace.as_str()));
        pairs.filter(|(prefix, _)| used.binary_search(prefix).is_ok()).collect()
    }

    /// The declarations that it takes from above.
    fn inherited<'c>(&'c self, tree: &Tree<'_>, node: Node) -> Vec<(&'c str, &'c str)> {
        let mut used = self.used(tree, node);
        used.retain(|(prefix, _)| !tree.attributes(node).any(|own| own.declares() == Some(prefix)));
        used
    }

    /// The fragment's text with what it takes from above declared in its start tag, behind its own attributes.
    pub(super) fn declared(&self, tree: &Tree<'_>, node: Node, text: String) -> String {
        let inherited = self.inherited(tree, node);
        if inherited.is_empty() {
            return text;
        }
        let added: String = inherited.into_iter().map(declaration).collect();
        let at = attributes_end(&text);
        format!("{}{added}{}", &text[..at], &text[at..])
    }

    /// The fragment's text without what its place gives it: the last declarations in its start tag that are written as [`Names::declared`]
    /// writes them. What is written otherwise is the fragment's own.
    pub(super) fn stripped(&self, fragment: &Tree<'_>) -> String {
        let root = fragment.root();
        let used = self.used(fragment, root);
        let attributes: Vec<Attribute<'_>> = fragment.attributes(root).collect();
        let end = fragment.attributes_end(root);
        let mut start = end;
        let mut before = used.len();
        for attribute in attributes.iter().rev() {
            let at = used[..before].iter().position(|(prefix, _)| attribute.declares() == Some(prefix));
            // With one blank before it, and no more.
            let is_ours = |at: &usize| {
                let rest = fragment.text[..start].strip_suffix(&declaration(used[*at]));
                rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_whitespace()))
            };
            let Some(at) = at.filter(is_ours) else { break };
            start -= declaration(used[at]).len();
            before = at;
        }
        format!("{}{}", &fragment.text[..start], &fragment.text[end..])
    }

    /// A prefix in the names of a fragment that neither it nor its place declares.
    pub(super) fn unbound<'t>(&self, fragment: &Tree<'t>) -> Option<&'t str> {
        let root = fragment.root();
        // The prefixes that are declared around a place, each with the end of the element that declares it.
        let mut bound: Vec<(usize, &str)> = Vec::new();
        for node in std::iter::once(root).chain(fragment.descendants(root)) {
            let span = fragment.span(node);
            while bound.last().is_some_and(|(end, _)| *end <= span.start) {
                bound.pop();
            }
            let names = || fragment.attributes(node).map(|attribute| attribute.name);
            bound.extend(names().filter_map(|name| Some((span.end, name.strip_prefix("xmlns:")?))));
            for name in std::iter::once(fragment.name(node)).chain(names()) {
                let Some((prefix, _)) = name.split_once(':') else { continue };
                let is_declared = || bound.iter().rev().any(|(_, known)| *known == prefix);
                if !matches!(prefix, "xml" | "xmlns") && !self.context.contains_key(prefix) && !is_declared() {
                    return Some(prefix);
                }
            }
        }
        None
    }
}

/// A namespace's declaration, with the blank before it.
fn declaration((prefix, namespace): (&str, &str)) -> String {
    let colon = if prefix.is_empty() { "" } else { ":" };
    format!(" xmlns{colon}{prefix}=\"{}\"", escaped_value(namespace, '"'))
}

/// Behind the last attribute (or the name) of the start tag that a fragment begins with.
fn attributes_end(text: &str) -> usize {
    let tag = tokens(text).next().map_or(text, |(_, span)| &text[span]);
    let tag = tag.strip_suffix('>').unwrap_or(tag);
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    tag.trim_end_matches(|c: char| c.is_ascii_whitespace()).len()
}

/// Text as it stands in an element.
pub(super) fn escaped_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // `]]>` may not stand in text.
            '>' if out.ends_with("]]") => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    out
}

/// Text as it stands in an attribute, between those quotes.
pub(super) fn escaped_value(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' if quote == '"' => out.push_str("&quot;"),
            '\'' if quote == '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            _ => out.push(c),
        }
    }
    out
}

/// What stands between the tags of an element whose text is `text`, as it is written there: in a CDATA section if it is in one.
pub(super) fn written_text(text: &str, as_cdata: bool) -> String {
    match as_cdata && !text.contains('\r') {
        true => format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>")),
        false => escaped_text(text),
    }
}
