//! What lines with keys mean, and how to make them mean something else.

use std::collections::{HashMap, HashSet};

use super::document::{Document, Entry, Fault, parsed};
use super::grammar::{Grammar, Headers};
use super::{edit, find};
use crate::lens::apply::{check_update, splice};
use crate::lens::{Edit, LensError};
use crate::pointer;
use crate::value::{Action, Change, Value, changes};

/// A map that is being built; equal keys are gathered.
#[derive(Default)]
struct Node {
    children: Vec<(String, Child)>,
    index: HashMap<String, usize>,
}

enum Child {
    Map(Node),
    Values(Vec<Value>),
}

impl Node {
    fn child(&mut self, name: &str, folds: bool, new: fn() -> Child) -> &mut Child {
        let folded = if folds { name.to_ascii_lowercase() } else { name.to_owned() };
        let at = *self.index.entry(folded).or_insert_with(|| {
            self.children.push((name.to_owned(), new()));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }

    fn value(self) -> Value {
        let of = |child: Child| match child {
            Child::Map(node) => node.value(),
            Child::Values(mut values) => match values.pop() {
                Some(only) if values.is_empty() => only,
                Some(last) => {
                    values.push(last);
                    Value::Sequence(values)
                }
                None => Value::Null,
            },
        };
        Value::Map(self.children.into_iter().map(|(key, child)| (key, of(child))).collect())
    }
}

/// The sections (by index) that mean nothing, with the first reason in each: a key that stands twice where it may stand once, a value
/// that cannot be read.
pub(super) fn faults(document: &Document<'_>) -> HashMap<usize, Fault> {
    let grammar = document.grammar;
    let folded = |name: &str| if grammar.folds { name.to_ascii_lowercase() } else { name.to_owned() };
    let twice = |at: usize, path: &[String], key: Option<&String>| {
        let path = pointer::format(path.iter().chain(key));
        Fault::new(at, format!("`{path}` stands here for the second time"))
    };
    let mut faults = HashMap::new();
    // Names are folded whole for the question whether a key and a section have the same one.
    let (mut sections, mut maps) = (HashSet::new(), HashSet::new());
    let (mut keys, mut leaves) = (HashSet::new(), HashSet::new());
    let mut entries = document.entries.iter().peekable();
    for (index, section) in document.sections.iter().enumerate() {
        let name = find::canonical(grammar, &section.path, None);
        let is_leaf = leaves.contains(&folded(&name));
        if (!sections.insert(name) && !grammar.repeats) || is_leaf {
            faults.insert(index, twice(section.header.start, &section.path, None));
        }
        for length in 1..=section.path.len() {
            maps.insert(folded(&pointer::format(&section.path[..length])));
        }
        while let Some(entry) = entries.next_if(|entry| entry.section == index) {
            let name = find::canonical(grammar, &section.path, Some(&entry.key));
            let folded = folded(&name);
            let is_map = maps.contains(&folded);
            leaves.insert(folded);
            if is_map || (!keys.insert(name) && !grammar.repeats) {
                faults.entry(index).or_insert_with(|| twice(entry.name.start, &section.path, Some(&entry.key)));
            }
            if let Err(fault) = edit::value_of(document, entry) {
                faults.entry(index).or_insert(fault);
            }
        }
    }
    faults
}

/// Refuses a section (or any of them) that means nothing.
pub(super) fn check(document: &Document<'_>, only: Option<usize>) -> Result<(), LensError> {
    let mut faults = faults(document);
    let first = match only {
        Some(section) => faults.remove(&section),
        None => faults.into_values().min_by_key(|fault| fault.at),
    };
    first.map_or(Ok(()), |fault| Err(document.unparsable(fault)))
}

/// What the text means.
pub(super) fn value(grammar: &Grammar, text: &[u8]) -> Result<Value, LensError> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"));
    }
    let document = parsed(grammar, text)?;
    check(&document, None)?;
    let mut root = Node::default();
    let mut entries = document.entries.iter().peekable();
    for (index, section) in document.sections.iter().enumerate() {
        let mut node = &mut root;
        for (depth, name) in section.path.iter().enumerate() {
            // Subsections and ssh's patterns keep their case.
            let folds = grammar.folds && depth == 0 && grammar.headers != Headers::Ssh;
            node = match node.child(name, folds, || Child::Map(Node::default())) {
                Child::Map(node) => node,
                Child::Values(_) => {
                    return Err(LensError::unparsable(text, section.header.start, "a key of this name"));
                }
            };
        }
        while let Some(entry) = entries.next_if(|entry| entry.section == index) {
            match node.child(&entry.key, grammar.folds, || Child::Values(Vec::new())) {
                Child::Values(values) => values.push(scalar(&document, entry)?),
                Child::Map(_) => return Err(LensError::unparsable(text, entry.name.start, "a section of this name")),
            }
        }
    }
    Ok(root.value())
}

fn scalar(document: &Document<'_>, entry: &Entry) -> Result<Value, LensError> {
    let text = edit::value_of(document, entry).map_err(|fault| document.unparsable(fault))?;
    let Some(text) = text else { return Ok(Value::Null) };
    let text = String::from_utf8(text).map_err(|_| {
        LensError::unparsable(document.file, entry.lines.start, "the value is no UTF-8 text once its escapes are read")
    })?;
    Ok(Value::String(text))
}

