//! A sheet's cells, written: the edits of the content's part.

use super::sheet::{COLUMNS_REPEATED, Cell, ROWS_REPEATED, Row, Sheet, duration_of};
use super::text;
use crate::lens::office::book::Change;
use crate::lens::office::dates;
use crate::lens::office::xml::{Node, escaped};
use crate::lens::{Edit, LensError, apply};
use crate::value::Value;

fn refused(why: impl Into<String>) -> LensError {
    LensError::Refused(why.into())
}

/// What a cell says about its value: it goes when another value comes.
const VALUE: &[&str] = &[
    "office:value-type",
    "office:value",
    "office:date-value",
    "office:time-value",
    "office:boolean-value",
    "office:string-value",
    "calcext:value-type",
    COLUMNS_REPEATED,
];

/// The edits that make these changes, which are sorted by row and column.
pub(super) fn plan(sheet: &Sheet<'_>, changes: &[Change]) -> Result<Vec<Edit>, LensError> {
    let mut edits = Vec::new();
    let end = sheet.rows.last().map_or(0, |row| row.start + row.count);
    let inside = changes.partition_point(|change| change.pos.row < end);
    for of_run in changes[..inside].chunk_by(|a, b| run(sheet, a) == run(sheet, b)) {
        if let Some(row) = sheet.row(of_run[0].pos.row) {
            in_run(sheet, row, of_run, &mut edits)?;
        }
    }
    let added: Vec<Change> =
        changes[inside..].iter().filter(|change| !matches!(change.value, Value::Null)).cloned().collect();
    if !added.is_empty() {
        let last = sheet.rows.last().ok_or_else(|| refused("the sheet has no row to write behind"))?;
        let at = sheet.tree.span(last.node).end;
        let text = new_rows(sheet, end, &added)?;
        // The last row may change, too: what is added stands behind that.
        match edits.iter_mut().find(|edit: &&mut Edit| edit.span.end == at && edit.span.start < at) {
            Some(edit) => edit.text.extend(text.into_bytes()),
            None => edits.push(Edit { span: at..at, text: text.into_bytes() }),
        }
    }
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    Ok(edits)
}

fn run(sheet: &Sheet<'_>, change: &Change) -> Option<u32> {
    sheet.row(change.pos.row).map(|row| row.start)
}

/// An element as it stands, as so many of its kind.
fn copy(sheet: &Sheet<'_>, node: Node, attribute: &str, count: u32, edits: &[Edit]) -> Result<String, LensError> {
    let tree = sheet.tree;
    let span = tree.span(node);
    let mut all: Vec<Edit> = Vec::new();
    match (tree.attribute_span(node, attribute), count) {
        // With the blank before it.
        (Some((whole, _)), 1) => all.push(Edit { span: whole.start - 1..whole.end, text: Vec::new() }),
        (Some((_, value)), _) => all.push(Edit { span: value, text: count.to_string().into_bytes() }),
        (None, 1) => {}
        (None, _) => {
            let at = tree.open(node).start + 1 + tree.full_name(node).len();
            all.push(Edit { span: at..at, text: format!(" {attribute}=\"{count}\"").into_bytes() });
        }
    }
    all.extend_from_slice(edits);
    for edit in &mut all {
        edit.span = edit.span.start - span.start..edit.span.end - span.start;
    }
    let bytes = apply::splice(tree.source()[span].as_bytes(), &all)?;
    String::from_utf8(bytes).map_err(|_| refused("the content would be no UTF-8"))
}

/// Changes in one run of rows.
fn in_run(sheet: &Sheet<'_>, row: &Row, changes: &[Change], edits: &mut Vec<Edit>) -> Result<(), LensError> {
    if row.count == 1 {
        edits.extend(in_row(sheet, row, changes)?);
        return Ok(());
    }
    let mut text = String::new();
    let mut next = row.start;
    for of_row in changes.chunk_by(|a, b| a.pos.row == b.pos.row) {
        let at = of_row[0].pos.row;
        if at > next {
            text += &copy(sheet, row.node, ROWS_REPEATED, at - next, &[])?;
        }
        text += &copy(sheet, row.node, ROWS_REPEATED, 1, &in_row(sheet, row, of_row)?)?;
        next = at + 1;
    }
    if next < row.start + row.count {
        text += &copy(sheet, row.node, ROWS_REPEATED, row.start + row.count - next, &[])?;
    }
    edits.push(Edit { span: sheet.tree.span(row.node), text: text.into_bytes() });
    Ok(())
}

