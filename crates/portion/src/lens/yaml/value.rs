//! YAML to values, and back.
//!
//! The core schema of YAML 1.2, and the tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and `!!seq`. A node with another tag is a map
//! with the tag as its only key, so that no tag is lost on the way to a format that has none. An alias means what it stands
//! for, and `<<` takes in the keys of what it names.

use std::collections::HashMap;

use granit_parser::ScalarStyle;

use super::document::{Doc, Entry, Kind, Node};
use super::scalar;
use crate::lens::{Format, LensError};
use crate::pointer;
use crate::value::{Number, Value};

/// The most nodes that a value may have once its aliases are followed: a few lines can name billions.
const MAX_NODES: usize = 1_000_000;

/// What the document means.
///
/// # Errors
/// [`LensError::CannotSay`] for a key that is no scalar; [`LensError::TooLarge`] for aliases that multiply.
pub(super) fn of_document(doc: &Doc<'_>) -> Result<Value, LensError> {
    let mut reader = Reader { anchors: HashMap::new(), left: MAX_NODES.max(doc.text.len()), follows: true, swap: None };
    reader.node(&doc.root, &mut Vec::new())
}

/// What stands at a node in place of what is written there.
pub(super) enum Swap<'d> {
    /// For the node and its tag.
    Whole(&'d Node, Value),
    /// For what the collection holds.
    Inner(&'d Node, Value),
}

/// What a node says by itself: aliases and tags are kept as maps that nothing else is written as.
pub(super) fn literally(node: &Node, swap: Option<Swap<'_>>) -> Result<Value, LensError> {
    let mut reader = Reader { anchors: HashMap::new(), left: usize::MAX, follows: false, swap };
    reader.node(node, &mut Vec::new())
}

struct Reader<'d> {
    anchors: HashMap<usize, Value>,
    left: usize,
    follows: bool,
    swap: Option<Swap<'d>>,
}

impl Reader<'_> {
    fn node(&mut self, node: &Node, path: &mut Vec<String>) -> Result<Value, LensError> {
        self.spend(1)?;
        if let Some(Swap::Whole(_, value)) =
            self.swap.take_if(|swap| matches!(swap, Swap::Whole(at, _) if std::ptr::eq(*at, node)))
        {
            return Ok(value);
        }
        let inner = self.swap.take_if(|swap| matches!(swap, Swap::Inner(at, _) if std::ptr::eq(*at, node)));
        let value = match &node.kind {
            _ if let Some(Swap::Inner(_, value)) = inner => value,
            Kind::Alias(_, name) if !self.follows => Value::Map(vec![("*".to_owned(), Value::String(name.clone()))]),
            Kind::Alias(id, _) => {
                let value = self.anchors.get(id).cloned().ok_or_else(|| {
                    LensError::Refused(format!("an alias at `{}` names what it is part of", pointer::format(&*path)))
                })?;
                self.spend(size(&value))?;
                value
            }
            Kind::Scalar(text, style) => scalar_of(node, text, *style),
            Kind::Sequence { items, .. } => {
                let mut values = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    values.push(self.node(&item.value, path)?);
                    path.pop();
                }
                Value::Sequence(values)
            }
            Kind::Map { entries, .. } => self.map(entries, path)?,
        };
        let value = match custom_tag(node) {
            Some(tag) => Value::Map(vec![(tag.to_owned(), value)]),
            None => value,
        };
        if self.follows && node.anchor != 0 {
            self.anchors.insert(node.anchor, value.clone());
        }
        Ok(value)
    }

    fn map(&mut self, entries: &[Entry], path: &mut Vec<String>) -> Result<Value, LensError> {
        let mut members: Vec<(String, Value)> = Vec::with_capacity(entries.len());
        let mut merged: Vec<(String, Value)> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("?{at}");
            let Some(name) = entry.name().or((!self.follows).then_some(&place)) else {
                return Err(cannot_say(path, "a key that is no scalar"));
            };
            path.push(name.to_owned());
            let value = self.node(&entry.value, path)?;
            path.pop();
            if let (Some(key), true) = (&entry.key, self.follows && name == "<<")
                && is_merge(key)
                && let Some(taken) = mergeable(&value)
            {
                merged.extend(taken);
                continue;
            }
            members.push((name.to_owned(), value));
        }
        let mut known: std::collections::HashSet<String> = members.iter().map(|(name, _)| name.clone()).collect();
        for (name, value) in merged {
            if known.insert(name.clone()) {
                members.push((name, value));
            }
        }
        Ok(Value::Map(members))
    }

    fn spend(&mut self, nodes: usize) -> Result<(), LensError> {
        self.left = self
            .left
            .checked_sub(nodes)
            .ok_or_else(|| LensError::TooLarge(format!("the YAML's aliases name more than {MAX_NODES} nodes")))?;
        Ok(())
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(key.kind, Kind::Scalar(_, ScalarStyle::Plain))
}

