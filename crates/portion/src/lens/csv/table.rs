//! A file as a table: how it is written, its columns, its rows.

use std::borrow::Cow;

use super::expression::{Asked, Column};
use super::record::{Field, Kind, Reader, Record, needs_quotes};
use super::scan::{self, Wanted, scan};
use crate::lens::{LensError, Position, body};

/// Separators that a header line tells, in the order in which they count at a tie.
pub(super) const KNOWN: [u8; 4] = *b",;\t|";

/// So many rows are named at most where several match.
const MAX_MATCHES: usize = 100;

/// A table, as it stands in a file.
pub(super) struct Table<'a> {
    pub(super) file: &'a [u8],
    pub(super) separator: u8,
    /// The columns' names, if the first record tells them; without the nameless ones at the end.
    pub(super) names: Vec<Cow<'a, [u8]>>,
    /// Where the names stand; nowhere where the table has no header.
    pub(super) header: Option<(Record, Vec<Field>)>,
    /// How many nameless columns stand behind the others.
    pub(super) nameless: usize,
    /// Where the rows begin.
    pub(super) rows: usize,
}

/// A row, with its fields.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) fields: Vec<Field>,
}

/// Where the records begin: behind a BOM, and behind the line `sep=;` that some spreadsheets write. With the separator that it tells.
pub(super) fn beginning(file: &[u8]) -> (usize, Option<u8>) {
    let start = body::bom(file);
    match &file[start..] {
        [b's', b'e', b'p', b'=', separator, b'\r', b'\n', ..] if is_separator(*separator) => {
            (start + 7, Some(*separator))
        }
        [b's', b'e', b'p', b'=', separator, b'\n', ..] if is_separator(*separator) => (start + 6, Some(*separator)),
        _ => (start, None),
    }
}

fn is_separator(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
}

/// The separator of which the first record has most.
fn told_by_header(file: &[u8], start: usize) -> Result<u8, LensError> {
    let mut best = (b',', 0);
    for separator in KNOWN {
        let mut reader = Reader::new(file, separator, start);
        if reader.next()?.is_some() && reader.fields.len() > best.1 {
            best = (separator, reader.fields.len());
        }
    }
    Ok(best.0)
}

/// So many bytes at each end of a file tell whether it is text.
pub(super) const SAMPLE: usize = 8 << 10;

impl<'a> Table<'a> {
    /// Reads the header. `None` for a file that holds nothing.
    pub(super) fn read(file: &'a [u8], usual: Option<u8>, asked: &Asked) -> Result<Option<Table<'a>>, LensError> {
        // As git tells binary files, but at the end, too.
        for part in [0..file.len().min(SAMPLE), file.len().saturating_sub(SAMPLE)..file.len()] {
            if let Some(at) = memchr::memchr(0, &file[part.clone()]) {
                return Err(LensError::unparsable(file, part.start + at, "a zero byte: this is no text"));
            }
        }
        let (start, said) = beginning(file);
        let separator = match asked.separator.or(said).or(usual) {
            Some(separator) => separator,
            None => told_by_header(file, start)?,
        };
        Table::written_with(file, separator, start, asked.headless)
    }

    /// Reads a table of which the separator is known.
    pub(super) fn written_with(
        file: &'a [u8],
        separator: u8,
        start: usize,
        headless: bool,
    ) -> Result<Option<Table<'a>>, LensError> {
        let Some(mut table) = Table::untrimmed(file, separator, start, headless)? else { return Ok(None) };
        let width = table.names.iter().rposition(|name| !name.is_empty()).map_or(1, |last| last + 1);
        table.nameless = table.names.len() - width;
        table.names.truncate(width);
        Ok(Some(table))
    }

