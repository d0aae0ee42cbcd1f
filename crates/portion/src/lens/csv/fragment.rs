//! What stands alone: the normal form of a table, of a row, of a column, and what they mean.
//!
//! The normal form has `,` between fields, quotes only where they are needed, LF behind every record, and as many fields in each as
//! the header has. How a file is written (its separator, its quotes) is its own.

use std::borrow::Cow;
use std::collections::HashMap;

use super::record::{Reader, needs_quotes, write_field};
use super::table::Table;
use crate::lens::apply::check_update;
use crate::lens::{BOM, Format, LensError, Syntax, body};
use crate::pointer;
use crate::value::Value;

/// What the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A header and rows: a list of maps.
    Rows,
    /// A header and one row: a map.
    Row,
    /// One field a record, without a header: a list of texts.
    Column,
}

/// Appends one record in the normal form.
pub(in crate::lens) fn push<T: AsRef<[u8]>>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = T>) {
    let start = out.len();
    let mut first = true;
    for field in fields {
        let field = field.as_ref();
        if !first {
            out.push(b',');
        }
        // A byte order mark at the very start would be taken for the text's own.
        let is_marked = out.is_empty() && field.starts_with(BOM);
        write_field(field, is_marked || needs_quotes(field, b','), out);
        first = false;
    }
    // A record of one empty field would be a blank line.
    if out.len() == start {
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

/// The table that a fragment is. `None` for a text that holds nothing.
pub(super) fn table(text: &[u8]) -> Result<Option<Table<'_>>, LensError> {
    Table::untrimmed(text, b',', body::bom(text), false)
}

/// The header and the rows of a fragment, each as long as the header; nothing of a text that holds nothing.
pub(in crate::lens) fn records(text: &[u8]) -> Result<Vec<Vec<String>>, LensError> {
    let Some(table) = table(text)? else { return Ok(Vec::new()) };
    let names = table.names.iter().map(|name| string(text, name.clone()));
    let mut rows = vec![names.collect::<Result<Vec<String>, LensError>>()?];
    let mut reader = table.reader();
    while reader.next()?.is_some() {
        table.check_width(&reader.fields)?;
        let fields = (0..table.names.len()).map(|column| string(text, table.text(&reader.fields, column)?));
        rows.push(fields.collect::<Result<Vec<String>, LensError>>()?);
    }
    Ok(rows)
}

impl Shape {
    fn format(self) -> Format {
        match self {
            Shape::Rows => Format::Csv,
            Shape::Row => Format::CsvRow,
            Shape::Column => Format::CsvColumn,
        }
    }

    fn unparsable(self, text: &[u8], at: usize) -> LensError {
        let found = match self {
            Shape::Rows => "a table begins with a header line",
            Shape::Row => "a row is a header line and one line behind it",
            Shape::Column => "a column has one field on a line",
        };
        LensError::unparsable(text, at, found)
    }

    fn normal(self, text: &[u8]) -> Result<Vec<u8>, LensError> {
        let mut out = Vec::with_capacity(text.len());
        if self == Shape::Column {
            let mut reader = Reader::new(text, b',', body::bom(text));
            while reader.next()?.is_some() {
                match &reader.fields[..] {
                    [only] => push(&mut out, [only.text(text)?]),
                    [_, second, ..] => return Err(self.unparsable(text, second.span.start)),
                    [] => {}
                }
            }
            return Ok(out);
        }
        let Some(table) = table(text)? else {
            return if self == Shape::Rows { Ok(out) } else { Err(self.unparsable(text, text.len())) };
        };
        push(&mut out, &table.names);
        let mut reader = table.reader();
        let mut count = 0;
        while let Some(record) = reader.next()? {
            count += 1;
            if self == Shape::Row && count > 1 {
                return Err(self.unparsable(text, record.start));
            }
            push_row(&table, &reader, &mut out)?;
        }
        if self == Shape::Row && count == 0 { Err(self.unparsable(text, text.len())) } else { Ok(out) }
    }

    fn columns<'a>(self, text: &'a [u8], value: &'a Value) -> Result<Vec<&'a str>, LensError> {
        let table = table(text)?;
        let standing = table.iter().flat_map(|table| &table.names);
        // The names were read from this very text, so that they are borrowed or quoted in it.
        let standing: Vec<String> = standing.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let rows = match value {
            Value::Sequence(rows) => &rows[..],
            row => std::slice::from_ref(row),
        };
        let mut columns: Vec<&str> = Vec::new();
        let mut known: HashMap<&str, ()> = HashMap::new();
        for row in rows {
            let Value::Map(members) = row else { continue };
            for (name, _) in members {
                if known.insert(name, ()).is_none() {
                    columns.push(name);
                }
            }
        }
        let order: HashMap<&str, usize> = standing.iter().enumerate().map(|(at, name)| (&name[..], at)).collect();
        columns.sort_by_key(|name| order.get(name).copied().unwrap_or(usize::MAX));
        Ok(columns)
    }

    fn written(self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let cannot_say = |path: String, what: String| LensError::CannotSay { format: self.format(), path, what };
        let scalar = |value: &Value, path: &dyn Fn() -> String| match value.as_text() {
            Some(text) => Ok(text.to_owned()),
            None => Err(cannot_say(path(), value.kind().to_owned())),
        };
        let mut out = Vec::new();
        let rows = match (self, value) {
            (Shape::Column, Value::Sequence(items)) => {
                for (at, item) in items.iter().enumerate() {
                    push(&mut out, [scalar(item, &|| format!("/{at}"))?]);
                }
                return Ok(out);
            }
            (Shape::Rows, Value::Sequence(rows)) if rows.is_empty() => {
                // An empty table keeps its columns.
                table(text)?.iter().for_each(|table| push(&mut out, &table.names));
                return Ok(out);
            }
            (Shape::Rows, Value::Sequence(rows)) => &rows[..],
            (Shape::Row, Value::Map(_)) => std::slice::from_ref(value),
            (_, other) => return Err(cannot_say(String::new(), other.kind().to_owned())),
        };
        let columns = self.columns(text, value)?;
        push(&mut out, &columns);
        for (at, row) in rows.iter().enumerate() {
            let path = |name: Option<&str>| {
                let row = (self == Shape::Rows).then(|| at.to_string());
                pointer::format(row.iter().map(String::as_str).chain(name))
            };
            let Value::Map(members) = row else {
                return Err(cannot_say(path(None), row.kind().to_owned()));
            };
            if columns.is_empty() {
                return Err(cannot_say(path(None), "a row without columns".to_owned()));
            }
            let in_order = members.len() == columns.len() && members.iter().zip(&columns).all(|((a, _), b)| a == b);
            let by_name: HashMap<&str, &Value> = match in_order {
                true => HashMap::new(),
                false => members.iter().map(|(name, value)| (&name[..], value)).collect(),
            };
            let mut fields = Vec::with_capacity(columns.len());
            for (nth, name) in columns.iter().enumerate() {
                let value =
                    if in_order { members.get(nth).map(|(_, value)| value) } else { by_name.get(name).copied() };
                let Some(value) = value else {
                    return Err(cannot_say(path(None), format!("a row without `{name}`, which others have")));
                };
                fields.push(scalar(value, &|| path(Some(name)))?);
            }
            push(&mut out, fields);
        }
        Ok(out)
    }
}

/// Appends a row of `table` in the normal form.
pub(super) fn push_row(table: &Table<'_>, reader: &Reader<'_>, out: &mut Vec<u8>) -> Result<(), LensError> {
    table.check_width(&reader.fields)?;
    let mut fields = Vec::with_capacity(table.names.len());
    for column in 0..table.names.len() {
        fields.push(table.text(&reader.fields, column)?);
    }
    push(out, fields);
    Ok(())
}

fn string(text: &[u8], field: Cow<'_, [u8]>) -> Result<String, LensError> {
    String::from_utf8(field.into_owned()).map_err(|_| {
        let at = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), |_| 0);
        LensError::unparsable(text, at, "expected UTF-8 text")
    })
}

