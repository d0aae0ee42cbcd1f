//! A worksheet's cells, written: the edits of its part.

use super::sheet::{Row, Sheet};
use super::strings;
use crate::lens::office::a1::{self, Area, Pos};
use crate::lens::office::book::Change;
use crate::lens::office::dates;
use crate::lens::office::xml::Node;
use crate::lens::{Edit, LensError};
use crate::value::Value;

fn refused(why: impl Into<String>) -> LensError {
    LensError::Refused(why.into())
}

/// The edits that make these changes, which are sorted by row and column.
pub(super) fn plan(sheet: &Sheet<'_>, changes: &[Change]) -> Result<Vec<Edit>, LensError> {
    let mut edits = Vec::new();
    let mut reach: Option<Area> = None;
    // Texts of rows that are added at one place follow each other.
    let mut added: Vec<(usize, String)> = Vec::new();
    for of_row in changes.chunk_by(|a, b| a.pos.row == b.pos.row) {
        let row = of_row[0].pos.row;
        match sheet.row(row) {
            Some(row) => in_row(sheet, row, of_row, &mut edits)?,
            None => {
                let cells = of_row.iter().map(|change| new_cell(sheet, change));
                let cells = cells.collect::<Result<Vec<String>, LensError>>()?.concat();
                if !cells.is_empty() {
                    let name = format!("{}row", sheet.tree.prefix(sheet.data));
                    let text = format!("<{name} r=\"{}\">{cells}</{name}>", row + 1);
                    let next = sheet.rows.partition_point(|known| known.row < row);
                    let at = sheet
                        .rows
                        .get(next)
                        .map_or(sheet.tree.inner(sheet.data).end, |row| sheet.tree.span(row.node).start);
                    match added.last_mut().filter(|(last, _)| *last == at) {
                        Some((_, rows)) => rows.push_str(&text),
                        None => added.push((at, text)),
                    }
                }
            }
        }
        for change in of_row.iter().filter(|change| !matches!(change.value, Value::Null)) {
            reach = Some(reach.map_or(Area { first: change.pos, last: change.pos }, |area| joined(area, change.pos)));
        }
    }
    if !added.is_empty() && !sheet.is_placed {
        return Err(refused("the sheet's rows do not say their numbers, so none can be added"));
    }
    for (at, text) in added {
        if sheet.tree.is_closed(sheet.data) {
            edits.push(opened(sheet, sheet.data, &text));
        } else {
            edits.push(Edit { span: at..at, text: text.into_bytes() });
        }
    }
    edits.extend(reach.and_then(|reach| dimension(sheet, reach)));
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    Ok(edits)
}

fn joined(area: Area, pos: Pos) -> Area {
    let first = Pos { row: area.first.row.min(pos.row), column: area.first.column.min(pos.column) };
    let last = Pos { row: area.last.row.max(pos.row), column: area.last.column.max(pos.column) };
    Area { first, last }
}

/// An element that was written as one tag, with this inside.
fn opened(sheet: &Sheet<'_>, node: Node, inner: &str) -> Edit {
    let end = sheet.tree.open(node).end;
    let slash = sheet.tree.source()[..end].rfind('/').unwrap_or(end - 1);
    Edit { span: slash..end, text: format!(">{inner}</{}>", sheet.tree.full_name(node)).into_bytes() }
}

/// What the sheet says about its extent, where it must say more.
fn dimension(sheet: &Sheet<'_>, reach: Area) -> Option<Edit> {
    let tree = &sheet.tree;
    let (_, value) = tree.attribute_span(tree.child(tree.root(), "dimension")?, "ref")?;
    let said = a1::area(&tree.source()[value.clone()])?;
    let area = joined(joined(said, reach.first), reach.last);
    (area != said).then(|| Edit { span: value, text: area.to_string().into_bytes() })
}

fn in_row(sheet: &Sheet<'_>, row: &Row, changes: &[Change], edits: &mut Vec<Edit>) -> Result<(), LensError> {
    let tree = &sheet.tree;
    let mut added: Vec<(usize, String)> = Vec::new();
    let mut last_added: Option<(u32, u32)> = None;
    for change in changes {
        if let Some(node) = sheet.cell(change.pos) {
            let text = cell(sheet, node, change)?;
            edits.push(Edit { span: tree.span(node), text: text.into_bytes() });
            continue;
        }
        let text = new_cell(sheet, change)?;
        if text.is_empty() {
            continue;
        }
        let column = change.pos.column;
        let next = row.cells.partition_point(|(known, _)| *known < column);
        let at = row.cells.get(next).map_or(tree.inner(row.node).end, |(_, node)| tree.span(*node).start);
        last_added = Some((last_added.map_or(column, |(first, _)| first), column));
        match added.last_mut().filter(|(last, _)| *last == at) {
            Some((_, cells)) => cells.push_str(&text),
            None => added.push((at, text)),
        }
    }
    if !added.is_empty() && !sheet.is_placed {
        return Err(refused(format!(
            "the cells of row `{}` do not say their places, so none can be added",
            row.row + 1
        )));
    }
    for (at, text) in added {
        if tree.is_closed(row.node) {
            edits.push(opened(sheet, row.node, &text));
        } else {
            edits.push(Edit { span: at..at, text: text.into_bytes() });
        }
    }
    edits.extend(last_added.and_then(|reach| spans(sheet, row, reach)));
    Ok(())
}