/// The keys of a map, or of a list of maps, the earlier ones first.
fn mergeable(value: &Value) -> Option<Vec<(String, Value)>> {
    match value {
        Value::Map(members) => Some(members.clone()),
        Value::Sequence(items) => items.iter().map(mergeable).collect::<Option<Vec<_>>>().map(|all| all.concat()),
        _ => None,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(members) => 1 + members.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// A tag that says more than the core schema.
pub(super) fn custom_tag(node: &Node) -> Option<&str> {
    let tag = node.tag.as_deref()?;
    let core = ["str", "int", "float", "bool", "null", "map", "seq"];
    (tag != "!" && !node.own_tag.as_deref().is_some_and(|own| core.contains(&own))).then_some(tag)
}

/// Where nodes stand whose tags say more than the core schema, in the document's value, and these tags.
pub(super) fn tagged<'d>(doc: &'d Doc<'_>) -> Vec<(Vec<String>, &'d str)> {
    fn collect<'d>(node: &'d Node, path: &mut Vec<String>, out: &mut Vec<(Vec<String>, &'d str)>) {
        if let Some(tag) = custom_tag(node) {
            // What is below is its own, tags and all.
            out.push((path.clone(), tag));
            return;
        }
        for (at, entry) in node.entries().iter().enumerate() {
            let name = if matches!(node.kind, Kind::Map { .. }) { entry.name().map(str::to_owned) } else { None };
            path.push(name.unwrap_or_else(|| at.to_string()));
            collect(&entry.value, path, out);
            path.pop();
        }
    }
    let mut out = Vec::new();
    collect(&doc.root, &mut Vec::new(), &mut out);
    out
}

fn scalar_of(node: &Node, text: &str, style: ScalarStyle) -> Value {
    match node.own_tag.as_deref() {
        Some("int" | "float") if scalar::is_number(text) => Value::Number(Number::new(text)),
        Some("bool" | "null") => scalar::plain(text),
        Some("str") => Value::String(text.to_owned()),
        _ if style == ScalarStyle::Plain && node.tag.as_deref() != Some("!") => scalar::plain(text),
        _ => Value::String(text.to_owned()),
    }
}

fn cannot_say(path: &[String], what: &str) -> LensError {
    LensError::CannotSay { format: Format::Yaml, path: pointer::format(path), what: what.to_owned() }
}

/// A number in YAML's notation. Programs that read YAML 1.1 take one with an exponent for a number only if it has a point and a sign.
fn number(number: &Number) -> Option<String> {
    let written = number.as_str();
    if scalar::is_number(written) {
        let exponent = written.split_once(['e', 'E']).filter(|_| !written.starts_with("0x"));
        let plain = exponent.map(|(digits, exponent)| {
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
            format!("{digits}{point}e{sign}{exponent}")
        });
        // Of an exponent that nobody can count with, nothing is sure but how it is written.
        return Some(plain.filter(|plain| Number::new(plain) == *number).unwrap_or_else(|| written.to_owned()));
    }
    match written.trim_start_matches(['+', '-']) {
        "inf" if written.starts_with('-') => Some("-.inf".to_owned()),
        "inf" => Some(".inf".to_owned()),
        "nan" => Some(".nan".to_owned()),
        _ => number.to_json(),
    }
}

/// A scalar on one line; `None` for a container that is not empty.
fn scalar_text(value: &Value, path: &[String]) -> Result<Option<String>, LensError> {
    Ok(Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(written) => number(written).ok_or_else(|| cannot_say(path, &format!("the number {written}")))?,
        Value::String(text) => scalar::inline(text),
        // It is text to YAML 1.2 and a time to YAML 1.1: both are right.
        Value::DateTime(text) if !text.contains([' ', '#', ',']) => text.clone(),
        Value::DateTime(text) => scalar::inline(text),
        Value::Bytes(_) => return Err(cannot_say(path, "bytes")),
        Value::Sequence(items) if items.is_empty() => "[]".to_owned(),
        Value::Map(members) if members.is_empty() => "{}".to_owned(),
        _ => return Ok(None),
    }))
}

