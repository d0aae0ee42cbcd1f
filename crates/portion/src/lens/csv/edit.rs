//! Edits of single fields, of a row, of a column.

use std::borrow::Cow;

use super::record::{Field, Record, write_field};
use super::table::{Row, Table};
use crate::lens::apply::splice;
use crate::lens::{Edit, LensError};

/// What a row is to say in a column.
pub(super) struct Says<'a> {
    pub(super) column: usize,
    pub(super) text: Cow<'a, [u8]>,
}

impl Table<'_> {
    /// The edits after which a row says this; `says` is in the order of columns. Fields that say it already are left alone.
    pub(super) fn field_edits(&self, row: &Row, says: &[Says<'_>]) -> Vec<Edit> {
        let fields = &row.fields;
        let mut edits = Vec::new();
        let mut behind = Vec::new();
        let mut width = fields.len();
        for Says { column, text } in says {
            let Some(field) = fields.get(*column) else {
                // The row is shorter than the table.
                if !text.is_empty() {
                    behind.extend(std::iter::repeat_n(self.separator, column + 1 - width));
                    write_field(text, self.in_quotes(text, *column, fields), &mut behind);
                    width = column + 1;
                }
                continue;
            };
            if field.text(self.file).is_ok_and(|standing| standing == *text) {
                continue;
            }
            let mut written = Vec::new();
            write_field(text, self.in_quotes(text, *column, fields), &mut written);
            edits.push(Edit { span: field.span.clone(), text: written });
        }
        let end = row.record.end;
        if !behind.is_empty() {
            edits.push(Edit { span: end..end, text: behind });
        } else if let ([_], [edit]) = (&fields[..], &mut edits[..])
            && edit.text.is_empty()
        {
            // The line would be blank.
            edit.text.extend_from_slice(b"\"\"");
        }
        edits
    }

    /// The row as it would be written if it said this, without its line end.
    pub(super) fn edited(&self, row: &Row, says: &[Says<'_>]) -> Result<Vec<u8>, LensError> {
        let start = row.record.start;
        let mut edits = self.field_edits(row, says);
        for edit in &mut edits {
            edit.span = edit.span.start - start..edit.span.end - start;
        }
        splice(&self.file[start..row.record.end], &edits)
    }

    /// A new row, without its line end. `texts` has one for each column; `like` is a row of the same style.
    pub(super) fn new_row<T: AsRef<[u8]>>(&self, texts: &[T], like: &[Field]) -> Vec<u8> {
        let mut out = Vec::new();
        for (column, text) in texts.iter().enumerate() {
            if column > 0 {
                out.push(self.separator);
            }
            write_field(text.as_ref(), self.in_quotes(text.as_ref(), column, like), &mut out);
        }
        out.extend(std::iter::repeat_n(self.separator, self.nameless));
        if out.is_empty() {
            out.extend_from_slice(b"\"\"");
        }
        out
    }

    /// The edit that puts rows behind a record. Each of `rows` is without its line end.
    pub(super) fn behind(&self, record: &Record, rows: &[Vec<u8>]) -> Edit {
        let at = record.next;
        let line_end = self.line_end();
        let open = record.next == record.end;
        let mut text = Vec::new();
        for row in rows {
            if open {
                text.extend_from_slice(line_end);
            }
            text.extend_from_slice(row);
            if !open {
                text.extend_from_slice(line_end);
            }
        }
        Edit { span: at..at, text }
    }

    /// The edit that takes a record away.
    pub(super) fn without(&self, record: &Record) -> Edit {
        let mut start = record.start;
        if record.next == record.end {
            start = self.line_end_before(start);
        }
        Edit { span: start..record.next, text: Vec::new() }
    }

    /// Where the line end begins that stands directly before `at`; `at` where there is none.
    pub(super) fn line_end_before(&self, at: usize) -> usize {
        let first = self.header.as_ref().map_or(self.rows, |(record, _)| record.start);
        match &self.file[first.min(at)..at] {
            [.., b'\r', b'\n'] => at - 2,
            [.., b'\n'] => at - 1,
            _ => at,
        }
    }

    /// The edits that put a column behind the others. `name` is written into the header, and `texts` has one for each row.
    pub(super) fn new_column(&self, name: &[u8], texts: &[Cow<'_, [u8]>]) -> Result<Vec<Edit>, LensError> {
        let width = self.names.len();
        let mut edits = Vec::new();
        let mut add = |record: &Record, fields: &[Field], text: &[u8]| {
            let at =
                if fields.len() < width { record.end } else { fields.get(width - 1).map_or(0, |field| field.span.end) };
            let missing = width.saturating_sub(fields.len());
            let mut out = vec![self.separator; missing + 1];
            write_field(text, self.in_quotes(text, width, fields), &mut out);
            edits.push(Edit { span: at..at, text: out });
        };
        if let Some((record, fields)) = &self.header {
            add(record, fields, name);
        }
        let mut reader = self.reader();
        let mut texts = texts.iter();
        while let Some(record) = reader.next()? {
            let text = texts.next().ok_or_else(|| self.other_count())?;
            add(&record, &reader.fields, text);
        }
        if texts.next().is_some() { Err(self.other_count()) } else { Ok(edits) }
    }

    /// The edits after which a column says this, row by row.
    pub(super) fn column_edits(&self, column: usize, texts: &[Cow<'_, [u8]>]) -> Result<Vec<Edit>, LensError> {
        let mut edits = Vec::new();
        let mut reader = self.reader();
        let mut texts = texts.iter();
        while let Some(record) = reader.next()? {
            let text = texts.next().ok_or_else(|| self.other_count())?.clone();
            let row = Row { record, fields: std::mem::take(&mut reader.fields) };
            edits.extend(self.field_edits(&row, &[Says { column, text }]));
            reader.fields = row.fields;
        }
        if texts.next().is_some() { Err(self.other_count()) } else { Ok(edits) }
    }

    fn other_count(&self) -> LensError {
        LensError::Refused(
            "a column has one value for each row of the table; to add or remove rows, put `rows` or a `row`".to_owned(),
        )
    }

    /// The edits that take a column away.
    pub(super) fn without_column(&self, column: usize) -> Result<Vec<Edit>, LensError> {
        if self.names.len() == 1 {
            return Err(LensError::Refused("a table keeps its last column; `rows` is all of it".to_owned()));
        }
        let mut edits = Vec::new();
        let mut cut = |fields: &[Field]| {
            let Some(field) = fields.get(column) else { return };
            let empty = Edit { span: field.span.clone(), text: b"\"\"".to_vec() };
            match fields {
                [_] => edits.push(empty),
                // What is left would be a blank line.
                [left, right] => {
                    let other = if column == 0 { right } else { left };
                    let text = if other.span.is_empty() { b"\"\"".to_vec() } else { Vec::new() };
                    let span =
                        if column == 0 { left.span.start..right.span.start } else { left.span.end..right.span.end };
                    edits.push(Edit { span, text });
                }
                _ => {
                    let next = fields.get(column + 1).map(|next| next.span.start);
                    let span = match (next, column.checked_sub(1)) {
                        (Some(next), None) => field.span.start..next,
                        (_, Some(before)) => fields[before].span.end..field.span.end,
                        (None, None) => field.span.clone(),
                    };
                    edits.push(Edit { span, text: Vec::new() });
                }
            }
        };
        if let Some((_, fields)) = &self.header {
            cut(fields);
        }
        let mut reader = self.reader();
        while reader.next()?.is_some() {
            cut(&reader.fields);
        }
        Ok(edits)
    }
}
