//! Putting rows: those that differ, one by one, by their primary key.

use std::collections::{BTreeSet, HashMap, HashSet};

use portion::{Format, Fragment, LensError, Number, TableSelector, Value};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use super::RecordError;
use super::foreign::{self, ForeignKey};
use super::schema::{Affinity, Column, Table, quoted};

/// A row: a column's value by its name. NULL is left out.
type Row = Vec<(String, Value)>;

fn refused<T>(why: String) -> Result<T, RecordError> {
    Err(RecordError::Lens(LensError::Refused(why)))
}

/// Puts rows in the place of those that stand there, within a transaction, and reads them again: what stands there then is what was put,
/// but for columns that a new row leaves out, which get their default.
///
/// # Errors
/// [`RecordError`]; then the transaction must not be committed.
pub(super) fn put(connection: &Connection, expression: &str, new: &Fragment) -> Result<Fragment, RecordError> {
    let table = Table::of(connection, &TableSelector::parse(expression)?, expression)?;
    let standing = listed(table.rows(connection)?);
    let before = by_key(&table, &standing)?;
    let wanted = wanted(&table, &before, new)?;
    let after = by_key(&table, &wanted)?;
    let guarded = has_triggers(connection, &table)?;
    let counted = connection.total_changes();
    let mut changes = 0;
    let dependents = foreign::dependents(connection, &table)?;
    for (key, row) in &before {
        if !after.contains_key(key) {
            for dependent in &dependents {
                check_dependent(connection, &table, row, dependent)?;
            }
            changes += delete(connection, &table, row)?;
        }
    }
    for row in &wanted {
        changes += match before.get(&key_of(&table, row)?) {
            Some(old) => update(connection, &table, old, row)?,
            None => insert(connection, &table, row)?,
        };
    }
    if !guarded && connection.total_changes() - counted != changes {
        return refused("by its foreign keys the database would change rows of other tables, too".to_owned());
    }
    let written = listed(table.rows(connection)?);
    check(&table, &before, &wanted, &written)?;
    let value = Value::Sequence(written.into_iter().map(Value::Map).collect());
    Ok(Fragment { format: Format::Rows, text: Format::Rows.render(&value)? })
}

fn listed(rows: Value) -> Vec<Row> {
    let Value::Sequence(rows) = rows else { return Vec::new() };
    let row = |row| match row {
        Value::Map(columns) => columns,
        _ => Vec::new(),
    };
    rows.into_iter().map(row).collect()
}

/// The rows of a fragment, as the table's columns take them. What a row says already stays as it is.
fn wanted(table: &Table, before: &HashMap<Vec<u8>, &Row>, new: &Fragment) -> Result<Vec<Row>, RecordError> {
    if new.format != Format::Rows {
        return refused(format!("`{}` holds rows, not {}", table.name, new.format));
    }
    let mut rows = listed(Format::Rows.value(&new.text)?);
    check_columns(table, &rows)?;
    for row in &mut rows {
        fit(table, row, |column, _| column.key)?;
        let old = before.get(&key_of(table, row)?);
        fit(table, row, |c, value| !c.key && old.is_none_or(|old| column(old, &c.name) != Some(value)))?;
    }
    Ok(rows)
}

/// Names every column that the table does not have, or that is not the portion's.
fn check_columns(table: &Table, rows: &[Row]) -> Result<(), RecordError> {
    let known: HashSet<&str> = table.columns.iter().map(|column| &column.name[..]).collect();
    let strange: BTreeSet<&str> =
        rows.iter().flatten().map(|(name, _)| &name[..]).filter(|name| !known.contains(name)).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let named = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let (outside, missing): (Vec<&str>, Vec<&str>) =
        strange.into_iter().partition(|name| table.outside.iter().any(|outside| outside == name));
    let has: Vec<&str> = table.columns.iter().map(|column| &column.name[..]).collect();
    refused(match missing.is_empty() {
        true => format!("the selector leaves out {} of the table `{}`", named(&outside), table.name),
        false => format!(
            "the schemas differ: the table `{}` has no {}; the portion has {}",
            table.name,
            named(&missing),
            named(&has)
        ),
    })
}

