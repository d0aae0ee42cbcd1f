//! What a document holds: its value, its portions, the places of some of them.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::json5;
use super::locate::{Key, duplicate, inspect};
use super::scan::{Dialect, Kind, Visitor, document};
use super::string::unescape;
use crate::lens::{Item, LensError, MAX_PORTION, Span};
use crate::pointer;
use crate::value::{Number, Value};

/// The value of a document, without a doubt: no key stands twice, and every string is text.
pub(super) fn value(text: &[u8], dialect: Dialect) -> Result<Value, Fault> {
    inspect(text, dialect)?;
    let mut builder = Builder { text, open: Vec::new(), root: Value::Null };
    document(text, dialect, &mut builder)?;
    Ok(builder.root)
}

struct Builder<'a> {
    text: &'a [u8],
    /// The containers that are open, each with the key that it will have in its parent.
    open: Vec<(Option<String>, Value)>,
    root: Value,
}

impl Builder<'_> {
    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            Some((_, Value::Sequence(items))) => items.push(value),
            Some((_, Value::Map(members))) => {
                if let Some((_, last)) = members.last_mut() {
                    *last = value;
                }
            }
            _ => self.root = value,
        }
    }
}

impl Visitor for Builder<'_> {
    fn open(&mut self, kind: Kind, _at: usize) {
        let empty = if kind == Kind::Object { Value::Map(Vec::new()) } else { Value::Sequence(Vec::new()) };
        self.open.push((None, empty));
    }
    fn key(&mut self, span: Span, escaped: bool) {
        let key = unescape(self.text, span, escaped).unwrap_or_default();
        if let Some((_, Value::Map(members))) = self.open.last_mut() {
            members.push((key, Value::Null));
        }
    }
    fn scalar(&mut self, kind: Kind, span: Span, escaped: bool) {
        let value = match kind {
            Kind::String => Value::String(unescape(self.text, span, escaped).unwrap_or_default()),
            Kind::Number => {
                let written = String::from_utf8_lossy(&self.text[span]);
                let is_odd = |b: u8| matches!(b, b'x' | b'X' | b'I' | b'N') || b == b'+';
                Value::Number(Number::new(match written.bytes().any(is_odd) {
                    true => json5::number(&written),
                    false => written.into_owned(),
                }))
            }
            Kind::True | Kind::False => Value::Bool(kind == Kind::True),
            _ => Value::Null,
        };
        self.add(value);
    }
    fn close(&mut self, _end: usize) {
        if let Some((_, value)) = self.open.pop() {
            self.add(value);
        }
    }
}

/// The span of the document's value.
pub(super) fn root(text: &[u8], dialect: Dialect) -> Result<Span, Fault> {
    struct Root {
        depth: usize,
        span: Span,
    }
    impl Visitor for Root {
        fn open(&mut self, _kind: Kind, at: usize) {
            if self.depth == 0 {
                self.span = at..at;
            }
            self.depth += 1;
        }
        fn scalar(&mut self, _kind: Kind, span: Span, _escaped: bool) {
            if self.depth == 0 {
                self.span = span;
            }
        }
        fn close(&mut self, end: usize) {
            self.depth -= 1;
            if self.depth == 0 {
                self.span.end = end;
            }
        }
    }
    let mut root = Root { depth: 0, span: 0..0 };
    document(text, dialect, &mut root)?;
    Ok(root.span)
}

/// A node of a document.
pub(super) struct Node {
    pub(super) selector: String,
    kind: Kind,
    pub(super) value: Span,
    /// Where it starts with its key.
    pub(super) start: usize,
    /// The container that it stands in, by its place in the list.
    parent: Option<usize>,
    /// It cannot be taken out: a string that is no text, a doubled key.
    faulty: bool,
    /// Nor can anything in it: one of its keys is doubled, or its own key is no text.
    closed: bool,
}

/// The most bytes that the selectors of a list may have together: they can be much longer than the file.
const MAX_LIST: usize = 256 << 20;

/// A container that is open.
struct Open {
    /// Its place among the nodes, if it is kept.
    node: Option<usize>,
    /// The length of the pointer with its own token.
    pointer: usize,
    object: bool,
    count: usize,
    /// Where its keys start among the keys of all that are open.
    keys: usize,
}

/// Walks a document, and keeps the nodes that are wanted.
struct Walk<'a> {
    text: &'a [u8],
    /// The selectors that are wanted; `None` for all.
    wanted: Option<&'a BTreeSet<&'a str>>,
    nodes: Vec<Node>,
    pointer: String,
    open: Vec<Open>,
    keys: Vec<Key>,
    /// The key that was read last: where it starts, and whether it is text.
    key: Option<(usize, bool)>,
    /// How many bytes the selectors have.
    size: usize,
}

