//! What an element means, and how it is edited and written to mean something else. See the module's documentation for the embedding.

use std::collections::{HashMap, HashSet};

use super::edit::{
    add_attribute, add_elements, before, behind, check_sayable, edit, opened, remove_attribute, remove_element,
    set_attribute, set_text,
};
use super::fragment::{escaped_text, escaped_value, lines};
use super::parse::{self, is_name};
use super::tree::{Node, Token, Tree, groups, line_ends, tokens};
use crate::lens::markup::indentation;
use crate::lens::{Edit, Format, LensError, MAX_DEPTH, apply};
use crate::value::Value;

/// The name of an element that takes the name that its place asks for.
pub(super) const ANY_NAME: &str = "_";
const TEXT: &str = "#text";
const MARKUP: &str = "#xml";
const UNIT: &str = "  ";

/// What a fragment means.
pub(super) fn value(text: &[u8]) -> Result<Value, LensError> {
    let tree = parse::fragment(text)?;
    Ok(means(&tree, tree.root()))
}

fn means(tree: &Tree<'_>, node: Node) -> Value {
    let text = || tree.text_of(node).unwrap_or_default();
    let mut members: Vec<(String, Value)> = Vec::new();
    for attribute in tree.attributes(node).filter(|attribute| attribute.declares().is_none()) {
        let says = tree.value(&attribute).unwrap_or_default();
        members.push((format!("@{}", attribute.name), Value::String(says)));
    }
    match (tree.has_children(node), tree.has_text(node)) {
        (true, true) => {
            let inner = line_ends(&tree.text[tree.inner(node)]).into_owned();
            members.push((MARKUP.to_owned(), Value::String(inner)));
        }
        (true, false) => members.extend(children(tree, node)),
        (false, _) if members.is_empty() => return Value::String(text()),
        (false, _) => {
            let text = text();
            if !text.is_empty() {
                members.push((TEXT.to_owned(), Value::String(text)));
            }
        }
    }
    Value::Map(members)
}

/// The children by their names; those of one name are a list.
fn children(tree: &Tree<'_>, node: Node) -> Vec<(String, Value)> {
    let values = groups(tree, node).into_iter().map(|(name, nodes)| {
        let mut values: Vec<Value> = nodes.iter().map(|node| means(tree, *node)).collect();
        let value = if values.len() == 1 { values.remove(0) } else { Value::Sequence(values) };
        (name.to_owned(), value)
    });
    values.collect()
}

/// Whether children of one name stand with others between them, so that their order tells more than a value can.
fn is_interleaved(tree: &Tree<'_>, node: Node) -> bool {
    let names: Vec<&str> = tree.children(node).map(|child| tree.name(child)).collect();
    let runs = names.chunk_by(|a, b| a == b).count();
    runs > groups(tree, node).len()
}

/// Whether a comment or an instruction stands directly in an element.
fn has_notes(tree: &Tree<'_>, node: Node) -> bool {
    let inner = tree.inner(node);
    let end = std::iter::once(inner.end..inner.end);
    let mut ends = tree.children(node).map(|child| tree.span(child)).chain(end);
    let mut from = inner.start;
    ends.any(|span| {
        let gap = &tree.text[std::mem::replace(&mut from, span.end)..span.start];
        tokens(gap).any(|(token, _)| matches!(token, Token::Comment | Token::Instruction))
    })
}

/// An error about a value's part.
fn cannot(path: &[String], what: impl Into<String>) -> LensError {
    LensError::CannotSay { format: Format::Xml, path: crate::pointer::format(path), what: what.into() }
}

/// The text edited so that it means `wanted`.
pub(super) fn update(text: &[u8], wanted: &Value) -> Result<Vec<u8>, LensError> {
    let mut out = text.to_vec();
    // What is new comes before what is old goes, so that its neighbours show it their style.
    for removes in [false, true] {
        let tree = parse::fragment(&out)?;
        if means(&tree, tree.root()).agrees(wanted) {
            return Ok(out);
        }
        let mut plan = Plan { tree: &tree, removes, path: Vec::new(), edits: Vec::new() };
        plan.node(tree.root(), wanted)?;
        let mut edits = plan.edits;
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        out = apply::splice(&out, &edits)?;
    }
    apply::check_update(Format::Xml, &out, wanted)?;
    let tree = parse::fragment(&out)?;
    Ok(lines(&tree, tree.root()).text().into_bytes())
}