/// Makes of a row's values what their columns will hold. Text that a numeric column would not give back is refused.
fn fit(table: &Table, row: &mut Row, is_meant: impl Fn(&Column, &Value) -> bool) -> Result<(), RecordError> {
    for at in 0..row.len() {
        let (name, value) = &row[at];
        let column = table.columns.iter().find(|column| column.name == *name);
        let Some(column) = column.filter(|column| is_meant(column, value)) else { continue };
        let fitted = fitted(value.clone(), column.affinity);
        let says = value.as_text().filter(|_| column.affinity == Affinity::Numeric);
        let why = match says {
            Some("") => Some("cannot hold an empty text (it is NULL where a row leaves it out)".to_owned()),
            Some(text) if !fitted.agrees(value) => {
                let number = fitted.as_text().unwrap_or_default();
                Some(format!("would make {number} of the text `{}`", text.escape_debug()))
            }
            _ => None,
        };
        if let Some(why) = why {
            let key = table.key().iter().filter_map(|name| self::column(row, name)?.as_text());
            let key: Vec<&str> = key.collect();
            return refused(format!("the numeric column `{name}` {why}, in the row {}", key.join(", ")));
        }
        row[at].1 = fitted;
    }
    Ok(())
}

/// So many digits any double keeps.
const EXACT_DIGITS: usize = 15;

/// The number that SQLite makes of a text for a numeric column: plain decimal notation, and nothing that other languages take for a number.
fn decimal(text: &str) -> Option<Number> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if !is_plain || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Number::new(integer.to_string()));
    }
    let real: f64 = text.parse().ok().filter(|real: &f64| real.is_finite())?;
    let number = Number::new(format!("{real:?}"));
    // What has more digits than the column keeps is left to be refused.
    let exact = Number::new(text.trim_start_matches('+'));
    (text.bytes().filter(u8::is_ascii_digit).count() <= EXACT_DIGITS || number == exact).then_some(number)
}

/// The value as a column of this kind will hold it, where that says the same.
fn fitted(value: Value, affinity: Affinity) -> Value {
    match (&value, affinity) {
        (Value::String(text), Affinity::Numeric) => decimal(text).map_or(value, Value::Number),
        (Value::Number(number), Affinity::Text) => Value::String(number.as_str().to_owned()),
        (Value::DateTime(text), _) => Value::String(text.clone()),
        _ => value,
    }
}

fn column<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    row.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// What tells a row from others, in one form for equal values.
fn key_of(table: &Table, row: &Row) -> Result<Vec<u8>, RecordError> {
    let mut key = Vec::new();
    for name in table.key() {
        let Some(value) = column(row, name) else {
            return refused(format!("a row has no `{name}`, by which rows of `{}` are told apart", table.name));
        };
        key.push(value.clone());
    }
    Ok(Value::Sequence(key).canonical())
}

fn by_key<'a>(table: &Table, rows: &'a [Row]) -> Result<HashMap<Vec<u8>, &'a Row>, RecordError> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        if found.insert(key_of(table, row)?, row).is_some() {
            let says: Vec<&str> = table.key().iter().filter_map(|name| column(row, name)?.as_text()).collect();
            return refused(format!("two rows have the primary key {}", says.join(", ")));
        }
    }
    Ok(found)
}

fn sql(name: &str, value: &Value) -> Result<Sql, RecordError> {
    Ok(match value {
        Value::Null => Sql::Null,
        Value::Number(number) => match number.as_str().parse() {
            Ok(integer) => Sql::Integer(integer),
            Err(_) => Sql::Real(real(name, number)?),
        },
        Value::String(text) | Value::DateTime(text) => Sql::Text(text.clone()),
        Value::Bytes(bytes) => Sql::Blob(bytes.clone()),
        other => return refused(format!("the column `{name}` cannot hold {}", other.kind())),
    })
}

/// A number that a column can hold as it is.
fn real(name: &str, number: &Number) -> Result<f64, RecordError> {
    let parsed = number.to_json().and_then(|text| text.parse::<f64>().ok()).filter(|real| real.is_finite());
    match parsed.filter(|real| Number::new(format!("{real:?}")) == *number) {
        Some(real) => Ok(real),
        None => refused(format!("the column `{name}` cannot hold the number {number}, which has too many digits")),
    }
}

/// `p."a" = ?1 AND p."b" = ?2` for a row's primary key, its parameters counted from `from`; `of` is `p.` there.
fn where_key(table: &Table, row: &Row, of: &str, from: usize) -> Result<(String, Vec<Sql>), RecordError> {
    let (mut terms, mut values) = (Vec::new(), Vec::new());
    for (at, name) in table.key().iter().enumerate() {
        terms.push(format!("{of}{} = ?{}", quoted(name), from + at));
        values.push(sql(name, column(row, name).unwrap_or(&Value::Null))?);
    }
    Ok((terms.join(" AND "), values))
}

