//! A worksheet's cells, read.

use super::{ORIGIN, Workbook, strings};
use crate::lens::office::a1::{self, Area, COLUMNS, Pos, ROWS};
use crate::lens::office::book::{Change, Grid};
use crate::lens::office::dates::{self, Shows};
use crate::lens::office::xml::{Node, Tree};
use crate::lens::{Edit, LensError};
use crate::value::{Number, Value};

pub(super) struct Sheet<'b> {
    pub(super) tree: Tree,
    pub(super) book: &'b Workbook<'b>,
    pub(super) data: Node,
    pub(super) rows: Vec<Row>,
    /// Whether every row and cell says its place.
    pub(super) is_placed: bool,
    merges: Vec<Area>,
    /// Ranges that one formula fills.
    arrays: Vec<Area>,
    /// First and last column, and the format of their blank cells.
    columns: Vec<(u32, u32, u32)>,
}

pub(super) struct Row {
    pub(super) row: u32,
    pub(super) node: Node,
    pub(super) cells: Vec<(u32, Node)>,
}

impl<'b> Sheet<'b> {
    pub(super) fn read(tree: Tree, book: &'b Workbook<'b>) -> Result<Sheet<'b>, LensError> {
        let root = tree.root();
        let data = tree.child(root, "sheetData").ok_or_else(|| tree.fault(root, "a sheet without its cells"))?;
        let mut rows = Vec::new();
        let mut is_placed = true;
        let mut next = 0;
        for node in tree.named(data, "row") {
            let said = tree.attribute(node, "r");
            is_placed &= said.is_some();
            let row = match said {
                Some(said) => a1::row(said.trim()).ok_or_else(|| tree.fault(node, format!("`{said}` is no row")))?,
                None => next,
            };
            if row < next || row >= ROWS {
                return Err(tree.fault(node, format!("row {} stands in a wrong place", row + 1)));
            }
            next = row + 1;
            let cells = cells(&tree, node, row, &mut is_placed)?;
            rows.push(Row { row, node, cells });
        }
        let merges = tree.child(root, "mergeCells").into_iter().flat_map(|merges| tree.named(merges, "mergeCell"));
        let merges = merges.filter_map(|node| a1::area(&tree.attribute(node, "ref")?)).collect();
        let columns = tree.child(root, "cols").into_iter().flat_map(|columns| tree.named(columns, "col"));
        let columns = columns
            .filter_map(|node| {
                let number = |name: &str| tree.attribute(node, name)?.parse::<u32>().ok();
                Some((number("min")?.checked_sub(1)?, number("max")?.checked_sub(1)?, number("style")?))
            })
            .collect();
        let mut sheet = Sheet { data, rows, is_placed, merges, arrays: Vec::new(), columns, tree, book };
        sheet.arrays = sheet.arrays();
        Ok(sheet)
    }

    fn arrays(&self) -> Vec<Area> {
        let tree = &self.tree;
        let cells = self.rows.iter().flat_map(|row| &row.cells);
        let formulas = cells.filter_map(|(_, node)| tree.child(*node, "f"));
        let filling =
            formulas.filter(|node| matches!(tree.attribute(*node, "t").as_deref(), Some("array" | "dataTable")));
        filling.filter_map(|node| a1::area(&tree.attribute(node, "ref")?)).collect()
    }

    pub(super) fn row(&self, row: u32) -> Option<&Row> {
        self.rows.binary_search_by_key(&row, |row| row.row).ok().map(|at| &self.rows[at])
    }

    pub(super) fn cell(&self, pos: Pos) -> Option<Node> {
        let cells = &self.row(pos.row)?.cells;
        cells.binary_search_by_key(&pos.column, |(column, _)| *column).ok().map(|at| cells[at].1)
    }

    fn number(&self, node: Node, name: &str) -> Option<u32> {
        self.tree.attribute(node, name)?.trim().parse().ok()
    }

    /// The format of a cell; of one that is not there what it would have by its row or column.
    pub(super) fn style(&self, pos: Pos) -> Option<u32> {
        if let Some(node) = self.cell(pos) {
            return self.number(node, "s");
        }
        let row =
            self.row(pos.row).filter(|row| super::is_true(self.tree.attribute(row.node, "customFormat").as_deref()));
        let column = || {
            self.columns.iter().find(|(first, last, _)| (*first..=*last).contains(&pos.column)).map(|column| column.2)
        };
        row.and_then(|row| self.number(row.node, "s")).or_else(column)
    }

    pub(super) fn shows(&self, style: Option<u32>) -> Result<Shows, LensError> {
        let styles = self.book.styles()?;
        Ok(styles.get(style.unwrap_or(0) as usize).copied().unwrap_or(Shows::Number))
    }

    /// What a number means in a cell of this format.
    pub(super) fn shown(&self, written: &str, style: Option<u32>) -> Result<Option<Value>, LensError> {
        let shows = self.shows(style)?;
        if let Some(iso) = dates::to_iso(written, shows, self.book.is_1904) {
            return Ok(Some(Value::String(iso)));
        }
        let number = Number::new(written);
        Ok(number.to_json().map(|json| Value::Number(Number::new(json))))
    }

    fn value(&self, pos: Pos, node: Node) -> Result<Value, LensError> {
        let tree = &self.tree;
        let kind = tree.attribute(node, "t").unwrap_or_default();
        if kind == "inlineStr" {
            let item = tree.child(node, "is");
            return item.map_or(Ok(Value::Null), |item| strings::plain(tree, item).map(Value::String));
        }
        let Some(inner) = tree.child(node, "v") else { return Ok(Value::Null) };
        let text = tree.text(inner)?;
        let wrong = |what: &str| tree.fault(node, format!("the cell {pos} holds `{text}`, which is no {what}"));
        Ok(match &*kind {
            "str" => Value::String(strings::decoded(&text)),
            "e" | "d" => Value::String(text.into_owned()),
            "s" => {
                let at = text.trim().parse::<usize>().map_err(|_| wrong("number of a shared string"))?;
                let shared = self.book.strings()?.get(at).ok_or_else(|| wrong("number of a shared string"))?;
                Value::String(shared.clone())
            }
            "b" => Value::Bool(match text.trim() {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(wrong("boolean")),
            }),
            "" | "n" if text.trim().is_empty() => Value::Null,
            "" | "n" => {
                let style = self.number(node, "s");
                self.shown(text.trim(), style)?.ok_or_else(|| wrong("number"))?
            }
            other => return Err(tree.fault(node, format!("the cell {pos} has the type `{other}`, which is not known"))),
        })
    }
}