struct Plan<'p, 't> {
    tree: &'p Tree<'t>,
    /// Whether what is not wanted goes; otherwise everything else is done.
    removes: bool,
    path: Vec<String>,
    edits: Vec<Edit>,
}

impl Plan<'_, '_> {
    fn node(&mut self, node: Node, wanted: &Value) -> Result<(), LensError> {
        let standing = means(self.tree, node);
        if standing.agrees(wanted) {
            return Ok(());
        }
        let members = match wanted {
            Value::Map(members) => members,
            other => {
                let text = scalar(other, &self.path)?;
                return self.whole(node, &[], Content::Text(text));
            }
        };
        let (attributes, content) = parts(members, &self.path)?;
        match content {
            Content::Elements(wanted) if self.tree.has_text(node) => {
                self.whole(node, &attributes, Content::Elements(wanted))
            }
            Content::Elements(wanted) if self.tree.has_children(node) => {
                self.attributes(node, &attributes)?;
                self.elements(node, &wanted)
            }
            Content::Elements(wanted) if has_notes(self.tree, node) => {
                self.attributes(node, &attributes)?;
                self.first_elements(node, &wanted)
            }
            content => self.whole(node, &attributes, content),
        }
    }

    fn attributes(&mut self, node: Node, wanted: &[(&str, &str)]) -> Result<(), LensError> {
        let by_name: HashMap<&str, &str> = wanted.iter().copied().collect();
        for attribute in self.tree.attributes(node).filter(|attribute| attribute.declares().is_none()) {
            match by_name.get(attribute.name) {
                Some(text) if self.tree.value(&attribute).as_deref() == Some(text) => {}
                Some(text) if !self.removes => self.edits.push(set_attribute(self.tree, &attribute, text)?),
                None if self.removes => self.edits.push(remove_attribute(self.tree, &attribute)),
                _ => {}
            }
        }
        let standing: HashSet<&str> = self.tree.attributes(node).map(|attribute| attribute.name).collect();
        for (name, text) in wanted.iter().filter(|(name, _)| !self.removes && !standing.contains(name)) {
            self.edits.push(add_attribute(self.tree, node, name, text)?);
        }
        Ok(())
    }

    /// Gives an element other content altogether.
    fn whole(&mut self, node: Node, attributes: &[(&str, &str)], content: Content<'_>) -> Result<(), LensError> {
        self.attributes(node, attributes)?;
        if self.removes {
            return Ok(());
        }
        if let Content::Text(text) = content
            && !self.tree.has_children(node)
        {
            if self.tree.text_of(node).as_deref() != Some(text) {
                self.edits.extend(set_text(self.tree, node, text, "\n")?);
            }
            return Ok(());
        }
        // Of an element that is a map of children or text, they are no part of the value.
        if has_notes(self.tree, node) && !(self.tree.has_children(node) && self.tree.has_text(node)) {
            return Err(LensError::Refused(format!(
                "comments stand in `{}` that its new content has no place for; put its text, or take them away first",
                self.tree.name(node)
            )));
        }
        let mut inner = String::new();
        let indent = indentation(self.tree.text, self.tree.span(node).start).to_owned();
        write_content(&mut inner, &content, &mut self.path, &indent)?;
        if self.tree.is_closed(node) {
            if !inner.is_empty() {
                self.edits.push(opened(self.tree, node, &inner));
            }
        } else if self.tree.text[self.tree.inner(node)] != inner {
            self.edits.push(edit(self.tree.inner(node), inner));
        }
        Ok(())
    }