/// Changes in one row, as edits within its element.
fn in_row(sheet: &Sheet<'_>, row: &Row, changes: &[Change]) -> Result<Vec<Edit>, LensError> {
    let tree = sheet.tree;
    let end = row.cells.last().map_or(0, |cell| cell.start + cell.count);
    let inside = changes.partition_point(|change| change.pos.column < end);
    let mut edits = Vec::new();
    let of = |change: &Change| row.cells.partition_point(|cell| cell.start + cell.count <= change.pos.column);
    for of_cell in changes[..inside].chunk_by(|a, b| of(a) == of(b)) {
        let cell = row.cells[of(&of_cell[0])];
        edits.push(Edit { span: tree.span(cell.node), text: in_cells(sheet, cell, of_cell)?.into_bytes() });
    }
    let text = new_cells(sheet, end, &changes[inside..])?;
    if text.is_empty() {
        return Ok(edits);
    }
    if tree.is_closed(row.node) {
        let end = tree.open(row.node).end;
        let slash = tree.source()[..end].rfind('/').unwrap_or(end - 1);
        let text = format!(">{text}</{}>", tree.full_name(row.node));
        edits.push(Edit { span: slash..end, text: text.into_bytes() });
    } else {
        let at = tree.inner(row.node).end;
        match edits.last_mut().filter(|edit| edit.span.end == at) {
            Some(edit) => edit.text.extend(text.into_bytes()),
            None => edits.push(Edit { span: at..at, text: text.into_bytes() }),
        }
    }
    Ok(edits)
}

/// A run of cells, with changes.
fn in_cells(sheet: &Sheet<'_>, cell: Cell, changes: &[Change]) -> Result<String, LensError> {
    let mut text = String::new();
    let mut next = cell.start;
    for change in changes {
        let at = change.pos.column;
        if at > next {
            text += &copy(sheet, cell.node, COLUMNS_REPEATED, at - next, &[])?;
        }
        text += &written(sheet, Some(cell.node), change)?;
        next = at + 1;
    }
    if next < cell.start + cell.count {
        text += &copy(sheet, cell.node, COLUMNS_REPEATED, cell.start + cell.count - next, &[])?;
    }
    Ok(text)
}

/// Cells behind the last of a row, which ends before the column `end`.
fn new_cells(sheet: &Sheet<'_>, end: u32, changes: &[Change]) -> Result<String, LensError> {
    let mut text = String::new();
    let mut next = end;
    for change in changes.iter().filter(|change| !matches!(change.value, Value::Null)) {
        text += &blank("table:table-cell", COLUMNS_REPEATED, change.pos.column - next, "");
        text += &written(sheet, None, change)?;
        next = change.pos.column + 1;
    }
    Ok(text)
}

/// Rows behind the last of a sheet, which ends before the row `end`.
fn new_rows(sheet: &Sheet<'_>, end: u32, changes: &[Change]) -> Result<String, LensError> {
    let mut text = String::new();
    let mut next = end;
    for of_row in changes.chunk_by(|a, b| a.pos.row == b.pos.row) {
        let row = of_row[0].pos.row;
        text += &blank("table:table-row", ROWS_REPEATED, row - next, "<table:table-cell/>");
        text += &format!("<table:table-row>{}</table:table-row>", new_cells(sheet, 0, of_row)?);
        next = row + 1;
    }
    Ok(text)
}

/// So many blank cells or rows.
fn blank(name: &str, attribute: &str, count: u32, inside: &str) -> String {
    let repeated = if count > 1 { format!(" {attribute}=\"{count}\"") } else { String::new() };
    match (count, inside) {
        (0, _) => String::new(),
        (_, "") => format!("<{name}{repeated}/>"),
        _ => format!("<{name}{repeated}>{inside}</{name}>"),
    }
}

