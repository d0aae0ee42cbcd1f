//! TOML to values, and back.
//!
//! Numbers keep their written form, date-times too. TOML has no null and no bytes, and its integers have 64 bits: such a
//! value is an error that names its path.

use std::fmt::Write as _;
use std::str::FromStr;

use toml_edit::{Item, Table, Value as Written};

use super::document::Doc;
use crate::lens::{Format, LensError};
use crate::pointer;
use crate::value::{Number, Value};

/// What the document means: a map, or the list that it stands for.
pub(super) fn of_document(doc: &Doc<'_>) -> Value {
    let root = doc.tree.as_table();
    match root.get("") {
        Some(item) if doc.is_list => of_item(doc.text, item),
        _ => of_table(doc.text, root),
    }
}

fn of_item(text: &str, item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_written(text, value),
        Item::Table(table) => of_table(text, table),
        Item::ArrayOfTables(tables) => Value::Sequence(tables.iter().map(|table| of_table(text, table)).collect()),
    }
}

pub(super) fn of_table(text: &str, table: &Table) -> Value {
    Value::Map(table.iter().map(|(key, item)| (key.to_owned(), of_item(text, item))).collect())
}

pub(super) fn of_written(text: &str, value: &Written) -> Value {
    let spelled = || value.span().map_or_else(|| value.to_string(), |span| text[span].to_owned());
    match value {
        Written::String(string) => Value::String(string.value().clone()),
        Written::Integer(_) | Written::Float(_) => Value::Number(Number::new(spelled())),
        Written::Boolean(boolean) => Value::Bool(*boolean.value()),
        Written::Datetime(_) => Value::DateTime(spelled()),
        Written::Array(array) => Value::Sequence(array.iter().map(|value| of_written(text, value)).collect()),
        Written::InlineTable(table) => {
            Value::Map(table.iter().map(|(key, value)| (key.to_owned(), of_written(text, value))).collect())
        }
    }
}

/// Writes one value on one line, as it stands behind `=`.
pub(super) fn inline(value: &Value) -> Result<String, LensError> {
    let mut out = String::new();
    write_inline(&mut out, value, &mut Vec::new())?;
    Ok(out)
}

fn cannot_say(path: &[String], what: &str) -> LensError {
    LensError::CannotSay { format: Format::Toml, path: pointer::format(path), what: what.to_owned() }
}

fn write_inline(out: &mut String, value: &Value, path: &mut Vec<String>) -> Result<(), LensError> {
    match value {
        Value::Null => return Err(cannot_say(path, "null")),
        Value::Bytes(_) => return Err(cannot_say(path, "bytes")),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(written) => {
            out.push_str(&number(written).ok_or_else(|| cannot_say(path, &format!("the number {written}")))?)
        }
        Value::String(text) => quote(out, text),
        Value::DateTime(text) if is_date_time(text) => out.push_str(text),
        Value::DateTime(text) => quote(out, text),
        Value::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                path.push(index.to_string());
                write_inline(out, item, path)?;
                path.pop();
            }
            out.push(']');
        }
        Value::Map(members) if members.is_empty() => out.push_str("{}"),
        Value::Map(members) => {
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "{ " } else { ", " });
                out.push_str(&key(name));
                out.push_str(" = ");
                path.push(name.clone());
                write_inline(out, member, path)?;
                path.pop();
            }
            out.push_str(" }");
        }
    }
    Ok(())
}

/// Whether the text is a date-time that TOML can hold.
fn is_date_time(text: &str) -> bool {
    toml_edit::Datetime::from_str(text).is_ok()
}

/// A number in TOML's notation, which means exactly the same.
fn number(number: &Number) -> Option<String> {
    let special =
        match number.as_str().trim_start_matches(['+', '-']).trim_start_matches('.').to_ascii_lowercase().as_str() {
            "inf" if number.as_str().starts_with('-') => Some("-inf".to_owned()),
            "inf" => Some("inf".to_owned()),
            "nan" => Some("nan".to_owned()),
            _ => None,
        };
    let forms = [Some(number.as_str().to_owned()), special, number.to_json()];
    forms.into_iter().flatten().find(|form| {
        matches!(Written::from_str(form), Ok(Written::Integer(_) | Written::Float(_)))
            && Number::new(form.clone()) == *number
            && !form.contains(|c: char| c.is_whitespace() || c == '#')
    })
}

