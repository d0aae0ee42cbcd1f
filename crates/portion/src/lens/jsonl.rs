//! JSON Lines (one JSON value a line; also called NDJSON), by key.
//!
//! # Addresses
//! `rows` is all records; `id=42` the record whose member `id` is 42, `/user/id=42` with a path to it; `id=42/name` is a JSON Pointer within that
//! record. Text and numbers are told by how they are written, so that `42` is the number and the text. A name or text with a `=` or `/` in
//! it, or that begins with a quote, stands in quotes as a JSON string: `path="/usr/bin"/size`.
//!
//! # Fragments
//! A record, and what stands in it, is JSON on one line; all records are their lines, without blank ones and without blanks around. What
//! is put on several lines is laid on one. Lines beside those that are asked for are not read closely.
//!
//! # The embedding
//! That of JSON; all records are a list.

mod records;
mod rows;
mod selector;

use std::borrow::Cow;

use self::records::{Found, Records};
use self::selector::{Asked, Key, parsed};
use super::json::{JSON, one_line};
use super::{BOM, Edit, Format, Fragment, Item, Kinds, Lens, LensError, Pieces, Syntax, apply, body};
use crate::value::Value;

pub(crate) struct Jsonl;
/// One record, or what stands in it.
pub(crate) struct JsonLine;

/// Places in a record, as places in the file.
fn shifted(edits: Vec<Edit>, by: usize) -> Vec<Edit> {
    let shift = |edit: Edit| Edit { span: edit.span.start + by..edit.span.end + by, text: edit.text };
    edits.into_iter().map(shift).collect()
}

/// An error in a record, as one in the file.
fn in_file(file: &[u8], record: usize, expression: &str, error: LensError) -> LensError {
    match error {
        LensError::Unparsable { at, found } => rows::below(file, record, LensError::Unparsable { at, found }),
        LensError::Missing { nearest, .. } => {
            let prefix = selector::record_of(expression);
            let nearest = nearest.into_iter().map(|pointer| format!("{prefix}{pointer}")).collect();
            LensError::Missing { selector: expression.to_owned(), nearest }
        }
        LensError::Selector { why, .. } => {
            LensError::Selector { scheme: "jsonl", selector: expression.to_owned(), why }
        }
        other => other,
    }
}

/// As the lens of JSON takes it.
fn as_json(fragment: &Fragment, expression: &str) -> Result<Fragment, LensError> {
    match fragment.format {
        Format::JsonLine | Format::Json => Ok(Fragment { format: Format::Json, text: fragment.text.clone() }),
        other => Err(LensError::Refused(format!("`{expression}` holds json-line, not {other}"))),
    }
}

/// Refuses a record that would be another portion.
fn check_key(key: &Key, json: &Fragment, expression: &str) -> Result<(), LensError> {
    if key.is_of(&json.format.value(&json.text)?) {
        return Ok(());
    }
    Err(LensError::Refused(format!("the fragment is another record than `{expression}`: its `{}` differs", key.at)))
}

/// The edits of a record, none of which makes a second line of it.
fn on_one_line(record: &[u8], edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
    if edits.iter().all(|edit| memchr::memchr2(b'\n', b'\r', &edit.text).is_none()) {
        return Ok(edits);
    }
    let written = apply::splice(record, &edits)?;
    Ok(vec![Edit { span: 0..record.len(), text: one_line(&written).into_owned() }])
}