/// One cell with its new value.
fn written(sheet: &Sheet<'_>, node: Option<Node>, change: &Change) -> Result<String, LensError> {
    let tree = sheet.tree;
    let like = change.like.and_then(|like| sheet.cell(like)).map(|cell| cell.node);
    let mut tag = String::from("table:table-cell");
    if let Some(node) = node {
        for (name, value) in
            tree.raw_attributes(node).filter(|(name, _)| !VALUE.contains(name) && *name != "office:currency")
        {
            tag += &format!(" {name}=\"{}\"", value.replace('"', "&quot;"));
        }
    }
    // In a row that is added, cells are like those above.
    let style = |node: Node| tree.attribute(node, "table:style-name");
    if let Some(style) = like.filter(|_| node.is_none_or(|node| style(node).is_none())).and_then(style) {
        tag += &format!(" table:style-name=\"{}\"", escaped(&style));
    }
    let model = [node, like].into_iter().flatten().find(|node| !sheet.kind(*node).is_empty());
    let kind = model.map(|model| sheet.kind(model)).unwrap_or_default();
    let (attributes, inside) = content(&kind, change)?;
    if kind == "currency"
        && attributes.contains("\"currency\"")
        && let Some(currency) = model.and_then(|model| tree.attribute(model, "office:currency"))
    {
        tag += &format!(" office:currency=\"{}\"", escaped(&currency));
    }
    let kept = node.into_iter().flat_map(|node| tree.children(node)).filter(|child| tree.full_name(*child) != "text:p");
    let kept: String = kept.map(|child| &tree.source()[tree.span(child)]).collect();
    Ok(match kept.len() + inside.len() {
        0 => format!("<{tag}{attributes}/>"),
        _ => format!("<{tag}{attributes}>{kept}{inside}</table:table-cell>"),
    })
}

/// What a cell says about its value, and its paragraphs. `kind` is of the value that stands there.
fn content(kind: &str, change: &Change) -> Result<(String, String), LensError> {
    let pos = change.pos;
    let of = |kind: &str, name: &str, value: &str, shown: &str| -> Result<(String, String), LensError> {
        let attributes = format!(" office:value-type=\"{kind}\" office:{name}=\"{}\"", escaped(value));
        Ok((attributes, text::paragraphs(shown)?))
    };
    match &change.value {
        Value::Null => Ok((String::new(), String::new())),
        Value::Bool(truth) => {
            let (value, shown) = if *truth { ("true", "TRUE") } else { ("false", "FALSE") };
            of("boolean", "boolean-value", value, shown)
        }
        Value::Number(_) if matches!(kind, "date" | "time") => {
            Err(refused(format!("the cell `{pos}` holds a {kind}: put one as `2024-01-31` or `10:30:00`, or text")))
        }
        Value::Number(number) => {
            let text = number.to_json().filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
            let text =
                text.ok_or_else(|| refused(format!("`{number}` is no number that the cell `{pos}` can hold")))?;
            let kind = if matches!(kind, "percentage" | "currency") { kind } else { "float" };
            of(kind, "value", &text, &text)
        }
        Value::String(text) | Value::DateTime(text) => {
            let is_date = dates::looks_like_one(text);
            let is_clock = is_date && !text.contains('-');
            if is_date && matches!(kind, "date" | "time") && !dates::is_one(text) {
                return Err(refused(format!("the cell `{pos}` holds a {kind}, and `{text}` is none")));
            }
            match kind {
                "date" if is_date && !is_clock => of("date", "date-value", text, text),
                "time" if is_clock && text.len() >= 8 => of("time", "time-value", &duration_of(text), text),
                _ => Ok((" office:value-type=\"string\"".to_owned(), text::paragraphs(text)?)),
            }
        }
        other => Err(refused(format!("the cell `{pos}` cannot hold {}", other.kind()))),
    }
}
