//! Rows told apart by a key: a list of maps in the file, a map of rows in the group.
//!
//! The group's row is without its key, which is its name there. So the order of rows is not compared, two sides merge row by row, and files may
//! call the key differently. Each file keeps its own order of rows; a new one comes behind the row that it follows in the value.

use std::collections::{HashMap, HashSet};

use super::clause::cannot_say;
use crate::lens::{Format, LensError};
use crate::value::{Number, Value};

/// So many rows at most come or go one by one, each in its place; more at once are left to the format.
const MAX_STEPS: usize = 64;

/// So many columns are named at most.
const NAMED: usize = 20;

/// The rows of a list, by what they say under `key`.
///
/// # Errors
/// [`LensError::CannotSay`] for what is no list of maps, and for a row without a key of its own.
pub(super) fn by_key(value: Value, key: &str, format: Format) -> Result<Value, LensError> {
    let Value::Sequence(rows) = value else {
        let what = format!("{}, where the mapping's `key {key}` wants a list of rows", value.kind());
        return Err(cannot_say(format, &[], what));
    };
    let columns = |row: &Value| match row {
        Value::Map(members) => members.iter().take(NAMED).map(|(name, _)| format!("`{name}`")).collect(),
        _ => Vec::new(),
    };
    let named: Vec<String> = rows.first().map(columns).unwrap_or_default();
    if !named.is_empty() && rows.iter().all(|row| row.child(key).is_none()) {
        let what = format!("rows told apart by `{key}`: none has that, they have {}", named.join(", "));
        return Err(cannot_say(format, &[], what));
    }
    let mut seen = HashSet::new();
    let mut out: Vec<(String, Value)> = Vec::with_capacity(rows.len());
    for (at, row) in rows.into_iter().enumerate() {
        let wrong = |what: String| Err(cannot_say(format, &[at.to_string()], what));
        let Value::Map(mut members) = row else {
            return wrong(format!("{}, where the mapping's `key {key}` wants a row", row.kind()));
        };
        let Some(place) = members.iter().position(|(name, _)| name == key) else {
            return wrong(format!("a row without `{key}`, by which its mapping tells rows apart"));
        };
        let (_, name) = members.remove(place);
        let name = match name.as_text() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => {
                return wrong(format!(
                    "a row of which `{key}`, by which its mapping tells rows apart, is empty or no scalar"
                ));
            }
        };
        if !seen.insert(name.clone()) {
            return wrong(format!("a second row whose `{key}` is `{name}`, by which its mapping tells rows apart"));
        }
        out.push((name, Value::Map(members)));
    }
    Ok(Value::Map(out))
}

/// The list of these rows, in the order of `standing`, a list of rows; keys and scalars that are new there are of the kinds that their columns hold.
///
/// # Errors
/// [`LensError::CannotSay`] for what is no map of rows, and for a row that says something else under the name of the key.
pub(super) fn listed(value: Value, key: &str, standing: Option<&Value>, format: Format) -> Result<Value, LensError> {
    let Value::Map(rows) = value else {
        return Err(cannot_say(format, &[], format!("{}, where its mapping wants rows by their key", value.kind())));
    };
    let standing: &[Value] = match standing {
        Some(Value::Sequence(rows)) => rows,
        _ => &[],
    };
    let kinds = Kinds::of(standing);
    // Where nothing tells what keys are, they are numbers if all of them say one.
    let is_number = |name: &str| Number::read(name).is_some_and(|number| number.is_decimal());
    let numbers = standing.is_empty() && rows.iter().all(|(name, _)| is_number(name));
    let name_of = |row: &Value| row.child(key).and_then(Value::as_text).map(str::to_owned);
    let was: HashMap<String, &Value> = standing.iter().filter_map(|row| Some((name_of(row)?, row))).collect();
    // New rows, by the row that they follow.
    let mut behind: HashMap<Option<String>, Vec<Value>> = HashMap::new();
    let mut kept: HashMap<String, Value> = HashMap::new();
    let mut before = None;
    for (name, row) in rows {
        let Value::Map(mut members) = row else {
            return Err(cannot_say(format, &[name], format!("{}, where its mapping wants a row", row.kind())));
        };
        if members.iter().any(|(known, _)| known == key) {
            return Err(cannot_say(
                format,
                &[name, key.to_owned()],
                "this: it is the key by which its mapping tells rows apart",
            ));
        }
        let old = was.get(&name).copied();
        let own = Value::String(name.clone());
        let own = match old.and_then(|old| old.child(key)) {
            Some(own) => own.clone(),
            None if numbers => Number::read(&name).map_or(own, Value::Number),
            None => kinds.read(key, own),
        };
        for (name, member) in &mut members {
            // A cell says itself what it holds, unless it is empty or holds what its column's others do not.
            if old.and_then(|old| old.child(name)).is_none_or(is_apart) {
                let read = kinds.read(name, std::mem::replace(member, Value::Null));
                *member = read;
            }
        }
        members.insert(place_of_key(key, old.or(standing.first())).min(members.len()), (key.to_owned(), own));
        match old {
            Some(old) => {
                before = Some(name.clone());
                kept.insert(name, Value::Map(members).settled(old));
            }
            None => behind.entry(before.clone()).or_default().push(Value::Map(members)),
        }
    }
    let mut out = behind.remove(&None).unwrap_or_default();
    for row in standing {
        let Some(name) = name_of(row) else { continue };
        if let Some(row) = kept.remove(&name) {
            out.push(row);
            out.extend(behind.remove(&Some(name)).unwrap_or_default());
        }
    }
    Ok(Value::Sequence(out))
}

