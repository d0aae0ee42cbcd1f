//! HTML by CSS selectors: elements, attributes and texts.
//!
//! # Addresses
//! `#id`, `main > ul.menu li:nth-of-type(2)`, `[name='x']`: a type, `*`, ids, classes, attributes, `:nth-child(2)` and its like, the combinators ` `, `>`, `+`, `~`.
//! Behind it `@href` for an attribute, `::text` for the text of an element that holds nothing else. The empty expression is the root element.
//!
//! # Fragments
//! An element is its source, dedented. It can be taken out only where its own tags stand around exactly what a browser puts into it ([`dom`]),
//! and what is put must leave the tree that a browser makes of the rest as it was ([`edit::proved`]). Attributes and texts are text.
//!
//! # The embedding
//! An element is a string, its source.

mod css;
mod dom;
mod edit;
mod tokens;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use self::css::{End, Selector};
use self::dom::{Dom, Node};
use self::edit::{May, proved, refused};
use super::markup::{Lines, replaced};
use super::{Edit, Format, Fragment, Item, Lens, LensError, Span, Syntax, apply, body, line_end};
use crate::value::Value;

pub(crate) struct Html;

/// So many names are looked at for a message.
const LOOKED_AT: usize = 2000;

fn lines(text: &str, span: Span) -> Lines<'_> {
    let fixed = tokens::fixed(&text[span.clone()]).into_iter();
    let fixed = fixed.map(|place| span.start + place.start..span.start + place.end).collect();
    Lines::of(text, span, fixed)
}

/// The lines of a fragment.
fn fragment_lines(fragment: &[u8]) -> Result<Lines<'_>, LensError> {
    let text = std::str::from_utf8(fragment)
        .map_err(|error| LensError::unparsable(fragment, error.valid_up_to(), "expected UTF-8 text"))?;
    Ok(lines(text, 0..text.len()))
}

/// The one element that a selector means.
fn element(dom: &Dom<'_>, selector: &Selector, expression: &str) -> Result<Node, LensError> {
    let mut found = selector.elements(dom);
    if let End::Attribute(name) = &selector.end
        && found.len() > 1
    {
        found.retain(|node| dom.attribute(*node, name).is_some());
    }
    match found[..] {
        [node] => Ok(node),
        [] => {
            Err(LensError::missing(expression, listed(dom).into_iter().map(|(selector, _)| selector).take(LOOKED_AT)))
        }
        _ => {
            let mut starts: Vec<usize> =
                found.iter().filter_map(|node| dom.nodes[*node].open.as_ref()).map(|open| open.start).collect();
            starts.sort_unstable();
            let lines = body::line_numbers(dom.text.as_bytes(), starts);
            Err(LensError::Ambiguous { selector: expression.to_owned(), lines })
        }
    }
}

/// Where an element stands, if it can be taken out.
fn outer(dom: &Dom<'_>, node: Node) -> Result<Span, LensError> {
    let data = &dom.nodes[node];
    let name = dom.local(node);
    match (&data.outer, &data.open) {
        (Some(outer), _) => {
            apply::check_size(outer.len())?;
            Ok(outer.clone())
        }
        (None, None) => refused(format!("`<{name}>` has no tag of its own in the file; a browser adds it")),
        (None, Some(_)) => refused(format!(
            "`<{name}>` does not end where its end tag stands, or has none: a browser closes it elsewhere, or moves what stands in it; \
             address an element around it"
        )),
    }
}

/// The start tag of an element.
fn open(dom: &Dom<'_>, node: Node) -> Result<Span, LensError> {
    match &dom.nodes[node].open {
        Some(open) => Ok(open.clone()),
        None => refused(format!("`<{}>` has no tag of its own in the file; a browser adds it", dom.local(node))),
    }
}

fn text(text: &str, expression: &str) -> Result<Fragment, LensError> {
    if text.contains('\r') || text.starts_with('\u{feff}') {
        return refused(format!("`{expression}` holds a carriage return or a byte order mark, which text cannot keep"));
    }
    Ok(Fragment { format: Format::Text, text: text.as_bytes().to_vec() })
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
        Format::Html => Ok(()),
        other => refused(format!("`{expression}` holds html, not {other}")),
    }
}

/// What stands there.
fn standing(dom: &Dom<'_>, selector: &Selector, node: Node, expression: &str) -> Result<Fragment, LensError> {
    match &selector.end {
        End::Element => {
            let text = lines(dom.text, outer(dom, node)?).text().into_bytes();
            Ok(Fragment { format: Format::Html, text })
        }
        End::Attribute(name) => match dom.attribute(node, name) {
            Some(value) => text(value, expression),
            None => {
                let above = expression.strip_suffix(&format!("@{name}")).unwrap_or_default();
                let others = dom.nodes[node].attributes.iter().map(|(name, _)| format!("{above}@{name}"));
                Err(LensError::missing(expression, others))
            }
        },
        End::Text => {
            outer(dom, node)?;
            match dom.plain_text(node) {
                Some(own) => text(&own, expression),
                None => refused(format!("`<{}>` holds more than text", dom.local(node))),
            }
        }
    }
}

