//! A sheet's cells, read: rows and cells as runs, as they are written.

use super::text;
use crate::lens::office::a1::{Area, COLUMNS, Pos, ROWS};
use crate::lens::office::book::{Change, Grid};
use crate::lens::office::dates;
use crate::lens::office::xml::{Node, Tree};
use crate::lens::{Edit, LensError, MAX_DEPTH};
use crate::value::{Number, Value};

pub(super) struct Sheet<'b> {
    pub(super) tree: &'b Tree,
    pub(super) rows: Vec<Row>,
    /// Ranges that one formula fills.
    arrays: Vec<Area>,
}

/// Equal rows, `count` of them.
pub(super) struct Row {
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) node: Node,
    pub(super) cells: Vec<Cell>,
}

/// Equal cells, `count` of them.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) node: Node,
}

pub(super) const ROWS_REPEATED: &str = "table:number-rows-repeated";
pub(super) const COLUMNS_REPEATED: &str = "table:number-columns-repeated";

impl<'b> Sheet<'b> {
    pub(super) fn read(tree: &'b Tree, table: Node) -> Result<Sheet<'b>, LensError> {
        let mut sheet = Sheet { tree, rows: Vec::new(), arrays: Vec::new() };
        sheet.rows_in(table, 0)?;
        sheet.arrays = sheet.arrays();
        Ok(sheet)
    }

    fn rows_in(&mut self, node: Node, depth: usize) -> Result<(), LensError> {
        if depth > MAX_DEPTH {
            return Err(LensError::TooLarge("rows are nested too deep".to_owned()));
        }
        for child in self.tree.children(node) {
            match self.tree.full_name(child) {
                "table:table-header-rows" | "table:table-rows" | "table:table-row-group" => {
                    self.rows_in(child, depth + 1)?
                }
                "table:table-row" => self.row_at(child)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn row_at(&mut self, node: Node) -> Result<(), LensError> {
        let start = self.rows.last().map_or(0, |row| row.start + row.count);
        let count = self.count(node, ROWS_REPEATED, ROWS - start)?;
        let mut cells: Vec<Cell> = Vec::new();
        for child in self.tree.children(node) {
            if !matches!(self.tree.full_name(child), "table:table-cell" | "table:covered-table-cell") {
                continue;
            }
            let start = cells.last().map_or(0, |cell| cell.start + cell.count);
            let count = self.count(child, COLUMNS_REPEATED, COLUMNS - start)?;
            if count > 0 {
                cells.push(Cell { start, count, node: child });
            }
        }
        if count > 0 {
            self.rows.push(Row { start, count, node, cells });
        }
        Ok(())
    }

    /// How many it stands for; no more than there is room for.
    fn count(&self, node: Node, name: &str, room: u32) -> Result<u32, LensError> {
        match self.tree.attribute(node, name) {
            None => Ok(room.min(1)),
            Some(text) => match text.parse::<u64>() {
                Ok(count @ 1..) => Ok(u32::try_from(count).unwrap_or(u32::MAX).min(room)),
                _ => Err(self.tree.fault(node, format!("`{text}` is no number of repetitions"))),
            },
        }
    }

    fn arrays(&self) -> Vec<Area> {
        let mut arrays = Vec::new();
        for row in &self.rows {
            for cell in &row.cells {
                let number =
                    |name: &str| self.tree.attribute(cell.node, name).and_then(|text| text.parse::<u32>().ok());
                let rows = number("table:number-matrix-rows-spanned");
                if let Some((rows, columns)) = rows.zip(number("table:number-matrix-columns-spanned")) {
                    let first = Pos { row: row.start, column: cell.start };
                    let last = Pos {
                        row: first.row.saturating_add(rows.saturating_sub(1)),
                        column: first.column.saturating_add(columns.saturating_sub(1)),
                    };
                    arrays.push(Area { first, last });
                }
            }
        }
        arrays
    }

    pub(super) fn row(&self, row: u32) -> Option<&Row> {
        let at = self.rows.partition_point(|known| known.start + known.count <= row);
        self.rows.get(at)
    }

    pub(super) fn cell(&self, pos: Pos) -> Option<Cell> {
        let cells = &self.row(pos.row)?.cells;
        let at = cells.partition_point(|known| known.start + known.count <= pos.column);
        cells.get(at).copied()
    }

    /// What kind of value a cell holds: `float`, `date`; empty for none.
    pub(super) fn kind(&self, node: Node) -> String {
        self.tree.attribute(node, "office:value-type").unwrap_or_default().into_owned()
    }

    fn paragraphs(&self, node: Node) -> Result<Option<String>, LensError> {
        let tree = self.tree;
        let mut lines: Vec<String> = Vec::new();
        for child in tree.children(node).filter(|child| tree.full_name(*child) == "text:p") {
            lines.push(text::paragraph(tree, child)?.0);
        }
        Ok((!lines.is_empty()).then(|| lines.join("\n")))
    }

    fn value(&self, pos: Pos, node: Node) -> Result<Value, LensError> {
        let tree = self.tree;
        let said = |name: &str| {
            let value = tree.attribute(node, name);
            value.ok_or_else(|| tree.fault(node, format!("the cell {pos} lacks its `{name}`")))
        };
        let is_error = tree.attribute(node, "calcext:value-type").as_deref() == Some("error");
        Ok(match self.kind(node).as_str() {
            "float" | "percentage" | "currency" => {
                let text = said("office:value")?;
                let json = Number::new(text.trim()).to_json();
                let json =
                    json.ok_or_else(|| tree.fault(node, format!("the cell {pos} holds `{text}`, which is no number")))?;
                Value::Number(Number::new(json))
            }
            "date" => Value::String(said("office:date-value")?.into_owned()),
            "time" => Value::String(clock(&said("office:time-value")?)),
            "boolean" => match &*said("office:boolean-value")? {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => return Err(tree.fault(node, format!("the cell {pos} holds `{other}`, which is no boolean"))),
            },
            "string" => match tree.attribute(node, "office:string-value").filter(|_| !is_error) {
                Some(text) => Value::String(text.into_owned()),
                None => Value::String(self.paragraphs(node)?.unwrap_or_default()),
            },
            "" | "void" => self.paragraphs(node)?.filter(|text| !text.is_empty()).map_or(Value::Null, Value::String),
            other => return Err(tree.fault(node, format!("the cell {pos} has the type `{other}`, which is not known"))),
        })
    }
}

/// `PT10H30M00S` as `10:30:00`; other durations as they stand.
fn clock(duration: &str) -> String {
    let read = || {
        let (hours, rest) = duration.strip_prefix("PT")?.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let (seconds, rest) = rest.split_once('S')?;
        let clock = format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}");
        (rest.is_empty() && dates::is_one(&clock) && duration_of(&clock) == duration).then_some(clock)
    };
    read().unwrap_or_else(|| duration.to_owned())
}

/// `10:30:00` as `PT10H30M00S`.
pub(super) fn duration_of(clock: &str) -> String {
    let mut fields = clock.splitn(3, ':');
    let mut next = || fields.next().unwrap_or("00");
    format!("PT{}H{}M{}S", next(), next(), next())
}

impl Grid for Sheet<'_> {
    fn cells(&self, area: Area, each: &mut dyn FnMut(Pos, Value) -> Result<(), LensError>) -> Result<(), LensError> {
        let from = self.rows.partition_point(|row| row.start + row.count <= area.first.row);
        for run in self.rows[from..].iter().take_while(|row| row.start <= area.last.row) {
            let from = run.cells.partition_point(|cell| cell.start + cell.count <= area.first.column);
            let cells = run.cells[from..].iter().take_while(|cell| cell.start <= area.last.column);
            let mut values = Vec::new();
            for cell in cells {
                match self.value(Pos { row: run.start, column: cell.start }, cell.node)? {
                    Value::Null => {}
                    value => values.push((*cell, value)),
                }
            }
            if values.is_empty() {
                continue;
            }
            for row in run.start.max(area.first.row)..=(run.start + run.count - 1).min(area.last.row) {
                for (cell, value) in &values {
                    for column in
                        cell.start.max(area.first.column)..=(cell.start + cell.count - 1).min(area.last.column)
                    {
                        each(Pos { row, column }, value.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn uncomputed(&self, area: Area) -> Option<Pos> {
        let cells = self.rows.iter().flat_map(|row| row.cells.iter().map(|cell| (row.start, cell)));
        let mut formulas = cells.filter(|(_, cell)| self.tree.attribute(cell.node, "table:formula").is_some());
        let place = |row, cell: &Cell| Pos { row, column: cell.start };
        let is_blank =
            |row, cell: &Cell| self.value(place(row, cell), cell.node).is_ok_and(|value| value == Value::Null);
        let mut blank =
            formulas.by_ref().filter(|(row, cell)| area.contains(place(*row, cell)) && is_blank(*row, cell));
        blank.next().map(|(row, cell)| place(row, cell))
    }

    fn locked(&self, pos: Pos) -> Option<String> {
        let tree = self.tree;
        if let Some(area) = self.arrays.iter().find(|area| area.contains(pos)) {
            return Some(format!("is filled by the formula in `{}`, and formulas are not overwritten", area.first));
        }
        let cell = self.cell(pos)?;
        if tree.full_name(cell.node) == "table:covered-table-cell" {
            return Some("is covered by a merged cell".to_owned());
        }
        if tree.attribute(cell.node, "table:formula").is_some() {
            return Some("holds a formula, and formulas are not overwritten".to_owned());
        }
        let is_plain = |child: Node| match tree.full_name(child) {
            "text:p" => matches!(text::paragraph(tree, child), Ok((_, true))),
            "office:annotation" => true,
            _ => false,
        };
        (!tree.children(cell.node).all(is_plain))
            .then(|| "holds more than a value (a link, a field, a picture)".to_owned())
    }

    fn plan(&self, changes: &[Change]) -> Result<Vec<Edit>, LensError> {
        super::write::plan(self, changes)
    }
}
