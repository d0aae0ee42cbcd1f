//! A component's text as lines and components within it; what they mean; and its edit by value.

use std::borrow::Cow;
use std::collections::HashMap;

use super::document::{Document, keyword};
use super::property::{self, Mode, Parameter, Property};
use super::{Dialect, Kind};
use crate::lens::{Format, LensError, apply};
use crate::pointer;
use crate::value::Value;

/// The members of a component's value that are no properties: its name, and in a property with parameters its value and them.
const COMPONENT: &str = "component";
const VALUE: &str = "value";
const PARAMETERS: &str = "parameters";

/// A component.
struct Tree<'a> {
    name: String,
    begin: Cow<'a, str>,
    end: Cow<'a, str>,
    nodes: Vec<Node<'a>>,
}

enum Node<'a> {
    /// A property, as a line.
    Line(Cow<'a, str>),
    Tree(Tree<'a>),
}

/// What a text means: its format, how its texts are escaped, and where in it something stands, for errors.
struct Place<'p> {
    kind: Kind,
    dialect: Dialect,
    path: &'p mut Vec<String>,
}

impl Place<'_> {
    fn cannot_say(&self, what: impl Into<String>) -> LensError {
        LensError::CannotSay { format: self.kind.format(), path: pointer::format(&*self.path), what: what.into() }
    }
}

/// A line of a text, which the errors name.
fn property<'t>(document: &Document<'_>, nth: usize, line: &'t str) -> Result<Property<'t>, LensError> {
    property::parsed(line).map_err(|_| {
        // Says where.
        let found = document.property(nth).err();
        found.unwrap_or_else(|| LensError::unparsable(document.file, 0, "expected a property"))
    })
}

/// The one component that a text is.
fn read<'d>(document: &'d Document<'_>) -> Result<Tree<'d>, LensError> {
    let mut open: Vec<Tree<'d>> = Vec::new();
    let mut root = None;
    for (nth, line) in document.lines.iter().enumerate() {
        let text = std::str::from_utf8(&line.content)
            .map_err(|_| LensError::unparsable(document.file, line.span.start, "expected UTF-8 text"))?;
        if let Some(name) = keyword(&line.content, "BEGIN") {
            if root.is_some() {
                let found = "a second component; a portion is one";
                return Err(LensError::unparsable(document.file, line.span.start, found));
            }
            open.push(Tree { name, begin: text.into(), end: "".into(), nodes: Vec::new() });
        } else if keyword(&line.content, "END").is_some() {
            let Some(mut tree) = open.pop() else { continue };
            tree.end = text.into();
            match open.last_mut() {
                Some(parent) => parent.nodes.push(Node::Tree(tree)),
                None => root = Some(tree),
            }
        } else if let Some(tree) = open.last_mut() {
            property(document, nth, text)?;
            tree.nodes.push(Node::Line(text.into()));
        }
    }
    let expected = format!("expected `BEGIN:{}`", document.kind.innermost());
    root.ok_or_else(|| LensError::unparsable(document.file, 0, expected))
}

/// How texts are escaped in a tree.
fn dialect(kind: Kind, tree: &Tree<'_>) -> Dialect {
    let version = tree.nodes.iter().find_map(|node| match node {
        Node::Line(line) => {
            property::parsed(line).ok().filter(|property| property.name.eq_ignore_ascii_case("VERSION"))
        }
        Node::Tree(_) => None,
    });
    kind.dialect(version.map(|property| property.value))
}

/// What a text means.
pub(super) fn value(kind: Kind, text: &[u8]) -> Result<Value, LensError> {
    let document = Document::read(kind, text)?;
    let tree = read(&document)?;
    let mut members = match kind {
        Kind::Calendar => vec![(COMPONENT.to_owned(), Value::String(tree.name.clone()))],
        Kind::Cards => Vec::new(),
    };
    members.extend(members_of(&tree, dialect(kind, &tree)).map_err(|found| LensError::unparsable(text, 0, found))?);
    Ok(Value::Map(members))
}

