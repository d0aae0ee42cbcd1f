//! `rows`, `KEY=TEXT` and `KEY=TEXT/POINTER`.

use crate::lens::LensError;
use crate::lens::words::{Place, before, quoted, written};
use crate::pointer;
use crate::value::Value;

/// What is asked for.
pub(super) enum Asked {
    Rows,
    /// A record, and a JSON Pointer within it.
    Record(Key, String),
}

/// What a record says about itself.
pub(super) struct Key {
    /// JSON Pointer.
    pub(super) at: String,
    pub(super) text: String,
}

impl Key {
    /// Whether the value is a record of this key.
    pub(super) fn is_of(&self, record: &Value) -> bool {
        record.pointer(&self.at).and_then(Value::as_text) == Some(&self.text)
    }
}

const SHAPES: &str = "write `id=42` for the record whose `id` is 42, `id=42/name` for what stands in it, or `rows`";

pub(super) fn parsed(expression: &str) -> Result<Asked, LensError> {
    if expression.is_empty() || expression == "rows" {
        return Ok(Asked::Rows);
    }
    let (key, rest) = split(expression).map_err(|why| LensError::Selector {
        scheme: "jsonl",
        selector: expression.to_owned(),
        why,
    })?;
    pointer::parse("jsonl", rest)?;
    Ok(Asked::Record(key, rest.to_owned()))
}

fn split(expression: &str) -> Result<(Key, &str), String> {
    let hint = |why: String| format!("{why}; {SHAPES}");
    let (name, rest) = before(expression, b"=").map_err(hint)?;
    let at = match name.text.starts_with('/') && !name.quoted {
        true => {
            pointer::tokens(&name.text)?;
            name.text
        }
        false => pointer::format([&name.text]),
    };
    let rest = &rest[1..];
    let (text, rest) = match rest.starts_with('"') {
        true => {
            let (word, rest) = quoted(rest).map_err(hint)?;
            (word.text, rest)
        }
        false => {
            let end = rest.find('/').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        }
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(hint(format!("`{rest}` stands behind the closing quote")));
    }
    Ok((Key { at, text }, rest))
}

/// The expression of the record that another one leads into.
pub(super) fn record_of(expression: &str) -> &str {
    match split(expression) {
        Ok((_, rest)) => &expression[..expression.len() - rest.len()],
        Err(_) => expression,
    }
}

/// The expression of a record.
pub(super) fn record(at: &str, text: &str) -> String {
    let name = match pointer::tokens(at).unwrap_or_default().as_slice() {
        [only] if !only.starts_with('/') => written(only, Place::BeforeEquals),
        [only] => crate::lens::json_compact(&Value::String(only.clone())).unwrap_or_default(),
        _ => at.to_owned(),
    };
    format!("{name}={}", written(text, Place::BeforeSlash))
}
