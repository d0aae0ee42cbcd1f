//! `sqlite:` portions: rows of a table. A database is no document of bytes: what stands here is only what a selector says and what rows
//! are as text. Reading and writing them is the agent's, through the database's own engine.
//!
//! ```text
//! expression = table [ "(" column *( "," column ) ")" ] [ "?" column "=" text *( "&" column "=" text ) ]
//! ```
//! A name or text in quotes is a JSON string. Without quotes a table's name goes up to `(` or `?`, a column's up to `,`, `)` or `=`, a text up
//! to `&`.
//!
//! The fragment (format `rows`) has a row on each line, in the order of the primary key: a JSON object from column to value. Columns that are
//! NULL are left out, and a BLOB is `{"blob":"hexadecimal digits"}`; a row holds no other lists or maps. It means a list of maps.

use std::borrow::Cow;
use std::fmt;

use super::jsonl::Jsonl;
use super::words::{self, Word};
use super::{Edit, Format, Fragment, Item, Lens, LensError, Syntax, apply};
use crate::value::Value;

/// Rows of a table in a SQLite database.
pub(crate) struct Sqlite;
/// What they are as text.
pub(crate) struct Rows;

/// The member of a map that stands for a BLOB.
const BLOB: &str = "blob";

/// What a `sqlite:` selector means: rows and columns of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSelector {
    /// The table's name.
    pub table: String,
    /// The columns that were named; `None` for all that the table has.
    pub columns: Option<Vec<String>>,
    /// What columns must say, as text, for a row to belong to the portion.
    pub conditions: Vec<(String, String)>,
}

impl TableSelector {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`LensError::Selector`] says what is wrong with it.
    pub fn parse(expression: &str) -> Result<TableSelector, LensError> {
        parsed(expression).map_err(|why| LensError::Selector {
            scheme: "sqlite",
            selector: expression.to_owned(),
            why: format!(
                "{why}; write `customers`, `customers(id,name)` for some columns, `customers?region=EU` for some rows"
            ),
        })
    }

    /// The expression that means all of a table.
    pub fn of(table: &str) -> String {
        word_for(table, &['(', '?'])
    }
}

impl fmt::Display for TableSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&TableSelector::of(&self.table))?;
        if let Some(columns) = &self.columns {
            let columns: Vec<String> = columns.iter().map(|column| word_for(column, &[',', ')'])).collect();
            write!(f, "({})", columns.join(","))?;
        }
        for (at, (column, text)) in self.conditions.iter().enumerate() {
            let sign = if at == 0 { '?' } else { '&' };
            write!(f, "{sign}{}={}", word_for(column, &['=']), word_for(text, &['&']))?;
        }
        Ok(())
    }
}

/// A word that is read up to one of `ends`, in quotes where it needs them.
fn word_for(word: &str, ends: &[char]) -> String {
    let odd = word.is_empty()
        || word.starts_with('"')
        || word.trim() != word
        || word.contains(ends)
        || word.contains(char::is_control);
    if odd { super::json_compact(&Value::String(word.to_owned())).unwrap_or_default() } else { word.to_owned() }
}

fn parsed(expression: &str) -> Result<TableSelector, String> {
    let (table, mut rest) = name(expression, &['(', '?'])?;
    let mut columns = None;
    if let Some(inner) = rest.strip_prefix('(') {
        let mut names: Vec<String> = Vec::new();
        rest = inner;
        loop {
            let (column, behind) = name(rest.trim_start(), &[',', ')'])?;
            if names.contains(&column) {
                return Err(format!("the column `{column}` is named twice"));
            }
            names.push(column);
            let behind = behind.trim_start();
            match (behind.strip_prefix(','), behind.strip_prefix(')')) {
                (Some(more), _) => rest = more,
                (_, Some(end)) => {
                    rest = end;
                    break;
                }
                _ => return Err("a `)` is missing behind the columns".to_owned()),
            }
        }
        columns = Some(names);
    }
    let mut conditions: Vec<(String, String)> = Vec::new();
    if let Some(mut inner) = rest.strip_prefix('?') {
        loop {
            let (column, behind) = name(inner, &['='])?;
            let text = behind.strip_prefix('=').ok_or_else(|| format!("expected `=` behind `{column}`"))?;
            let (text, behind) = word(text, &['&'])?;
            if conditions.iter().any(|(known, _)| *known == column) {
                return Err(format!("the column `{column}` has two conditions"));
            }
            conditions.push((column, text));
            match behind.strip_prefix('&') {
                Some(more) => inner = more,
                None => {
                    rest = behind;
                    break;
                }
            }
        }
    }
    if rest.is_empty() {
        Ok(TableSelector { table, columns, conditions })
    } else {
        Err(format!("`{rest}` means nothing there"))
    }
}

