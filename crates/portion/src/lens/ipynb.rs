//! Jupyter notebooks (nbformat 4.5), by the ids of their cells.
//!
//! # Addresses
//! `cell:ID` is the source of a cell: its code or its text. A JSON Pointer means in a notebook what it means in any JSON file:
//! `/metadata/kernelspec`, `/cells/0/outputs`. Before version 4.5 cells have no ids, and are no portions.
//!
//! # Fragments
//! The source is text, with LF. Outputs, execution counts and metadata are each notebook's own, and stay. The file says a source as a list of
//! lines or as one string: that stays, and so do lines that are equal.
//!
//! # The embedding
//! The value of a source is a string; that of everything else is JSON's.

use std::collections::HashMap;

use super::apply::is_blank;
use super::json::{JSON, Kind, Visitor, document};
use super::lines::{string_of, text_of};
use super::{Edit, Format, Fragment, Item, Lens, LensError, Span, apply, body, json_prefix, lf};
use crate::value::{Number, Value};

pub(crate) struct Notebook;

/// So long an id may be, in characters.
const MAX_ID: usize = 64;

/// An item of the notebook's `cells`.
#[derive(Default)]
struct Cell {
    span: Span,
    id: Option<String>,
    /// "code", "markdown" or "raw".
    kind: String,
    source: Option<Span>,
    /// One of these keys stands twice.
    doubled: bool,
}

/// A file, read.
struct Cells<'a> {
    text: &'a [u8],
    depth: usize,
    /// The keys that stand before what is read, in the notebook and in a cell.
    key: String,
    cell_key: String,
    inside: bool,
    /// Where `source` begins, if it is a list that is open.
    open_source: Option<usize>,
    cells: Vec<Cell>,
    /// How often `cells` stands there.
    lists: usize,
    /// `nbformat` and `nbformat_minor`.
    version: (Option<u64>, Option<u64>),
}

impl<'a> Cells<'a> {
    fn read(file: &'a [u8]) -> Result<Cells<'a>, LensError> {
        let mut cells = Cells {
            text: file,
            depth: 0,
            key: String::new(),
            cell_key: String::new(),
            inside: false,
            open_source: None,
            cells: Vec::new(),
            lists: 0,
            version: (None, None),
        };
        document(file, &mut cells)?;
        if cells.lists > 1 {
            return Err(LensError::unparsable(file, 0, "the notebook has `cells` more than once"));
        }
        Ok(cells)
    }

    fn string(&self, span: &Span) -> String {
        let value = json_prefix(&self.text[span.clone()]).ok();
        value.and_then(|(value, _)| value.as_text().map(str::to_owned)).unwrap_or_default()
    }

    /// Refuses a notebook whose cells have no ids.
    fn check_version(&self) -> Result<(), LensError> {
        let (Some(major), minor) = self.version else {
            return Err(LensError::Refused("the file is no notebook: it has no `nbformat`".to_owned()));
        };
        let minor = minor.unwrap_or(0);
        if (major, minor) >= (4, 5) {
            return Ok(());
        }
        Err(LensError::Refused(format!(
            "the notebook has format {major}.{minor}, whose cells have no ids; Jupyter gives them some when it saves as format 4.5 \
             (`nbformat.convert`), and `/cells/0/source` is a position"
        )))
    }

    fn located(&self, expression: &str) -> Result<usize, LensError> {
        let id = parsed(expression)?;
        let is_it = |at: &usize| self.cells[*at].id.as_deref() == Some(id);
        let found: Vec<usize> = (0..self.cells.len()).filter(is_it).collect();
        match found[..] {
            [only] => Ok(only),
            [] => {
                self.check_version()?;
                let ids = self.cells.iter().filter_map(|cell| cell.id.as_ref());
                Err(LensError::missing(expression, ids.map(|id| format!("cell:{id}"))))
            }
            _ => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(self.text, found.iter().map(|at| self.cells[*at].span.start)),
            }),
        }
    }

    /// What stands in a cell's `source`: a string, or a list of strings.
    fn source(&self, at: usize) -> Result<(Value, String), LensError> {
        let cell = &self.cells[at];
        let wrong = |found: &str| LensError::unparsable(self.text, cell.span.start, found);
        if cell.doubled {
            return Err(wrong("a key stands twice in this cell"));
        }
        let span = cell.source.clone().ok_or_else(|| wrong("a cell without a `source`"))?;
        let (value, _) = json_prefix(&self.text[span]).map_err(|error| match error {
            LensError::Unparsable { found, .. } => wrong(&found),
            other => other,
        })?;
        let text = match &value {
            Value::String(text) => Some(text.clone()),
            Value::Sequence(lines) => lines
                .iter()
                .map(|line| if let Value::String(line) = line { Some(line.as_str()) } else { None })
                .collect(),
            _ => None,
        };
        let text = text.ok_or_else(|| wrong("a cell's `source` that is neither text nor a list of text"))?;
        Ok((value, text))
    }
}

