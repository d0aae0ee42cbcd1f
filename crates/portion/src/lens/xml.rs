//! XML 1.0 by paths: elements, attributes and texts.
//!
//! # Addresses
//! A subset of XPath 1.0: `/a/b[@id='x']/c`, `//b[name='x']`, `/a/b[2]`, `/a/key[.='x']/following-sibling::*[1]`; as the last step `@name` or
//! `text()`. A name is told by how the document writes it, prefix and all; `*:name` has any prefix, `*` is any name. The empty expression is
//! the root element. What stands around the root (the declaration, the document type, comments) is no portion.
//!
//! # Fragments
//! An element is its text, dedented, with the namespace declarations that it takes from above in its own start tag, so that it parses
//! alone; where it is put, those that the place has are left out again, and what a fragment does not declare it takes from its place. See
//! [`fragment`]. An attribute, and the text of an element without children, is text, without references and quotes.
//!
//! # The embedding
//! An element that holds nothing but text is a string. Any other is a map: `@name` its attributes, `name` its children (a list where several have
//! one name), `#text` its text beside attributes. Where text and elements stand side by side, `#xml` is the markup between the tags. White
//! space between elements, comments, instructions and namespace declarations are no part of a value; they stay with the file.
//! Null cannot be said, nor an empty list or map, nor a list of one: what stands alone is no list.

mod edit;
mod fragment;
mod list;
mod parse;
mod path;
mod tree;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;

use self::fragment::{Names, lines};
use self::list::Listed;
use self::path::{End, Path};
use self::tree::{Attribute, Node, Tree};
use super::markup::replaced;
use super::{Edit, Format, Fragment, Item, Lens, LensError, Syntax, apply, line_end};
use crate::value::Value;

pub(crate) struct Xml;

/// What an expression means in a file.
enum Found<'t> {
    Element(Node),
    Attribute(Attribute<'t>),
    Text(Node),
}

fn refused<T>(why: impl Into<String>) -> Result<T, LensError> {
    Err(LensError::Refused(why.into()))
}

fn missing(tree: &Tree<'_>, expression: &str) -> LensError {
    LensError::missing(expression, Listed::of(tree).names())
}

/// The one element that a path leads to, or that stands around what it leads to.
fn element(tree: &Tree<'_>, path: &Path, expression: &str) -> Result<Node, LensError> {
    let found = path.elements(tree, expression)?;
    match found[..] {
        [node] => Ok(node),
        [] => Err(missing(tree, expression)),
        _ => Err(path::ambiguous(tree, expression, found)),
    }
}

fn find<'t>(tree: &Tree<'t>, path: &Path, expression: &str) -> Result<Found<'t>, LensError> {
    let name = match &path.end {
        End::Element => return element(tree, path, expression).map(Found::Element),
        End::Text => {
            let node = element(tree, path, expression)?;
            if tree.has_children(node) {
                return refused(format!("`{}` holds elements, and its text is not one", tree.name(node)));
            }
            return Ok(Found::Text(node));
        }
        End::Attribute(name) => name,
    };
    let elements = path.elements(tree, expression)?;
    let mut having = elements.iter().filter_map(|node| tree.attribute(*node, name));
    match (having.next(), having.next()) {
        (Some(attribute), None) => Ok(Found::Attribute(attribute)),
        (Some(_), Some(_)) => {
            let having = elements.into_iter().filter(|node| tree.attribute(*node, name).is_some());
            Err(path::ambiguous(tree, expression, having.collect()))
        }
        _ => match elements[..] {
            [] => Err(missing(tree, expression)),
            [node] => {
                let above = expression.strip_suffix(&format!("/@{name}")).unwrap_or_default();
                let names = tree.attributes(node).filter(|attribute| attribute.declares().is_none());
                let names: Vec<String> = names.map(|attribute| format!("{above}/@{}", attribute.name)).collect();
                Err(LensError::missing(expression, names))
            }
            _ => Err(LensError::missing(expression, [""; 0])),
        },
    }
}

/// An element as a fragment.
fn taken(tree: &Tree<'_>, node: Node, expression: &str) -> Result<Fragment, LensError> {
    let span = tree.span(node);
    if let Some(at) = tree.foreign(&span) {
        let reference: String = tree.text[at..].chars().take_while(|c| *c != ';').collect();
        return refused(format!(
            "`{expression}` holds `{reference};`, which the document's type declares: it means nothing elsewhere"
        ));
    }
    apply::check_size(span.len())?;
    let context = tree.bound_around(node);
    let text = Names { context: &context }.declared(tree, node, lines(tree, node).text());
    Ok(Fragment { format: Format::Xml, text: text.into_bytes() })
}

