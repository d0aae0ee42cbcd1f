//! OpenDocument spreadsheets (ODF 1.3, part 3): see [`super::office::book`] for what is addressed and how.
//!
//! - Rows and cells that are written once for many are taken apart where one of them changes.
//! - A cell that holds a date or a time takes dates or times; a new cell is text, a number or a boolean, and in a row that is added what
//!   stands above it.
//! - A cell's text with a link or a field in it is not overwritten; comments on cells stay.
//! - Formulas keep the values that were last computed until a program computes them anew: the format has no sign that asks for it.

mod sheet;
mod text;
mod write;

use std::collections::HashSet;
use std::rc::Rc;

use super::office::a1::{self, Area};
use super::office::book::{Book, Grid, Name, Spreadsheet, Table};
use super::office::opc::Package;
use super::office::xml::{Node, Tree};
use super::zip::fault;
use super::{Edit, LensError, apply};

/// OpenDocument spreadsheets.
pub(crate) const ODS: Spreadsheet = Spreadsheet { scheme: "ods", open: |file| Ok(Box::new(Document::open(file)?)) };

const CONTENT: &str = "content.xml";

/// The prefixes that every program writes, and what they must stand for.
const PREFIXES: &[(&str, &str)] = &[
    ("xmlns:office", "urn:oasis:names:tc:opendocument:xmlns:office:1.0"),
    ("xmlns:table", "urn:oasis:names:tc:opendocument:xmlns:table:1.0"),
    ("xmlns:text", "urn:oasis:names:tc:opendocument:xmlns:text:1.0"),
];

struct Document<'a> {
    package: Package<'a>,
    tree: Tree,
    sheets: Vec<Node>,
    names: Vec<String>,
    defined: Vec<Name>,
    tables: Vec<Table>,
}

