//! The tree that a browser makes of a file (html5ever's, by the WHATWG standard), with the places in the source that its parts come from (html5gum's).
//!
//! The two agree where an element's own start and end tags stand in the source, and exactly what stands between them is in it. Only such an
//! element can be taken out and put back. Where the browser closes an element elsewhere, moves its content or repeats it, they do not.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use html5ever::interface::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tree_builder::TreeBuilder;
use html5ever::{Attribute, ExpandedName, QualName, ns};

use super::tokens;
use crate::lens::{LensError, MAX_DEPTH, Span};

/// A node, by the order in which nodes were made.
pub(super) type Node = usize;

/// What a node is.
pub(super) enum Kind {
    /// The document, or the content of a `template`.
    Document,
    Element(Rc<QualName>),
    Text(String),
    Comment(String),
    DocumentType(String),
}

pub(super) struct Data {
    pub(super) kind: Kind,
    /// Names as they are written (in lower case) and values.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) parent: Option<Node>,
    pub(super) children: Vec<Node>,
    depth: usize,
    /// Its start tag.
    pub(super) open: Option<Span>,
    /// Where texts and comments come from.
    places: Vec<usize>,
    /// From its start tag to its end tag, if source and tree agree.
    pub(super) outer: Option<Span>,
}

/// A file as a browser reads it.
pub(super) struct Dom<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<Data>,
}

/// Elements without an end tag.
const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
];
/// Elements that a browser adds where they are left out, by what stands in them alone.
const IMPLIED: &[&str] = &["html", "head", "body", "tbody", "tr", "colgroup"];

/// Parses a file.
///
/// # Errors
/// [`LensError::Unparsable`] for what is no UTF-8, or says that it is not; [`LensError::TooLarge`] where elements are nested too deeply, or a
/// browser would repeat elements without end. There is no other text that is no HTML.
pub(super) fn parse(file: &[u8]) -> Result<Dom<'_>, LensError> {
    let text = std::str::from_utf8(file)
        .map_err(|error| LensError::unparsable(file, error.valid_up_to(), "expected UTF-8 text"))?;
    let sink = Sink {
        nodes: RefCell::new(vec![Data::new(Kind::Document)]),
        nameless: QualName::new(None, ns!(), "".into()),
        contents: RefCell::new(HashMap::new()),
        at: Cell::new(At::Other(0)),
        name: RefCell::new(String::new()),
        claimed: Cell::new(None),
        text_at: Cell::new(0),
        is_behind_body: Cell::new(false),
        most: 1000 + file.len() / 2,
        fault: Cell::new(None),
    };
    let builder = TreeBuilder::new(sink, Default::default());
    let read = tokens::read(text, builder);
    let sink = read.builder.sink;
    match sink.fault.get() {
        Some(Fault::Deep) => {
            return Err(LensError::TooLarge(format!("elements are nested deeper than {MAX_DEPTH} levels")));
        }
        Some(Fault::Many) => {
            return Err(LensError::TooLarge("a browser would repeat formatting elements too often".to_owned()));
        }
        None => {}
    }
    if let Some((at, encoding)) = read.encoding {
        let found =
            format!("the file says that it is {encoding}, which only `bytes:` can address; convert it to UTF-8");
        return Err(LensError::unparsable(file, at, found));
    }
    let mut dom = Dom { text, nodes: sink.nodes.into_inner() };
    dom.locate(&read.ends);
    Ok(dom)
}

impl Data {
    fn new(kind: Kind) -> Data {
        Data {
            kind,
            attributes: Vec::new(),
            parent: None,
            children: Vec::new(),
            depth: 0,
            open: None,
            places: Vec::new(),
            outer: None,
        }
    }
}

/// What stands in an element: how many parts of the source, and from where to where.
#[derive(Clone, Copy)]
struct Inside {
    count: usize,
    first: usize,
    last: usize,
    /// Whether the browser repeats an element in it that begins elsewhere.
    has_copy: bool,
}