    fn elements(&mut self, node: Node, wanted: &[(&str, Vec<&Value>)]) -> Result<(), LensError> {
        let standing = groups(self.tree, node);
        let places: HashMap<&str, usize> = standing.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        let named: HashMap<&str, usize> = wanted.iter().map(|(name, values)| (*name, values.len())).collect();
        let is_same = standing.iter().all(|(name, nodes)| named.get(name) == Some(&nodes.len()))
            && standing.len() == wanted.len();
        if !is_same && is_interleaved(self.tree, node) {
            return Err(LensError::Refused(format!(
                "children of several names stand in `{}` by turns, and a value does not tell their order; put its text",
                self.tree.name(node)
            )));
        }
        for (name, values) in wanted {
            self.path.push((*name).to_owned());
            let nodes = places.get(name).map(|at| standing[*at].1.as_slice()).unwrap_or_default();
            self.named(node, name, nodes, values)?;
            self.path.pop();
        }
        if self.removes {
            let gone = standing.iter().filter(|(name, _)| !named.contains_key(name)).flat_map(|(_, nodes)| nodes);
            self.edits.extend(gone.map(|node| remove_element(self.tree, *node)));
        }
        Ok(())
    }

    /// Children of an element that has none, behind the comments in it.
    fn first_elements(&mut self, node: Node, wanted: &[(&str, Vec<&Value>)]) -> Result<(), LensError> {
        let mut texts = Vec::new();
        for (name, values) in wanted {
            self.path.push((*name).to_owned());
            for value in values {
                let mut text = String::new();
                write_element(&mut text, name, value, &mut self.path, "")?;
                texts.push(text);
            }
            self.path.pop();
        }
        if !self.removes {
            let parsed = texts.iter().map(|text| parse::fragment(text.as_bytes())).collect::<Result<Vec<_>, _>>()?;
            self.edits.push(add_elements(self.tree, node, "", &parsed, "\n")?);
        }
        Ok(())
    }

    /// The children of one name, matched from both ends.
    fn named(&mut self, parent: Node, name: &str, nodes: &[Node], values: &[&Value]) -> Result<(), LensError> {
        let tree = self.tree;
        let same = |(node, value): &(&Node, &&Value)| means(tree, **node).agrees(value);
        let head = nodes.iter().zip(values).take_while(same).count();
        let most = nodes.len().min(values.len()) - head;
        let tail = nodes.iter().rev().zip(values.iter().rev()).take(most).take_while(same).count();
        let (old, new) = (&nodes[head..nodes.len() - tail], &values[head..values.len() - tail]);
        let is_list = values.len() > 1;
        for (nth, (node, value)) in old.iter().zip(new).enumerate() {
            if is_list {
                self.path.push((head + nth).to_string());
            }
            self.node(*node, value)?;
            if is_list {
                self.path.pop();
            }
        }
        let paired = old.len().min(new.len());
        if self.removes {
            self.edits.extend(old[paired..].iter().map(|node| remove_element(tree, *node)));
            return Ok(());
        }
        let mut texts = Vec::new();
        for value in &new[paired..] {
            let mut text = String::new();
            write_element(&mut text, name, value, &mut self.path, "")?;
            texts.push(text);
        }
        let parsed = texts.iter().map(|text| parse::fragment(text.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        if parsed.is_empty() {
            return Ok(());
        }
        let anchor = (head + paired).checked_sub(1).and_then(|at| nodes.get(at));
        let added = match (anchor, nodes.get(head + paired)) {
            (Some(anchor), _) => behind(tree, parent, *anchor, &parsed, "\n"),
            (None, Some(next)) => before(tree, *next, &parsed, "\n"),
            (None, None) => add_elements(tree, parent, name, &parsed, "\n")?,
        };
        self.edits.push(added);
        Ok(())
    }
}

/// What stands between an element's tags.
enum Content<'v> {
    Text(&'v str),
    Markup(&'v str),
    Elements(Vec<(&'v str, Vec<&'v Value>)>),
}

type Attributes<'v> = Vec<(&'v str, &'v str)>;

/// A map's attributes and content.
fn parts<'v>(members: &'v [(String, Value)], path: &[String]) -> Result<(Attributes<'v>, Content<'v>), LensError> {
    let mut attributes = Vec::new();
    let mut elements: Vec<(&str, Vec<&Value>)> = Vec::new();
    let mut text = None;
    let mut markup = None;
    for (key, value) in members {
        let below = [path, std::slice::from_ref(key)].concat();
        match key.strip_prefix('@') {
            Some(name) if name == "xmlns" || name.starts_with("xmlns:") => {
                return Err(cannot(&below, "a namespace's declaration as a value"));
            }
            Some(name) if is_name(name) => attributes.push((name, scalar(value, &below)?)),
            None if key == TEXT => text = Some(scalar(value, &below)?),
            None if key == MARKUP => markup = Some(scalar(value, &below)?),
            None if is_name(key) => match value {
                Value::Sequence(items) if items.len() < 2 => {
                    let what = "a list of fewer than two, which it does not tell from what is no list";
                    return Err(cannot(&below, what));
                }
                Value::Sequence(items) => elements.push((key, items.iter().collect())),
                other => elements.push((key, vec![other])),
            },
            _ => return Err(cannot(&below, format!("the name `{key}`"))),
        }
    }
    let kinds = usize::from(text.is_some()) + usize::from(markup.is_some()) + usize::from(!elements.is_empty());
    match (text, markup) {
        _ if members.is_empty() => Err(cannot(path, "an empty map")),
        _ if kinds > 1 => Err(cannot(path, "text beside elements but as `#xml`")),
        (Some(_), _) if attributes.is_empty() => Err(cannot(path, "`#text` without attributes, which is text alone")),
        (Some(""), _) => Err(cannot(path, "an empty `#text`")),
        (Some(text), _) => Ok((attributes, Content::Text(text))),
        (None, Some(markup)) => Ok((attributes, Content::Markup(markup))),
        (None, None) if elements.is_empty() => Ok((attributes, Content::Text(""))),
        (None, None) => Ok((attributes, Content::Elements(elements))),
    }
}

fn scalar<'v>(value: &'v Value, path: &[String]) -> Result<&'v str, LensError> {
    let text = value.as_text().ok_or_else(|| cannot(path, value.kind()))?;
    match check_sayable(text) {
        Ok(()) => Ok(text),
        Err(_) => Err(cannot(path, "a control character")),
    }
}