impl Visitor for Cells<'_> {
    fn open(&mut self, kind: Kind, at: usize) {
        if self.depth == 1 && self.key == "cells" {
            self.lists += 1;
            self.inside = kind == Kind::Array;
        } else if self.depth == 2 && self.inside {
            self.cells.push(Cell { span: at..at, ..Cell::default() });
            self.cell_key.clear();
        } else if self.depth == 3 && self.inside && self.cell_key == "source" {
            self.open_source = Some(at);
        }
        self.depth += 1;
    }

    fn key(&mut self, span: Span, _escaped: bool) {
        match self.depth {
            1 => self.key = self.string(&span),
            3 if self.inside => self.cell_key = self.string(&span),
            _ => {}
        }
    }

    fn scalar(&mut self, kind: Kind, span: Span, _escaped: bool) {
        let text = if matches!(self.depth, 1 | 3) && matches!(kind, Kind::String | Kind::Number) {
            self.string(&span)
        } else {
            String::new()
        };
        match self.depth {
            1 => match self.key.as_str() {
                "nbformat" => self.version.0 = text.parse().ok(),
                "nbformat_minor" => self.version.1 = text.parse().ok(),
                "cells" => self.lists += 1,
                _ => {}
            },
            2 if self.inside => self.cells.push(Cell { span, ..Cell::default() }),
            3 if self.inside => {
                let Some(cell) = self.cells.last_mut() else { return };
                match self.cell_key.as_str() {
                    "id" if kind == Kind::String => cell.doubled |= cell.id.replace(text).is_some(),
                    "cell_type" => cell.kind = text,
                    "source" => cell.doubled |= cell.source.replace(span).is_some(),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, end: usize) {
        self.depth -= 1;
        if !self.inside {
            return;
        }
        match self.depth {
            1 => self.inside = false,
            2 => self.cells.last_mut().into_iter().for_each(|cell| cell.span.end = end),
            3 => {
                if let (Some(start), Some(cell)) = (self.open_source.take(), self.cells.last_mut()) {
                    cell.doubled |= cell.source.replace(start..end).is_some();
                }
            }
            _ => {}
        }
    }
}

/// A JSON Pointer, or the whole document.
fn is_pointer(expression: &str) -> bool {
    expression.is_empty() || expression.starts_with('/')
}

/// The id that an expression names.
fn parsed(expression: &str) -> Result<&str, LensError> {
    expression.strip_prefix("cell:").ok_or_else(|| LensError::Selector {
        scheme: "ipynb",
        selector: expression.to_owned(),
        why: "write `cell:ID` for the source of a cell, or a JSON Pointer".to_owned(),
    })
}

/// The source as a fragment.
fn fragment(source: &str) -> Fragment {
    let text = lf(body::without_bom(source.as_bytes())).into_owned();
    Fragment { format: Format::Text, text: text_of(text) }
}

/// What a fragment says, with the line ends of what stood there.
fn given(fragment: &Fragment, standing: &str) -> Result<String, LensError> {
    if fragment.format != Format::Text {
        return Err(LensError::Refused(format!("the source of a cell is text, not {}", fragment.format)));
    }
    let text = string_of(&fragment.text);
    let text = std::str::from_utf8(text)
        .map_err(|error| LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"))?;
    Ok(if standing.contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() })
}

/// A source as the file says its others.
fn written(text: &str, in_lines: bool) -> Value {
    match in_lines {
        true => Value::Sequence(text.split_inclusive('\n').map(|line| Value::String(line.to_owned())).collect()),
        false => Value::String(text.to_owned()),
    }
}

fn new_cell(id: &str, source: Value) -> Value {
    let member = |key: &str, value: Value| (key.to_owned(), value);
    // In the order in which Jupyter writes them.
    Value::Map(vec![
        member("cell_type", Value::String("code".to_owned())),
        member("execution_count", Value::Null),
        member("id", Value::String(id.to_owned())),
        member("metadata", Value::Map(Vec::new())),
        member("outputs", Value::Sequence(Vec::new())),
        member("source", source),
    ])
}

fn json(value: &Value) -> Result<Fragment, LensError> {
    Ok(Fragment { format: Format::Json, text: Format::Json.render(value)? })
}

impl Lens for Notebook {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        if is_pointer(expression) {
            return JSON.get(file, expression);
        }
        let cells = Cells::read(file)?;
        let (_, source) = cells.source(cells.located(expression)?)?;
        Ok(fragment(&source))
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if is_pointer(expression) {
            return JSON.put(file, expression, fragment);
        }
        let cells = Cells::read(file)?;
        let at = cells.located(expression)?;
        let (value, source) = cells.source(at)?;
        let new = written(&given(fragment, &source)?, matches!(value, Value::Sequence(_)));
        let pointer = format!("/cells/{at}/source");
        let standing = JSON.get(file, &pointer)?;
        let text = Format::Json.update(&standing.text, &new)?;
        JSON.put(file, &pointer, &Fragment { format: Format::Json, text })
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if is_pointer(expression) {
            return JSON.insert(file, expression, fragment);
        }
        let id = parsed(expression)?;
        let is_id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_id) {
            return Err(LensError::Refused(format!(
                "`{id}` is no id of a cell: 1 to {MAX_ID} letters, digits, `-` and `_`"
            )));
        }
        let text = given(fragment, "")?;
        if is_blank(file) {
            let cell = new_cell(id, written(&text, true));
            let number = |text: &str| Value::Number(Number::new(text));
            let member = |key: &str, value: Value| (key.to_owned(), value);
            let notebook = Value::Map(vec![
                member("cells", Value::Sequence(vec![cell])),
                member("metadata", Value::Map(Vec::new())),
                member("nbformat", number("4")),
                member("nbformat_minor", number("5")),
            ]);
            return JSON.insert(file, "", &json(&notebook)?);
        }
        let cells = Cells::read(file)?;
        cells.check_version()?;
        let first = cells.cells.iter().find_map(|cell| cell.source.clone());
        let in_lines = first.is_none_or(|source| cells.text[source.start] == b'[');
        if cells.lists == 0 {
            return Err(LensError::Refused("the notebook has no `cells`".to_owned()));
        }
        JSON.insert(file, "/cells/-", &json(&new_cell(id, written(&text, in_lines)))?)
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        if is_pointer(expression) { JSON.inserted_at(file, expression) } else { Ok(expression.to_owned()) }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        if is_pointer(expression) {
            return JSON.remove(file, expression);
        }
        let at = Cells::read(file)?.located(expression)?;
        JSON.remove(file, &format!("/cells/{at}"))
    }

    fn is_position(&self, file: &[u8], expression: &str) -> bool {
        is_pointer(expression) && apply::is_item(self, file, expression)
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        match fragment.format {
            _ if is_pointer(expression) => JSON.fitted(file, expression, fragment),
            Format::Text => Fragment { text: text_of(string_of(&fragment.text).to_vec()), ..fragment },
            _ => fragment,
        }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(read(file)?.0)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(read(file)?.1)
    }

    fn format_for(&self, expression: &str, value: &Value) -> Format {
        if is_pointer(expression) { JSON.format_for(expression, value) } else { Format::Text }
    }

    fn words(&self) -> &'static [&'static str] {
        &["cell"]
    }
}