fn members_of(tree: &Tree<'_>, dialect: Dialect) -> Result<Vec<(String, Value)>, String> {
    let mut members: Vec<(String, Vec<Value>, bool)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for node in &tree.nodes {
        let (key, value, is_tree) = match node {
            Node::Line(line) => {
                let property = property::parsed(line).map_err(|(_, found)| found.to_owned())?;
                (property::canonical(property.name), value_of(&property, dialect)?, false)
            }
            Node::Tree(tree) => (tree.name.clone(), Value::Map(members_of(tree, dialect)?), true),
        };
        let place = *places.entry(key.clone()).or_insert_with(|| {
            members.push((key.clone(), Vec::new(), is_tree));
            members.len() - 1
        });
        if members[place].2 != is_tree {
            return Err(format!("`{key}` is a property and a component"));
        }
        members[place].1.push(value);
    }
    let single = |(key, mut values, is_tree): (String, Vec<Value>, bool)| match values.pop() {
        Some(only) if values.is_empty() && !is_tree => (key, only),
        Some(last) => {
            values.push(last);
            (key, Value::Sequence(values))
        }
        None => (key, Value::Sequence(values)),
    };
    Ok(members.into_iter().map(single).collect())
}

/// What one property says.
fn value_of(property: &Property<'_>, dialect: Dialect) -> Result<Value, String> {
    let text = Value::String(property.text(dialect)?.into_owned());
    if property.parameters.is_empty() {
        return Ok(text);
    }
    Ok(Value::Map(vec![(VALUE.to_owned(), text), (PARAMETERS.to_owned(), parameters_of(&property.parameters))]))
}

fn parameters_of(parameters: &[Parameter<'_>]) -> Value {
    let mut members: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, values) in parameters {
        let name = name.to_ascii_uppercase();
        let values = match values {
            Some(values) => values.iter().map(|value| Value::String(value.clone().into_owned())).collect(),
            None => vec![Value::Null],
        };
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(values),
            None => members.push((name, values)),
        }
    }
    let single = |(name, mut values): (String, Vec<Value>)| match values.pop() {
        Some(only) if values.is_empty() => (name, only),
        last => {
            values.extend(last);
            (name, Value::Sequence(values))
        }
    };
    Value::Map(members.into_iter().map(single).collect())
}

/// Edits a text so that it means `value`; an empty text is written anew.
pub(super) fn update(kind: Kind, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
    let mut path = Vec::new();
    let mut place = Place { kind, dialect: Dialect::Escaped, path: &mut path };
    let Value::Map(members) = value else { return Err(place.cannot_say(value.kind())) };
    let name = members.iter().find(|(key, _)| key == COMPONENT).and_then(|(_, name)| name.as_text());
    let document = Document::read(kind, text)?;
    let tree = match document.lines.is_empty() {
        true => fresh(name.unwrap_or(kind.innermost()).to_owned()),
        false => read(&document)?,
    };
    if name.is_some_and(|name| name != tree.name) {
        return Err(place.cannot_say(format!("another kind of component where a {} stands", tree.name)));
    }
    let version = members.iter().find(|(key, _)| key == "VERSION").and_then(|(_, version)| version.as_text());
    place.dialect = kind.dialect(version);
    let of_text = dialect(kind, &tree);
    let tree = updated(tree, members, of_text, &mut place)?;
    let mut out = Vec::with_capacity(text.len());
    print(&tree, &mut out);
    apply::check_update(kind.format(), &out, value)?;
    Ok(out)
}

fn fresh<'a>(name: String) -> Tree<'a> {
    Tree { begin: format!("BEGIN:{name}").into(), end: format!("END:{name}").into(), name, nodes: Vec::new() }
}

fn print(tree: &Tree<'_>, out: &mut Vec<u8>) {
    let line = |text: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    };
    line(&tree.begin, out);
    for node in &tree.nodes {
        match node {
            Node::Line(text) => line(text, out),
            Node::Tree(tree) => print(tree, out),
        }
    }
    line(&tree.end, out);
}