/// Writes a value on one line, in flow style.
pub(super) fn flow(value: &Value) -> Result<String, LensError> {
    let mut out = String::new();
    write_flow(&mut out, value, &mut Vec::new())?;
    Ok(out)
}

fn write_flow(out: &mut String, value: &Value, path: &mut Vec<String>) -> Result<(), LensError> {
    if let Some(text) = scalar_text(value, path)? {
        out.push_str(&text);
        return Ok(());
    }
    match value {
        Value::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                path.push(index.to_string());
                write_flow(out, item, path)?;
                path.pop();
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&scalar::inline(name));
                out.push_str(": ");
                path.push(name.clone());
                write_flow(out, member, path)?;
                path.pop();
            }
            out.push('}');
        }
        _ => {}
    }
    Ok(())
}

/// Writes a value in block style, as a fragment: a scalar without a line end, lines with theirs. Indented by `unit` a level.
pub(super) fn render(value: &Value, unit: usize) -> Result<String, LensError> {
    let mut out = String::new();
    let mut writer = Writer { unit, path: Vec::new() };
    match value {
        Value::String(text) if text.contains('\n') => match scalar::block(text, ScalarStyle::Literal, unit) {
            Some(block) => out.push_str(&block),
            None => out.push_str(&scalar::inline(text)),
        },
        _ => match scalar_text(value, &[])? {
            Some(text) => out.push_str(&text),
            None => writer.container(&mut out, value, 0, false)?,
        },
    }
    Ok(out)
}

struct Writer {
    unit: usize,
    path: Vec<String>,
}

impl Writer {
    /// The lines of a container that is not empty. `compact`: the first of them is begun already.
    fn container(&mut self, out: &mut String, value: &Value, column: usize, compact: bool) -> Result<(), LensError> {
        let mut begun = compact;
        let mut begin = |out: &mut String| {
            if !std::mem::take(&mut begun) {
                out.push_str(&" ".repeat(column));
            }
        };
        match value {
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    begin(out);
                    out.push('-');
                    self.path.push(index.to_string());
                    self.behind(out, item, column, true)?;
                    self.path.pop();
                }
            }
            Value::Map(members) => {
                for (name, member) in members {
                    begin(out);
                    out.push_str(&scalar::inline(name));
                    out.push(':');
                    self.path.push(name.clone());
                    self.behind(out, member, column, false)?;
                    self.path.pop();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What stands behind a dash or a colon.
    fn behind(&mut self, out: &mut String, value: &Value, column: usize, dash: bool) -> Result<(), LensError> {
        if let Value::String(text) = value
            && text.contains('\n')
            && let Some(block) = scalar::block(text, ScalarStyle::Literal, column + self.unit)
        {
            out.push(' ');
            out.push_str(&block);
            return Ok(());
        }
        if let Some(text) = scalar_text(value, &self.path)? {
            out.push(' ');
            out.push_str(&text);
            out.push('\n');
            return Ok(());
        }
        if dash {
            out.push(' ');
            return self.container(out, value, column + 2, true);
        }
        out.push('\n');
        self.container(out, value, column + self.unit, false)
    }
}