fn place_of_key(key: &str, row: Option<&Value>) -> usize {
    match row {
        Some(Value::Map(members)) => members.iter().position(|(name, _)| name == key).unwrap_or(0),
        _ => 0,
    }
}

/// Whether a cell is empty, or text that is no spelling of anything else: what comes in its place may be of another kind.
fn is_apart(cell: &Value) -> bool {
    match cell {
        Value::Null => true,
        Value::String(text) => Number::read(text).is_none() && !matches!(&text[..], "true" | "false"),
        _ => false,
    }
}

/// What the columns of a table hold: the first number, boolean or date-time of each, unless more of it is text; then the first text.
struct Kinds<'a>(HashMap<&'a str, &'a Value>);

impl<'a> Kinds<'a> {
    fn of(rows: &'a [Value]) -> Kinds<'a> {
        // Each column's first text and first other scalar, and how many more others than texts it has.
        let mut columns: HashMap<&str, (Option<&Value>, Option<&Value>, i64)> = HashMap::new();
        let maps = rows.iter().filter_map(|row| if let Value::Map(members) = row { Some(members) } else { None });
        for (name, value) in maps.flatten().filter(|(_, value)| value.as_text().is_some_and(|text| !text.is_empty())) {
            let (text, other, more) = columns.entry(name).or_default();
            if matches!(value, Value::String(_)) {
                text.get_or_insert(value);
                *more -= 1;
            } else {
                other.get_or_insert(value);
                *more += 1;
            }
        }
        let kind = |(name, (text, other, more)): (&'a str, (Option<&'a Value>, Option<&'a Value>, i64))| {
            let (first, second) = if more >= 0 { (other, text) } else { (text, other) };
            first.or(second).map(|kind| (name, kind))
        };
        Kinds(columns.into_iter().filter_map(kind).collect())
    }

    fn read(&self, column: &str, value: Value) -> Value {
        match self.0.get(column) {
            Some(kind) => value.coerced(kind).into_owned(),
            None => value,
        }
    }
}

/// [`Format::update`] of a list of rows: those that go and those that come one after the other, so that no other is taken for one of them.
///
/// # Errors
/// Those of the format.
pub(super) fn update(
    format: Format,
    text: &[u8],
    standing: &Value,
    wanted: &Value,
    key: &str,
) -> Result<Vec<u8>, LensError> {
    let (Value::Sequence(old), Value::Sequence(new)) = (standing, wanted) else {
        return format.update(text, wanted);
    };
    let name = |row: &Value| row.child(key).and_then(Value::as_text).map(str::to_owned);
    let old_names: HashSet<Option<String>> = old.iter().map(name).collect();
    let new_names: HashSet<Option<String>> = new.iter().map(name).collect();
    let gone = old.iter().filter(|row| !new_names.contains(&name(row))).count();
    let came = new.iter().filter(|row| !old_names.contains(&name(row))).count();
    if gone + came == 0 || gone + came > MAX_STEPS || format.is_table() {
        return format.update(text, wanted);
    }
    // New rows come before old ones go, so that these show them their style.
    let wanted_row: HashMap<Option<String>, &Value> = new.iter().map(|row| (name(row), row)).collect();
    let mut rows: Vec<Value> = old.iter().map(|row| (*wanted_row.get(&name(row)).unwrap_or(&row)).clone()).collect();
    let mut text = format.update(text, &Value::Sequence(rows.clone()))?;
    let mut before = None;
    for row in new {
        let own = name(row);
        if !old_names.contains(&own) {
            let at = rows.iter().position(|row| name(row) == before).map_or(0, |at| at + 1);
            rows.insert(if before.is_none() { 0 } else { at }, row.clone());
            text = format.update(&text, &Value::Sequence(rows.clone()))?;
        }
        before = own;
    }
    for at in (0..rows.len()).rev() {
        if !new_names.contains(&name(&rows[at])) {
            rows.remove(at);
            text = format.update(&text, &Value::Sequence(rows.clone()))?;
        }
    }
    format.update(&text, wanted)
}