impl Lens for Jsonl {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        match parsed(expression)? {
            Asked::Rows => Ok(Fragment { format: Format::Jsonl, text: rows::taken(file)? }),
            Asked::Record(key, pointer) => {
                let Found { span, .. } = records::one(file, &key, expression)?;
                let found = JSON.get(&file[span.clone()], &pointer);
                let Fragment { text, .. } = found.map_err(|error| in_file(file, span.start, expression, error))?;
                Ok(Fragment { format: Format::JsonLine, text })
            }
        }
    }

    fn get_from(&self, file: &mut Pieces<'_>, expression: &str) -> Option<Fragment> {
        match parsed(expression).ok()? {
            Asked::Rows => None,
            Asked::Record(key, _) => self.get(&records::one_from(file, &key, expression)?, expression).ok(),
        }
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        match parsed(expression)? {
            Asked::Rows => rows::put(file, fragment, expression),
            Asked::Record(key, pointer) => {
                let Found { span, .. } = records::one(file, &key, expression)?;
                let record = &file[span.clone()];
                let json = as_json(fragment, expression)?;
                if pointer.is_empty() {
                    check_key(&key, &json, expression)?;
                }
                let edits = JSON.put(record, &pointer, &json);
                let edits = edits.map_err(|error| in_file(file, span.start, expression, error))?;
                Ok(shifted(on_one_line(record, edits)?, span.start))
            }
        }
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        match parsed(expression)? {
            Asked::Rows => rows::fill(file, fragment, expression),
            Asked::Record(key, pointer) if pointer.is_empty() => {
                let json = as_json(fragment, expression)?;
                check_key(&key, &json, expression)?;
                Ok(vec![rows::behind(file, &json.text)?])
            }
            Asked::Record(key, pointer) => {
                let found = records::one(file, &key, expression).map_err(|error| match error {
                    LensError::Missing { .. } => LensError::Refused(format!(
                        "the record is missing; insert `{}`",
                        selector::record_of(expression)
                    )),
                    other => other,
                })?;
                let record = &file[found.span.clone()];
                let edits = JSON.insert(record, &pointer, &as_json(fragment, expression)?);
                let edits = edits.map_err(|error| in_file(file, found.span.start, expression, error))?;
                Ok(shifted(on_one_line(record, edits)?, found.span.start))
            }
        }
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        match parsed(expression)? {
            Asked::Record(key, pointer) if pointer.ends_with("/-") => {
                let Found { span, .. } = records::one(file, &key, expression)?;
                let at = JSON.inserted_at(&file[span], &pointer)?;
                Ok(format!("{}{at}", selector::record_of(expression)))
            }
            _ => Ok(expression.to_owned()),
        }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        match parsed(expression) {
            Ok(Asked::Record(key, pointer)) => {
                pointer.is_empty()
                    || records::one(file, &key, expression).is_ok() && apply::takes_some(self, file, expression)
            }
            Ok(Asked::Rows) => true,
            Err(_) => false,
        }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        match parsed(expression)? {
            Asked::Rows => Ok(vec![Edit { span: body::bom(file)..file.len(), text: Vec::new() }]),
            Asked::Record(key, pointer) => {
                let Found { span, line } = records::one(file, &key, expression)?;
                if pointer.is_empty() {
                    return Ok(rows::without(file, &line));
                }
                let record = &file[span.clone()];
                let edits = JSON.remove(record, &pointer);
                let edits = edits.map_err(|error| in_file(file, span.start, expression, error))?;
                Ok(shifted(on_one_line(record, edits)?, span.start))
            }
        }
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        match parsed(expression) {
            Ok(Asked::Record(_, pointer)) if !pointer.is_empty() => apply::is_removed(self, before, after, expression),
            _ => matches!(self.get(after, expression), Err(LensError::Missing { .. })),
        }
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        match fragment.format {
            Format::Json | Format::JsonLine => {
                Fragment { format: Format::JsonLine, text: one_line(&fragment.text).into_owned() }
            }
            _ => fragment,
        }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        records::list(file)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        records::omitted(file)
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match parsed(expression) {
            Ok(Asked::Record(..)) => Format::JsonLine,
            _ => Format::Jsonl,
        }
    }
}

impl Syntax for JsonLine {
    fn kinds(&self) -> Kinds {
        Kinds::Json
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        JSON.value(text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        Ok(one_line(&JSON.update(text, value)?).into_owned())
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        super::json::render_as(value, super::json::Style::Line)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(match JSON.tidy(text)? {
            Cow::Borrowed(text) => one_line(text),
            Cow::Owned(text) => Cow::Owned(one_line(&text).into_owned()),
        })
    }
}

impl Syntax for Jsonl {
    fn kinds(&self) -> Kinds {
        Kinds::Json
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        rows::value(text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        rows::update(text, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        rows::update(b"", value)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let mut out = Vec::with_capacity(text.len());
        for record in Records::of(text) {
            let start = record.span.start;
            let record = &text[record.span];
            let tidied = rows::unmarked(record).and_then(|record| JSON.tidy(record));
            tidied.map_err(|error| rows::below(text, start, error))?;
            out.extend_from_slice(record);
            out.push(b'\n');
        }
        let text = text.strip_prefix(BOM).unwrap_or(text);
        Ok(if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) })
    }
}
