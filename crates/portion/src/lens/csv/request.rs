//! What is asked of a table: taken out, put back, inserted, removed.

use std::borrow::Cow;

use super::edit::Says;
use super::expression::{Asked, Column, Part};
use super::record::Reader;
use super::table::{Row, Table};
use super::{fragment, rows};
use crate::lens::words::{Place, written};
use crate::lens::{Edit, Format, Fragment, LensError, apply, body, lf};

/// What is asked of which table.
pub(super) struct Request<'a> {
    pub(super) table: Table<'a>,
    pub(super) asked: Asked,
    pub(super) expression: &'a str,
}

impl Request<'_> {
    fn key_column(&self, column: &Column, rest: &str) -> Result<usize, LensError> {
        let kind = if matches!(self.asked.part, Part::Cell(..)) { "cell" } else { "row" };
        let other = |name: &str| self.asked.with(&format!("{kind} {}={rest}", written(name, Place::BeforeEquals)));
        self.table.position(column, self.expression, other)
    }

    fn row(&self, column: &Column, key: &str) -> Result<Row, LensError> {
        let at = self.key_column(column, &written(key, Place::Text))?;
        let name = shown(column, Place::BeforeEquals);
        let other = |key: &str| self.asked.with(&format!("row {name}={}", written(key, Place::Text)));
        self.table.row(at, key, self.expression, other)
    }

    fn cell(&self, column: &Column, key: &str, last: &Column) -> Result<(Row, usize), LensError> {
        let key_written = written(key, Place::BeforeSlash);
        let key_at = self.key_column(column, &format!("{key_written}/{}", shown(last, Place::Last)))?;
        let name = shown(column, Place::BeforeEquals);
        let with = |key: &str, last: &str| self.asked.with(&format!("cell {name}={key}/{last}"));
        let other = |last: &str| with(&key_written, &written(last, Place::Last));
        let at = self.table.position(last, self.expression, other)?;
        let other = |key: &str| with(&written(key, Place::BeforeSlash), &shown(last, Place::Last));
        Ok((self.table.row(key_at, key, self.expression, other)?, at))
    }

    fn column(&self, column: &Column) -> Result<usize, LensError> {
        let other = |name: &str| self.asked.with(&format!("col {}", written(name, Place::Last)));
        self.table.position(column, self.expression, other)
    }

    fn columns(&self, list: Option<&[Column]>) -> Result<Vec<usize>, LensError> {
        let Some(list) = list else { return Ok((0..self.table.names.len()).collect()) };
        let mut columns = Vec::with_capacity(list.len());
        for column in list {
            let at = self.table.position(column, self.expression, |name| self.asked.with(&format!("col {name}")))?;
            if columns.contains(&at) {
                return Err(LensError::Refused("a column is named twice".to_owned()));
            }
            columns.push(at);
        }
        Ok(columns)
    }

    pub(super) fn get(&self) -> Result<Fragment, LensError> {
        let table = &self.table;
        let mut text = Vec::new();
        let format = match &self.asked.part {
            Part::Rows(list) => {
                self.check_names(list.as_deref())?;
                let columns = self.columns(list.as_deref())?;
                fragment::push(&mut text, columns.iter().map(|column| &table.names[*column]));
                let mut reader = table.reader();
                while reader.next()?.is_some() {
                    self.push_columns(&reader, &columns, list.is_none(), &mut text)?;
                    apply::check_size(text.len())?;
                }
                Format::Csv
            }
            Part::Row(column, key) => {
                table.check_names()?;
                let row = self.row(column, key)?;
                fragment::push(&mut text, &table.names);
                let mut reader = Reader::new(table.file, table.separator, row.record.start);
                reader.fields = row.fields;
                self.push_columns(&reader, &self.columns(None)?, true, &mut text)?;
                Format::CsvRow
            }
            Part::Column(column) => {
                let column = self.column(column)?;
                let mut reader = table.reader();
                while reader.next()?.is_some() {
                    fragment::push(&mut text, [table.text(&reader.fields, column)?]);
                    apply::check_size(text.len())?;
                }
                Format::CsvColumn
            }
            Part::Cell(column, key, last) => {
                let (row, at) = self.cell(column, key, last)?;
                let says = table.text(&row.fields, at)?;
                text = cell_text(lf(body::without_bom(&says)).into_owned());
                Format::Text
            }
        };
        Ok(Fragment { format, text })
    }

    /// Rows whose columns share a name have no value, unless the selector names other columns.
    fn check_names(&self, list: Option<&[Column]>) -> Result<(), LensError> {
        let Some(list) = list else { return self.table.check_names() };
        let is_number = |column: &Column| matches!(column, Column::Number(_));
        if !list.iter().any(is_number) {
            return Ok(());
        }
        let columns = self.columns(Some(list))?;
        let mut names: Vec<&[u8]> = columns.iter().map(|column| &self.table.names[*column][..]).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) { self.table.check_names() } else { Ok(()) }
    }

    fn push_columns(
        &self,
        reader: &Reader<'_>,
        columns: &[usize],
        is_whole: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), LensError> {
        if is_whole {
            return fragment::push_row(&self.table, reader, out);
        }
        let mut fields = Vec::with_capacity(columns.len());
        for column in columns {
            fields.push(self.table.text(&reader.fields, *column)?);
        }
        fragment::push(out, fields);
        Ok(())
    }

    pub(super) fn put(&self, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let table = &self.table;
        match &self.asked.part {
            Part::Rows(list) => {
                self.expects(Format::Csv, fragment)?;
                let new = self.fragment_table(fragment)?;
                let columns = self.columns(list.as_deref())?;
                let same = columns.len() == new.names.len()
                    && columns.iter().zip(&new.names).all(|(column, name)| table.names[*column] == *name);
                match (same, list) {
                    (true, _) => rows::Put { table, columns: &columns, new: &new }.edits(),
                    (false, None) => rows::relaid(table, &new),
                    (false, Some(_)) => Err(self.other_columns(&new, &columns)),
                }
            }
            Part::Row(column, key) => {
                self.expects(Format::CsvRow, fragment)?;
                let row = self.row(column, key)?;
                let new = self.fragment_table(fragment)?;
                if new.names != table.names {
                    return Err(self.other_columns(&new, &self.columns(None)?));
                }
                let says = self.row_says(&new)?;
                self.check_key(column, key, &says)?;
                Ok(table.field_edits(&row, &says))
            }
            Part::Column(column) => {
                self.expects(Format::CsvColumn, fragment)?;
                table.column_edits(self.column(column)?, &column_texts(fragment)?)
            }
            Part::Cell(column, key, last) => {
                self.expects(Format::Text, fragment)?;
                let (row, at) = self.cell(column, key, last)?;
                let mut text = Cow::Borrowed(cell_string(&fragment.text));
                let standing = table.text(&row.fields, at)?;
                if lf(body::without_bom(&standing)) == text {
                    return Ok(Vec::new());
                }
                if memchr::memmem::find(&standing, b"\r\n").is_some() {
                    text = Cow::Owned(text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]));
                }
                Ok(table.field_edits(&row, &[Says { column: at, text }]))
            }
        }
    }

    /// The fragment's table; a blank one has no columns.
    fn fragment_table<'f>(&self, fragment: &'f Fragment) -> Result<Table<'f>, LensError> {
        fragment::table(&fragment.text)?.ok_or_else(|| LensError::Refused("the fragment has no header line".to_owned()))
    }

    fn row_says<'f>(&self, new: &Table<'f>) -> Result<Vec<Says<'f>>, LensError> {
        let mut reader = new.reader();
        reader.next()?;
        let says = |column| Ok(Says { column, text: new.text(&reader.fields, column)? });
        (0..new.names.len()).map(says).collect()
    }

    /// Refuses a row that would be another portion.
    fn check_key(&self, column: &Column, key: &str, says: &[Says<'_>]) -> Result<(), LensError> {
        let at = self.key_column(column, key)?;
        match says.get(at) {
            Some(says) if says.text[..] == *key.as_bytes() => Ok(()),
            says => Err(LensError::Refused(format!(
                "the fragment's row says `{}` where the selector says `{key}`: that is another portion",
                says.map_or(Cow::Borrowed(""), |says| String::from_utf8_lossy(&says.text))
            ))),
        }
    }

    fn other_columns(&self, new: &Table<'_>, columns: &[usize]) -> LensError {
        let names = |names: &mut dyn Iterator<Item = &Cow<'_, [u8]>>| {
            names.map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>().join(", ")
        };
        LensError::Refused(format!(
            "the fragment has the columns `{}`, and the portion `{}`",
            names(&mut new.names.iter()),
            names(&mut columns.iter().map(|column| &self.table.names[*column]))
        ))
    }

    fn expects(&self, format: Format, fragment: &Fragment) -> Result<(), LensError> {
        if fragment.format == format {
            return Ok(());
        }
        Err(LensError::Refused(format!("`{}` holds {format}, not {}", self.expression, fragment.format)))
    }

    pub(super) fn insert(&self, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let table = &self.table;
        match &self.asked.part {
            Part::Row(column, key) => {
                self.expects(Format::CsvRow, fragment)?;
                let new = self.fragment_table(fragment)?;
                if new.names != table.names {
                    return Err(self.other_columns(&new, &self.columns(None)?));
                }
                let says = self.row_says(&new)?;
                self.check_key(column, key, &says)?;
                let texts: Vec<&[u8]> = says.iter().map(|says| &says.text[..]).collect();
                let (last, like) = table.last()?;
                Ok(vec![table.behind(&last, &[table.new_row(&texts, &like)])])
            }
            Part::Column(column) => {
                self.expects(Format::CsvColumn, fragment)?;
                let texts = column_texts(fragment)?;
                match column {
                    Column::Name(name) => table.new_column(name.as_bytes(), &texts),
                    Column::Number(at) if *at == table.names.len() && table.header.is_none() => {
                        table.new_column(b"", &texts)
                    }
                    Column::Number(_) => {
                        Err(LensError::Refused("a new column has a name, and comes behind the others".to_owned()))
                    }
                }
            }
            Part::Rows(_) => Err(LensError::Refused("a column is missing; insert it with `col NAME`".to_owned())),
            Part::Cell(..) => {
                Err(LensError::Refused("a cell comes with its row or its column; insert one of these".to_owned()))
            }
        }
    }

    pub(super) fn remove(&self) -> Result<Vec<Edit>, LensError> {
        let table = &self.table;
        match &self.asked.part {
            Part::Rows(None) => {
                let start = table.header.as_ref().map_or(table.rows, |(record, _)| record.start);
                Ok(vec![Edit { span: start..table.file.len(), text: Vec::new() }])
            }
            Part::Row(column, key) => Ok(vec![table.without(&self.row(column, key)?.record)]),
            Part::Column(column) => table.without_column(self.column(column)?),
            Part::Rows(Some(_)) => {
                Err(LensError::Refused("some columns of a table are removed one by one, with `col NAME`".to_owned()))
            }
            Part::Cell(..) => {
                Err(LensError::Refused("a cell can be emptied, not removed; put an empty text".to_owned()))
            }
        }
    }

    /// The plan, if the file is read as it was afterwards: another header can tell another separator.
    pub(super) fn guarded(&self, usual: Option<u8>, edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
        let table = &self.table;
        if edits.iter().all(|edit| edit.span.start >= table.rows) {
            return Ok(edits);
        }
        let written = apply::splice(table.file, &edits)?;
        match Table::read(&written, usual, &self.asked)? {
            Some(after) if after.separator != table.separator => {
                let [is, was] = [after.separator, table.separator].map(|byte| match byte {
                    b'\t' => "tab".to_owned(),
                    byte => char::from(byte).to_string(),
                });
                Err(LensError::Refused(format!(
                    "with this header, the file would be read with `{is}` between its fields, no longer with `{was}`; say how it is \
                     written, as in `sep={was} rows`"
                )))
            }
            _ => Ok(edits),
        }
    }

    /// The fragment with its columns in the portion's order; of a new row, also with those that it lacks, empty.
    pub(super) fn fitted(&self, fragment: &Fragment) -> Result<Option<Vec<u8>>, LensError> {
        let is_row = fragment.format == Format::CsvRow && matches!(self.asked.part, Part::Row(..));
        let is_table = fragment.format == Format::Csv && matches!(self.asked.part, Part::Rows(_));
        if !is_row && !is_table {
            return Ok(None);
        }
        let Some(new) = fragment::table(&fragment.text)? else { return Ok(None) };
        let columns = match &self.asked.part {
            Part::Rows(list) => self.columns(list.as_deref())?,
            _ => self.columns(None)?,
        };
        let wanted: Vec<&[u8]> = columns.iter().map(|column| &self.table.names[*column][..]).collect();
        if new.names.iter().map(|name| &name[..]).eq(wanted.iter().copied()) || new.double_name().is_some() {
            return Ok(None);
        }
        let place = |name: &[u8]| new.names.iter().position(|known| known[..] == *name);
        let lacks = wanted.iter().any(|name| place(name).is_none());
        let fills = match &self.asked.part {
            Part::Row(column, key) if lacks => matches!(self.row(column, key), Err(LensError::Missing { .. })),
            _ => false,
        };
        let kept = wanted.iter().copied().filter(|name| fills || place(name).is_some());
        let others = new.names.iter().map(|name| &name[..]).filter(|name| !wanted.contains(name));
        let names: Vec<&[u8]> = kept.chain(others).collect();
        let places: Vec<Option<usize>> = names.iter().map(|name| place(name)).collect();
        let mut text = Vec::with_capacity(fragment.text.len());
        fragment::push(&mut text, names);
        let mut reader = new.reader();
        while reader.next()?.is_some() {
            let mut fields = Vec::with_capacity(places.len());
            for place in &places {
                fields.push(place.map_or(Ok(Cow::Borrowed(&b""[..])), |at| new.text(&reader.fields, at))?);
            }
            fragment::push(&mut text, fields);
        }
        Ok(Some(text))
    }
}

/// A column, as it was asked for.
fn shown(column: &Column, place: Place) -> String {
    match column {
        Column::Name(name) => written(name, place),
        Column::Number(at) => format!("#{}", at + 1),
    }
}

fn column_texts(fragment: &Fragment) -> Result<Vec<Cow<'_, [u8]>>, LensError> {
    let mut reader = Reader::new(&fragment.text, b',', body::bom(&fragment.text));
    let mut texts = Vec::new();
    while reader.next()?.is_some() {
        texts.extend(reader.fields.first().map(|field| field.text(&fragment.text)).transpose()?);
    }
    Ok(texts)
}

/// What a cell says: the fragment without a last line end. A text that ends with one has another there.
pub(super) fn cell_string(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

pub(super) fn cell_text(mut says: Vec<u8>) -> Vec<u8> {
    if says.ends_with(b"\n") {
        says.push(b'\n');
    }
    says
}
