//! Excel workbooks (ECMA-376, SpreadsheetML; `.xlsx` and `.xlsm`): see [`super::office::book`] for what is addressed and how.
//!
//! - A text that is written stands in its cell (`inlineStr`), so that the shared strings keep their bytes. Rich text is read as plain, and a changed
//!   one becomes plain.
//! - A number keeps its written form. Where the cell's format shows a date or a time it is read as ISO 8601, to the millisecond, in both
//!   calendars (1900 and 1904). Durations are numbers.
//! - Errors (`#N/A`) are read as text.
//! - Where the workbook has formulas, `fullCalcOnLoad` is set with the first edit, so that programs compute them anew.
//! - A table grows where nothing stands below it and it has neither totals nor computed columns. It never shrinks: rows that are taken away are left blank.

mod sheet;
mod strings;
mod write;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::office::a1::{self, Area, Pos};
use super::office::book::{Book, Grid, Name, Spreadsheet, Table};
use super::office::dates::Shows;
use super::office::opc::{Package, Relation};
use super::office::xml::{Node, Tree};
use super::zip::fault;
use super::{Edit, LensError, apply};

/// Excel workbooks.
pub(crate) const XLSX: Spreadsheet = Spreadsheet { scheme: "xlsx", open: |file| Ok(Box::new(Workbook::open(file)?)) };

/// How much of other sheets is searched for formulas, in bytes; beyond, there are said to be some.
const SEARCHED: usize = 256 << 20;

struct Workbook<'a> {
    package: Package<'a>,
    tree: Tree,
    /// Those that have cells, with their parts.
    names: Vec<String>,
    parts: Vec<String>,
    defined: Vec<Name>,
    tables: Vec<Table>,
    relations: Vec<Relation>,
    is_1904: bool,
    strings: OnceCell<Vec<String>>,
    styles: OnceCell<Vec<Shows>>,
}