/// What the row says about its extent, where it must say more.
fn spans(sheet: &Sheet<'_>, row: &Row, (first, last): (u32, u32)) -> Option<Edit> {
    let (_, value) = sheet.tree.attribute_span(row.node, "spans")?;
    let said = &sheet.tree.source()[value.clone()];
    let (from, to) = said.split_once(':')?;
    let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
    let wanted = format!("{}:{}", from.min(first + 1), to.max(last + 1));
    (wanted != said).then(|| Edit { span: value, text: wanted.into_bytes() })
}

/// A cell that is not there yet; nothing for a blank one.
fn new_cell(sheet: &Sheet<'_>, change: &Change) -> Result<String, LensError> {
    if matches!(change.value, Value::Null) {
        return Ok(String::new());
    }
    let style = change.like.and_then(|like| sheet.style(like)).or_else(|| sheet.style(change.pos));
    let mut tag = format!("{}c r=\"{}\"", sheet.tree.prefix(sheet.data), change.pos);
    if let Some(style) = style {
        tag.push_str(&format!(" s=\"{style}\""));
    }
    written(sheet, &tag, style, change)
}

/// The cell that stands there, with its other value.
fn cell(sheet: &Sheet<'_>, node: Node, change: &Change) -> Result<String, LensError> {
    let mut tag = sheet.tree.full_name(node).to_owned();
    for (name, value) in sheet.tree.raw_attributes(node).filter(|(name, _)| *name != "t") {
        tag.push_str(&format!(" {name}=\"{}\"", value.replace('"', "&quot;")));
    }
    let style = sheet.style(change.pos);
    written(sheet, &tag, style, change)
}

/// A cell's element; `tag` is its name and what it says beside its type.
fn written(sheet: &Sheet<'_>, tag: &str, style: Option<u32>, change: &Change) -> Result<String, LensError> {
    let name = tag.split(' ').next().unwrap_or_default();
    let prefix = sheet.tree.prefix(sheet.data);
    let of = |kind: &str, text: &str| format!("<{tag}{kind}><{prefix}v>{text}</{prefix}v></{name}>");
    Ok(match &change.value {
        Value::Null => format!("<{tag}/>"),
        Value::Bool(truth) => of(" t=\"b\"", if *truth { "1" } else { "0" }),
        Value::Number(number) => {
            let text = number.to_json().filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
            let text = text
                .ok_or_else(|| refused(format!("`{number}` is no number that the cell `{}` can hold", change.pos)))?;
            if !matches!(sheet.shown(&text, style)?, Some(Value::Number(_))) {
                return Err(refused(format!(
                    "the cell `{}` shows dates: put one as `2024-01-31`, or text",
                    change.pos
                )));
            }
            of("", &text)
        }
        Value::String(text) | Value::DateTime(text) => match date(sheet, style, change.pos, text)? {
            Some(serial) => of("", &serial),
            None => {
                let text = strings::encoded(text)?;
                let space = if text.trim() == text && !text.contains('\n') { "" } else { " xml:space=\"preserve\"" };
                format!("<{tag} t=\"inlineStr\"><{prefix}is><{prefix}t{space}>{text}</{prefix}t></{prefix}is></{name}>")
            }
        },
        other => return Err(refused(format!("the cell `{}` cannot hold {}", change.pos, other.kind()))),
    })
}

/// The number of a date, where the cell's format shows dates and the text is one.
fn date(sheet: &Sheet<'_>, style: Option<u32>, pos: Pos, text: &str) -> Result<Option<String>, LensError> {
    let shows = sheet.shows(style)?;
    if shows == dates::Shows::Number || !dates::looks_like_one(text) {
        return Ok(None);
    }
    let serial = dates::from_iso(text, sheet.book.is_1904);
    let back = serial.as_deref().and_then(|serial| dates::to_iso(serial, shows, sheet.book.is_1904));
    match (serial, back) {
        (Some(serial), Some(back)) if back == text => Ok(Some(serial)),
        (_, Some(back)) => Err(refused(format!("the cell `{pos}` would show `{text}` as `{back}`: put it so"))),
        _ => Err(refused(format!("the cell `{pos}` shows dates, and `{text}` is none that it can hold"))),
    }
}
