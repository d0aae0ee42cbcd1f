//! Cells of a spreadsheet as text, and what that means.
//!
//! Two formats, both in JSON's notation with a row on each line, so that a change of one row is a change of one line:
//!
//! - `cells`: one cell is a scalar (`12`, `"text"`, `true`, `null` for a blank one); a range is a list of rows, each a list of scalars.
//! - `records`: the same, its first row the header. It means a list of maps from header to cell, in which blank cells are left out.
//!
//! Dates are texts as ISO 8601 writes them; numbers keep their written form.

use std::borrow::Cow;

use super::super::{Format, LensError, Position, Syntax, json};
use crate::value::Value;

/// Rows of scalars.
pub(crate) type Rows = Vec<Vec<Value>>;

/// The text of a cell, or of rows.
pub(crate) struct Cells;
/// Rows under a header.
pub(crate) struct Records;

fn wrong(found: impl Into<String>) -> LensError {
    LensError::Unparsable { at: Position { line: 1, column: 1 }, found: found.into() }
}

fn read(text: &[u8]) -> Result<Value, LensError> {
    let value = json::JSON.value(text)?;
    let is_row = |row: &Value| matches!(row, Value::Sequence(cells) if cells.iter().all(|cell| !cell.is_container()));
    match &value {
        Value::Map(_) => Err(wrong("a map; cells are one scalar, or a list of rows")),
        Value::Sequence(rows) => match rows.iter().position(|row| !is_row(row)) {
            Some(at) => Err(wrong(format!("row {} is no list of scalars", at + 1))),
            None => Ok(value),
        },
        _ => Ok(value),
    }
}

/// The rows of a text; `Err` with the scalar of a single cell.
pub(crate) fn rows(text: &[u8]) -> Result<Result<Rows, Value>, LensError> {
    Ok(match read(text)? {
        Value::Sequence(rows) => Ok(rows.into_iter().map(cells).collect()),
        scalar => Err(scalar),
    })
}

fn cells(row: Value) -> Vec<Value> {
    match row {
        Value::Sequence(cells) => cells,
        other => vec![other],
    }
}

/// Rows as text, one on each line.
pub(crate) fn written(rows: &[Vec<Value>]) -> Result<Vec<u8>, LensError> {
    if rows.is_empty() {
        return Ok(b"[]".to_vec());
    }
    let mut out = b"[\n".to_vec();
    for (at, row) in rows.iter().enumerate() {
        out.extend_from_slice(b"  [");
        for (nth, cell) in row.iter().enumerate() {
            out.extend_from_slice(if nth > 0 { b", " } else { b"" });
            out.extend_from_slice(scalar(cell)?.as_bytes());
        }
        out.extend_from_slice(if at + 1 < rows.len() { b"],\n" } else { b"]\n" });
    }
    out.push(b']');
    Ok(out)
}

/// One cell as text.
pub(crate) fn scalar(cell: &Value) -> Result<String, LensError> {
    json::compact(cell)
}

fn cannot_say(format: Format, path: String, what: &str) -> LensError {
    LensError::CannotSay { format, path, what: what.to_owned() }
}

impl Syntax for Cells {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        read(text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let standing = read(text)?;
        if standing.agrees(value) {
            return Ok(text.to_vec());
        }
        let merged = match (&standing, value) {
            (Value::Sequence(old), Value::Sequence(new)) => {
                let rows = new.iter().enumerate().map(|(at, row)| match (old.get(at).or(old.last()), row) {
                    (Some(Value::Sequence(old)), Value::Sequence(new)) => {
                        Value::Sequence(new.iter().enumerate().map(|(at, cell)| settled(old.get(at), cell)).collect())
                    }
                    _ => row.clone(),
                });
                Value::Sequence(rows.collect())
            }
            _ => settled(Some(&standing), value),
        };
        self.render(&merged)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let cannot = |path: String, what: &str| Err(cannot_say(Format::Cells, path, what));
        match value {
            Value::Map(_) => cannot(String::new(), "a map"),
            Value::Sequence(rows) => {
                for (at, row) in rows.iter().enumerate() {
                    match row {
                        Value::Sequence(cells) => match cells.iter().position(Value::is_container) {
                            Some(nth) => return cannot(format!("/{at}/{nth}"), cells[nth].kind()),
                            None => continue,
                        },
                        other => return cannot(format!("/{at}"), &format!("{} as a row", other.kind())),
                    }
                }
                written(&rows.iter().cloned().map(cells).collect::<Rows>())
            }
            cell => Ok(scalar(cell)?.into_bytes()),
        }
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let plain = json::JSON.tidy(text)?;
        let value = read(&plain)?;
        Ok(Cow::Owned(self.render(&value)?))
    }
}

