//! What a selector means in a database: a table with a primary key, columns of it, and its rows.

use portion::{Item, LensError, MAX_PORTION, Number, TableSelector, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};

use super::{RecordError, too_large};

/// How a column converts what is put there: <https://www.sqlite.org/datatype3.html>, 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Text,
    Numeric,
    Blob,
}

/// A column that belongs to the portion.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) affinity: Affinity,
    /// Whether it is of the primary key.
    pub(super) key: bool,
}

/// A table as a selector means it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// The portion's, in the order in which they were asked for.
    pub(super) columns: Vec<Column>,
    /// Names of all others.
    pub(super) outside: Vec<String>,
    /// Columns, and what they say in every row of the portion.
    pub(super) conditions: Vec<(String, String)>,
    /// The primary key's columns, in its order.
    key: Vec<String>,
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table's name, and why it can be no portion.
fn tables(connection: &Connection) -> Result<Vec<(String, Option<&'static str>)>, RecordError> {
    let mut statement = connection.prepare(
        "SELECT name, type, EXISTS (SELECT 1 FROM pragma_table_xinfo(l.name) WHERE pk > 0)
         FROM pragma_table_list AS l WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        let (kind, keyed): (String, bool) = (row.get(1)?, row.get(2)?);
        let why = match kind.as_str() {
            "table" if keyed => None,
            "table" => Some("the table has no primary key, by which its rows could be told apart"),
            "view" => Some("it is a view, and no table"),
            "shadow" => Some("it belongs to a virtual table, which alone may write it"),
            _ => Some("it is a virtual table"),
        };
        Ok((row.get(0)?, why))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every table that can be addressed, without columns that rows cannot say; and why other tables and columns cannot.
pub(super) fn list(connection: &Connection) -> Result<(Vec<Item>, Vec<LensError>), RecordError> {
    let (mut items, mut omitted) = (Vec::new(), Vec::new());
    for (name, why) in tables(connection)? {
        if let Some(why) = why {
            omitted.push(LensError::Refused(format!("`{name}`: {why}")));
            continue;
        }
        let selector = TableSelector { table: name.clone(), columns: None, conditions: Vec::new() };
        let table = Table::made(connection, &name, &selector, &name)?;
        match table.unsaid(connection) {
            Ok((rows, unsaid)) => {
                let is_said = |column: &&Column| !unsaid.iter().any(|(name, _)| *name == column.name);
                let said: Vec<String> = table.columns.iter().filter(is_said).map(|c| c.name.clone()).collect();
                if table.key.iter().all(|column| said.contains(column)) {
                    let selector = match unsaid.is_empty() {
                        true => TableSelector::of(&name),
                        false => TableSelector { columns: Some(said), ..selector }.to_string(),
                    };
                    items.push(Item { selector, kind: "table", lines: (rows.min(1), rows) });
                }
                omitted.extend(unsaid.into_iter().map(|(_, error)| error));
            }
            Err(RecordError::Lens(error)) => omitted.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok((items, omitted))
}

/// The one of these names that a person means: names differ by more than their case.
fn meant<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    names.iter().find(|known| *known == name).or_else(|| names.iter().find(|known| known.eq_ignore_ascii_case(name)))
}

impl Table {
    /// The table of a selector.
    pub(super) fn of(
        connection: &Connection,
        selector: &TableSelector,
        expression: &str,
    ) -> Result<Table, RecordError> {
        let known = tables(connection)?;
        let names: Vec<String> = known.iter().map(|(name, _)| name.clone()).collect();
        let Some(name) = meant(&selector.table, &names) else {
            return Err(LensError::missing(&selector.table, names.iter().map(|name| TableSelector::of(name))).into());
        };
        if let Some((_, Some(why))) = known.iter().find(|(known, _)| known == name) {
            return Err(LensError::Refused(format!("`{name}`: {why}")).into());
        }
        Table::made(connection, name, selector, expression)
    }

    /// The same of a table that can be a portion.
    fn made(
        connection: &Connection,
        name: &str,
        selector: &TableSelector,
        expression: &str,
    ) -> Result<Table, RecordError> {
        let all = columns(connection, name)?;
        let wrong = |why: String| {
            RecordError::Lens(LensError::Selector { scheme: "sqlite", selector: expression.to_owned(), why })
        };
        let names: Vec<String> = all.iter().map(|column| column.column.name.clone()).collect();
        let find = |asked: &String| {
            meant(asked, &names).cloned().ok_or_else(|| {
                wrong(format!("the table `{name}` has no column `{asked}`; it has {}", names.join(", ")))
            })
        };
        let chosen: Vec<String> = match &selector.columns {
            Some(asked) => asked.iter().map(find).collect::<Result<_, _>>()?,
            None => all.iter().filter(|c| !c.generated).map(|c| c.column.name.clone()).collect(),
        };
        let conditions = selector.conditions.iter().map(|(column, text)| Ok((find(column)?, text.clone())));
        let conditions = conditions.collect::<Result<Vec<_>, RecordError>>()?;
        let mut key: Vec<(u32, String)> =
            all.iter().filter(|c| c.place > 0).map(|c| (c.place, c.column.name.clone())).collect();
        key.sort_unstable();
        let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        if let Some(missing) = key.iter().find(|column| !chosen.contains(column)) {
            return Err(wrong(format!(
                "`{missing}`, by which rows are told apart (the primary key), must be among the columns"
            )));
        }
        let mut of_portion = Vec::new();
        for name in &chosen {
            let Some(found) = all.iter().find(|column| column.column.name == *name) else { continue };
            if found.generated {
                return Err(wrong(format!("the column `{name}` is computed, and cannot be written")));
            }
            of_portion.push(found.column.clone());
        }
        let outside = names.into_iter().filter(|name| !chosen.contains(name)).collect();
        Ok(Table { name: name.to_owned(), columns: of_portion, outside, conditions, key })
    }

    /// The rows, as a list of maps in the order of the primary key.
    pub(super) fn rows(&self, connection: &Connection) -> Result<Value, RecordError> {
        let mut rows = Vec::new();
        self.each(connection, |row| {
            let mut members = Vec::with_capacity(self.columns.len());
            for (at, column) in self.columns.iter().enumerate() {
                let raw = row.get_ref(at)?;
                if let Err(what) = check(raw, column) {
                    return Err(self.cannot_say(row, column, what)?.into());
                }
                match value(raw) {
                    Value::Null => {}
                    value => members.push((column.name.clone(), value)),
                }
            }
            rows.push(Value::Map(members));
            Ok(())
        })?;
        Ok(Value::Sequence(rows))
    }

    /// How many rows there are, and of each column the first value that rows as text cannot say.
    fn unsaid(&self, connection: &Connection) -> Result<(usize, Vec<(String, LensError)>), RecordError> {
        let (mut rows, mut found): (usize, Vec<(String, LensError)>) = (0, Vec::new());
        self.each(connection, |row| {
            rows += 1;
            for (at, column) in self.columns.iter().enumerate() {
                if let Err(what) = check(row.get_ref(at)?, column)
                    && !found.iter().any(|(name, _)| *name == column.name)
                {
                    found.push((column.name.clone(), self.cannot_say(row, column, what)?));
                }
            }
            Ok(())
        })?;
        Ok((rows, found))
    }

    /// Reads the rows, in the order of the primary key.
    fn each(
        &self,
        connection: &Connection,
        mut read: impl FnMut(&Row<'_>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        let names = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let columns: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let mut sql = format!("SELECT {} FROM {}", names(&columns), quoted(&self.name));
        for (at, (column, _)) in self.conditions.iter().enumerate() {
            let word = if at == 0 { "WHERE" } else { "AND" };
            sql.push_str(&format!(" {word} {} = ?{}", quoted(column), at + 1));
        }
        sql.push_str(&format!(" ORDER BY {}", names(&self.key)));
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(self.conditions.iter().map(|(_, text)| text)))?;
        let mut size = 0;
        while let Some(row) = found.next()? {
            for (at, column) in self.columns.iter().enumerate() {
                size += column.name.len() + row.get_ref(at)?.as_bytes_or_null().ok().flatten().map_or(8, <[u8]>::len);
            }
            if size > MAX_PORTION {
                return Err(too_large(&self.name));
            }
            read(row)?;
        }
        Ok(())
    }

    /// The error for what rows as text cannot say: where it stands in the table, and how to do without it.
    fn cannot_say(&self, row: &Row<'_>, column: &Column, what: &str) -> Result<LensError, RecordError> {
        let mut key = Vec::new();
        for (at, own) in self.columns.iter().enumerate().filter(|(_, own)| own.key) {
            key.push(format!("{}={}", own.name, shown(row.get_ref(at)?)));
        }
        let (key, name, table) = (key.join(", "), &column.name, &self.name);
        let some = TableSelector::of(table);
        let without = match column.key {
            true => format!("give that row another key, or choose rows by a condition, as in `{some}?COLUMN=TEXT`"),
            false => {
                let others = self.columns.iter().map(|own| own.name.clone()).filter(|own| own != name);
                let selector = TableSelector {
                    table: table.clone(),
                    columns: Some(others.collect()),
                    conditions: self.conditions.clone(),
                };
                format!("`{selector}` leaves the column out, a condition as in `{some}?COLUMN=TEXT` the row")
            }
        };
        let why = format!("`{name}` of the row {key} of `{table}` is {what}, which rows as text cannot say; {without}");
        Ok(LensError::Refused(why))
    }

    /// The names of the primary key's columns, in its order.
    pub(super) fn key(&self) -> &[String] {
        &self.key
    }
}

/// What rows as text cannot say.
fn check(raw: ValueRef<'_>, column: &Column) -> Result<(), &'static str> {
    match raw {
        ValueRef::Null if column.key => Err("NULL, in the primary key"),
        ValueRef::Real(number) if !number.is_finite() => Err("infinity"),
        ValueRef::Text(text) if std::str::from_utf8(text).is_err() => Err("text that is not UTF-8"),
        _ => Ok(()),
    }
}

fn value(raw: ValueRef<'_>) -> Value {
    match raw {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(Number::new(number.to_string())),
        // The shortest that reads back the same, and never without a point or an exponent: it stays a REAL.
        ValueRef::Real(number) => Value::Number(Number::new(format!("{number:?}"))),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

/// So much of a key is shown.
const SHOWN: usize = 60;

/// A value as SQL has it, for a person.
fn shown(raw: ValueRef<'_>) -> String {
    let cut = |bytes: &[u8]| if bytes.len() > SHOWN { "…" } else { "" };
    match raw {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => {
            let start = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
            format!("'{}{}'", start.replace('\'', "''").replace(char::is_control, "\u{fffd}"), cut(text))
        }
        ValueRef::Blob(bytes) => {
            let digits: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            format!("x'{digits}{}'", cut(bytes))
        }
    }
}

/// A column as the table has it.
struct TableColumn {
    column: Column,
    generated: bool,
    /// Its place in the primary key, counted from 1.
    place: u32,
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<TableColumn>, RecordError> {
    let mut statement = connection.prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")?;
    let columns = statement.query_map([table], |row| {
        let (name, kind, place, hidden): (String, String, u32, u8) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let column = Column { name, affinity: affinity(&kind), key: place > 0 };
        Ok(TableColumn { column, generated: hidden > 0, place })
    })?;
    Ok(columns.collect::<Result<_, _>>()?)
}

fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let holds = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if holds(&["INT"]) => Affinity::Numeric,
        () if holds(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if declared.is_empty() || holds(&["BLOB"]) || declared == "ANY" => Affinity::Blob,
        () => Affinity::Numeric,
    }
}
