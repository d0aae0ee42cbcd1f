//! What can be addressed: every element that a name or a key tells from its siblings.

use std::collections::HashMap;

use super::path::{Path, literal};
use super::tree::{Node, Tree, groups};
use crate::lens::{Item, LensError, MAX_PORTION, body};

/// Attributes by which elements of one name are told apart, the best first; after them any that the first element has.
const KEYS: &[&str] = &["id", "xml:id", "name", "key", "Id", "Name", "Key", "Include", "Update", "href", "path"];
/// So do children with one of these names.
const KEY_CHILDREN: &[&str] = &["id", "name", "key", "artifactId", "identifier", "guid", "title", "username"];
/// So many of an element's own attributes are tried as keys.
const OTHER_KEYS: usize = 4;
/// Longer texts are no keys, in bytes.
const MAX_KEY: usize = 120;
/// Longer selectors are not listed, in bytes: nobody would write them.
const MAX_SELECTOR: usize = 1000;
/// So many names that stand for several elements are told.
const MAX_OMITTED: usize = 50;

/// What can be addressed, and what cannot.
pub(super) struct Listed {
    /// Selectors, by the order of elements. `None` where none means the element alone.
    selectors: Vec<Option<String>>,
    /// Selectors that mean several, with these.
    several: Vec<(String, Vec<Node>)>,
}

impl Listed {
    pub(super) fn of(tree: &Tree<'_>) -> Listed {
        let mut listed = Listed { selectors: vec![None; tree.nodes().count()], several: Vec::new() };
        let root = tree.root();
        listed.selectors[0] = Some(format!("/{}", tree.name(root)));
        for parent in tree.nodes().filter(|node| tree.has_children(*node)) {
            let Some(above) = listed.selectors[parent.0 as usize].clone() else { continue };
            for (name, nodes) in groups(tree, parent) {
                let plain = format!("{above}/{name}");
                if plain.len() > MAX_SELECTOR {
                    continue;
                }
                if let [only] = nodes[..] {
                    listed.selectors[only.0 as usize] = Some(plain);
                    continue;
                }
                let mut untold = nodes.clone();
                for key in keys(tree, nodes[0]) {
                    if untold.is_empty() {
                        break;
                    }
                    listed.tell(tree, &plain, &nodes, &mut untold, &key);
                }
                if !untold.is_empty() && listed.several.len() < MAX_OMITTED {
                    listed.several.push((plain, nodes));
                }
            }
        }
        listed
    }

    /// Gives selectors to those of `untold` that say something under a key that no other of `nodes` says.
    fn tell(&mut self, tree: &Tree<'_>, plain: &str, nodes: &[Node], untold: &mut Vec<Node>, key: &Key<'_>) {
        let mut said: HashMap<Node, String> = HashMap::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for node in nodes {
            if let Some(text) = key.said(tree, *node) {
                said.insert(*node, text);
            }
        }
        said.values().for_each(|text| *counts.entry(text).or_default() += 1);
        untold.retain(|node| {
            let text = said.get(node).filter(|text| counts.get(text.as_str()) == Some(&1));
            let Some(text) = text.filter(|text| !text.is_empty() && text.len() <= MAX_KEY) else { return true };
            let is_plain = !text.contains(|c: char| c.is_control());
            match literal(text).filter(|_| is_plain) {
                Some(literal) => {
                    self.selectors[node.0 as usize] = Some(format!("{plain}[{}={literal}]", key.written()));
                    false
                }
                None => true,
            }
        });
    }

    /// The selectors, for messages.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.selectors.iter().flatten().map(String::as_str)
    }

    pub(super) fn items(self, tree: &Tree<'_>) -> Vec<Item> {
        let found = tree.nodes().zip(self.selectors).filter_map(|(node, selector)| Some((node, selector?)));
        let found = found.filter(|(node, selector)| {
            let span = tree.span(*node);
            // XML itself allows names with several colons, which no path can say; what is listed needs no axis.
            let is_said = || Path::parse(selector).is_ok_and(|path| !path.has_axis());
            tree.foreign(&span).is_none() && span.len() <= MAX_PORTION && is_said()
        });
        let file = tree.text.as_bytes();
        let (mut line, mut at) = (1, 0);
        let items = found.map(|(node, selector)| {
            let span = tree.span(node);
            line += memchr::memchr_iter(b'\n', &file[at..span.start]).count();
            at = span.start;
            let last = line + memchr::memchr_iter(b'\n', &file[span]).count();
            let kind = if tree.has_children(node) { "element" } else { "text" };
            Item { selector, kind, lines: (line, last) }
        });
        items.collect()
    }

    pub(super) fn omitted(self, tree: &Tree<'_>) -> Vec<LensError> {
        let errors = self.several.into_iter().map(|(selector, nodes)| {
            let starts = nodes.iter().map(|node| tree.span(*node).start);
            LensError::Ambiguous { selector, lines: body::line_numbers(tree.text.as_bytes(), starts) }
        });
        errors.collect()
    }
}

/// What elements are told apart by.
enum Key<'k> {
    Attribute(&'k str),
    Child(&'k str),
}

impl Key<'_> {
    fn said(&self, tree: &Tree<'_>, node: Node) -> Option<String> {
        match self {
            Key::Attribute(name) => tree.value(&tree.attribute(node, name)?),
            Key::Child(name) => {
                let mut named = tree.children(node).filter(|child| tree.name(*child) == *name);
                let child = named.next().filter(|child| !tree.has_children(*child))?;
                named.next().is_none().then(|| tree.text_of(child))?
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Key::Attribute(name) => format!("@{name}"),
            Key::Child(name) => (*name).to_owned(),
        }
    }
}

fn keys<'t>(tree: &Tree<'t>, first: Node) -> Vec<Key<'t>> {
    let others = tree.attributes(first).filter(|own| own.declares().is_none() && !KEYS.contains(&own.name));
    let others = others.take(OTHER_KEYS).map(|attribute| Key::Attribute(attribute.name));
    let children = KEY_CHILDREN.iter().map(|name| Key::Child(name));
    KEYS.iter().map(|name| Key::Attribute(name)).chain(children).chain(others).collect()
}
