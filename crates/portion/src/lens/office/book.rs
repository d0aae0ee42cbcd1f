//! Spreadsheets by sheet and cell: what XLSX and ODS have in common.
//!
//! # Selectors
//! `Sheet!B2` is one cell, `Sheet!A1:C6` a range, `Sheet!A2:C` three columns from the second row on as far as something stands there, `Sheet!` all
//! of a sheet; `name:Budget` is what a defined name means, `table:Q3` a table. A table, and a range behind `rows:`, has a header: its
//! value is a list of maps. A portion in which every cell is blank is missing; to insert it is to fill it, to remove it is to clear it.
//!
//! # What is written
//! Only cells that differ. A formula shows the value that its program last computed, and is never overwritten; nor are the cells that a merged
//! one covers. Formats stay: a cell that shows dates takes dates.

use std::rc::Rc;

use super::a1::{self, Area, Pos};
use super::cells::{self, Rows};
use super::place::{self, Cells, Of, Place};
use crate::lens::{Edit, Format, Fragment, Item, Lens, LensError};
use crate::nearest::nearest;
use crate::value::Value;

/// The most cells of a portion.
const MAX_CELLS: usize = 2 << 20;

/// A workbook that was opened.
pub(crate) trait Book {
    /// The sheets' names, in their order.
    fn sheets(&self) -> &[String];
    /// Defined names that mean one range: the sheet's number and the range; `None` for what means something else.
    fn names(&self) -> &[Name];
    fn tables(&self) -> &[Table];
    fn grid(&self, sheet: usize) -> Result<Rc<dyn Grid + '_>, LensError>;
    /// The edits of the file, given those of the sheet's part and a table's new range.
    fn save(&self, sheet: usize, edits: Vec<Edit>, resized: Option<(&Table, Area)>) -> Result<Vec<Edit>, LensError>;
}

/// A defined name and what it means.
pub(crate) type Name = (String, Option<(usize, Area)>);

/// A range that has a header.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) sheet: usize,
    /// Header and rows, without a row of totals.
    pub(crate) area: Area,
    /// Whether it has a header row. Without one it cannot be read as records.
    pub(crate) has_header: bool,
    /// Why it cannot grow.
    pub(crate) fixed: Option<&'static str>,
    /// The part that says so.
    pub(crate) part: String,
}

/// One cell's new value.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) pos: Pos,
    pub(crate) value: Value,
    /// Whose format a new cell takes, in a row that is added.
    pub(crate) like: Option<Pos>,
}

/// A sheet's cells.
pub(crate) trait Grid {
    /// Calls `each` with every cell in the area that is not blank, in order.
    fn cells(&self, area: Area, each: &mut dyn FnMut(Pos, Value) -> Result<(), LensError>) -> Result<(), LensError>;
    /// The first cell in the area that holds a formula whose value no program has computed yet.
    fn uncomputed(&self, area: Area) -> Option<Pos>;
    /// Why the cell must not be written: a formula, part of a merged cell.
    fn locked(&self, pos: Pos) -> Option<String>;
    /// The edits of the sheet's part. The changes are sorted by row and column.
    fn plan(&self, changes: &[Change]) -> Result<Vec<Edit>, LensError>;
}

/// A spreadsheet format.
pub(crate) struct Spreadsheet {
    pub(crate) scheme: &'static str,
    pub(crate) open: for<'a> fn(&'a [u8]) -> Opened<'a>,
}

/// A workbook over a file's bytes.
pub(crate) type Opened<'a> = Result<Box<dyn Book + 'a>, LensError>;

/// How a portion's cells become a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Cell,
    /// As many rows and columns as the range has.
    Fixed,
    /// Columns are fixed; the last row is the last one that is not blank.
    Open,
    /// Every row ends with its last cell that is not blank.
    Ragged,
    Records,
}

/// A portion, located.
struct Found<'b> {
    sheet: usize,
    grid: Rc<dyn Grid + 'b>,
    /// All cells that it may hold.
    area: Area,
    shape: Shape,
    table: Option<Table>,
}

fn refused(why: impl Into<String>) -> LensError {
    LensError::Refused(why.into())
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Null)
}