/// The text, edited so that it means `wanted`.
pub(super) fn update(grammar: &Grammar, text: &[u8], wanted: &Value) -> Result<Vec<u8>, LensError> {
    let standing = value(grammar, text)?;
    if standing.agrees(wanted) {
        return Ok(text.to_vec());
    }
    check_sayable(grammar, wanted, Some(&standing))?;
    let mut text = text.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let document = parsed(grammar, &text)?;
    document.index.get_or_init(|| find::Index::of(&document));
    let mut known = HashMap::new();
    collect(&standing, String::new(), &mut known);
    let mut plan = Plan { document: &document, standing: known, edits: Vec::new(), inserted: HashMap::new() };
    for change in changes(&standing, wanted) {
        plan.change(&change)?;
    }
    let out = splice(&text, &plan.sorted())?;
    let out = parsed(grammar, &out)?;
    let out = edit::lines_taken(&out, &edit::whole(&out));
    check_update(grammar.format, &out, wanted)?;
    Ok(out)
}

/// How deep maps may be nested in a format.
fn max_depth(grammar: &Grammar) -> usize {
    match grammar.headers {
        Headers::None => 1,
        Headers::Brackets | Headers::Ssh => 2,
        Headers::Git => 3,
    }
}

/// Refuses, with its path, what the format cannot say.
fn check_sayable(grammar: &Grammar, wanted: &Value, standing: Option<&Value>) -> Result<(), LensError> {
    let Value::Map(members) = wanted else {
        return Err(edit::cannot_say(grammar, "", wanted.kind()));
    };
    check_map(grammar, members, standing, &mut Vec::new())
}

fn check_map(
    grammar: &Grammar,
    members: &[(String, Value)],
    standing: Option<&Value>,
    path: &mut Vec<String>,
) -> Result<(), LensError> {
    let mut names = HashSet::new();
    let standing: HashMap<&str, &Value> = match standing {
        Some(Value::Map(members)) => members.iter().map(|(key, value)| (key.as_str(), value)).collect(),
        _ => HashMap::new(),
    };
    for (key, value) in members {
        path.push(key.clone());
        let refused = |what: &str| Err(edit::cannot_say(grammar, &pointer::format(&*path), what));
        // Subsections and ssh's patterns keep their case.
        let deep = path.len() == 2 || grammar.headers == Headers::Ssh;
        let exact = !grammar.folds || (deep && matches!(value, Value::Map(_)));
        if !names.insert(if exact { key.clone() } else { key.to_ascii_lowercase() }) {
            return refused("keys that differ only in upper and lower case");
        }
        let old = standing.get(key.as_str()).copied();
        match value {
            Value::Map(members) if path.len() < max_depth(grammar) => check_map(grammar, members, old, path)?,
            Value::Null if matches!(old, Some(Value::Null)) => {}
            Value::Sequence(items) if grammar.repeats => {
                if let Some(item) = items.iter().find(|item| item.as_text().is_none()) {
                    return refused(&format!("{} in a list", item.kind()));
                }
                if items.len() < 2 {
                    return refused("a list of fewer than two");
                }
            }
            scalar if scalar.as_text().is_some() => {}
            other => return refused(other.kind()),
        }
        path.pop();
    }
    Ok(())
}

/// Gathers the maps of a value and their members, by their pointers. Such values are never deep.
fn collect<'a>(value: &'a Value, pointer: String, known: &mut HashMap<String, &'a Value>) {
    if let Value::Map(members) = value {
        for (key, member) in members {
            let mut pointer = pointer.clone();
            pointer::push(&mut pointer, key);
            collect(member, pointer, known);
        }
    }
    known.insert(pointer, value);
}

/// Edits of one reading of the text.
struct Plan<'a> {
    document: &'a Document<'a>,
    /// What stands, by its pointer.
    standing: HashMap<String, &'a Value>,
    /// With a rank: at one place, new entries come before new sections.
    edits: Vec<(u8, Edit)>,
    /// The item that was put into a sequence last, and how many came in a row.
    inserted: HashMap<Vec<String>, (usize, usize)>,
}