/// The value as an element, whose name its place gives it.
pub(super) fn render(value: &Value) -> Result<Vec<u8>, LensError> {
    let mut out = String::new();
    write_element(&mut out, ANY_NAME, value, &mut Vec::new(), "")?;
    apply::check_update(Format::Xml, out.as_bytes(), value)?;
    Ok(out.into_bytes())
}

fn write_element(
    out: &mut String,
    name: &str,
    value: &Value,
    path: &mut Vec<String>,
    indent: &str,
) -> Result<(), LensError> {
    if indent.len() > MAX_DEPTH * UNIT.len() {
        return Err(LensError::TooLarge(format!("the value is nested deeper than {MAX_DEPTH} levels")));
    }
    let (attributes, content) = match value {
        Value::Map(members) => parts(members, path)?,
        other => (Vec::new(), Content::Text(scalar(other, path)?)),
    };
    out.push('<');
    out.push_str(name);
    for (name, text) in attributes {
        out.push_str(&format!(" {name}=\"{}\"", escaped_value(text, '"')));
    }
    if matches!(content, Content::Text("")) {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    write_content(out, &content, path, indent)?;
    out.push_str("</");
    out.push_str(name);
    out.push('>');
    Ok(())
}

/// What stands between an element's tags, which begin at that indentation.
fn write_content(
    out: &mut String,
    content: &Content<'_>,
    path: &mut Vec<String>,
    indent: &str,
) -> Result<(), LensError> {
    match content {
        Content::Text(text) => out.push_str(&escaped_text(text)),
        Content::Markup(markup) => {
            let probe = format!("<{ANY_NAME}>{markup}</{ANY_NAME}>");
            let is_mixed = parse::fragment(probe.as_bytes())
                .is_ok_and(|tree| tree.has_children(tree.root()) && tree.has_text(tree.root()));
            if !is_mixed {
                path.push(MARKUP.to_owned());
                let error = cannot(path, "markup that is not well-formed, or has no text beside elements");
                path.pop();
                return Err(error);
            }
            out.push_str(markup);
        }
        Content::Elements(elements) => {
            let deeper = format!("{indent}{UNIT}");
            for (name, values) in elements {
                path.push((*name).to_owned());
                for value in values {
                    out.push('\n');
                    out.push_str(&deeper);
                    write_element(out, name, value, path, &deeper)?;
                }
                path.pop();
            }
            out.push('\n');
            out.push_str(indent);
        }
    }
    Ok(())
}