impl<'a> Workbook<'a> {
    fn open(file: &'a [u8]) -> Result<Workbook<'a>, LensError> {
        let package = Package::open(file)?;
        let main = package.main()?;
        if main.ends_with(".bin") {
            return Err(fault("a binary workbook (.xlsb); save it as .xlsx"));
        }
        let tree = package.tree(&main)?;
        if !tree.is(tree.root(), "workbook") || !tree.namespace(tree.root()).contains("spreadsheetml") {
            return Err(fault("the archive is no Excel workbook"));
        }
        let relations = package.relations(&main)?;
        let (mut names, mut parts) = (Vec::new(), Vec::new());
        let sheets = tree.child(tree.root(), "sheets");
        for node in sheets.into_iter().flat_map(|sheets| tree.named(sheets, "sheet")) {
            let id = tree.local_attribute(node, "id").unwrap_or_default();
            let name = tree.attribute(node, "name").unwrap_or_default().into_owned();
            let sheet = relations.iter().find(|relation| relation.id == id && relation.kind == "worksheet");
            if let Some(sheet) = sheet {
                if names.contains(&name) {
                    return Err(tree.fault(node, format!("two sheets are called `{name}`")));
                }
                names.push(name);
                parts.push(sheet.part.clone());
            }
        }
        let properties = tree.child(tree.root(), "workbookPr");
        let is_1904 = properties.is_some_and(|node| is_true(tree.attribute(node, "date1904").as_deref()));
        let mut book = Workbook {
            package,
            tree,
            names,
            parts,
            defined: Vec::new(),
            tables: Vec::new(),
            relations,
            is_1904,
            strings: OnceCell::new(),
            styles: OnceCell::new(),
        };
        book.tables = book.read_tables()?;
        book.defined = book.read_names();
        Ok(book)
    }

    fn read_tables(&self) -> Result<Vec<Table>, LensError> {
        let mut tables = Vec::new();
        for (sheet, part) in self.parts.iter().enumerate() {
            for relation in self.package.relations(part)?.into_iter().filter(|relation| relation.kind == "table") {
                let tree = self.package.tree(&relation.part)?;
                tables.extend(table(&tree, sheet));
            }
        }
        Ok(tables)
    }

    fn part_of(&self, kind: &str) -> Option<&str> {
        self.relations.iter().find(|relation| relation.kind == kind).map(|relation| relation.part.as_str())
    }

    fn strings(&self) -> Result<&[String], LensError> {
        if self.strings.get().is_none() {
            let strings = match self.part_of("sharedStrings") {
                Some(part) => strings::shared(&self.package.tree(part)?)?,
                None => Vec::new(),
            };
            let _ = self.strings.set(strings);
        }
        Ok(self.strings.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// What each cell format shows, by its number.
    fn styles(&self) -> Result<&[Shows], LensError> {
        if self.styles.get().is_none() {
            let styles = match self.part_of("styles") {
                Some(part) => styles(&self.package.tree(part)?),
                None => Vec::new(),
            };
            let _ = self.styles.set(styles);
        }
        Ok(self.styles.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// Whether any sheet has a formula.
    fn has_formulas(&self) -> Result<bool, LensError> {
        if self.part_of("calcChain").is_some() {
            return Ok(true);
        }
        let mut searched = 0;
        for part in &self.parts {
            let bytes = self.package.bytes(part)?;
            searched += bytes.len();
            let starts = memchr::memmem::find_iter(&bytes, b"f").any(|at| is_formula(&bytes, at));
            if starts || searched > SEARCHED {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The workbook's part, saying that all is to be computed anew when it is loaded. `None` where it says so already.
    fn recalculating(&self) -> Result<Option<Vec<u8>>, LensError> {
        let tree = &self.tree;
        let edit = match tree.child(tree.root(), "calcPr") {
            Some(node) => match tree.attribute_span(node, "fullCalcOnLoad") {
                Some((_, value)) if is_true(Some(&tree.source()[value.clone()])) => return Ok(None),
                Some((_, value)) => Edit { span: value, text: b"1".to_vec() },
                None => {
                    let at = tree.open(node).start + 1 + tree.full_name(node).len();
                    Edit { span: at..at, text: b" fullCalcOnLoad=\"1\"".to_vec() }
                }
            },
            None => {
                const BEFORE: &[&str] = &["sheets", "functionGroups", "externalReferences", "definedNames"];
                let last =
                    tree.children(tree.root()).filter(|node| BEFORE.iter().any(|name| tree.is(*node, name))).last();
                let Some(last) = last else { return Ok(None) };
                let at = tree.span(last).end;
                let text = format!("<{}calcPr fullCalcOnLoad=\"1\"/>", tree.prefix(tree.root()));
                Edit { span: at..at, text: text.into_bytes() }
            }
        };
        apply::splice(tree.source().as_bytes(), &[edit]).map(Some)
    }

    /// A table's part with its new range.
    fn resized(&self, table: &Table, area: Area) -> Result<Vec<u8>, LensError> {
        let tree = self.package.tree(&table.part)?;
        let filter = tree.child(tree.root(), "autoFilter");
        let spans =
            [Some(tree.root()), filter].into_iter().flatten().filter_map(|node| tree.attribute_span(node, "ref"));
        let edits: Vec<Edit> =
            spans.map(|(_, value)| Edit { span: value, text: area.to_string().into_bytes() }).collect();
        apply::splice(tree.source().as_bytes(), &edits)
    }
}

fn is_true(text: Option<&str>) -> bool {
    matches!(text, Some("1" | "true"))
}

/// Whether the `f` at this place is the name of an element, with any prefix.
fn is_formula(bytes: &[u8], at: usize) -> bool {
    let ends = matches!(bytes.get(at + 1), Some(b'>' | b' ' | b'/' | b'\n' | b'\r' | b'\t'));
    let before = &bytes[at.saturating_sub(16)..at];
    let prefix = before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b':').count();
    let has_colon = prefix == 0 || before.last() == Some(&b':');
    ends && has_colon && before.iter().rev().nth(prefix) == Some(&b'<')
}

/// A table's name and range; `None` for one whose range cannot be read.
fn table(tree: &Tree, sheet: usize) -> Option<Table> {
    let root = tree.root();
    let number = |name: &str, default: u32| -> u32 {
        tree.attribute(root, name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let name = tree.attribute(root, "displayName").or_else(|| tree.attribute(root, "name"))?.into_owned();
    let mut area = a1::area(&tree.attribute(root, "ref")?)?;
    let totals = number("totalsRowCount", 0);
    area.last.row = area.last.row.checked_sub(totals).filter(|last| *last >= area.first.row)?;
    let columns = tree.child(root, "tableColumns");
    let computed = columns.is_some_and(|columns| {
        tree.named(columns, "tableColumn").any(|column| tree.child(column, "calculatedColumnFormula").is_some())
    });
    let fixed = match (totals, computed) {
        (0, false) => None,
        (0, true) => Some("it has computed columns"),
        _ => Some("it has a row of totals"),
    };
    Some(Table { name, sheet, area, has_header: number("headerRowCount", 1) == 1, fixed, part: tree.part.clone() })
}

fn styles(tree: &Tree) -> Vec<Shows> {
    let root = tree.root();
    let number = |node: Node, name: &str| tree.attribute(node, name).and_then(|text| text.parse::<u32>().ok());
    let own = tree.child(root, "numFmts").into_iter().flat_map(|formats| tree.named(formats, "numFmt"));
    let own: Vec<(u32, Shows)> = own
        .filter_map(|node| Some((number(node, "numFmtId")?, Shows::of(&tree.attribute(node, "formatCode")?))))
        .collect();
    let cells = tree.child(root, "cellXfs").into_iter().flat_map(|cells| tree.named(cells, "xf"));
    cells
        .map(|node| {
            let id = number(node, "numFmtId").unwrap_or(0);
            let own = own.iter().find(|(known, _)| *known == id);
            own.map_or_else(|| Shows::builtin(id), |(_, shows)| *shows)
        })
        .collect()
}

impl Workbook<'_> {
    /// What the defined names mean; of equal ones the first.
    fn read_names(&self) -> Vec<Name> {
        let mut known = HashSet::new();
        let tree = &self.tree;
        let names = tree.child(tree.root(), "definedNames");
        let mut out: Vec<Name> = Vec::new();
        for node in names.into_iter().flat_map(|names| tree.named(names, "definedName")) {
            let name = tree.attribute(node, "name").unwrap_or_default().into_owned();
            let own = tree.attribute(node, "localSheetId").is_some() || name.starts_with("_xlnm.");
            if own || name.is_empty() || !known.insert(name.to_ascii_lowercase()) {
                continue;
            }
            let text = tree.text(node).unwrap_or_default();
            let means = a1::sheet(text.trim()).and_then(|(sheet, range)| {
                let sheet = self.names.iter().position(|known| *known == sheet)?;
                Some((sheet, a1::area(range)?))
            });
            out.push((name, means));
        }
        out
    }
}

impl Book for Workbook<'_> {
    fn sheets(&self) -> &[String] {
        &self.names
    }

    fn names(&self) -> &[Name] {
        &self.defined
    }

    fn tables(&self) -> &[Table] {
        &self.tables
    }

    fn grid(&self, sheet: usize) -> Result<Rc<dyn Grid + '_>, LensError> {
        let tree = self.package.tree(&self.parts[sheet])?;
        Ok(Rc::new(sheet::Sheet::read(tree, self)?))
    }

    fn save(&self, sheet: usize, edits: Vec<Edit>, resized: Option<(&Table, Area)>) -> Result<Vec<Edit>, LensError> {
        let part = self.parts[sheet].as_str();
        let mut parts = vec![(part, apply::splice(&self.package.bytes(part)?, &edits)?)];
        if let Some((table, area)) = resized {
            parts.push((table.part.as_str(), self.resized(table, area)?));
        }
        if self.has_formulas()?
            && let Some(workbook) = self.recalculating()?
        {
            parts.push((self.tree.part.as_str(), workbook));
        }
        self.package.replace(parts)
    }
}

/// The place of a cell before the first.
const ORIGIN: Pos = Pos { row: 0, column: 0 };
