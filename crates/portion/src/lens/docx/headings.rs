//! The headings of a document: paragraphs whose style, or whose own word, gives them a level in the outline.

use std::collections::HashMap;

use crate::lens::LensError;
use crate::lens::office::prose::{Dialect, Prose};
use crate::lens::office::xml::{Node, Tree};

pub(super) struct Heading {
    pub(super) node: Node,
    /// From 0, the highest.
    pub(super) level: usize,
    /// The names of the headings above it, and its own.
    pub(super) path: Vec<String>,
}

/// Text that stands at no level of the outline says so by this.
const BODY: usize = 9;
/// How many styles a style may be based on, one on another.
const MAX_BASES: usize = 32;

/// What a style says: its level, and the style that it is based on.
type Styles = HashMap<String, (Option<usize>, Option<String>)>;

pub(super) fn of(tree: &Tree, body: Node, styles: Option<&Tree>) -> Result<Vec<Heading>, LensError> {
    let styles = styles.map(read).unwrap_or_default();
    let prose = Prose { tree, dialect: Dialect::Document };
    let mut headings: Vec<Heading> = Vec::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    for node in tree.children(body).filter(|node| prose.is(*node, "p")) {
        let Some(level) = level(&prose, node, &styles).filter(|level| *level < BODY) else { continue };
        let text = prose.text(node)?;
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            continue;
        }
        while open.last().is_some_and(|(above, _)| *above >= level) {
            open.pop();
        }
        open.push((level, name));
        headings.push(Heading { node, level, path: open.iter().map(|(_, name)| name.clone()).collect() });
    }
    Ok(headings)
}

fn level(prose: &Prose<'_>, paragraph: Node, styles: &Styles) -> Option<usize> {
    let properties = prose.child(paragraph, "pPr")?;
    if let Some(own) = outline(prose, properties) {
        return Some(own);
    }
    let style = prose.child(properties, "pStyle")?;
    let mut id = prose.tree.local_attribute(style, "val")?.into_owned();
    for _ in 0..MAX_BASES {
        match styles.get(&id)? {
            (Some(level), _) => return Some(*level),
            (None, Some(base)) => id = base.clone(),
            (None, None) => return None,
        }
    }
    None
}

fn outline(prose: &Prose<'_>, properties: Node) -> Option<usize> {
    let node = prose.child(properties, "outlineLvl")?;
    prose.tree.local_attribute(node, "val")?.parse().ok()
}

fn read(tree: &Tree) -> Styles {
    let prose = Prose { tree, dialect: Dialect::Document };
    let mut styles = Styles::new();
    for node in tree.children(tree.root()).filter(|node| prose.is(*node, "style")) {
        let value = |name: &str| {
            let child = prose.child(node, name)?;
            tree.local_attribute(child, "val").map(|value| value.into_owned())
        };
        let Some(id) = tree.local_attribute(node, "styleId") else { continue };
        let own = prose.child(node, "pPr").and_then(|properties| outline(&prose, properties));
        // The built-in ones are known by their names in every language.
        let name = value("name").unwrap_or_default().to_ascii_lowercase();
        let built_in = name.strip_prefix("heading ").and_then(|level| level.parse::<usize>().ok()?.checked_sub(1));
        styles.insert(id.into_owned(), (own.or(built_in), value("basedOn")));
    }
    styles
}