/// Text, if it comes out again as it is put.
fn text(text: Option<String>, expression: &str) -> Result<Fragment, LensError> {
    let Some(text) = text else {
        return refused(format!("`{expression}` holds an entity that the document's type declares"));
    };
    if text.contains("\r\n") || text.starts_with('\u{feff}') {
        return refused(format!("`{expression}` holds a carriage return or a byte order mark, which text cannot keep"));
    }
    Ok(Fragment { format: Format::Text, text: text.into_bytes() })
}

fn as_text<'f>(fragment: &'f Fragment, expression: &str) -> Result<&'f str, LensError> {
    if fragment.format != Format::Text {
        return refused(format!("`{expression}` holds text, not {}", fragment.format));
    }
    std::str::from_utf8(&fragment.text)
        .map_err(|error| LensError::unparsable(&fragment.text, error.valid_up_to(), "expected UTF-8 text"))
}

fn as_element(fragment: &Fragment, expression: &str) -> Result<(), LensError> {
    match fragment.format {
        Format::Xml => Ok(()),
        other => refused(format!("`{expression}` holds xml, not {other}")),
    }
}

/// The fragment's text as it is written at a place where that is bound.
fn bare(fragment: &Fragment, context: &BTreeMap<String, String>) -> Result<String, LensError> {
    let tree = parse::fragment(&fragment.text)?;
    let names = Names { context };
    match names.unbound(&tree) {
        Some(prefix) => {
            refused(format!("the prefix `{prefix}` is declared neither in the fragment nor above its place"))
        }
        None => Ok(names.stripped(&tree)),
    }
}

/// What is bound where an element of that path stands or would stand, and the name that it has there.
fn place(file: &[u8], expression: &str) -> Option<(BTreeMap<String, String>, Option<String>)> {
    let path = Path::parse(expression).ok().filter(|path| path.end == End::Element)?;
    let wanted = path.last_name().map(str::to_owned);
    if apply::is_blank(file) {
        return Some((BTreeMap::new(), wanted));
    }
    let tree = parse::parse(file).ok()?;
    if let [node] = path.elements(&tree, expression).ok()?[..] {
        return Some((tree.bound_around(node), Some(tree.name(node).to_owned())));
    }
    let above = path.above(expression)?;
    let parent = element(&tree, &Path::parse(above).ok()?, above).ok()?;
    Some((tree.bound_in(parent), wanted))
}

/// The fragment as its place would tell it.
fn at_its_place(file: &[u8], expression: &str, fragment: &Fragment) -> Option<Vec<u8>> {
    let (context, name) = place(file, expression)?;
    let tree = parse::fragment(&fragment.text).ok()?;
    let names = Names { context: &context };
    let mut text = names.stripped(&tree);
    if let (value::ANY_NAME, Some(name)) = (tree.name(tree.root()), name) {
        let end = format!("</{}", value::ANY_NAME);
        if let Some(at) = text.rfind(&end).filter(|at| text[at + end.len()..].trim() == ">") {
            text.replace_range(at + 2..at + end.len(), &name);
        }
        text.replace_range(1..1 + value::ANY_NAME.len(), &name);
    }
    let tree = parse::fragment(text.as_bytes()).ok()?;
    Some(names.declared(&tree, tree.root(), text.clone()).into_bytes())
}

/// Plans what stands in an empty file.
fn fill(file: &[u8], path: &Path, fragment: &Fragment, expression: &str) -> Result<Vec<Edit>, LensError> {
    as_element(fragment, expression)?;
    if path.end != End::Element || path.steps.len() > 1 {
        return refused("the file is empty; put its root element first");
    }
    let start = if file.starts_with(super::BOM) { super::BOM.len() } else { 0 };
    let mut text = fragment.text.clone();
    text.push(b'\n');
    Ok(vec![edit::edit(start..file.len(), text)])
}