impl Dom<'_> {
    pub(super) fn name(&self, node: Node) -> Option<&QualName> {
        match &self.nodes[node].kind {
            Kind::Element(name) => Some(name),
            _ => None,
        }
    }

    /// The local name; empty for what is no element.
    pub(super) fn local(&self, node: Node) -> &str {
        self.name(node).map_or("", |name| &name.local)
    }

    /// All nodes of the tree, in its order.
    pub(super) fn walk(&self) -> Vec<Node> {
        let mut out = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![0];
        while let Some(node) = stack.pop() {
            out.push(node);
            stack.extend(self.nodes[node].children.iter().rev());
        }
        out
    }

    pub(super) fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        let found = self.nodes[node].attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The element's text, if nothing but text stands in it.
    pub(super) fn plain_text(&self, node: Node) -> Option<String> {
        let texts = self.nodes[node].children.iter().map(|child| match &self.nodes[*child].kind {
            Kind::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Tells which elements stand in the source as they do in the tree.
    fn locate(&mut self, ends: &HashMap<usize, Span>) {
        let order = self.walk();
        let mut all: Vec<usize> = Vec::new();
        for node in &order {
            all.extend(&self.nodes[*node].places);
            all.extend(self.nodes[*node].open.iter().map(|open| open.start));
        }
        all.sort_unstable();
        let nothing = Inside { count: 0, first: usize::MAX, last: 0, has_copy: false };
        let mut inside = vec![nothing; self.nodes.len()];
        for node in order.into_iter().rev() {
            let found = inside[node];
            let data = &self.nodes[node];
            let outer = self.outer(node, ends).filter(|outer| {
                let open = data.open.clone().unwrap_or(0..0);
                let close = ends.get(&open.start).filter(|_| outer.end > open.end).map_or(open.end, |end| end.start);
                let from = all.partition_point(|at| *at < open.end);
                let to = all.partition_point(|at| *at < close);
                let is_between = found.count == 0 || (found.first >= open.end && found.last < close);
                is_between && !found.has_copy && to.saturating_sub(from) == found.count
            });
            let is_copy =
                matches!(&data.kind, Kind::Element(name) if data.open.is_none() && !IMPLIED.contains(&&*name.local));
            let own = data.open.iter().map(|open| open.start).chain(data.places.iter().copied());
            let mut sum = Inside { has_copy: found.has_copy || is_copy, ..found };
            for at in own {
                sum = Inside { count: sum.count + 1, first: sum.first.min(at), last: sum.last.max(at), ..sum };
            }
            let parent = data.parent;
            self.nodes[node].outer = outer;
            if let Some(parent) = parent {
                let above = &mut inside[parent];
                above.count += sum.count;
                above.first = above.first.min(sum.first);
                above.last = above.last.max(sum.last);
                above.has_copy |= sum.has_copy;
            }
        }
    }

    /// Where an element stands by its tags alone.
    fn outer(&self, node: Node, ends: &HashMap<usize, Span>) -> Option<Span> {
        let open = self.nodes[node].open.clone()?;
        let tag = self.text.get(open.clone())?;
        if !tag.starts_with('<') || !tag.ends_with('>') {
            return None;
        }
        let name = self.name(node)?;
        let is_html = name.ns == ns!(html);
        if (is_html && VOID.contains(&&*name.local)) || (!is_html && tag.ends_with("/>")) {
            return Some(open);
        }
        let end = ends.get(&open.start).filter(|end| end.start >= open.end)?;
        let tag = self.text.get(end.clone())?;
        (tag.starts_with("</") && tag.ends_with('>')).then_some(open.start..end.end)
    }
}

/// The token that the tree is told of.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// A start tag, from its start to its end.
    Start(usize, usize),
    Text(usize),
    Other(usize),
}

#[derive(Clone, Copy)]
enum Fault {
    Deep,
    Many,
}

/// A node, and its name where it is an element.
#[derive(Clone)]
pub(super) struct Handle(Node, Option<Rc<QualName>>);

pub(super) struct Sink {
    nodes: RefCell<Vec<Data>>,
    /// The name of what has none.
    nameless: QualName,
    /// What stands in a `template`.
    contents: RefCell<HashMap<Node, Node>>,
    pub(super) at: Cell<At>,
    /// The name of the start tag.
    pub(super) name: RefCell<String>,
    /// The element that was made for the start tag.
    pub(super) claimed: Cell<Option<Node>>,
    pub(super) text_at: Cell<usize>,
    /// White space behind `</body>` is put into it, though it stands behind it.
    pub(super) is_behind_body: Cell<bool>,
    /// So many nodes at most.
    most: usize,
    fault: Cell<Option<Fault>>,
}

impl Sink {
    /// Whether no more is to be told.
    pub(super) fn is_full(&self) -> bool {
        self.fault.get().is_some()
    }

    fn made(&self, data: Data) -> Node {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= self.most {
            self.fault.set(Some(Fault::Many));
        }
        nodes.push(data);
        nodes.len() - 1
    }

    fn detach(&self, node: Node) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[node].parent.take() {
            // What is moved stands near the end.
            if let Some(at) = nodes[parent].children.iter().rposition(|child| *child == node) {
                nodes[parent].children.remove(at);
            }
        }
    }

    /// Puts a node or text into a parent, before the child at `at`.
    fn place(&self, parent: Node, at: Option<usize>, child: NodeOrText<Handle>) {
        let at = at.unwrap_or_else(|| self.nodes.borrow()[parent].children.len());
        match child {
            NodeOrText::AppendNode(Handle(node, _)) => {
                self.detach(node);
                let mut nodes = self.nodes.borrow_mut();
                let depth = nodes[parent].depth + 1;
                if depth > MAX_DEPTH {
                    self.fault.set(Some(Fault::Deep));
                }
                (nodes[node].parent, nodes[node].depth) = (Some(parent), depth);
                let at = at.min(nodes[parent].children.len());
                nodes[parent].children.insert(at, node);
            }
            NodeOrText::AppendText(text) => {
                let is_blank = text.bytes().all(|b| b.is_ascii_whitespace());
                let place = (!is_blank || !self.is_behind_body.get()).then(|| match self.at.get() {
                    At::Text(at) => at,
                    // Text in tables is told of later.
                    _ => self.text_at.get(),
                });
                let before = at.checked_sub(1).map(|before| self.nodes.borrow()[parent].children[before]);
                let mut nodes = self.nodes.borrow_mut();
                if let Some(before) = before
                    && let Kind::Text(own) = &mut nodes[before].kind
                {
                    own.push_str(&text);
                    nodes[before].places.extend(place);
                    return;
                }
                drop(nodes);
                let mut data = Data::new(Kind::Text(text.to_string()));
                (data.parent, data.places) = (Some(parent), place.into_iter().collect());
                let node = self.made(data);
                self.nodes.borrow_mut()[parent].children.insert(at, node);
            }
        }
    }

    fn index(&self, node: Node) -> Option<(Node, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[node].parent?;
        Some((parent, nodes[parent].children.iter().rposition(|child| *child == node)?))
    }
}

