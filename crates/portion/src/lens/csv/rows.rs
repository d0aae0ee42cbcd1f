//! Putting a whole table, or some of its columns: what is equal is not touched.
//!
//! A row keeps what the selector does not name. Which row a new one was is told by the first column that the selector names, where
//! no two rows say the same in it, before and after; otherwise by all that they say. Where neither tells, and something would go over
//! to another row or be lost, the edit is refused.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::edit::Says;
use super::record::{Field, Reader, Record};
use super::table::{Row, Table};
use crate::lens::{Edit, LensError};

/// A table that stands in a file, and the one that is put in its place.
pub(super) struct Put<'t, 'a> {
    pub(super) table: &'t Table<'a>,
    /// Which of its columns are put, in the order of the new table's.
    pub(super) columns: &'t [usize],
    pub(super) new: &'t Table<'a>,
}

/// What tells rows apart, as far as they are not equal from the start.
struct Sides {
    old: Vec<Record>,
    new: Vec<Record>,
    /// Which old row each new one was.
    was: Vec<Option<usize>>,
    /// Whether a key tells that.
    by_key: bool,
}

impl Put<'_, '_> {
    /// The plan.
    pub(super) fn edits(&self) -> Result<Vec<Edit>, LensError> {
        let (before, sides) = self.sides()?;
        let mut edits = Vec::new();
        let mut anchor = before;
        let (mut from_old, mut from_new) = (0, 0);
        for (old, new) in sides.kept() {
            self.between(&sides, from_old..old, from_new..new, anchor.as_ref(), &mut edits)?;
            let row = self.old_row(&sides.old[old])?;
            edits.extend(self.table.field_edits(&row, &self.says(&sides.new[new])?));
            anchor = Some(row.record);
            (from_old, from_new) = (old + 1, new + 1);
        }
        self.between(&sides, from_old..sides.old.len(), from_new..sides.new.len(), anchor.as_ref(), &mut edits)?;
        Ok(edits)
    }

    /// The last row before the first difference, and the rows from there on.
    fn sides(&self) -> Result<(Option<Record>, Sides), LensError> {
        let mut anchor = self.table.header.as_ref().map(|(record, _)| *record);
        let (mut old_rows, mut new_rows) = (self.table.reader(), self.new.reader());
        let (mut old, mut new) = (old_rows.next()?, new_rows.next()?);
        let (mut old_keys, mut new_keys) = (Vec::new(), Vec::new());
        while let (Some(a), Some(_)) = (old, new) {
            if !self.says_the_same(&old_rows, &new_rows)? {
                break;
            }
            anchor = Some(a);
            old_keys.push(self.digests(self.table, &old_rows, self.columns.iter().copied()).0);
            (old, new) = (old_rows.next()?, new_rows.next()?);
        }
        let mut sides = Sides { old: Vec::new(), new: Vec::new(), was: Vec::new(), by_key: true };
        let same = old_keys.len();
        new_keys.clone_from(&old_keys);
        let (mut old_texts, mut new_texts) = (Vec::new(), Vec::new());
        while let Some(record) = old {
            sides.old.push(record);
            let (key, all) = self.digests(self.table, &old_rows, self.columns.iter().copied());
            old_keys.push(key);
            old_texts.push(all);
            old = old_rows.next()?;
        }
        while let Some(record) = new {
            sides.new.push(record);
            let (key, all) = self.digests(self.new, &new_rows, 0..self.columns.len());
            new_keys.push(key);
            new_texts.push(all);
            new = new_rows.next()?;
        }
        sides.by_key = is_distinct(&old_keys) && is_distinct(&new_keys);
        sides.was =
            if sides.by_key { matched(&old_keys[same..], &new_keys[same..]) } else { matched(&old_texts, &new_texts) };
        Ok((anchor, sides))
    }