/// The tree with these members: what is equal keeps its lines, what has another value changes where it stands, and what is new stands
/// behind the last of its name, or at the end.
fn updated<'a>(
    tree: Tree<'a>,
    members: &[(String, Value)],
    old_dialect: Dialect,
    place: &mut Place<'_>,
) -> Result<Tree<'a>, LensError> {
    let mut standing: HashMap<String, Vec<Node<'a>>> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    for node in tree.nodes {
        let key = match &node {
            Node::Line(line) => property::parsed(line).map_or(String::new(), |it| property::canonical(it.name)),
            Node::Tree(tree) => tree.name.clone(),
        };
        order.push(key.clone());
        standing.entry(key).or_default().push(node);
    }
    // What each name has afterwards; it stands where the name stood.
    let mut after: HashMap<&str, std::vec::IntoIter<Node<'a>>> = HashMap::new();
    let mut added: Vec<&str> = Vec::new();
    for (key, value) in members.iter().filter(|(key, _)| key != COMPONENT) {
        place.path.push(key.clone());
        let old = standing.remove(key).unwrap_or_default();
        if old.is_empty() {
            added.push(key);
        }
        let nodes = of_name(key, old, value, old_dialect, place)?;
        place.path.pop();
        after.insert(key, nodes.into_iter());
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    order.iter().for_each(|key| *left.entry(key).or_default() += 1);
    let mut nodes: Vec<Node<'a>> = Vec::new();
    for key in &order {
        let Some(new) = after.get_mut(key.as_str()) else { continue };
        let left = left.entry(key).or_default();
        *left -= 1;
        if *left == 0 { nodes.extend(new) } else { nodes.extend(new.next()) }
    }
    // Properties stand before the components.
    let is_line = |node: &Node<'a>| matches!(node, Node::Line(_));
    let mut behind = nodes.split_off(nodes.iter().position(|node| !is_line(node)).unwrap_or(nodes.len()));
    for node in added.into_iter().flat_map(|key| after.remove(key).into_iter().flatten()) {
        if is_line(&node) { nodes.push(node) } else { behind.push(node) }
    }
    nodes.extend(behind);
    Ok(Tree { nodes, ..tree })
}

