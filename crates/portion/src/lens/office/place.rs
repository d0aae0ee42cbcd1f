//! Selectors of spreadsheets.

use super::a1::{self, Area, COLUMNS, Pos, ROWS};
use crate::lens::LensError;

/// What an expression means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) of: Of,
    /// Whether the first row names the columns.
    pub(super) has_header: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    Sheet(String, Cells),
    Name(String),
    Table(String),
}

/// Which cells of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    /// All that it holds.
    All,
    /// `A1:C6`.
    Fixed(Area),
    /// `A:C` and `A2:C`: from a row on, as far as something stands there.
    From(Area),
}

const SHAPES: &str = "write `Sheet!A1`, `Sheet!A1:C6`, `Sheet!A2:C` (from row 2 on), `Sheet!` (all of it), `name:NAME` or `table:NAME`; \
                      `rows:` in front makes the first row the header; a sheet's name may stand in single quotes";

pub(super) fn parsed(scheme: &'static str, expression: &str) -> Result<Place, LensError> {
    let wrong = |why: &str| LensError::Selector { scheme, selector: expression.to_owned(), why: why.to_owned() };
    let (rest, has_header) = match expression.strip_prefix("rows:") {
        Some(rest) => (rest, true),
        None => (expression, false),
    };
    if let Some(name) = rest.strip_prefix("name:").filter(|name| !name.is_empty()) {
        return Ok(Place { of: Of::Name(name.to_owned()), has_header });
    }
    if let Some(name) = rest.strip_prefix("table:").filter(|name| !name.is_empty()) {
        return Ok(Place { of: Of::Table(name.to_owned()), has_header: true });
    }
    let (sheet, range) = a1::sheet(rest).ok_or_else(|| wrong(SHAPES))?;
    let cells = cells(range).ok_or_else(|| wrong(SHAPES))?;
    if has_header && matches!(cells, Cells::Fixed(area) if area.height() < 2) {
        return Err(wrong("a header and a row below it are two rows at least"));
    }
    Ok(Place { of: Of::Sheet(sheet, cells), has_header })
}

fn cells(range: &str) -> Option<Cells> {
    if range.is_empty() {
        return Some(Cells::All);
    }
    if let Some(area) = a1::area(range) {
        return Some(Cells::Fixed(area));
    }
    let (first, last) = range.split_once(':')?;
    let (letters, number) = a1::parts(first);
    let row = if number.is_empty() { 0 } else { a1::row(number)? };
    let last = Pos { row: ROWS - 1, column: a1::column(last)? };
    let first = Pos { row, column: a1::column(letters)? };
    (first.column <= last.column).then_some(Cells::From(Area { first, last }))
}

impl Cells {
    pub(super) fn area(self) -> Area {
        match self {
            Cells::All => Area { first: Pos { row: 0, column: 0 }, last: Pos { row: ROWS - 1, column: COLUMNS - 1 } },
            Cells::Fixed(area) | Cells::From(area) => area,
        }
    }
}