    fn says_the_same(&self, old: &Reader<'_>, new: &Reader<'_>) -> Result<bool, LensError> {
        for (at, column) in self.columns.iter().enumerate() {
            if self.table.text(&old.fields, *column)? != self.new.text(&new.fields, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Digests of the first of these columns, and of all.
    fn digests(&self, table: &Table<'_>, reader: &Reader<'_>, columns: impl Iterator<Item = usize>) -> (u64, u64) {
        let (mut all, mut key) = (DefaultHasher::new(), 0);
        for (nth, column) in columns.enumerate() {
            let text = table.text(&reader.fields, column).unwrap_or_default();
            text.hash(&mut all);
            if nth == 0 {
                key = all.clone().finish();
            }
        }
        (key, all.finish())
    }

    fn old_row(&self, record: &Record) -> Result<Row, LensError> {
        Ok(Row { record: *record, fields: fields_at(self.table, record)? })
    }

    /// What a new row says, in the order of the standing columns.
    fn says(&self, record: &Record) -> Result<Vec<Says<'_>>, LensError> {
        let fields = fields_at(self.new, record)?;
        let mut says = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            says.push(Says { column: *column, text: self.new.text(&fields, at)? });
        }
        says.sort_by_key(|says| says.column);
        Ok(says)
    }

    /// Plans what becomes of rows between two that stay.
    fn between(
        &self,
        sides: &Sides,
        old: std::ops::Range<usize>,
        new: std::ops::Range<usize>,
        anchor: Option<&Record>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), LensError> {
        if old.is_empty() && new.is_empty() {
            return Ok(());
        }
        let is_whole = self.columns.len() == self.table.names.len();
        let moved: Vec<usize> = sides.was.iter().flatten().copied().filter(|at| old.contains(at)).collect();
        let came = sides.was[new.clone()].iter().flatten().count();
        if old.len() == new.len() && moved.is_empty() && came == 0 && (is_whole || !sides.by_key) {
            // Each is edited in its place.
            for (old, new) in old.zip(new) {
                edits.extend(self.table.field_edits(&self.old_row(&sides.old[old])?, &self.says(&sides.new[new])?));
            }
            return Ok(());
        }
        for at in old.clone().filter(|at| !is_whole && !sides.by_key && !moved.contains(at)) {
            self.check_private(&self.old_row(&sides.old[at])?)?;
        }
        let like = match anchor {
            Some(record) => fields_at(self.table, record)?,
            None => Vec::new(),
        };
        let mut rows = Vec::with_capacity(new.len());
        for at in new {
            let says = self.says(&sides.new[at])?;
            rows.push(match sides.was[at] {
                Some(was) => self.table.edited(&self.old_row(&sides.old[was])?, &says)?,
                None => self.new_row(&says, &like),
            });
        }
        self.replaced(&sides.old[old], anchor, rows, edits);
        Ok(())
    }

    fn new_row(&self, says: &[Says<'_>], like: &[Field]) -> Vec<u8> {
        let mut texts: Vec<&[u8]> = vec![b""; self.table.names.len()];
        says.iter().for_each(|says| texts[says.column] = &says.text);
        self.table.new_row(&texts, like)
    }

    /// Refuses to lose what a row says in other columns, where it is not clear which row it is.
    fn check_private(&self, row: &Row) -> Result<(), LensError> {
        for column in (0..self.table.names.len()).filter(|column| !self.columns.contains(column)) {
            if !self.table.text(&row.fields, column)?.is_empty() {
                let name = String::from_utf8_lossy(&self.table.names[column]);
                return Err(LensError::Refused(format!(
                    "it is not clear which rows were removed or edited, and which of them keep their `{name}`: name a column first \
                     that tells rows apart, as in `rows(id,name)`"
                )));
            }
        }
        Ok(())
    }

    /// Plans rows in the place of others.
    fn replaced(&self, old: &[Record], anchor: Option<&Record>, rows: Vec<Vec<u8>>, edits: &mut Vec<Edit>) {
        let line_end = self.table.line_end();
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            let at = Record { start: self.table.rows, end: 0, next: self.table.rows };
            edits.push(self.table.behind(anchor.unwrap_or(&at), &rows));
            return;
        };
        let mut text = rows.iter().flat_map(|row| [&row[..], line_end]).collect::<Vec<_>>().concat();
        if last.next == last.end {
            // The file's last line stays without a line end.
            text.truncate(text.len().saturating_sub(line_end.len()));
            let start = if rows.is_empty() { self.table.line_end_before(first.start) } else { first.start };
            edits.push(Edit { span: start..last.next, text });
            return;
        }
        // Blank lines between them stay.
        for (nth, record) in old.iter().enumerate() {
            let text = if nth == 0 { std::mem::take(&mut text) } else { Vec::new() };
            edits.push(Edit { span: record.start..record.next, text });
        }
    }
}

impl Sides {
    /// Which rows stay in their place: the most that keep their order. Pairs of an old and a new one.
    fn kept(&self) -> Vec<(usize, usize)> {
        // The longest rising sequence: the last old row of the best sequence of each length, and what came before each.
        let mut tails: Vec<(usize, usize)> = Vec::new();
        let mut before: Vec<Option<usize>> = vec![None; self.new.len()];
        for (new, old) in self.was.iter().enumerate().filter_map(|(new, old)| Some((new, (*old)?))) {
            let at = tails.partition_point(|(tail, _)| *tail < old);
            before[new] = at.checked_sub(1).map(|at| tails[at].1);
            tails.truncate(tails.len().max(at + 1));
            match tails.get_mut(at) {
                Some(tail) => *tail = (old, new),
                None => tails.push((old, new)),
            }
        }
        let mut pairs = Vec::with_capacity(tails.len());
        let mut next = tails.last().map(|(_, new)| *new);
        while let Some(new) = next {
            pairs.extend(self.was[new].map(|old| (old, new)));
            next = before[new];
        }
        pairs.reverse();
        pairs
    }
}

fn fields_at(table: &Table<'_>, record: &Record) -> Result<Vec<Field>, LensError> {
    let mut reader = Reader::new(table.file, table.separator, record.start);
    reader.next()?;
    Ok(reader.fields)
}

fn is_distinct(keys: &[u64]) -> bool {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// Which old row each new one was: the first of those with its digest, then the second.
fn matched(old: &[u64], new: &[u64]) -> Vec<Option<usize>> {
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, digest) in old.iter().enumerate().rev() {
        places.entry(*digest).or_default().push(at);
    }
    new.iter().map(|digest| places.get_mut(digest).and_then(Vec::pop)).collect()
}

/// The file's whole table with other columns: rows are matched as above, fields that stay keep their bytes.
pub(super) fn relaid(table: &Table<'_>, new: &Table<'_>) -> Result<Vec<Edit>, LensError> {
    let kept: Vec<Option<usize>> =
        new.names.iter().map(|name| table.names.iter().position(|known| known == name)).collect();
    let line_end = table.line_end();
    let (head, head_fields) = match &table.header {
        Some((record, fields)) => (Some(*record), &fields[..]),
        None => (None, &[][..]),
    };
    let mut out = Vec::new();
    let mut write = |fields: &[Field], like: &[Field], text: &dyn Fn(usize) -> Result<Vec<u8>, LensError>| {
        let start = out.len();
        for (at, from) in kept.iter().enumerate() {
            let text = text(at)?;
            if at > 0 {
                out.push(table.separator);
            }
            let standing = from.and_then(|from| fields.get(from));
            match standing.filter(|field| field.text(table.file).is_ok_and(|standing| standing == text)) {
                Some(field) => out.extend_from_slice(&table.file[field.span.clone()]),
                None => {
                    let quoted = table.in_quotes(&text, from.unwrap_or(usize::MAX), like);
                    super::record::write_field(&text, quoted, &mut out);
                }
            }
        }
        if out.len() == start {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(line_end);
        Ok::<(), LensError>(())
    };
    if head.is_some() {
        write(head_fields, head_fields, &|at| Ok(new.names[at].to_vec()))?;
    }
    let mut old_keys: HashMap<Vec<u8>, Vec<Field>> = HashMap::new();
    let mut end = head;
    let mut reader = table.reader();
    let mut like = head_fields.to_vec();
    while let Some(record) = reader.next()? {
        if let Some(Some(column)) = kept.first() {
            old_keys.insert(table.text(&reader.fields, *column)?.into_owned(), reader.fields.clone());
        }
        like.clone_from(&reader.fields);
        end = Some(record);
    }
    let mut rows = new.reader();
    while rows.next()?.is_some() {
        let was = old_keys.get(&new.text(&rows.fields, 0)?[..]);
        let fields: &[Field] = was.map_or(&[], |fields| fields);
        write(fields, if was.is_some() { fields } else { &like }, &|at| Ok(new.text(&rows.fields, at)?.into_owned()))?;
    }
    let start = head.map_or(table.rows, |head| head.start);
    let Some(end) = end else { return Ok(Vec::new()) };
    if end.next == end.end && out.ends_with(line_end) {
        out.truncate(out.len() - line_end.len());
    }
    Ok(vec![Edit { span: start..end.next, text: out }])
}