/// A cell that arrives where another stands: what agrees stays as it is written.
fn settled(standing: Option<&Value>, cell: &Value) -> Value {
    match standing {
        Some(standing) if standing.agrees(cell) => standing.clone(),
        Some(standing) => cell.coerced(standing).into_owned(),
        None => cell.clone(),
    }
}

/// The names of the header, and the rows below.
pub(crate) fn split(mut rows: Rows) -> Result<(Vec<String>, Rows), LensError> {
    if rows.is_empty() {
        return Err(wrong("the first row must be the header"));
    }
    let below = rows.split_off(1);
    let mut names: Vec<String> = Vec::new();
    for cell in rows.into_iter().flatten() {
        let Value::String(name) = cell else {
            return Err(wrong("the first row is the header, and must hold nothing but text"));
        };
        if name.is_empty() || names.contains(&name) {
            return Err(wrong(format!("the header holds `{name}`, which is blank or stands twice")));
        }
        names.push(name);
    }
    match below.iter().position(|row| row.len() > names.len()) {
        Some(at) => Err(wrong(format!("row {} has more cells than the header", at + 2))),
        None => Ok((names, below)),
    }
}

fn table(text: &[u8]) -> Result<(Vec<String>, Rows), LensError> {
    match rows(text)? {
        Ok(rows) => split(rows),
        Err(_) => Err(wrong("records are rows below a header")),
    }
}

fn header(names: &[String]) -> Vec<Value> {
    names.iter().cloned().map(Value::String).collect()
}

impl Syntax for Records {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        let (names, rows) = table(text)?;
        let record = |row: Vec<Value>| {
            let members = names.iter().cloned().zip(row).filter(|(_, cell)| !matches!(cell, Value::Null));
            Value::Map(members.collect())
        };
        Ok(Value::Sequence(rows.into_iter().map(record).collect()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if self.value(text)?.agrees(value) {
            return Ok(text.to_vec());
        }
        let (names, standing) = table(text)?;
        rendered(names, &standing, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        rendered(Vec::new(), &[], value)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let plain = json::JSON.tidy(text)?;
        let (names, mut rows) = table(&plain)?;
        rows.iter_mut().for_each(|row| row.resize(names.len(), Value::Null));
        rows.insert(0, header(&names));
        Ok(Cow::Owned(written(&rows)?))
    }
}

/// The records as rows. Names that the header lacks get columns behind its own.
fn rendered(mut names: Vec<String>, standing: &[Vec<Value>], value: &Value) -> Result<Vec<u8>, LensError> {
    let cannot = |path: String, what: &str| cannot_say(Format::Records, path, what);
    let Value::Sequence(records) = value else {
        return Err(cannot(String::new(), &format!("{}; records are a list of maps", value.kind())));
    };
    let mut rows: Rows = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let Value::Map(members) = record else {
            return Err(cannot(format!("/{at}"), &format!("{}; a record is a map", record.kind())));
        };
        let mut row = vec![Value::Null; names.len()];
        for (key, cell) in members {
            let path = || crate::pointer::format(&[at.to_string(), key.clone()]);
            match cell {
                Value::Null => return Err(cannot(path(), "null; a blank cell is left out of its record")),
                Value::Map(_) | Value::Sequence(_) => return Err(cannot(path(), cell.kind())),
                _ if key.is_empty() => return Err(cannot(path(), "a column without a name")),
                _ => {}
            }
            let column = names.iter().position(|name| name == key).unwrap_or_else(|| {
                names.push(key.clone());
                names.len() - 1
            });
            row.resize(names.len().max(row.len()), Value::Null);
            // A new row's cells are of the kinds that stand in the last one.
            let near = standing.get(at).or(standing.last()).and_then(|row| row.get(column));
            row[column] = settled(near, cell);
        }
        rows.push(row);
    }
    if names.is_empty() && !records.is_empty() {
        return Err(cannot(String::new(), "records without any column"));
    }
    rows.iter_mut().for_each(|row| row.resize(names.len(), Value::Null));
    rows.insert(0, header(&names));
    written(&rows)
}
