//! Records and fields, one at a time: RFC 4180, and what programs that are not strict make of what it leaves open.
//!
//! A quote opens a quoted field only at the field's start; elsewhere it means itself. Behind a closing quote the field goes on as plain
//! text, as in most programs; such a field has no agreed meaning and is refused where it matters. A record ends with LF or CR LF
//! outside of quotes; line ends inside of quotes are data.

use std::borrow::Cow;

use crate::lens::{LensError, Span};

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// In quotes.
    Quoted,
    /// In quotes, with text behind the closing one, which is at this offset.
    Broken(usize),
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// With its quotes.
    pub(super) span: Span,
    pub(super) kind: Kind,
}

impl Field {
    /// What it says.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] where programs do not agree about that.
    pub(super) fn text<'a>(&self, file: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let written = &file[self.span.clone()];
        match self.kind {
            Kind::Broken(at) => Err(LensError::unparsable(file, at, "text stands behind the closing quote of a field")),
            Kind::Plain => match memchr::memchr(b'\r', written) {
                None => Ok(Cow::Borrowed(written)),
                Some(at) => {
                    let found = "a carriage return without a line feed: programs do not agree whether a row ends here";
                    Err(LensError::unparsable(file, self.span.start + at, found))
                }
            },
            Kind::Quoted => {
                let inner = &written[1..written.len() - 1];
                if memchr::memchr(b'"', inner).is_none() {
                    return Ok(Cow::Borrowed(inner));
                }
                let mut out = Vec::with_capacity(inner.len());
                let mut rest = inner;
                while let Some(at) = memchr::memchr(b'"', rest) {
                    out.extend_from_slice(&rest[..=at]);
                    rest = rest.get(at + 2..).unwrap_or_default();
                }
                out.extend_from_slice(rest);
                Ok(Cow::Owned(out))
            }
        }
    }
}

/// Reads record after record.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    file: &'a [u8],
    separator: u8,
    at: usize,
    /// The fields of the last record that was read.
    pub(super) fields: Vec<Field>,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) start: usize,
    /// Without its line end.
    pub(super) end: usize,
    /// With its line end.
    pub(super) next: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a [u8], separator: u8, at: usize) -> Reader<'a> {
        Reader { file, separator, at, fields: Vec::new() }
    }

    /// The next record that is not blank; `None` at the end. Its fields are in `fields`.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] for a quote that is never closed.
    pub(super) fn next(&mut self) -> Result<Option<Record>, LensError> {
        while self.at < self.file.len() {
            let record = self.record()?;
            if record.end > record.start {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn record(&mut self) -> Result<Record, LensError> {
        self.fields.clear();
        let start = self.at;
        loop {
            let field = self.field()?;
            let end = field.span.end;
            self.fields.push(field);
            match self.file.get(end) {
                Some(byte) if *byte == self.separator => self.at = end + 1,
                Some(b'\r') => {
                    self.at = end + 2;
                    return Ok(Record { start, end, next: self.at });
                }
                Some(_) => {
                    self.at = end + 1;
                    return Ok(Record { start, end, next: self.at });
                }
                None => {
                    self.at = end;
                    return Ok(Record { start, end, next: end });
                }
            }
        }
    }

    fn field(&self) -> Result<Field, LensError> {
        let start = self.at;
        if self.file.get(start) != Some(&b'"') {
            return Ok(Field { span: start..self.plain_end(start), kind: Kind::Plain });
        }
        let mut at = start + 1;
        loop {
            let Some(quote) = memchr::memchr(b'"', &self.file[at..]) else {
                return Err(LensError::unparsable(self.file, start, "the quote that opens here is never closed"));
            };
            at += quote + 1;
            if self.file.get(at) != Some(&b'"') {
                break;
            }
            at += 1;
        }
        let end = self.plain_end(at);
        let kind = if end == at { Kind::Quoted } else { Kind::Broken(at) };
        Ok(Field { span: start..end, kind })
    }

    /// Where plain text ends: before a separator or a line end.
    fn plain_end(&self, from: usize) -> usize {
        let rest = &self.file[from..];
        let end = rest.iter().position(|byte| *byte == self.separator || *byte == b'\n').unwrap_or(rest.len());
        let ends_line = rest.get(end) == Some(&b'\n') && self.separator != b'\n';
        if ends_line && end > 0 && rest[end - 1] == b'\r' { from + end - 1 } else { from + end }
    }
}

/// Whether a field has to stand in quotes to say this.
pub(super) fn needs_quotes(text: &[u8], separator: u8) -> bool {
    memchr::memchr3(b'"', b'\n', b'\r', text).is_some() || memchr::memchr(separator, text).is_some()
}

/// Writes one field.
pub(super) fn write_field(text: &[u8], quoted: bool, out: &mut Vec<u8>) {
    if !quoted {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}