/// A word up to one of `ends` or the end, and what follows.
fn word<'a>(text: &'a str, ends: &[char]) -> Result<(String, &'a str), String> {
    if text.starts_with('"') {
        let (Word { text: word, .. }, rest) = words::quoted(text)?;
        return Ok((word, rest));
    }
    let end = text.find(ends).unwrap_or(text.len());
    Ok((text[..end].to_owned(), &text[end..]))
}

fn name<'a>(text: &'a str, ends: &[char]) -> Result<(String, &'a str), String> {
    let (name, rest) = word(text, ends)?;
    let name = if text.starts_with('"') { name } else { name.trim_end().to_owned() };
    if name.is_empty() { Err("a name is missing".to_owned()) } else { Ok((name, rest)) }
}

/// Nothing is done to a database's bytes, which other programs may be writing, and half of which may stand in another file.
fn elsewhere<T>(expression: &str) -> Result<T, LensError> {
    TableSelector::parse(expression)?;
    Err(LensError::Refused(
        "rows of a database are read and written through its engine, and not as bytes of a file".to_owned(),
    ))
}

impl Lens for Sqlite {
    fn get(&self, _file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        elsewhere(expression)
    }

    fn put(&self, _file: &[u8], expression: &str, _fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        elsewhere(expression)
    }

    fn insert(&self, _file: &[u8], expression: &str, _fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        elsewhere(expression)
    }

    fn may_come(&self, _file: &[u8], _expression: &str) -> bool {
        false
    }

    fn remove(&self, _file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        elsewhere(expression)
    }

    fn list(&self, _file: &[u8]) -> Result<Vec<Item>, LensError> {
        elsewhere("table")
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Rows
    }
}

/// The value of a row's column as it stands in the text: a BLOB is a map.
fn written(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Value::Map(vec![(BLOB.to_owned(), Value::String(digits))])
        }
        other => other.clone(),
    }
}

/// The other way about. `None` for what no column holds.
fn read(value: Value) -> Option<Value> {
    let Value::Map(members) = &value else { return (!value.is_container()).then_some(value) };
    let [(name, Value::String(digits))] = members.as_slice() else { return None };
    if name != BLOB || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let byte =
        |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok().filter(|_| !digits[at..].starts_with('+'));
    (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>().map(Value::Bytes)
}

fn wrong(at: usize, found: String) -> LensError {
    LensError::Unparsable { at: super::Position { line: at + 1, column: 1 }, found }
}

/// A value as the text has it.
///
/// # Errors
/// [`LensError::CannotSay`] for what is no list of rows.
fn as_lines(value: &Value) -> Result<Value, LensError> {
    let cannot =
        |path: String, what: &str| Err(LensError::CannotSay { format: Format::Rows, path, what: what.to_owned() });
    let Value::Sequence(rows) = value else { return cannot(String::new(), value.kind()) };
    let mut out = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let Value::Map(members) = row else { return cannot(format!("/{at}"), &format!("{} as a row", row.kind())) };
        let mut columns = Vec::with_capacity(members.len());
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::Bool(_) | Value::Map(_) | Value::Sequence(_) => {
                    return cannot(format!("/{at}{}", crate::pointer::format([name])), value.kind());
                }
                _ => columns.push((name.clone(), written(value))),
            }
        }
        out.push(Value::Map(columns));
    }
    Ok(Value::Sequence(out))
}

impl Syntax for Rows {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        let Value::Sequence(rows) = Jsonl.value(text)? else { return Ok(Value::Sequence(Vec::new())) };
        let row = |(at, row): (usize, Value)| {
            let Value::Map(members) = row else {
                return Err(wrong(at, format!("{} where a row must stand", row.kind())));
            };
            let mut columns = Vec::with_capacity(members.len());
            for (name, value) in members {
                let kind = value.kind();
                match read(value) {
                    Some(Value::Null) => {}
                    Some(Value::Bool(_)) | None => {
                        return Err(wrong(
                            at,
                            format!("the column `{name}` holds {kind}, which no column of a database can"),
                        ));
                    }
                    Some(value) => columns.push((name, value)),
                }
            }
            Ok(Value::Map(columns))
        };
        rows.into_iter().enumerate().map(row).collect::<Result<_, _>>().map(Value::Sequence)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let text = Jsonl.update(text, &as_lines(value)?)?;
        apply::check_update(Format::Rows, &text, &without_nulls(value))?;
        Ok(text)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        self.update(b"", value)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let tidied = Jsonl.tidy(text)?;
        self.value(&tidied)?;
        Ok(tidied)
    }
}