impl Lens for Xml {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let path = Path::parse(expression)?;
        let tree = parse::parse(file)?;
        match find(&tree, &path, expression)? {
            Found::Element(node) => taken(&tree, node, expression),
            Found::Attribute(attribute) => text(tree.value(&attribute), expression),
            Found::Text(node) => text(tree.text_of(node), expression),
        }
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let path = Path::parse(expression)?;
        let tree = parse::parse(file)?;
        match find(&tree, &path, expression)? {
            Found::Element(node) => {
                as_element(fragment, expression)?;
                let new = bare(fragment, &tree.bound_around(node))?;
                let new = parse::fragment(new.as_bytes())?;
                let (span, old) = (tree.span(node), lines(&tree, node));
                Ok(vec![replaced(tree.text, span, &old, &lines(&new, new.root()), line_end(file))])
            }
            Found::Attribute(attribute) => {
                Ok(vec![edit::set_attribute(&tree, &attribute, as_text(fragment, expression)?)?])
            }
            Found::Text(node) => edit::set_text(&tree, node, as_text(fragment, expression)?, line_end(file)),
        }
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let path = Path::parse(expression)?;
        if apply::is_blank(file) {
            return fill(file, &path, fragment, expression);
        }
        let tree = parse::parse(file)?;
        let Some(above) = path.above(expression) else {
            return refused("a new element needs its place: `/a/b`, where `/a` stands there");
        };
        let parent = element(&tree, &Path::parse(above)?, above).map_err(|error| match error {
            LensError::Missing { .. } => {
                LensError::Refused(format!("`{above}` is missing, in which it would stand; insert that first"))
            }
            other => other,
        })?;
        match &path.end {
            End::Element => {
                as_element(fragment, expression)?;
                let new = bare(fragment, &tree.bound_in(parent))?;
                let new = parse::fragment(new.as_bytes())?;
                let name = new.name(new.root());
                Ok(vec![edit::add_elements(&tree, parent, name, &[new], line_end(file))?])
            }
            End::Attribute(name) => {
                let prefix = name.split_once(':').map(|(prefix, _)| prefix);
                if let Some(prefix) =
                    prefix.filter(|prefix| *prefix != "xml" && !tree.bound_in(parent).contains_key(*prefix))
                {
                    return refused(format!("the prefix `{prefix}` is not declared at its place"));
                }
                Ok(vec![edit::add_attribute(&tree, parent, name, as_text(fragment, expression)?)?])
            }
            End::Text => refused(format!("something stands at `{expression}` already")),
        }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let place = |path: Path| Some((path.above(expression)?, parse::parse(file).ok()?));
        let is_there =
            |above: &str, tree: &Tree<'_>| Path::parse(above).is_ok_and(|path| element(tree, &path, above).is_ok());
        apply::is_blank(file)
            || Path::parse(expression).ok().and_then(place).is_some_and(|(above, tree)| is_there(above, &tree))
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let path = Path::parse(expression)?;
        let tree = parse::parse(file)?;
        match find(&tree, &path, expression)? {
            Found::Element(node) if node == tree.root() => refused("a document keeps its root element"),
            Found::Element(node) => Ok(vec![edit::remove_element(&tree, node)]),
            Found::Attribute(attribute) => Ok(vec![edit::remove_attribute(&tree, &attribute)]),
            Found::Text(_) => refused("an element's text is emptied, not removed"),
        }
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        let Ok(mut path) = Path::parse(expression) else { return false };
        if !path.is_position() {
            return matches!(self.get(after, expression), Err(LensError::Missing { .. }));
        }
        path.without_position();
        let count = |file: &[u8]| {
            let tree = parse::parse(file).ok()?;
            Some(path.elements(&tree, expression).ok()?.len())
        };
        count(before).zip(count(after)).is_some_and(|(before, after)| after + 1 == before)
    }

    fn is_position(&self, _file: &[u8], expression: &str) -> bool {
        Path::parse(expression).is_ok_and(|path| path.is_position())
    }

    fn is_within_lines(&self, expression: &str) -> bool {
        Path::parse(expression).is_ok_and(|path| path.end != End::Element)
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        if fragment.format != Format::Xml {
            return fragment;
        }
        match at_its_place(file, expression, &fragment) {
            Some(text) => Fragment { text, ..fragment },
            None => fragment,
        }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let tree = parse::parse(file)?;
        Ok(Listed::of(&tree).items(&tree))
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let tree = parse::parse(file)?;
        Ok(Listed::of(&tree).omitted(&tree))
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match Path::parse(expression) {
            Ok(path) if path.end != End::Element => Format::Text,
            _ => Format::Xml,
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "add what tells the elements apart: `[@id='x']`, `[name='x']`, or a number, as `[2]`"
    }
}

impl Syntax for Xml {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        value::value(text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        value::update(text, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        value::render(value)
    }

    /// Without a declaration and blanks around it, and with LF for every line end.
    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let tree = parse::parse(text)?;
        let span = tree.span(tree.root());
        let outside = [&tree.text[..span.start], &tree.text[span.end..]];
        let found = outside.iter().any(|text| text.contains("<!") || text.replace("<?xml ", "").contains("<?"));
        if found {
            let found = "a fragment is one element; a comment or a document type beside it cannot be kept";
            return Err(LensError::unparsable(text, 0, found));
        }
        let tidy = lines(&tree, tree.root()).text();
        Ok(if tidy.as_bytes() == text { Cow::Borrowed(text) } else { Cow::Owned(tidy.into_bytes()) })
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        parse::fragment(text).is_ok()
    }
}
