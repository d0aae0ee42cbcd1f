//! An element as text that is free of its place: without the indentation and with the namespaces that its place gives it.
//!
//! The indentation is that of the line on which the end tag stands alone, so that what stands beside an element has no say in its fragment. It is
//! taken off lines that begin in layout alone: in white space between elements, within tags, in comments. Lines within text,
//! CDATA sections, processing instructions and the values of attributes are what the file says, and stay as they are. An element that has less
//! indentation within than at its end is left alone altogether.

use std::collections::BTreeMap;

use super::tree::{Attribute, Node, Token, Tree, prefixes, tokens};
use crate::lens::{Edit, Span};

/// A line of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// Without its indentation, if it is free, and its line end.
    pub(super) content: &'t str,
    pub(super) has_end: bool,
    /// Whether it begins in layout alone.
    pub(super) is_free: bool,
}

/// An element's lines, with their places.
pub(super) struct Lines<'t> {
    pub(super) lines: Vec<Line<'t>>,
    pub(super) spans: Vec<Span>,
    /// What was taken off free lines.
    pub(super) indent: &'t str,
}

/// The blanks that the line begins with in which a place lies.
pub(super) fn indentation<'t>(tree: &Tree<'t>, at: usize) -> &'t str {
    let text = tree.text.strip_prefix('\u{feff}').unwrap_or(tree.text);
    let (bom, text) = (tree.text.len() - text.len(), text);
    let start = text[..at - bom].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = &text[start..at - bom];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether nothing but blanks stands before a place on its line.
pub(super) fn starts_line(tree: &Tree<'_>, at: usize) -> bool {
    let before = tree.text[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}'])
}

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

impl<'t> Lines<'t> {
    /// The lines of an element.
    pub(super) fn of(tree: &Tree<'t>, node: Node) -> Lines<'t> {
        let mut found = Lines { lines: Vec::new(), spans: Vec::new(), indent: "" };
        found.split(tree, node);
        let end = found.lines.last().filter(|line| line.is_free && line.content.trim_start().starts_with("</"));
        let indent = end.map_or("", |line| &line.content[..line.content.len() - line.content.trim_start().len()]);
        if found.lines.iter().all(|line| !line.is_free || dedented(line.content, indent).is_some()) {
            found.indent = indent;
            for line in found.lines.iter_mut().filter(|line| line.is_free) {
                line.content = dedented(line.content, indent).unwrap_or(line.content);
            }
        }
        found
    }

    /// Whether it takes the indentation of its place.
    fn is_loose(&self) -> bool {
        self.lines.last().is_some_and(|line| line.is_free && line.content.starts_with("</"))
    }

    fn split(&mut self, tree: &Tree<'t>, node: Node) {
        let span = tree.span(node);
        let mut fixed = fixed(tree, node).into_iter().peekable();
        let mut at = span.start;
        while at < span.end {
            let rest = &tree.text[at..span.end];
            let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let end = if rest[len..].starts_with("\r\n") { 2 } else { usize::from(len < rest.len()) };
            while fixed.peek().is_some_and(|fixed| fixed.end < at) {
                fixed.next();
            }
            let is_fixed = fixed.peek().is_some_and(|fixed| fixed.start < at && at <= fixed.end);
            let is_free = at > span.start && !is_fixed;
            self.lines.push(Line { content: &rest[..len], has_end: end > 0, is_free });
            self.spans.push(at..at + len + end);
            at += len + end;
        }
    }

    /// The text of a fragment.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            out.push_str(line.content);
            if line.has_end {
                out.push('\n');
            }
        }
        out
    }
}

/// A line without the indentation; one of nothing but blanks that is shorter than it is empty.
fn dedented<'t>(line: &'t str, indent: &str) -> Option<&'t str> {
    let is_blank = |line: &str| line.bytes().all(|b| matches!(b, b' ' | b'\t'));
    line.strip_prefix(indent).or_else(|| (is_blank(line) && indent.starts_with(line)).then_some(""))
}

/// A fragment's lines as they stand at a place with that indentation.
fn indented(lines: &[Line<'_>], indent: &str, line_end: &str) -> String {
    let mut out = String::new();
    for line in lines {
        if line.is_free && !line.content.is_empty() {
            out.push_str(indent);
        }
        out.push_str(line.content);
        if line.has_end {
            out.push_str(line_end);
        }
    }
    out
}

/// A fragment as it stands at a place with that indentation.
pub(super) fn laid(fragment: &Tree<'_>, indent: &str, line_end: &str) -> String {
    let lines = Lines::of(fragment, fragment.root());
    indented(&lines.lines, if lines.is_loose() { indent } else { "" }, line_end)
}

/// The edits that put a fragment's element in the place of one that stands there.
pub(super) fn replaced(tree: &Tree<'_>, node: Node, new: &Tree<'_>, line_end: &str) -> Vec<Edit> {
    let (old, lines) = (Lines::of(tree, node), Lines::of(new, new.root()));
    let indent = match (lines.is_loose(), old.is_loose()) {
        (false, _) => "",
        (true, true) => old.indent,
        (true, false) => indentation(tree, tree.span(node).start),
    };
    if indent != old.indent {
        return vec![Edit { span: tree.span(node), text: indented(&lines.lines, indent, line_end).into_bytes() }];
    }
    let new = lines;
    let head = old.lines.iter().zip(&new.lines).take_while(|(old, new)| old == new).count();
    let most = old.lines.len().min(new.lines.len()) - head;
    let tail = old.lines.iter().rev().zip(new.lines.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (first, last) = (head, old.lines.len() - tail);
    let start = old.spans.get(first).map_or(tree.span(node).end, |span| span.start);
    let end = old.spans.get(last).map_or(tree.span(node).end, |span| span.start);
    let changed = &new.lines[head..new.lines.len() - tail];
    vec![Edit { span: start..end, text: indented(changed, old.indent, line_end).into_bytes() }]
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
            let Some(at) = at.filter(|at| fragment.text[..start].ends_with(&declaration(used[*at]))) else { break };
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