/// A key as TOML writes it: bare where it can be.
pub(super) fn key(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return name.to_owned();
    }
    let mut out = String::new();
    quote(&mut out, name);
    out
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    text.chars().for_each(|c| escape(out, c));
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if (c as u32) < 0x20 || c as u32 == 0x7f => drop(write!(out, "\\u{:04x}", c as u32)),
        c => out.push(c),
    }
}

/// A value as it stands behind `=` in a line of its own: text of several lines over several lines.
fn write_pair_value(out: &mut String, value: &Value, path: &mut Vec<String>) -> Result<(), LensError> {
    match value {
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
            out.push_str("\"\"\"\n");
            for c in text.chars() {
                if c == '\n' { out.push('\n') } else { escape(out, c) }
            }
            out.push_str("\"\"\"");
            Ok(())
        }
        _ => write_inline(out, value, path),
    }
}

/// [`inline`], but text of several lines over several lines.
pub(super) fn pair_value(value: &Value) -> Result<String, LensError> {
    let mut out = String::new();
    write_pair_value(&mut out, value, &mut Vec::new())?;
    Ok(out)
}

/// Whether it is written as `[[key]]` blocks: a list of tables.
pub(super) fn is_tables(value: &Value) -> bool {
    matches!(value, Value::Sequence(items) if !items.is_empty() && items.iter().all(|item| matches!(item, Value::Map(_))))
}

/// Writes a map as a document, or a list as the document that stands for it.
pub(super) fn document(value: &Value) -> Result<String, LensError> {
    let mut out = String::new();
    let mut path = Vec::new();
    match value {
        Value::Map(members) => write_table(&mut out, "", members, &mut path)?,
        value if is_tables(value) => write_member(&mut out, "", "", value, &mut path)?,
        Value::Sequence(_) => {
            out.push_str("\"\" = ");
            write_inline(&mut out, value, &mut path)?;
            out.push('\n');
        }
        other => return Err(cannot_say(&path, &format!("{} in place of a table", other.kind()))),
    }
    Ok(out)
}

fn is_block(value: &Value) -> bool {
    matches!(value, Value::Map(_)) || is_tables(value)
}

/// A table's own pairs, then its tables. `prefix` is the table's path as headers write it, with a dot at its end.
fn write_table(
    out: &mut String,
    prefix: &str,
    members: &[(String, Value)],
    path: &mut Vec<String>,
) -> Result<(), LensError> {
    for (name, value) in members.iter().filter(|(_, value)| !is_block(value)) {
        out.push_str(&key(name));
        out.push_str(" = ");
        path.push(name.clone());
        write_pair_value(out, value, path)?;
        path.pop();
        out.push('\n');
    }
    for (name, value) in members.iter().filter(|(_, value)| is_block(value)) {
        path.push(name.clone());
        write_member(out, prefix, name, value, path)?;
        path.pop();
    }
    Ok(())
}

fn write_member(
    out: &mut String,
    prefix: &str,
    name: &str,
    value: &Value,
    path: &mut Vec<String>,
) -> Result<(), LensError> {
    let header = format!("{prefix}{}", key(name));
    let separate = |out: &mut String| {
        if !out.is_empty() {
            out.push('\n');
        }
    };
    match value {
        Value::Map(members) => {
            // A table that holds only tables needs no header of its own.
            if members.is_empty() || members.iter().any(|(_, value)| !is_block(value)) {
                separate(out);
                let _ = writeln!(out, "[{header}]");
            }
            write_table(out, &format!("{header}."), members, path)
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                separate(out);
                let _ = writeln!(out, "[[{header}]]");
                if let Value::Map(members) = item {
                    path.push(index.to_string());
                    write_table(out, &format!("{header}."), members, path)?;
                    path.pop();
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