/// What stands under one name for a value.
fn of_name<'a>(
    key: &str,
    old: Vec<Node<'a>>,
    value: &Value,
    old_dialect: Dialect,
    place: &mut Place<'_>,
) -> Result<Vec<Node<'a>>, LensError> {
    let items = match value {
        Value::Sequence(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let is_component =
        |item: &Value| matches!(item, Value::Map(members) if !members.iter().any(|(key, _)| key == VALUE));
    let (components, of) = (items.iter().filter(|item| is_component(item)).count(), items.len());
    if of == 0
        || (components > 0 && components < of)
        || (components > 0) != matches!(value, Value::Sequence(_)) && of == 1
    {
        return Err(place.cannot_say(match of {
            0 => "an empty list",
            1 => "a list of one (a component is a list, a single property none)",
            _ => "properties and components in one list",
        }));
    }
    if components > 0 {
        let mut old = old.into_iter();
        let mut nodes = Vec::with_capacity(of);
        for item in items {
            let Value::Map(members) = item else { continue };
            let tree = match old.next() {
                Some(Node::Tree(tree)) => tree,
                _ => fresh(key.to_owned()),
            };
            nodes.push(Node::Tree(updated(tree, members, old_dialect, place)?));
        }
        return Ok(nodes);
    }
    let read = |node: Node<'a>| match node {
        Node::Line(line) => {
            let value = property::parsed(&line).ok().and_then(|property| value_of(&property, old_dialect).ok());
            value.map(|value| (line, value))
        }
        Node::Tree(_) => None,
    };
    let mut old: Vec<Option<(Cow<'a, str>, Value)>> = old.into_iter().map(read).collect();
    let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (at, value) in old.iter().enumerate().rev().filter_map(|(at, old)| Some((at, &old.as_ref()?.1))) {
        places.entry(value.canonical()).or_default().push(at);
    }
    // Equal ones first, so that one that goes does not change those behind it.
    let kept: Vec<Option<Cow<'a, str>>> = items
        .iter()
        .map(|item| {
            let at = places.get_mut(&item.canonical()).and_then(Vec::pop)?;
            old[at].take().map(|(line, _)| line)
        })
        .collect();
    let mut others = old.into_iter().flatten();
    let mut nodes = Vec::with_capacity(of);
    for (item, kept) in items.iter().zip(kept) {
        nodes.push(Node::Line(match kept {
            Some(line) => line,
            None => {
                let standing = others.next();
                Cow::Owned(line_of(key, standing.as_ref().map(|(line, value)| (&**line, value)), item, place)?)
            }
        }));
    }
    Ok(nodes)
}

/// A property's line. What stands there keeps its name and, where they are the same, its parameters as they are written.
fn line_of(key: &str, standing: Option<(&str, &Value)>, item: &Value, place: &Place<'_>) -> Result<String, LensError> {
    let empty = Value::Map(Vec::new());
    let (value, parameters) = match item {
        Value::Map(members) => {
            let known = |key: &str| key == VALUE || key == PARAMETERS;
            if let Some((other, _)) = members.iter().find(|(key, _)| !known(key)) {
                return Err(place.cannot_say(format!("`{other}` beside `value` and `parameters`")));
            }
            (item.child(VALUE).unwrap_or(&empty), item.child(PARAMETERS).unwrap_or(&empty))
        }
        scalar => (scalar, &empty),
    };
    let text = value.as_text().ok_or_else(|| place.cannot_say(value.kind()))?;
    let old = standing.and_then(|(line, value)| {
        let parameters = value.child(PARAMETERS).cloned().unwrap_or(empty.clone());
        Some((property::parsed(line).ok()?, parameters))
    });
    let name = match &old {
        Some((property, _)) => property.name,
        None if property::is_name(key) && property::canonical(key) == key => key,
        None => return Err(place.cannot_say(format!("a property of the name `{key}`"))),
    };
    let head = match &old {
        Some((property, old)) if old == parameters => property.head.to_owned(),
        _ => format!("{name}{}:", written(parameters, place)?),
    };
    let mode = match property::parsed(&head) {
        Ok(property) => property.mode(place.dialect),
        Err(_) => Mode::Raw,
    };
    let value = property::encoded(text, mode).map_err(|what| place.cannot_say(what))?;
    Ok(head + &value)
}

/// Parameters, as they are written between the name and the colon.
fn written(parameters: &Value, place: &Place<'_>) -> Result<String, LensError> {
    let Value::Map(parameters) = parameters else { return Err(place.cannot_say("parameters that are no map")) };
    let mut out = String::new();
    for (name, value) in parameters {
        let values = match value {
            Value::Sequence(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let is_name = property::is_name(name) && !name.contains('.') && name.to_ascii_uppercase() == *name;
        let texts: Option<Vec<String>> = values.iter().map(|value| value.as_text().map(property::quoted)).collect();
        let is_odd = |text: &String| text.contains(|c: char| c.is_control() && c != '\t');
        match texts {
            _ if !is_name => return Err(place.cannot_say(format!("a parameter of the name `{name}`"))),
            None if values.iter().all(|value| *value == Value::Null) => {
                values.iter().for_each(|_| out.push_str(&format!(";{name}")));
            }
            Some(texts) if !texts.is_empty() && !texts.iter().any(is_odd) => {
                out.push_str(&format!(";{name}={}", texts.join(",")));
            }
            _ => return Err(place.cannot_say(format!("the parameter `{name}`"))),
        }
    }
    Ok(out)
}

/// The text with one property a line, LF, and nothing else between.
pub(super) fn tidied(text: &[u8]) -> Result<Vec<u8>, LensError> {
    let mut out = Vec::with_capacity(text.len());
    for line in super::line::lines(text)? {
        out.extend_from_slice(&line.content);
        out.push(b'\n');
    }
    Ok(out)
}

/// Whether a text is one component.
pub(super) fn stands_alone(kind: Kind, text: &[u8]) -> bool {
    Document::read(kind, text).is_ok_and(|document| read(&document).is_ok())
}

impl Kind {
    pub(super) fn format(self) -> Format {
        match self {
            Kind::Calendar => Format::Ics,
            Kind::Cards => Format::Vcf,
        }
    }
}