/// The selectors that mean one element that can be taken out: an id, a type that stands once, a class.
fn listed(dom: &Dom<'_>) -> Vec<(String, Node)> {
    let order: Vec<Node> = dom.walk().into_iter().filter(|node| dom.name(*node).is_some()).collect();
    let names = |node: Node| -> Vec<String> {
        let id = dom.attribute(node, "id").and_then(css::written).map(|id| format!("#{id}"));
        let own = css::written(&dom.local(node).to_ascii_lowercase());
        let classes = dom.attribute(node, "class").unwrap_or_default().split_ascii_whitespace();
        let classes: Vec<String> = classes.filter_map(css::written).collect();
        let classes = own.iter().flat_map(|own| classes.iter().map(move |class| format!("{own}.{class}")));
        id.into_iter().chain(own.iter().cloned()).chain(classes).collect()
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for node in &order {
        let mut own = names(*node);
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    }
    let only = |node: &Node| names(*node).into_iter().find(|name| counts.get(name) == Some(&1));
    order
        .iter()
        .filter(|node| dom.nodes[**node].outer.is_some())
        .filter_map(|node| Some((only(node)?, *node)))
        .collect()
}

impl Lens for Html {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let selector = Selector::parse(expression)?;
        if apply::is_blank(file) {
            return Err(LensError::missing(expression, [""; 0]));
        }
        let dom = dom::parse(file)?;
        let node = element(&dom, &selector, expression)?;
        standing(&dom, &selector, node, expression)
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let selector = Selector::parse(expression)?;
        let dom = dom::parse(file)?;
        let node = element(&dom, &selector, expression)?;
        standing(&dom, &selector, node, expression)?;
        let open = open(&dom, node)?;
        let start = open.start;
        match &selector.end {
            End::Element => {
                as_element(fragment, expression)?;
                let outer = outer(&dom, node)?;
                let new = fragment_lines(&fragment.text)?;
                let edit = replaced(dom.text, outer.clone(), &lines(dom.text, outer), &new, line_end(file));
                proved(&dom, vec![edit], May::Element(start))
            }
            End::Attribute(name) => {
                let edit = edit::set_attribute(&dom, &open, name, as_text(fragment, expression)?)?;
                proved(&dom, vec![edit], May::Attributes(start))
            }
            End::Text => {
                let edit = edit::set_text(&dom, node, as_text(fragment, expression)?, line_end(file))?;
                proved(&dom, vec![edit], May::Content(start))
            }
        }
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let selector = Selector::parse(expression)?;
        if apply::is_blank(file) {
            as_element(fragment, expression)?;
            let text = [&fragment.text[..], b"\n"].concat();
            return Ok(vec![Edit { span: body::bom(file)..file.len(), text }]);
        }
        let dom = dom::parse(file)?;
        match &selector.end {
            End::Element => {
                as_element(fragment, expression)?;
                let Some(above) = selector.parent(expression) else {
                    return refused("a new element needs its place: `#parent > #new`, where `#parent` stands there");
                };
                let parent = element(&dom, &Selector::parse(above)?, above).map_err(|error| match error {
                    LensError::Missing { .. } => {
                        LensError::Refused(format!("`{above}` is missing, in which it would stand; insert that first"))
                    }
                    other => other,
                })?;
                outer(&dom, parent)?;
                let edit = edit::add_element(&dom, parent, &fragment_lines(&fragment.text)?, line_end(file))?;
                let text = String::from_utf8_lossy(&edit.text);
                let start = edit.span.start + text.len() - text.trim_ascii_start().len();
                proved(&dom, vec![edit], May::Come(start))
            }
            End::Attribute(name) => {
                let node = element(&dom, &selector, expression)?;
                let open = open(&dom, node)?;
                let edit = edit::add_attribute(&dom, &open, name, as_text(fragment, expression)?);
                proved(&dom, vec![edit], May::Attributes(open.start))
            }
            End::Text => element(&dom, &selector, expression)
                .and_then(|_| refused(format!("something stands at `{expression}` already"))),
        }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let (Ok(selector), Ok(dom)) = (Selector::parse(expression), dom::parse(file)) else { return false };
        let is_there = |selector: &Selector, expression: &str| element(&dom, selector, expression).is_ok();
        apply::is_blank(file)
            || match &selector.end {
                End::Element => selector
                    .parent(expression)
                    .is_some_and(|above| Selector::parse(above).is_ok_and(|parent| is_there(&parent, above))),
                End::Attribute(_) => is_there(&selector, expression),
                End::Text => false,
            }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let selector = Selector::parse(expression)?;
        let dom = dom::parse(file)?;
        let node = element(&dom, &selector, expression)?;
        standing(&dom, &selector, node, expression)?;
        let open = open(&dom, node)?;
        match &selector.end {
            End::Element => {
                if matches!(dom.local(node), "html" | "head" | "body") {
                    return refused(format!("a document keeps its `<{}>`", dom.local(node)));
                }
                let edit = edit::remove_element(&dom, outer(&dom, node)?, dom.nodes[node].parent);
                proved(&dom, vec![edit], May::Gone(open.start))
            }
            End::Attribute(name) => {
                let edit = edit::remove_attribute(&dom, &open, name)?;
                proved(&dom, vec![edit], May::Attributes(open.start))
            }
            End::Text => refused("an element's text is emptied, not removed"),
        }
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        let Ok(selector) = Selector::parse(expression) else { return false };
        match self.get(after, expression) {
            Err(LensError::Missing { .. }) => true,
            // The next one has its place now; `remove` has proved what is gone.
            Ok(_) => selector.is_position() && after.len() < before.len(),
            Err(_) => false,
        }
    }

    fn is_position(&self, _file: &[u8], expression: &str) -> bool {
        Selector::parse(expression).is_ok_and(|selector| selector.is_position())
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let dom = dom::parse(file)?;
        let mut found: Vec<(Span, String)> = listed(&dom)
            .into_iter()
            .filter_map(|(selector, node)| Some((dom.nodes[node].outer.clone()?, selector)))
            .filter(|(outer, _)| apply::check_size(outer.len()).is_ok())
            .collect();
        found.sort_by_key(|(outer, _)| outer.start);
        let (mut line, mut at) = (1, 0);
        let items = found.into_iter().map(|(outer, selector)| {
            line += memchr::memchr_iter(b'\n', &file[at..outer.start]).count();
            at = outer.start;
            let last = line + memchr::memchr_iter(b'\n', &file[outer]).count();
            Item { selector, kind: "element", lines: (line, last) }
        });
        Ok(items.collect())
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let dom = dom::parse(file)?;
        let told: HashSet<Node> = listed(&dom).into_iter().map(|(_, node)| node).collect();
        // By their types: all elements of each, and whether one of them is not listed.
        let mut types: HashMap<String, (Vec<Node>, bool)> = HashMap::new();
        for node in dom.walk().into_iter().filter(|node| dom.nodes[*node].open.is_some()) {
            let Some(name) = dom.name(node).and_then(|_| css::written(&dom.local(node).to_ascii_lowercase())) else {
                continue;
            };
            let (all, is_omitted) = types.entry(name).or_default();
            all.push(node);
            *is_omitted |= !told.contains(&node);
        }
        let start = |node: &Node| dom.nodes[*node].open.as_ref().map_or(0, |open| open.start);
        let mut omitted: Vec<(usize, LensError)> = Vec::new();
        for (selector, (nodes, _)) in types.into_iter().filter(|(_, (_, is_omitted))| *is_omitted) {
            let mut starts: Vec<usize> = nodes.iter().map(start).collect();
            starts.sort_unstable();
            let first = starts.first().copied().unwrap_or_default();
            match nodes[..] {
                [node] => omitted.extend(outer(&dom, node).err().map(|error| (first, error))),
                _ => {
                    let lines = body::line_numbers(file, starts);
                    omitted.push((first, LensError::Ambiguous { selector, lines }));
                }
            }
        }
        omitted.sort_by_key(|(first, _)| *first);
        Ok(omitted.into_iter().map(|(_, error)| error).collect())
    }

    fn is_within_lines(&self, expression: &str) -> bool {
        Selector::parse(expression).is_ok_and(|selector| selector.end != End::Element)
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match Selector::parse(expression) {
            Ok(selector) if selector.end != End::Element => Format::Text,
            _ => Format::Html,
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "add what tells the elements apart: `#id`, `[name='x']`, or `:nth-of-type(2)`"
    }
}

impl Syntax for Html {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::String(text.to_owned())),
            Err(error) => Err(LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text")),
        }
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if self.value(text)?.agrees(value) { Ok(text.to_vec()) } else { self.render(value) }
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let cannot =
            |what: &str| LensError::CannotSay { format: Format::Html, path: String::new(), what: what.to_owned() };
        let text = value.as_text().ok_or_else(|| cannot(value.kind()))?;
        let tidy = self.tidy(text.as_bytes())?.into_owned();
        apply::check_update(Format::Html, &tidy, value).map_err(|_| cannot("blanks around an element"))?;
        Ok(tidy)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let clean = body::without_bom(text).trim_ascii();
        let tidy = fragment_lines(clean)?.text().into_bytes();
        Ok(if tidy == text { Cow::Borrowed(text) } else { Cow::Owned(tidy) })
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        text.starts_with(b"<")
    }
}