impl Walk<'_> {
    /// A value starts: keeps its node, if it is wanted.
    fn enter(&mut self, kind: Kind, value: Span) -> Option<usize> {
        if let Some(top) = self.open.last_mut()
            && !top.object
        {
            self.pointer.truncate(top.pointer);
            pointer::push(&mut self.pointer, &top.count.to_string());
            top.count += 1;
        }
        let (start, is_text) = self.key.take().unwrap_or((value.start, true));
        if self.wanted.is_some_and(|wanted| !wanted.contains(self.pointer.as_str())) {
            return None;
        }
        self.size += self.pointer.len();
        if self.size > MAX_LIST {
            return None;
        }
        let parent = self.open.last().and_then(|open| open.node);
        let selector = self.pointer.clone();
        self.nodes.push(Node { selector, kind, value, start, parent, faulty: !is_text, closed: !is_text });
        Some(self.nodes.len() - 1)
    }
}

impl Visitor for Walk<'_> {
    fn open(&mut self, kind: Kind, at: usize) {
        let node = self.enter(kind, at..at);
        let (pointer, keys) = (self.pointer.len(), self.keys.len());
        self.open.push(Open { node, pointer, object: kind == Kind::Object, count: 0, keys });
    }

    fn key(&mut self, span: Span, escaped: bool) {
        let name = unescape(self.text, span.clone(), escaped);
        if let Some(top) = self.open.last() {
            self.pointer.truncate(top.pointer);
        }
        self.key = Some((span.start, name.is_ok()));
        pointer::push(&mut self.pointer, &name.unwrap_or_default());
        self.keys.push(Key::new(self.text, span, escaped));
    }

    fn scalar(&mut self, kind: Kind, span: Span, escaped: bool) {
        let node = self.enter(kind, span.clone()).and_then(|node| self.nodes.get_mut(node));
        if let Some(node) = node
            && kind == Kind::String
            && unescape(self.text, span, escaped).is_err()
        {
            node.faulty = true;
        }
    }

    fn close(&mut self, end: usize) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let doubled = duplicate(self.text, &mut self.keys[open.keys..]).is_some();
        self.keys.truncate(open.keys);
        if let Some(node) = open.node.and_then(|node| self.nodes.get_mut(node)) {
            node.value.end = end;
            node.faulty |= doubled;
            node.closed |= doubled;
        }
    }
}

fn nodes(text: &[u8], dialect: Dialect, wanted: Option<&BTreeSet<&str>>) -> Result<Vec<Node>, LensError> {
    let mut walk = Walk {
        text,
        wanted,
        nodes: Vec::new(),
        pointer: String::new(),
        open: Vec::new(),
        keys: Vec::new(),
        key: None,
        size: 0,
    };
    document(text, dialect, &mut walk).map_err(|fault| fault.error(text))?;
    if walk.size > MAX_LIST {
        return Err(LensError::TooLarge("the file has too many portions to list".to_owned()));
    }
    Ok(walk.nodes)
}

/// The nodes at some pointers.
pub(super) fn at<'a>(
    text: &[u8],
    dialect: Dialect,
    pointers: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, Node>, LensError> {
    let wanted: BTreeSet<&str> = pointers.into_iter().collect();
    let nodes = nodes(text, dialect, Some(&wanted))?;
    Ok(nodes.into_iter().map(|node| (node.selector.clone(), node)).collect())
}

/// Every portion that can be taken out, in the file's order: not what is too large or faulty, nor what holds it or stands
/// within it.
pub(super) fn list(file: &[u8], dialect: Dialect) -> Result<Vec<Item>, LensError> {
    let mut nodes = nodes(file, dialect, None)?;
    // A container stands before what it holds: forwards, what closes it closes that; backwards, what is faulty in it is faulty.
    for at in 0..nodes.len() {
        if let Some(parent) = nodes[at].parent
            && nodes[parent].closed
        {
            nodes[at].closed = true;
        }
    }
    for at in (0..nodes.len()).rev() {
        if let (true, Some(parent)) = (nodes[at].faulty, nodes[at].parent) {
            nodes[parent].faulty = true;
        }
    }
    let mut lines = Lines { file, line: 1, at: 0 };
    let mut out = Vec::new();
    for node in nodes {
        let first = lines.of(node.value.start);
        if node.faulty || node.closed || node.value.len() > MAX_PORTION {
            continue;
        }
        let last = first + memchr::memchr_iter(b'\n', &file[node.value.clone()]).count();
        out.push(Item { selector: node.selector, kind: node.kind.name(), lines: (first, last) });
    }
    Ok(out)
}

/// Counts lines as it goes.
struct Lines<'a> {
    file: &'a [u8],
    line: usize,
    at: usize,
}

impl Lines<'_> {
    /// The line of a place that is no earlier than the one asked for before.
    fn of(&mut self, at: usize) -> usize {
        self.line += memchr::memchr_iter(b'\n', &self.file[self.at..at]).count();
        self.at = at;
        self.line
    }
}
