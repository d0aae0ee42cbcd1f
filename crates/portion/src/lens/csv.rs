//! CSV and TSV (RFC 4180, and what spreadsheets write), by key.
//!
//! # Addresses
//! `rows` is the whole table, `rows(id,name)` some of its columns; `row id=42` the row that says `42` in the column `id`; `col name` a column;
//! `cell id=42/name` what a row says in a column. [`expression`] has the grammar. The separator is the one of `,`, `;`, tab and `|`
//! that the header line has most of (of equally many the first), what a line `sep=;` before it says, or what the selector says: `sep=| rows`. TSV
//! has tabs. Where the first line is no header, `headless rows`: its columns are called `#1`, `#2`…
//!
//! # Fragments
//! [`fragment`] has the normal form: a file's separator, quotes and line ends are its own. A row and a table have a header line, a column one field a line;
//! a cell is text. The columns of a table or row stand in the file's order. In a cell (and nowhere else) CR LF is LF.
//!
//! Blank lines are no rows. A row may be shorter than the header: what it lacks is empty. Nameless columns at the end that hold nothing are no columns.
//! Comments are unknown to CSV.
//!
//! # The embedding
//! Every field is text: numbers, booleans and date-times are written as such, null and containers cannot be said. A table is a list of maps, all
//! with the same keys.

mod edit;
mod expression;
mod fragment;
mod large;
mod list;
mod record;
mod request;
mod rows;
mod scan;
mod table;

use std::borrow::Cow;

use self::expression::{Part, parsed};
pub(crate) use self::fragment::Shape;
pub(super) use self::fragment::{push, records};
use self::request::{Request, cell_string, cell_text};
use self::table::Table;
use super::{Edit, Format, Fragment, Item, Lens, LensError, Pieces, apply, body};
use crate::value::Value;

pub(crate) const CSV: Csv = Csv { scheme: "csv", separator: None };
pub(crate) const TSV: Csv = Csv { scheme: "tsv", separator: Some(b'\t') };

pub(crate) struct Csv {
    scheme: &'static str,
    separator: Option<u8>,
}

impl Csv {
    /// Reads the expression and the header. A file that holds nothing has nothing there.
    fn request<'a>(&self, file: &'a [u8], expression: &'a str) -> Result<Request<'a>, LensError> {
        let asked = parsed(self.scheme, expression)?;
        match Table::read(file, self.separator, &asked)? {
            Some(table) => Ok(Request { table, asked, expression }),
            None => Err(LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() }),
        }
    }
}

impl Lens for Csv {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        self.request(file, expression)?.get()
    }

    fn get_from(&self, file: &mut Pieces<'_>, expression: &str) -> Option<Fragment> {
        let asked = parsed(self.scheme, expression).ok()?;
        self.get(&large::one_row(file, self.separator, &asked)?, expression).ok()
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let request = self.request(file, expression)?;
        request.guarded(self.separator, request.put(fragment)?)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if !apply::is_blank(file) {
            let request = self.request(file, expression)?;
            return request.guarded(self.separator, request.insert(fragment)?);
        }
        let asked = parsed(self.scheme, expression)?;
        let separator = asked.separator.or(self.separator).unwrap_or(b',');
        let at = body::bom(file)..file.len();
        if !matches!(asked.part, Part::Rows(_) | Part::Row(..)) {
            return Err(LensError::Refused("the file is empty: begin with `rows`, or with a `row`".to_owned()));
        }
        let Some(new) = fragment::table(&fragment.text)? else {
            return Err(LensError::Refused("the fragment has no header line".to_owned()));
        };
        let mut text = Vec::with_capacity(fragment.text.len());
        let mut line = |fields: &[Cow<'_, [u8]>]| {
            let start = text.len();
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    text.push(separator);
                }
                record::write_field(field, record::needs_quotes(field, separator), &mut text);
            }
            if text.len() == start {
                text.extend_from_slice(b"\"\"");
            }
            text.push(b'\n');
        };
        if !asked.headless {
            line(&new.names);
        }
        let mut reader = new.reader();
        while reader.next()?.is_some() {
            let fields = (0..new.names.len()).map(|at| new.text(&reader.fields, at));
            line(&fields.collect::<Result<Vec<_>, LensError>>()?);
        }
        Ok(vec![Edit { span: at, text }])
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let asked = parsed(self.scheme, expression);
        asked.is_ok_and(|asked| match asked.part {
            Part::Rows(_) | Part::Row(..) => true,
            Part::Column(_) => !apply::is_blank(file),
            Part::Cell(..) => false,
        })
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let request = self.request(file, expression)?;
        request.guarded(self.separator, request.remove()?)
    }

    fn is_removed(&self, _before: &[u8], after: &[u8], expression: &str) -> bool {
        matches!(self.get(after, expression), Err(LensError::Missing { .. }))
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let asked = parsed(self.scheme, "")?;
        Table::read(file, self.separator, &asked)?.map_or(Ok(Vec::new()), |table| list::items(&table))
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let asked = parsed(self.scheme, "")?;
        Table::read(file, self.separator, &asked)?.map_or(Ok(Vec::new()), |table| list::omitted(&table))
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        if fragment.format == Format::Text {
            return Fragment { text: cell_text(cell_string(&fragment.text).to_vec()), ..fragment };
        }
        // What does not fit is refused with its reason where it is put.
        match self.request(file, expression).and_then(|request| request.fitted(&fragment)) {
            Ok(Some(text)) => Fragment { text, ..fragment },
            _ => fragment,
        }
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match parsed(self.scheme, expression).map(|asked| asked.part) {
            Ok(Part::Row(..)) => Format::CsvRow,
            Ok(Part::Column(_)) => Format::CsvColumn,
            Ok(Part::Cell(..)) => Format::Text,
            _ => Format::Csv,
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "name a column in which no two rows say the same, or a column by its place, as `#2`"
    }
}