impl Spreadsheet {
    fn found<'b>(&self, book: &'b dyn Book, expression: &str) -> Result<Found<'b>, LensError> {
        self.found_in(book, expression, &mut None)
    }

    /// The same with the sheet that was read last, and is not read again.
    fn found_in<'b>(
        &self,
        book: &'b dyn Book,
        expression: &str,
        last: &mut Option<(usize, Rc<dyn Grid + 'b>)>,
    ) -> Result<Found<'b>, LensError> {
        let Place { of, has_header } = place::parsed(self.scheme, expression)?;
        let missing = |what: String| LensError::Missing {
            selector: expression.to_owned(),
            nearest: nearest(&what, selectors(book)),
        };
        let (sheet, cells, table) = match of {
            Of::Sheet(name, cells) => {
                let sheet = book.sheets().iter().position(|known| *known == name);
                (sheet.ok_or_else(|| missing(format!("{}!", a1::quoted(&name))))?, cells, None)
            }
            Of::Name(name) => {
                let known = book.names().iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
                let (_, means) = known.ok_or_else(|| missing(expression.to_owned()))?;
                let (sheet, area) = means.ok_or_else(|| {
                    refused(format!("the name `{name}` means something else than one range of cells"))
                })?;
                (sheet, Cells::Fixed(area), None)
            }
            Of::Table(name) => {
                let table = book.tables().iter().find(|table| table.name.eq_ignore_ascii_case(&name));
                let table = table.ok_or_else(|| missing(expression.to_owned()))?;
                if !table.has_header {
                    return Err(refused(format!("the table `{name}` has no header row; address its cells")));
                }
                (table.sheet, Cells::Fixed(table.area), Some(table.clone()))
            }
        };
        let area = cells.area();
        let shape = match cells {
            _ if has_header => Shape::Records,
            Cells::All => Shape::Ragged,
            Cells::From(_) => Shape::Open,
            Cells::Fixed(area) if area.width() == 1 && area.height() == 1 => Shape::Cell,
            Cells::Fixed(_) => Shape::Fixed,
        };
        let grid = match last {
            Some((known, grid)) if *known == sheet => grid.clone(),
            _ => book.grid(sheet)?,
        };
        *last = Some((sheet, grid.clone()));
        Ok(Found { sheet, grid, area, shape, table })
    }

    fn edits(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let book = (self.open)(file)?;
        let found = self.found(book.as_ref(), expression)?;
        let standing = found.rows()?;
        let wanted = found.wanted(fragment)?;
        if wanted.iter().flatten().all(is_blank) {
            return Err(refused("every cell would be blank; what is to hold nothing is removed"));
        }
        let resized = found.resized(book.as_ref(), wanted.len())?;
        let changes = found.changes(&standing, &wanted);
        found.allow(book.as_ref(), &changes)?;
        book.save(found.sheet, found.grid.plan(&changes)?, found.table.as_ref().zip(resized))
    }
}

/// What stands in a book, as expressions: sheets, names, tables.
fn selectors(book: &dyn Book) -> Vec<String> {
    let sheets = book.sheets().iter().map(|name| format!("{}!", a1::quoted(name)));
    let names = book.names().iter().filter(|(_, means)| means.is_some()).map(|(name, _)| format!("name:{name}"));
    let tables = book.tables().iter().map(|table| format!("table:{}", table.name));
    sheets.chain(names).chain(tables).collect()
}

