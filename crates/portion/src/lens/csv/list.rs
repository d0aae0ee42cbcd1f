//! What a table has that can be addressed: itself, its columns, its rows by the first column.

use std::collections::HashMap;

use super::record::Record;
use super::table::Table;
use crate::lens::words::{Place, written};
use crate::lens::{Item, LensError, Position, body};

/// So many faults are told at most.
const MAX_FAULTS: usize = 50;

/// A table that was read to its end.
struct Overview {
    rows: Vec<Listed>,
    /// What is wrong with a column, if anything is.
    columns: Vec<Option<LensError>>,
    /// What is wrong with a row, if anything is.
    fault: Option<LensError>,
    /// How many rows have a key.
    keys: HashMap<Vec<u8>, usize>,
    last_line: usize,
}

struct Listed {
    record: Record,
    lines: (usize, usize),
    key: Option<Vec<u8>>,
    fault: Option<LensError>,
}

fn overview(table: &Table<'_>) -> Result<Overview, LensError> {
    let mut reader = table.reader();
    let mut counted = (0, 1);
    let mut line_of = |at: usize| {
        counted.1 += memchr::memchr_iter(b'\n', &table.file[counted.0..at]).count();
        counted.0 = at;
        counted.1
    };
    let names = table.check_names();
    let mut all = Overview {
        rows: Vec::new(),
        columns: vec![None; table.names.len()],
        fault: names.err(),
        keys: HashMap::new(),
        last_line: 1,
    };
    if let Some((record, _)) = &table.header {
        line_of(record.start);
        all.last_line = line_of(record.end);
    }
    while let Some(record) = reader.next()? {
        let lines = (line_of(record.start), line_of(record.end));
        let mut fault = table.check_width(&reader.fields).err();
        let mut key = None;
        for (column, found) in all.columns.iter_mut().enumerate() {
            match table.text(&reader.fields, column) {
                Ok(text) if column == 0 => key = Some(text.into_owned()),
                Ok(_) => {}
                Err(error) => {
                    fault.get_or_insert_with(|| error.clone());
                    found.get_or_insert(error);
                }
            }
        }
        if let Some(key) = &key {
            *all.keys.entry(key.clone()).or_default() += 1;
        }
        if all.fault.is_none() {
            all.fault.clone_from(&fault);
        }
        all.last_line = lines.1;
        all.rows.push(Listed { record, lines, key, fault });
    }
    Ok(all)
}

/// Everything that can be taken out.
pub(super) fn items(table: &Table<'_>) -> Result<Vec<Item>, LensError> {
    let all = overview(table)?;
    let first_line = table.header.as_ref().map_or(1, |(record, _)| Position::at(table.file, record.start).line);
    let lines = (first_line, all.last_line);
    let mut items = Vec::new();
    if all.fault.is_none() {
        items.push(Item { selector: "rows".to_owned(), kind: "table", lines });
    }
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    table.names.iter().for_each(|name| *counts.entry(&name[..]).or_default() += 1);
    for (name, fault) in table.names.iter().zip(&all.columns) {
        if let (Ok(text), None, Some(1)) = (std::str::from_utf8(name), fault, counts.get(&name[..])) {
            items.push(Item { selector: format!("col {}", written(text, Place::Last)), kind: "column", lines });
        }
    }
    if counts.len() < table.names.len() {
        return Ok(items);
    }
    let Some(Ok(name)) = table.names.first().map(|name| std::str::from_utf8(name)) else { return Ok(items) };
    let name = written(name, Place::BeforeEquals);
    for row in all.rows.iter().filter(|row| row.fault.is_none()) {
        let Some(key) = row.key.as_ref().filter(|key| all.keys.get(*key) == Some(&1)) else { continue };
        if let Ok(key) = std::str::from_utf8(key) {
            let selector = format!("row {name}={}", written(key, Place::Text));
            items.push(Item { selector, kind: "row", lines: row.lines });
        }
    }
    Ok(items)
}

/// Rows that no selector by the first column means, and rows and columns that cannot be read.
pub(super) fn omitted(table: &Table<'_>) -> Result<Vec<LensError>, LensError> {
    let all = overview(table)?;
    let mut errors: Vec<LensError> = table.check_names().err().into_iter().collect();
    let Some(Ok(name)) = table.names.first().map(|name| std::str::from_utf8(name)) else { return Ok(errors) };
    let mut several: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut order: Vec<&[u8]> = Vec::new();
    for row in &all.rows {
        errors.extend(row.fault.clone());
        let Some(key) = row.key.as_deref().filter(|key| all.keys.get(*key).is_some_and(|count| *count > 1)) else {
            continue;
        };
        if !several.contains_key(key) {
            order.push(key);
        }
        several.entry(key).or_default().push(row.record.start);
        if errors.len() >= MAX_FAULTS || order.len() >= MAX_FAULTS {
            break;
        }
    }
    for key in order {
        let Ok(text) = std::str::from_utf8(key) else { continue };
        errors.push(LensError::Ambiguous {
            selector: format!("row {}={}", written(name, Place::BeforeEquals), written(text, Place::Text)),
            lines: body::line_numbers(table.file, several.remove(key).into_iter().flatten()),
        });
    }
    Ok(errors)
}