    /// The same, every field of the header being a column's name.
    pub(super) fn untrimmed(
        file: &'a [u8],
        separator: u8,
        start: usize,
        headless: bool,
    ) -> Result<Option<Table<'a>>, LensError> {
        let mut reader = Reader::new(file, separator, start);
        let Some(record) = reader.next()? else { return Ok(None) };
        // Any bytes are a table of something; a person's is text.
        let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != separator;
        if let Some(at) = file[record.start..record.next].iter().position(is_control) {
            let found = "a control character: this is no table of text";
            return Err(LensError::unparsable(file, record.start + at, found));
        }
        let mut names = Vec::with_capacity(reader.fields.len());
        for field in &reader.fields {
            names.push(field.text(file)?);
        }
        if headless {
            for (at, name) in names.iter_mut().enumerate() {
                *name = Cow::Owned(format!("#{}", at + 1).into_bytes());
            }
            return Ok(Some(Table { file, separator, names, header: None, nameless: 0, rows: record.start }));
        }
        let header = Some((record, reader.fields));
        Ok(Some(Table { file, separator, names, header, nameless: 0, rows: record.next }))
    }

    /// Reads the rows.
    pub(super) fn reader(&self) -> Reader<'a> {
        Reader::new(self.file, self.separator, self.rows)
    }

    /// Which columns have this name, or this place.
    pub(super) fn positions(&self, column: &Column) -> Vec<usize> {
        match column {
            Column::Number(at) => (*at < self.names.len()).then_some(*at).into_iter().collect(),
            Column::Name(name) => {
                let same = |(_, known): &(usize, &Cow<'_, [u8]>)| known[..] == *name.as_bytes();
                self.names.iter().enumerate().filter(same).map(|(at, _)| at).collect()
            }
        }
    }

    /// The one column that is meant. `others` says what the expression would be with another name.
    pub(super) fn position(
        &self,
        column: &Column,
        expression: &str,
        others: impl Fn(&str) -> String,
    ) -> Result<usize, LensError> {
        match self.positions(column)[..] {
            [only] => Ok(only),
            [] => {
                let names = self.names.iter().filter_map(|name| std::str::from_utf8(name).ok());
                Err(LensError::missing(expression, names.map(others)))
            }
            ref several => {
                let line = self.header.as_ref().map_or(1, |(record, _)| Position::at(self.file, record.start).line);
                Err(LensError::Ambiguous { selector: expression.to_owned(), lines: vec![line; several.len()] })
            }
        }
    }

    /// Refuses a table in which two columns share a name: a row of it cannot be told as names and values.
    pub(super) fn check_names(&self) -> Result<(), LensError> {
        match self.double_name() {
            None => Ok(()),
            Some(at) => {
                let name = String::from_utf8_lossy(&self.names[at]);
                let offset =
                    self.header.as_ref().and_then(|(_, fields)| fields.get(at)).map_or(0, |field| field.span.start);
                let found =
                    format!("a second column is called `{name}`; name the columns to take, as in `rows(id,name)`");
                Err(LensError::unparsable(self.file, offset, found))
            }
        }
    }

    /// The first column that is called as one before it.
    pub(super) fn double_name(&self) -> Option<usize> {
        let mut sorted: Vec<usize> = (0..self.names.len()).collect();
        sorted.sort_by(|a, b| self.names[*a].cmp(&self.names[*b]).then(a.cmp(b)));
        sorted.windows(2).filter(|pair| self.names[pair[0]] == self.names[pair[1]]).map(|pair| pair[1]).min()
    }

    /// What a row says in a column: nothing where it is shorter.
    pub(super) fn text(&self, fields: &[Field], column: usize) -> Result<Cow<'a, [u8]>, LensError> {
        fields.get(column).map_or(Ok(Cow::Borrowed(&[])), |field| field.text(self.file))
    }

    /// Refuses a row that says something where there is no column.
    pub(super) fn check_width(&self, fields: &[Field]) -> Result<(), LensError> {
        for field in fields.iter().skip(self.names.len()) {
            if !field.text(self.file)?.is_empty() {
                let (has, wanted) = (fields.len(), self.names.len());
                let found = format!("this row has {has} fields, and the header {wanted}");
                return Err(LensError::unparsable(self.file, field.span.start, found));
            }
        }
        Ok(())
    }

    /// The one row that says `key` in a column. `others` says what the expression would be with another key.
    pub(super) fn row(
        &self,
        column: usize,
        key: &str,
        expression: &str,
        others: impl Fn(&str) -> String,
    ) -> Result<Row, LensError> {
        let mut rows = self.matching(column, key.as_bytes())?;
        match rows.len() {
            1 => Ok(rows.remove(0)),
            0 => Err(LensError::missing(expression, self.some_keys(column)?.iter().map(|key| others(key)))),
            _ => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(self.file, rows.iter().map(|row| row.record.start)),
            }),
        }
    }

    /// What the first rows say in a column.
    fn some_keys(&self, column: usize) -> Result<Vec<String>, LensError> {
        let mut reader = self.reader();
        let mut keys = Vec::new();
        while keys.len() < 1000 && reader.next()?.is_some() {
            if let Ok(key) = self.text(&reader.fields, column) {
                keys.push(String::from_utf8_lossy(&key).into_owned());
            }
        }
        Ok(keys)
    }

    /// The rows that say `key` in a column: all, if there are few.
    fn matching(&self, column: usize, key: &[u8]) -> Result<Vec<Row>, LensError> {
        let longest = scan::needle(key);
        let take = |rows: &mut Vec<Row>, record: Record, reader: &Reader<'_>| {
            if self.text(&reader.fields, column).is_ok_and(|text| text[..] == *key) {
                rows.push(Row { record, fields: reader.fields.clone() });
            }
            rows.len() < MAX_MATCHES
        };
        let mut rows = Vec::new();
        if !longest.is_empty() {
            let is_whole = longest.len() == key.len();
            let wanted = Wanted { separator: self.separator, start: self.rows, needle: longest, is_whole };
            if scan(self.file, &wanted, |record, reader| take(&mut rows, record, reader)) {
                return Ok(rows);
            }
            rows.clear();
        }
        let mut reader = self.reader();
        while let Some(record) = reader.next()? {
            if !take(&mut rows, record, &reader) {
                break;
            }
        }
        Ok(rows)
    }

    /// How a text is written in a column, as `like`, a row that stands there, has it: in quotes if it needs them, or if its field or the
    /// row's others are in quotes without need.
    pub(super) fn in_quotes(&self, text: &[u8], column: usize, like: &[Field]) -> bool {
        if needs_quotes(text, self.separator) {
            return true;
        }
        match like.get(column).map(|field| self.habit(field)) {
            Some(Habit::Quoted) => true,
            Some(Habit::Plain) => false,
            _ if text.is_empty() => false,
            _ => {
                let mut habits = like.iter().map(|field| self.habit(field)).filter(|habit| *habit != Habit::Unknown);
                habits.next().is_some_and(|first| first == Habit::Quoted && habits.all(|habit| habit == Habit::Quoted))
            }
        }
    }

    fn habit(&self, field: &Field) -> Habit {
        match (field.kind, field.text(self.file)) {
            (Kind::Quoted, Ok(text)) if !needs_quotes(&text, self.separator) => Habit::Quoted,
            (Kind::Plain, _) if !field.span.is_empty() => Habit::Plain,
            _ => Habit::Unknown,
        }
    }

    /// The last row; the header where there is none.
    pub(super) fn last(&self) -> Result<(Record, Vec<Field>), LensError> {
        let mut reader = self.reader();
        let mut last = self.header.clone();
        while let Some(record) = reader.next()? {
            let (at, fields) = last.get_or_insert_with(|| (record, Vec::new()));
            *at = record;
            fields.clone_from(&reader.fields);
        }
        last.ok_or_else(|| LensError::Refused("the table has neither header nor rows".to_owned()))
    }

    /// The line end of its records.
    pub(super) fn line_end(&self) -> &'static [u8] {
        let first = self.header.as_ref().map(|(record, _)| *record);
        let first = first.or_else(|| self.reader().next().ok().flatten());
        match first {
            Some(record) if record.next - record.end == 2 => b"\r\n",
            Some(record) if record.next - record.end == 1 => b"\n",
            _ => crate::lens::line_end(self.file).as_bytes(),
        }
    }
}

/// What a field that stands there tells about the style of its neighbours.
#[derive(PartialEq, Eq)]
enum Habit {
    /// In quotes without need.
    Quoted,
    Plain,
    Unknown,
}