impl Found<'_> {
    /// The cells that are not blank, by row; rows end with their last such cell.
    fn rows(&self) -> Result<Rows, LensError> {
        let mut rows: Rows = Vec::new();
        let mut count = 0;
        let first = self.area.first;
        self.grid.cells(self.area, &mut |pos, value| {
            let (row, column) = ((pos.row - first.row) as usize, (pos.column - first.column) as usize);
            if rows.len() <= row {
                count += row + 1 - rows.len();
                rows.resize_with(row + 1, Vec::new);
            }
            let cells = &mut rows[row];
            count += (column + 1).saturating_sub(cells.len());
            if count > MAX_CELLS {
                return Err(LensError::TooLarge(format!("the portion has more than {MAX_CELLS} cells")));
            }
            cells.resize((column + 1).max(cells.len()), Value::Null);
            cells[column] = value;
            Ok(())
        })?;
        Ok(rows)
    }

    fn fragment(&self, expression: &str) -> Result<Fragment, LensError> {
        let mut rows = self.rows()?;
        if rows.is_empty() {
            if let Some(pos) = self.grid.uncomputed(self.area) {
                return Err(refused(format!(
                    "the formula in `{pos}` has no computed value yet: open the file in the program that computes it, and save it there"
                )));
            }
            return Err(LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() });
        }
        match self.shape {
            Shape::Cell => {
                let cell = rows.into_iter().flatten().next().unwrap_or(Value::Null);
                return Ok(Fragment { format: Format::Cells, text: cells::scalar(&cell)?.into_bytes() });
            }
            Shape::Fixed => self.pad(&mut rows, self.area.height())?,
            Shape::Open => {
                let height = rows.len();
                self.pad(&mut rows, height)?;
            }
            Shape::Ragged => {}
            Shape::Records => {
                let header = self.header(&rows)?;
                let width = header.len();
                rows.iter_mut().for_each(|row| row.resize(width, Value::Null));
                return Ok(Fragment { format: Format::Records, text: cells::written(&rows)? });
            }
        }
        Ok(Fragment { format: Format::Cells, text: cells::written(&rows)? })
    }

    fn pad(&self, rows: &mut Rows, height: usize) -> Result<(), LensError> {
        if height.saturating_mul(self.area.width()) > MAX_CELLS {
            return Err(LensError::TooLarge(format!("the portion has more than {MAX_CELLS} cells")));
        }
        rows.resize(height, Vec::new());
        rows.iter_mut().for_each(|row| row.resize(self.area.width(), Value::Null));
        Ok(())
    }

    /// The header's names. Columns of a whole sheet end with the last that has one.
    fn header(&self, rows: &[Vec<Value>]) -> Result<Vec<String>, LensError> {
        let first = rows.first().map(Vec::as_slice).unwrap_or_default();
        let all = self.area.last.column == a1::COLUMNS - 1;
        let width = if all { first.len() } else { self.area.width() };
        let mut names: Vec<String> = Vec::new();
        for column in 0..width {
            let pos = Pos { row: self.area.first.row, column: self.area.first.column + column as u32 };
            let name = match first.get(column) {
                None | Some(Value::Null) => return Err(refused(format!("the header's cell `{pos}` is blank"))),
                Some(Value::String(name)) if !name.is_empty() => name.clone(),
                Some(other) => {
                    return Err(refused(format!("the header's cell `{pos}` holds {}, not text", other.kind())));
                }
            };
            if names.contains(&name) {
                return Err(refused(format!("the header names `{name}` twice, again in `{pos}`")));
            }
            names.push(name);
        }
        match rows.iter().position(|row| row.len() > width) {
            Some(at) => {
                Err(refused(format!("row {} has more cells than the header", self.area.first.row as usize + at + 1)))
            }
            None => Ok(names),
        }
    }

    /// The fragment as rows of this place.
    fn wanted(&self, fragment: &Fragment) -> Result<Rows, LensError> {
        let format = if self.shape == Shape::Records { Format::Records } else { Format::Cells };
        if fragment.format != format {
            let found = fragment.format;
            return Err(refused(format!("this portion is written as {format}, and the fragment is {found}")));
        }
        let (height, width) = (self.area.height(), self.area.width());
        let rows = match (cells::rows(&fragment.text)?, self.shape) {
            (Err(cell), Shape::Cell) => vec![vec![cell]],
            (Ok(rows), Shape::Cell) if rows.len() == 1 && rows[0].len() == 1 => rows,
            (Ok(rows), shape) if shape != Shape::Cell => rows,
            (Ok(_), _) => return Err(refused("one cell takes one scalar, not rows")),
            (Err(_), _) => return Err(refused("a range takes a list of rows, not one scalar")),
        };
        if self.shape == Shape::Fixed && (rows.len() != height || rows.iter().any(|row| row.len() != width)) {
            let widest = rows.iter().map(Vec::len).max().unwrap_or_default();
            return Err(refused(format!(
                "`{}` has `{height}` rows of `{width}` cells, and the fragment `{}` of `{widest}`",
                self.area,
                rows.len()
            )));
        }
        if self.shape == Shape::Records {
            let standing = self.rows()?;
            let given: Vec<&str> = rows.first().into_iter().flatten().filter_map(Value::as_text).collect();
            let names = match standing.is_empty() && self.table.is_none() {
                // Nothing stands there: the header comes with the rows.
                true => self.header(&rows)?,
                false => self.header(&standing)?,
            };
            if names != given {
                return Err(refused(format!(
                    "the header is `{}`, and the fragment's `{}`",
                    names.join(", "),
                    given.join(", ")
                )));
            }
        } else if let Some(row) = rows.iter().find(|row| row.len() > width) {
            return Err(refused(format!("a row of `{}` cells does not fit into `{width}` columns", row.len())));
        }
        if rows.len() > height && self.table.is_none() {
            return Err(refused(format!(
                "the fragment has `{}` rows, and `{}` only `{height}`: name a range with more rows",
                rows.len(),
                self.area
            )));
        }
        Ok(rows)
    }

    /// The range that a table needs for so many rows, header included, if that is another one.
    fn resized(&self, book: &dyn Book, rows: usize) -> Result<Option<Area>, LensError> {
        let Some(table) = self.table.as_ref().filter(|_| rows > self.area.height()) else { return Ok(None) };
        let cannot = |why: &str| Err(refused(format!("the table `{}` cannot grow: {why}", table.name)));
        if let Some(why) = table.fixed {
            return cannot(why);
        }
        let last = self.area.first.row as usize + rows - 1;
        let Some(last) = u32::try_from(last).ok().filter(|last| *last < a1::ROWS) else {
            return cannot("the sheet ends");
        };
        let new = Area { last: Pos { row: last, ..self.area.last }, ..self.area };
        let below = Area { first: Pos { row: self.area.last.row + 1, ..self.area.first }, ..new };
        let mut stands = None;
        self.grid.cells(below, &mut |pos, _| {
            stands.get_or_insert(pos);
            Ok(())
        })?;
        if let Some(pos) = stands {
            return cannot(&format!("something stands below it, in `{pos}`"));
        }
        let others = book.tables().iter().filter(|other| other.sheet == table.sheet && other.name != table.name);
        if let Some(other) = others.into_iter().find(|other| other.area.meets(&new)) {
            return cannot(&format!("the table `{}` stands below it", other.name));
        }
        Ok(Some(new))
    }

    fn changes(&self, standing: &[Vec<Value>], wanted: &[Vec<Value>]) -> Vec<Change> {
        let blank = Value::Null;
        let mut changes = Vec::new();
        for row in 0..standing.len().max(wanted.len()) {
            let (old, new) = (standing.get(row), wanted.get(row));
            let width = old.map_or(0, Vec::len).max(new.map_or(0, Vec::len));
            for column in 0..width {
                let was = old.and_then(|cells| cells.get(column)).unwrap_or(&blank);
                let is = new.and_then(|cells| cells.get(column)).unwrap_or(&blank);
                if is_same(was, is) {
                    continue;
                }
                let first = self.area.first;
                let pos = Pos { row: first.row + row as u32, column: first.column + column as u32 };
                let added = row >= standing.len() && standing.len() > 1;
                let like = added.then(|| Pos { row: first.row + standing.len() as u32 - 1, ..pos });
                changes.push(Change { pos, value: is.clone(), like });
            }
        }
        changes
    }

    /// Refuses what must not be written, naming the cell.
    fn allow(&self, book: &dyn Book, changes: &[Change]) -> Result<(), LensError> {
        match changes.iter().find_map(|change| Some((change.pos, self.grid.locked(change.pos)?))) {
            None => Ok(()),
            Some((pos, why)) => {
                Err(refused(format!("the cell `{}!{pos}` {why}", a1::quoted(&book.sheets()[self.sheet]))))
            }
        }
    }
}

