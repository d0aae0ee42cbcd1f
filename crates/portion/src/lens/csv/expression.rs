//! What a selector says: which rows, columns or cells, and how the file is written.
//!
//! ```text
//! expression = *( option SP ) [ "rows" [ "(" column *( "," column ) ")" ] / "row " condition / "col " column / "cell " condition "/" column ]
//! option     = "sep=" ( one character / "comma" / "semicolon" / "tab" / "pipe" / "colon" / "space" ) / "headless"
//! condition  = column "=" text
//! column     = name / "#" number            a column by its name, or by its place, counted from 1
//! ```
//! A name or text in quotes is a JSON string. Without quotes the text of a row's condition goes to the end, that of a cell's up to the
//! first `/`; a column's name before `=` up to that; in a list up to `,` or `)`.

use crate::lens::LensError;
use crate::lens::words::{Word, before, whole};
use crate::pointer;

/// A column, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Name(String),
    /// Counted from 0.
    Number(usize),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All rows, with all columns or with some.
    Rows(Option<Vec<Column>>),
    Row(Column, String),
    Column(Column),
    Cell(Column, String, Column),
}

/// A selector's expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Written in the selector.
    pub(super) separator: Option<u8>,
    pub(super) headless: bool,
    pub(super) part: Part,
}

const SHAPES: &str = "write `rows`, `rows(id,name)`, `row id=42`, `col name` or `cell id=42/name`; before it `sep=;` or `headless` if the file is so";

const SEPARATORS: &[(&str, u8)] =
    &[("comma", b','), ("semicolon", b';'), ("tab", b'\t'), ("pipe", b'|'), ("colon", b':'), ("space", b' ')];

pub(super) fn parsed(scheme: &'static str, expression: &str) -> Result<Asked, LensError> {
    read(expression).map_err(|why| LensError::Selector { scheme, selector: expression.to_owned(), why })
}

fn read(expression: &str) -> Result<Asked, String> {
    let (mut separator, mut headless, mut rest) = (None, false, expression);
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(text) = rest.strip_prefix("sep=") {
            let (found, behind) = separator_of(text)?;
            separator = Some(found);
            rest = behind;
        } else if let Some(behind) = word(rest, "headless") {
            headless = true;
            rest = behind;
        } else {
            return Ok(Asked { separator, headless, part: part(rest)? });
        }
    }
}

/// What is behind a word that ends with a blank or the expression.
fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word).filter(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn separator_of(text: &str) -> Result<(u8, &str), String> {
    if let Some((name, byte)) = SEPARATORS.iter().find(|(name, _)| word(text, name).is_some()) {
        return Ok((*byte, &text[name.len()..]));
    }
    let byte = text.bytes().next().filter(|byte| byte.is_ascii_punctuation() && *byte != b'"' && *byte != b'#');
    let rest = text.get(1..).filter(|rest| rest.is_empty() || rest.starts_with(' '));
    match (byte, rest) {
        (Some(byte), Some(rest)) => Ok((byte, rest)),
        _ => Err("a separator is one sign, as in `sep=;`, or comma, semicolon, tab, pipe, colon or space".to_owned()),
    }
}

fn part(text: &str) -> Result<Part, String> {
    if text.is_empty() {
        return Ok(Part::Rows(None));
    }
    if let Some(rest) = text.strip_prefix("rows") {
        let rest = rest.trim_matches(' ');
        return match rest.strip_prefix('(') {
            Some(list) => Ok(Part::Rows(Some(columns(list)?))),
            None if rest.is_empty() => Ok(Part::Rows(None)),
            None => Err(SHAPES.to_owned()),
        };
    }
    let (kind, rest) = text.split_once(' ').ok_or(SHAPES)?;
    let rest = rest.trim_start_matches(' ');
    match kind {
        "col" => whole(rest, true).map(|name| Part::Column(column(name))),
        "row" => {
            let (name, rest) = before(rest, b"=")?;
            let text = whole(rest.get(1..).unwrap_or_default(), false)?;
            Ok(Part::Row(column(name), text.text))
        }
        "cell" => {
            let (name, rest) = before(rest, b"=")?;
            let (text, rest) = before(rest.get(1..).unwrap_or_default(), b"/")?;
            let last = whole(rest.get(1..).unwrap_or_default(), true)?;
            Ok(Part::Cell(column(name), text.text, column(last)))
        }
        _ => Err(SHAPES.to_owned()),
    }
}

fn column(word: Word) -> Column {
    let number = word.text.strip_prefix('#').and_then(pointer::index).and_then(|number| number.checked_sub(1));
    match number {
        Some(number) if !word.quoted => Column::Number(number),
        _ => Column::Name(word.text),
    }
}

fn columns(mut list: &str) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    loop {
        let (mut word, rest) = before(list.trim_start_matches(' '), b",)")?;
        if !word.quoted {
            word.text.truncate(word.text.trim_end().len());
            if word.text.is_empty() {
                return Err("a column's name is missing between the commas".to_owned());
            }
        }
        let column = column(word);
        if columns.contains(&column) {
            return Err("a column is named twice".to_owned());
        }
        columns.push(column);
        match rest {
            ")" => return Ok(columns),
            _ if rest.starts_with(')') => return Err(format!("`{}` stands behind the list of columns", &rest[1..])),
            _ => list = &rest[1..],
        }
    }
}

impl Asked {
    /// The same options before another part.
    pub(super) fn with(&self, part: &str) -> String {
        let mut out = String::new();
        if let Some(byte) = self.separator {
            match SEPARATORS.iter().find(|(_, known)| *known == byte) {
                Some((name, b'\t' | b' ')) => out.push_str(&format!("sep={name} ")),
                _ => out.push_str(&format!("sep={} ", char::from(byte))),
            }
        }
        if self.headless {
            out.push_str("headless ");
        }
        out + part
    }
}