/// A column that is NULL is one that a row leaves out.
fn without_nulls(value: &Value) -> Value {
    let Value::Sequence(rows) = value else { return value.clone() };
    let row = |row: &Value| match row {
        Value::Map(members) => {
            Value::Map(members.iter().filter(|(_, value)| !matches!(value, Value::Null)).cloned().collect())
        }
        other => other.clone(),
    };
    Value::Sequence(rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn selectors_say_a_table_its_columns_and_its_rows() {
        let told = |expression: &str| {
            TableSelector::parse(expression).map(|selector| {
                let TableSelector { table, columns, conditions } = selector;
                (table, columns.map(|columns| columns.join("|")), format!("{conditions:?}"))
            })
        };
        for (expression, table, columns, conditions) in [
            ("customers", "customers", None, "[]"),
            ("customers(id, name)", "customers", Some("id|name"), "[]"),
            ("customers?region=EU", "customers", None, r#"[("region", "EU")]"#),
            ("c(id)?region=EU&kind=a=b", "c", Some("id"), r#"[("region", "EU"), ("kind", "a=b")]"#),
            (r#""odd (table)?"("a,b",c)?"x=y"="1&2""#, "odd (table)?", Some("a,b|c"), r#"[("x=y", "1&2")]"#),
            ("order lines", "order lines", None, "[]"),
            (r#"" t "(" c ")?" c "="#, " t ", Some(" c "), r#"[(" c ", "")]"#),
        ] {
            let wanted = (table.to_owned(), columns.map(str::to_owned), conditions.to_owned());
            assert_eq!(told(expression), Ok(wanted), "{expression}");
            let selector = TableSelector::parse(expression).unwrap();
            assert_eq!(TableSelector::parse(&selector.to_string()), Ok(selector), "{expression}");
        }
        for wrong in ["", "(id)", "c(", "c(id", "c()", "c(id,id)", "c?", "c?a", "c?a=1&a=2", "c(id)x", "\"c\"x", "\"c"]
        {
            assert!(matches!(told(wrong), Err(LensError::Selector { .. })), "{wrong}");
        }
        for table in ["customers", "odd (table)?", "", "\"q\"", "tab\tle", " blank "] {
            let read = TableSelector::parse(&TableSelector::of(table)).map(|selector| selector.table);
            assert_eq!(read.ok().as_deref(), (!table.is_empty()).then_some(table));
        }
    }

    #[test]
    fn a_row_is_a_line_and_a_blob_a_map() {
        let text = b"{\"id\":1,\"name\":\"Ann\",\"photo\":{\"blob\":\"00ff\"}}\n{\"id\":2}\n";
        let value = Rows.value(text).unwrap();
        assert_eq!(value.pointer("/0/photo"), Some(&Value::Bytes(vec![0, 0xff])));
        assert_eq!(Rows.update(text, &value).unwrap(), text);
        assert_eq!(Rows.value(&Rows.render(&value).unwrap()).unwrap(), value);
        // NULL is left out, whoever says it.
        let null = Format::Json.value(br#"[{"id":1,"name":null}]"#).unwrap();
        assert_eq!(Rows.update(text, &null).unwrap(), b"{\"id\":1}\n");
        for wrong in
            ["1\n", "{\"a\":true}\n", "{\"a\":[]}\n", "{\"a\":{\"blob\":\"0\"}}\n", "{\"a\":{\"blob\":\"+1\"}}\n"]
        {
            assert!(matches!(Rows.value(wrong.as_bytes()), Err(LensError::Unparsable { .. })), "{wrong}");
        }
        for wrong in [r#"{"a":1}"#, "[1]", r#"[{"a":true}]"#, r#"[{"a":[1]}]"#] {
            let value = Format::Json.value(wrong.as_bytes()).unwrap();
            assert!(matches!(Rows.render(&value), Err(LensError::CannotSay { .. })), "{wrong}");
        }
    }
}