impl Plan<'_> {
    fn change(&mut self, change: &Change) -> Result<(), LensError> {
        let path = &change.path;
        let at = |path: &[String]| self.standing.get(&pointer::format(path)).copied();
        if let Some((last, parents)) = path.split_last()
            && let Some(Value::Sequence(_)) = at(parents)
        {
            return self.change_item(parents, pointer::index(last).unwrap_or(0), &change.action);
        }
        match (&change.action, at(path)) {
            (Action::Remove, _) => self.remove(path),
            (Action::Insert(value), _) => self.insert(path, value),
            (Action::Replace(Value::Sequence(items)), Some(old)) if !old.is_container() => {
                let (first, others) = items.split_first().unzip();
                self.set(path, 0, first.unwrap_or(&Value::Null))?;
                others.unwrap_or(&[]).iter().try_for_each(|item| self.insert(path, item))
            }
            (Action::Replace(value), Some(Value::Sequence(items))) if !value.is_container() => {
                self.set(path, 0, value)?;
                (1..items.len()).for_each(|item| self.remove_entry(path, item));
                Ok(())
            }
            (Action::Replace(value), Some(old)) if !value.is_container() && !old.is_container() => {
                self.set(path, 0, value)
            }
            (Action::Replace(value), _) => {
                self.remove(path)?;
                self.insert(path, value)
            }
        }
    }

    fn change_item(&mut self, path: &[String], item: usize, action: &Action) -> Result<(), LensError> {
        match action {
            Action::Remove => self.remove_entry(path, item),
            Action::Replace(value) => self.set(path, item, value)?,
            Action::Insert(value) => {
                // Steps come from the back: only those in a row before this one moved what it stands before.
                let row = match self.inserted.get(path) {
                    Some((last, row)) if last + 1 == item => row + 1,
                    _ => 0,
                };
                self.inserted.insert(path.to_vec(), (item, row));
                let before = find::entries(self.document, path).get(item.saturating_sub(row)).copied();
                let edits = edit::entry_insert(self.document, path, before, text_of(value))?;
                self.add(0, edits);
            }
        }
        Ok(())
    }

    fn add(&mut self, rank: u8, edits: Vec<Edit>) {
        self.edits.extend(edits.into_iter().map(|edit| (rank, edit)));
    }

    fn set(&mut self, path: &[String], item: usize, value: &Value) -> Result<(), LensError> {
        if let Some(at) = find::entries(self.document, path).get(item) {
            let entry = &self.document.entries[*at];
            let edits = edit::value_put(self.document, entry, text_of(value), &pointer::format(path))?;
            self.add(0, edits);
        }
        Ok(())
    }

    fn remove_entry(&mut self, path: &[String], item: usize) {
        if let Some(at) = find::entries(self.document, path).get(item) {
            let span = self.document.entries[*at].lines.clone();
            self.add(0, vec![Edit { span, text: Vec::new() }]);
        }
    }

    /// Everything at and below `path`.
    fn remove(&mut self, path: &[String]) -> Result<(), LensError> {
        (0..find::entries(self.document, path).len()).for_each(|item| self.remove_entry(path, item));
        for (at, section) in self.document.sections.iter().enumerate() {
            if !path.is_empty()
                && section.path.len() >= path.len()
                && find::begins(self.document.grammar, section, path)
            {
                self.add(0, edit::section_remove(self.document, at));
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &[String], value: &Value) -> Result<(), LensError> {
        match value {
            Value::Map(members) => {
                let is_map = |value: &Value| matches!(value, Value::Map(_));
                let lines = self.lines(path, members)?;
                if !lines.is_empty() || !members.iter().any(|(_, value)| is_map(value)) {
                    let mut edits = edit::section_insert(self.document, path, &lines)?;
                    // Another section may come before it; blank lines at the start are taken off again.
                    if self.document.file.is_empty() && self.document.grammar.blank_before_section {
                        edits.iter_mut().for_each(|edit| edit.text.insert(0, b'\n'));
                    }
                    self.add(1, edits);
                }
                members
                    .iter()
                    .filter(|(_, value)| is_map(value))
                    .try_for_each(|(key, value)| self.insert(&[path, std::slice::from_ref(key)].concat(), value))
            }
            Value::Sequence(items) => items.iter().try_for_each(|item| self.insert(path, item)),
            scalar => {
                let missing = path.len() > 1 && find::sections(self.document, &path[..path.len() - 1]).is_empty();
                let edits = edit::entry_insert(self.document, path, None, text_of(scalar))?;
                self.add(u8::from(missing), edits);
                Ok(())
            }
        }
    }

    /// The lines of a new section, without indentation.
    fn lines(&self, path: &[String], members: &[(String, Value)]) -> Result<Vec<u8>, LensError> {
        let mut lines = Vec::new();
        for (key, value) in members {
            let items = match value {
                Value::Map(_) => continue,
                Value::Sequence(items) => &items[..],
                scalar => std::slice::from_ref(scalar),
            };
            let at = pointer::format(path.iter().chain([key]));
            for item in items {
                let line = edit::entry_line(self.document, None, None, key, text_of(item), &at)?;
                lines.extend_from_slice(&line[crate::lens::body::indentation(&line).len()..]);
            }
        }
        Ok(lines)
    }

    /// All edits in the order of their places; removals that touch the same blank lines become one.
    fn sorted(mut self) -> Vec<Edit> {
        self.edits.sort_by_key(|(rank, edit)| (edit.span.start, edit.span.end, *rank));
        let mut out: Vec<Edit> = Vec::new();
        for (_, edit) in self.edits {
            match out.last_mut() {
                Some(last) if edit.span.start < last.span.end && last.text.is_empty() && edit.text.is_empty() => {
                    last.span.end = last.span.end.max(edit.span.end);
                }
                _ => out.push(edit),
            }
        }
        out
    }
}

fn text_of(value: &Value) -> &[u8] {
    value.as_text().unwrap_or("").as_bytes()
}