impl Syntax for Shape {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        if *self == Shape::Column {
            let mut reader = Reader::new(text, b',', body::bom(text));
            let mut items = Vec::new();
            while reader.next()?.is_some() {
                match &reader.fields[..] {
                    [only] => items.push(Value::String(string(text, only.text(text)?)?)),
                    fields => return Err(self.unparsable(text, fields.get(1).map_or(0, |field| field.span.start))),
                }
            }
            return Ok(Value::Sequence(items));
        }
        let mut rows = Vec::new();
        if let Some(table) = table(text)? {
            table.check_names()?;
            let names = table
                .names
                .iter()
                .map(|name| string(text, name.clone()))
                .collect::<Result<Vec<String>, LensError>>()?;
            let mut reader = table.reader();
            while let Some(record) = reader.next()? {
                table.check_width(&reader.fields)?;
                if *self == Shape::Row && !rows.is_empty() {
                    return Err(self.unparsable(text, record.start));
                }
                let mut members = Vec::with_capacity(names.len());
                for (column, name) in names.iter().enumerate() {
                    let says = string(text, table.text(&reader.fields, column)?)?;
                    members.push((name.clone(), Value::String(says)));
                }
                rows.push(Value::Map(members));
            }
        }
        match self {
            Shape::Row => rows.pop().ok_or_else(|| self.unparsable(text, text.len())),
            _ => Ok(Value::Sequence(rows)),
        }
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let standing = self.value(text)?;
        if standing.agrees(value) {
            return Ok(text.to_vec());
        }
        // A cell that says the same stays as it is written: `10.00` where a number arrives as `10.0`.
        let out = self.written(text, &value.settled(&standing))?;
        check_update(self.format(), &out, value)?;
        Ok(out)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let out = self.written(b"", value)?;
        check_update(self.format(), &out, value)?;
        Ok(out)
    }

    fn columns(&self, text: &[u8]) -> Result<Option<Vec<String>>, LensError> {
        if *self != Shape::Rows {
            return Ok(None);
        }
        let table = table(text)?;
        let names = table.iter().flat_map(|table| &table.names);
        names.map(|name| string(text, name.clone())).collect::<Result<Vec<String>, LensError>>().map(Some)
    }

    fn with_columns(&self, text: &[u8], keep: &dyn Fn(&str) -> bool) -> Result<Vec<u8>, LensError> {
        let mut out = Vec::with_capacity(text.len());
        let Some(table) = table(text)? else { return Ok(out) };
        let name = |column: &usize| std::str::from_utf8(&table.names[*column]).is_ok_and(keep);
        let columns: Vec<usize> = (0..table.names.len()).filter(name).collect();
        push(&mut out, columns.iter().map(|column| &table.names[*column]));
        let mut reader = table.reader();
        while reader.next()?.is_some() {
            let fields = columns.iter().map(|column| table.text(&reader.fields, *column));
            push(&mut out, fields.collect::<Result<Vec<_>, LensError>>()?);
        }
        Ok(out)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let normal = self.normal(text)?;
        Ok(if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) })
    }
}