/// The cells that can be addressed, and those that cannot.
fn read(file: &[u8]) -> Result<(Vec<Item>, Vec<LensError>), LensError> {
    let cells = Cells::read(file)?;
    let mut uses: HashMap<&str, usize> = HashMap::new();
    cells.cells.iter().filter_map(|cell| cell.id.as_deref()).for_each(|id| *uses.entry(id).or_default() += 1);
    let ends = cells.cells.iter().flat_map(|cell| [cell.span.start, cell.span.end]);
    let lines = body::line_numbers(file, ends);
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for ((at, cell), lines) in cells.cells.iter().enumerate().zip(lines.chunks(2)) {
        let fault = |found: &str| LensError::unparsable(file, cell.span.start, found);
        match cell.id.as_deref() {
            None => errors.push(fault("a cell without an id")),
            Some(id) if uses.get(id) != Some(&1) => errors.push(fault(&format!("the id `{id}` stands more than once"))),
            Some(id) => match cells.source(at) {
                Err(error) => errors.push(error),
                Ok(_) => {
                    let kind = match cell.kind.as_str() {
                        "markdown" => "markdown cell",
                        "raw" => "raw cell",
                        _ => "code cell",
                    };
                    items.push(Item { selector: format!("cell:{id}"), kind, lines: (lines[0], lines[1]) });
                }
            },
        }
    }
    Ok((items, errors))
}