impl<'a> Document<'a> {
    fn open(file: &'a [u8]) -> Result<Document<'a>, LensError> {
        let package = Package::open(file)?;
        let names: Vec<&str> = package.names().collect();
        if names.contains(&"META-INF/manifest.xml") {
            let manifest = package.bytes("META-INF/manifest.xml")?;
            if memchr::memmem::find(&manifest, b"encryption-data").is_some() {
                return Err(fault("the document is encrypted; save it without a password"));
            }
        }
        let tree = package.tree(CONTENT)?;
        let root = tree.root();
        if PREFIXES.iter().any(|(prefix, means)| tree.attribute(root, prefix).as_deref() != Some(*means)) {
            return Err(fault("the archive is no OpenDocument file, or one with prefixes that no program writes"));
        }
        let body = full(&tree, root, "office:body").and_then(|body| full(&tree, body, "office:spreadsheet"));
        let body = body.ok_or_else(|| fault("the archive is no OpenDocument spreadsheet"))?;
        let sheets: Vec<Node> = tree.children(body).filter(|node| tree.full_name(*node) == "table:table").collect();
        let mut names: Vec<String> = Vec::new();
        for sheet in &sheets {
            let name = tree.attribute(*sheet, "table:name").unwrap_or_default().into_owned();
            if names.contains(&name) {
                return Err(tree.fault(*sheet, format!("two sheets are called `{name}`")));
            }
            names.push(name);
        }
        let tables = tables(&tree, body, &names);
        let mut document = Document { package, tree, sheets, names, defined: Vec::new(), tables };
        document.defined = document.read_names();
        Ok(document)
    }
}

/// The first child of this name, its prefix included.
fn full(tree: &Tree, node: Node, name: &str) -> Option<Node> {
    tree.children(node).find(|child| tree.full_name(*child) == name)
}

fn tables(tree: &Tree, body: Node, sheets: &[String]) -> Vec<Table> {
    let ranges = full(tree, body, "table:database-ranges");
    let ranges = ranges.into_iter().flat_map(|ranges| tree.children(ranges));
    let table = |node: Node| {
        let name = tree.attribute(node, "table:name")?.into_owned();
        let (sheet, area) = address(&tree.attribute(node, "table:target-range-address")?, sheets)?;
        let has_header = tree.attribute(node, "table:contains-header").as_deref() != Some("false");
        let by_column = tree.attribute(node, "table:orientation").as_deref() == Some("column");
        let hidden = name.starts_with("__Anonymous") || by_column;
        (!hidden).then_some(Table { name, sheet, area, has_header, fixed: None, part: CONTENT.to_owned() })
    };
    ranges.filter_map(table).collect()
}

/// `$Sheet.$A$1:.$C$6`, `'My Sheet'.A1:'My Sheet'.C6`: one range of one sheet.
fn address(text: &str, sheets: &[String]) -> Option<(usize, Area)> {
    let (sheet, rest) = reference(text)?;
    let sheet = sheets.iter().position(|known| *known == sheet)?;
    let (first, last) = rest.split_once(':').unwrap_or((rest, rest));
    let last = match last.strip_prefix('.') {
        Some(cell) => cell,
        None if last == first => first,
        None => reference(last).filter(|(other, _)| *other == sheets[sheet])?.1,
    };
    Some((sheet, a1::spanned(a1::pos(first)?, a1::pos(last)?)))
}

/// A sheet's name and what stands behind its dot.
fn reference(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('$').unwrap_or(text);
    match text.strip_prefix('\'') {
        None => text.split_once('.').map(|(sheet, rest)| (sheet.to_owned(), rest)),
        Some(rest) => {
            let mut end = 0;
            loop {
                end += rest[end..].find('\'')?;
                if !rest[end + 1..].starts_with('\'') {
                    break;
                }
                end += 2;
            }
            Some((rest[..end].replace("''", "'"), rest[end + 1..].strip_prefix('.')?))
        }
    }
}

impl Document<'_> {
    /// What the defined names mean; of equal ones the first.
    fn read_names(&self) -> Vec<Name> {
        let mut known = HashSet::new();
        let tree = &self.tree;
        let body = full(tree, tree.root(), "office:body").and_then(|body| full(tree, body, "office:spreadsheet"));
        let names = body.and_then(|body| full(tree, body, "table:named-expressions"));
        let named = |node: Node| {
            let name = tree.attribute(node, "table:name")?.into_owned();
            let means = tree.attribute(node, "table:cell-range-address");
            Some((name, means.and_then(|means| address(&means, &self.names))))
        };
        let mut out: Vec<Name> = Vec::new();
        for (name, means) in names.into_iter().flat_map(|names| tree.children(names)).filter_map(named) {
            if known.insert(name.to_ascii_lowercase()) {
                out.push((name, means));
            }
        }
        out
    }
}

impl Book for Document<'_> {
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
        Ok(Rc::new(sheet::Sheet::read(&self.tree, self.sheets[sheet])?))
    }

    fn save(
        &self,
        _sheet: usize,
        mut edits: Vec<Edit>,
        resized: Option<(&Table, Area)>,
    ) -> Result<Vec<Edit>, LensError> {
        let tree = &self.tree;
        if let Some((table, area)) = resized {
            let is_it = |node: &Node| {
                tree.full_name(*node) == "table:database-range"
                    && tree.attribute(*node, "table:name").as_deref() == Some(table.name.as_str())
            };
            let range = tree.descendants(tree.root()).find(is_it);
            let Some((_, value)) = range.and_then(|node| tree.attribute_span(node, "table:target-range-address"))
            else {
                return Err(LensError::Refused(format!("the range of the table `{}` was not found again", table.name)));
            };
            // The last row's number is the last that stands there.
            let digits = tree.source()[value.clone()].bytes().rev().take_while(u8::is_ascii_digit).count();
            let text = (area.last.row + 1).to_string().into_bytes();
            edits.push(Edit { span: value.end - digits..value.end, text });
            edits.sort_by_key(|edit| edit.span.start);
        }
        let content = apply::splice(tree.source().as_bytes(), &edits)?;
        self.package.replace(vec![(CONTENT, content)])
    }
}