fn written(attribute: Attribute) -> (String, String) {
    let name = match &attribute.name.prefix {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}:{}", attribute.name.local),
        _ => attribute.name.local.to_string(),
    };
    (name, attribute.value.to_string())
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: std::borrow::Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle(0, None)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        match &target.1 {
            Some(name) => name.expanded(),
            None => self.nameless.expanded(),
        }
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let mut data = Data::new(Kind::Element(name.clone()));
        data.attributes = attributes.into_iter().map(written).collect();
        let node = self.made(data);
        // A formatting element that is opened again comes before the one that the tag itself makes.
        if let At::Start(start, end) = self.at.get()
            && (*name.local).eq_ignore_ascii_case(&self.name.borrow())
        {
            let mut nodes = self.nodes.borrow_mut();
            if let Some(before) = self.claimed.replace(Some(node)) {
                nodes[before].open = None;
            }
            nodes[node].open = Some(start..end);
        }
        if flags.template {
            let content = self.made(Data::new(Kind::Document));
            let mut nodes = self.nodes.borrow_mut();
            nodes[content].parent = Some(node);
            nodes[node].children.push(content);
            self.contents.borrow_mut().insert(node, content);
        }
        Handle(node, Some(name))
    }

    fn create_comment(&self, text: StrTendril) -> Handle {
        let mut data = Data::new(Kind::Comment(text.to_string()));
        let (At::Start(at, _) | At::Text(at) | At::Other(at)) = self.at.get();
        data.places.push(at);
        Handle(self.made(data), None)
    }

    fn create_pi(&self, _: StrTendril, data: StrTendril) -> Handle {
        self.create_comment(data)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.place(parent.0, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        match self.index(element.0) {
            Some((parent, at)) => self.place(parent, Some(at), child),
            None => self.append(before, child),
        }
    }

    fn append_doctype_to_document(&self, name: StrTendril, public: StrTendril, system: StrTendril) {
        let node = self.made(Data::new(Kind::DocumentType(format!("{name} {public} {system}"))));
        self.place(0, None, NodeOrText::AppendNode(Handle(node, None)));
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        Handle(self.contents.borrow().get(&target.0).copied().unwrap_or(target.0), None)
    }

    fn same_node(&self, a: &Handle, b: &Handle) -> bool {
        a.0 == b.0
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, new: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &new {
            self.detach(node.0);
        }
        if let Some((parent, at)) = self.index(sibling.0) {
            self.place(parent, Some(at), new);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        let own = &mut nodes[target.0].attributes;
        for (name, value) in attributes.into_iter().map(written) {
            if !own.iter().any(|(known, _)| *known == name) {
                own.push((name, value));
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.0);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let children = std::mem::take(&mut self.nodes.borrow_mut()[node.0].children);
        for child in children {
            self.nodes.borrow_mut()[child].parent = None;
            self.place(new_parent.0, None, NodeOrText::AppendNode(Handle(child, None)));
        }
    }
}