/// The same cell, as it is written.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.to_json() == b.to_json(),
        _ => a == b,
    }
}

impl Lens for Spreadsheet {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let book = (self.open)(file)?;
        self.found(book.as_ref(), expression)?.fragment(expression)
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        self.edits(file, expression, fragment)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if file.is_empty() {
            return Err(refused("an empty file is no workbook; make one with a spreadsheet program first"));
        }
        match self.edits(file, expression, fragment) {
            Err(LensError::Missing { .. }) => {
                Err(refused(format!("`{expression}` names no sheet, name or table of this file, and none is made")))
            }
            planned => planned,
        }
    }

    fn fitted(&self, _file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        let Ok(place) = place::parsed(self.scheme, expression) else { return fragment };
        let ragged = matches!(place.of, Of::Sheet(_, Cells::All)) && !place.has_header;
        let open = ragged || place.has_header || matches!(place.of, Of::Sheet(_, Cells::From(_)));
        let Some(mut rows) = cells::rows(&fragment.text).ok().and_then(Result::ok) else { return fragment };
        if ragged {
            rows.iter_mut()
                .for_each(|row| row.truncate(row.iter().rposition(|cell| !is_blank(cell)).map_or(0, |at| at + 1)));
        }
        if open {
            rows.truncate(rows.iter().rposition(|row| !row.iter().all(is_blank)).map_or(0, |at| at + 1));
        }
        let cell = match place.of {
            Of::Sheet(_, Cells::Fixed(area)) if area.first == area.last => rows.first().and_then(|row| row.first()),
            _ => None,
        };
        let text = match cell {
            Some(cell) if rows.len() == 1 && rows[0].len() == 1 => cells::scalar(cell).map(String::into_bytes),
            _ => cells::written(&rows),
        };
        Fragment { text: text.unwrap_or(fragment.text), ..fragment }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        (self.open)(file).is_ok_and(|book| self.found(book.as_ref(), expression).is_ok())
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let book = (self.open)(file)?;
        let found = self.found(book.as_ref(), expression)?;
        if found.table.is_some() {
            return Err(refused("a table is not removed, only its rows: put the header alone"));
        }
        let standing = found.rows()?;
        if standing.is_empty() {
            return Err(LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() });
        }
        let changes = found.changes(&standing, &[]);
        found.allow(book.as_ref(), &changes)?;
        book.save(found.sheet, found.grid.plan(&changes)?, None)
    }

    fn is_position(&self, _: &[u8], _: &str) -> bool {
        true
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let book = (self.open)(file)?;
        let (mut items, mut last) = (Vec::new(), None);
        for selector in selectors(book.as_ref()) {
            let found = match self.found_in(book.as_ref(), &selector, &mut last) {
                Ok(found) => found,
                // A name or a table that cannot be read is told by `omitted`.
                Err(LensError::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            match found.fragment(&selector) {
                Ok(_) => {}
                Err(LensError::Missing { .. } | LensError::Refused(_) | LensError::TooLarge(_)) => continue,
                Err(error) => return Err(error),
            }
            let kind = match (&found.table, found.shape) {
                (Some(_), _) => "table",
                (None, Shape::Ragged) => "sheet",
                (None, Shape::Cell) => "cell",
                (None, _) => "range",
            };
            let rows = found.rows()?.len();
            let first = found.area.first.row as usize + 1;
            items.push(Item { selector, kind, lines: (first, first + rows.max(1) - 1) });
        }
        Ok(items)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let book = (self.open)(file)?;
        let mut last = None;
        let tell = |selector: String| {
            let found = self.found_in(book.as_ref(), &selector, &mut last);
            match found.and_then(|found| found.fragment(&selector)) {
                Err(error @ (LensError::Refused(_) | LensError::TooLarge(_))) => Some(error),
                _ => None,
            }
        };
        Ok(selectors(book.as_ref()).into_iter().filter_map(tell).collect())
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match place::parsed(self.scheme, expression) {
            Ok(Place { has_header: true, .. }) => Format::Records,
            _ => Format::Cells,
        }
    }

    fn words(&self) -> &'static [&'static str] {
        &["name", "rows", "table"]
    }
}