fn run(connection: &Connection, statement: &str, values: Vec<Sql>) -> Result<u64, RecordError> {
    Ok(connection.prepare_cached(statement)?.execute(params_from_iter(values))? as u64)
}

fn delete(connection: &Connection, table: &Table, row: &Row) -> Result<u64, RecordError> {
    let (key, values) = where_key(table, row, "", 1)?;
    run(connection, &format!("DELETE FROM {} WHERE {key}", quoted(&table.name)), values)
}

fn update(connection: &Connection, table: &Table, old: &Row, new: &Row) -> Result<u64, RecordError> {
    let differs = |c: &&Column| !c.key && column(old, &c.name) != column(new, &c.name);
    let changed: Vec<&Column> = table.columns.iter().filter(differs).collect();
    if changed.is_empty() {
        return Ok(0);
    }
    let (mut terms, mut values) = (Vec::new(), Vec::new());
    for (at, changed) in changed.iter().enumerate() {
        terms.push(format!("{} = ?{}", quoted(&changed.name), at + 1));
        values.push(sql(&changed.name, column(new, &changed.name).unwrap_or(&Value::Null))?);
    }
    let (key, keys) = where_key(table, old, "", values.len() + 1)?;
    values.extend(keys);
    run(connection, &format!("UPDATE {} SET {} WHERE {key}", quoted(&table.name), terms.join(", ")), values)
}

fn insert(connection: &Connection, table: &Table, row: &Row) -> Result<u64, RecordError> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (name, value) in row {
        names.push(quoted(name));
        values.push(sql(name, value)?);
    }
    for (name, text) in table.conditions.iter().filter(|(name, _)| column(row, name).is_none()) {
        names.push(quoted(name));
        values.push(Sql::Text(text.clone()));
    }
    let places: Vec<String> = (1..=values.len()).map(|at| format!("?{at}")).collect();
    let (table, names, places) = (quoted(&table.name), names.join(", "), places.join(", "));
    run(connection, &format!("INSERT INTO {table} ({names}) VALUES ({places})"), values)
}

/// Whether the database's own rules change more than what is written: those are its user's, and are let.
fn has_triggers(connection: &Connection, table: &Table) -> Result<bool, RecordError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)";
    Ok(connection.query_row(sql, [&table.name], |row| row.get(0))?)
}

/// Refuses to delete a row with which rows of another table would go, or change.
fn check_dependent(
    connection: &Connection,
    table: &Table,
    row: &Row,
    dependent: &ForeignKey,
) -> Result<(), RecordError> {
    let (key, values) = where_key(table, row, "p.", 1)?;
    let sql = dependent.exists(table, &key);
    if !connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))? {
        return Ok(());
    }
    let says: Vec<&str> = table.key().iter().filter_map(|name| column(row, name)?.as_text()).collect();
    refused(format!(
        "with the row {} of `{}` the database would change rows of `{}` that refer to it; change these first",
        says.join(", "),
        table.name,
        dependent.child
    ))
}

/// What was written must be what was put.
fn check(table: &Table, before: &HashMap<Vec<u8>, &Row>, wanted: &[Row], written: &[Row]) -> Result<(), RecordError> {
    let stands = by_key(table, written)?;
    for row in wanted {
        let key = key_of(table, row)?;
        let says: Vec<&str> = table.key().iter().filter_map(|name| column(row, name)?.as_text()).collect();
        let says = says.join(", ");
        let Some(found) = stands.get(&key) else {
            return refused(format!(
                "the row {says} would not be part of the portion: the selector's condition is not met"
            ));
        };
        for Column { name, .. } in &table.columns {
            let same = match (column(row, name), column(found, name)) {
                (Some(put), Some(stands)) => stands.agrees(put),
                // A new row gets the column's default.
                (None, stands) => stands.is_none() || !before.contains_key(&key),
                (Some(_), None) => false,
            };
            if !same {
                return refused(format!("the database would not keep `{name}` of the row {says} as it was put"));
            }
        }
    }
    if stands.len() != wanted.len() {
        return refused("the database would keep other rows than were put".to_owned());
    }
    Ok(())
}