fn cells(tree: &Tree, row_node: Node, row: u32, is_placed: &mut bool) -> Result<Vec<(u32, Node)>, LensError> {
    let mut cells = Vec::new();
    let mut next = ORIGIN.column;
    for node in tree.named(row_node, "c") {
        let said = tree.attribute(node, "r");
        *is_placed &= said.is_some();
        let column = match said {
            Some(said) => {
                let pos = a1::pos(said.trim()).filter(|pos| pos.row == row);
                pos.ok_or_else(|| tree.fault(node, format!("`{said}` is no cell of row {}", row + 1)))?.column
            }
            None => next,
        };
        if column < next || column >= COLUMNS {
            return Err(tree.fault(node, format!("the cell {} stands in a wrong place", Pos { row, column })));
        }
        next = column + 1;
        cells.push((column, node));
    }
    Ok(cells)
}

impl Grid for Sheet<'_> {
    fn cells(&self, area: Area, each: &mut dyn FnMut(Pos, Value) -> Result<(), LensError>) -> Result<(), LensError> {
        let from = self.rows.partition_point(|row| row.row < area.first.row);
        for row in self.rows[from..].iter().take_while(|row| row.row <= area.last.row) {
            let from = row.cells.partition_point(|(column, _)| *column < area.first.column);
            for (column, node) in row.cells[from..].iter().take_while(|(column, _)| *column <= area.last.column) {
                let pos = Pos { row: row.row, column: *column };
                match self.value(pos, *node)? {
                    Value::Null => {}
                    value => each(pos, value)?,
                }
            }
        }
        Ok(())
    }

    fn uncomputed(&self, area: Area) -> Option<Pos> {
        let within = |(row, (column, node)): (u32, &(u32, Node))| {
            let pos = Pos { row, column: *column };
            (area.contains(pos) && self.tree.child(*node, "f").is_some()).then_some((pos, *node))
        };
        let cells = self.rows.iter().flat_map(|row| row.cells.iter().map(|cell| (row.row, cell)));
        let mut formulas = cells.filter_map(within);
        formulas.find(|(pos, node)| self.value(*pos, *node).is_ok_and(|value| value == Value::Null)).map(|(pos, _)| pos)
    }

    fn locked(&self, pos: Pos) -> Option<String> {
        let tree = &self.tree;
        let covered = self.merges.iter().find(|area| area.contains(pos) && area.first != pos);
        if let Some(area) = covered {
            return Some(format!("is covered by the merged cell `{}`", area.first));
        }
        if let Some(area) = self.arrays.iter().find(|area| area.contains(pos)) {
            return Some(format!("is filled by the formula in `{}`, and formulas are not overwritten", area.first));
        }
        let node = self.cell(pos)?;
        if tree.child(node, "f").is_some() {
            return Some("holds a formula, and formulas are not overwritten".to_owned());
        }
        let plain = tree.children(node).all(|child| tree.is(child, "v") || tree.is(child, "is"));
        let is_rich = tree.attribute(node, "vm").is_some() || tree.attribute(node, "cm").is_some();
        (!plain || is_rich).then(|| "holds more than a value (a picture, a linked data type)".to_owned())
    }

    fn plan(&self, changes: &[Change]) -> Result<Vec<Edit>, LensError> {
        super::write::plan(self, changes)
    }
}
