//! All records: taken out, put back record by record, and what they mean.

use std::collections::HashMap;

use super::records::{Found, Records};
use super::{Edit, Format, Fragment, JSON, JsonLine, LensError, Syntax, apply, body};
use crate::lens::json::{Style, render_as};
use crate::lens::{BOM, Position, Span};
use crate::value::Value;

/// All records, one a line.
pub(super) fn taken(file: &[u8]) -> Result<Vec<u8>, LensError> {
    let mut out = Vec::new();
    let mut any = false;
    for record in Records::of(file) {
        any = true;
        let text = &file[record.span.clone()];
        unmarked(text).and_then(|text| JSON.tidy(text)).map_err(|error| below(file, record.span.start, error))?;
        apply::check_size(out.len() + text.len())?;
        out.extend_from_slice(text);
        out.push(b'\n');
    }
    if any { Ok(out) } else { Err(LensError::Missing { selector: "rows".to_owned(), nearest: Vec::new() }) }
}

/// The record, unless it begins with a byte order mark, which stands at the start of a file alone.
pub(super) fn unmarked(record: &[u8]) -> Result<&[u8], LensError> {
    match record.starts_with(BOM) {
        true => Err(LensError::unparsable(record, 0, "a byte order mark within the file")),
        false => Ok(record),
    }
}

/// The error of a record that starts at `start`, as one of the text that it stands in.
pub(super) fn below(text: &[u8], start: usize, error: LensError) -> LensError {
    match error {
        LensError::Unparsable { at, found } => {
            let record = Position::at(text, start);
            let at = Position { line: record.line + at.line - 1, column: record.column + at.column - 1 };
            LensError::Unparsable { at, found }
        }
        other => other,
    }
}

fn expects(fragment: &Fragment, expression: &str) -> Result<(), LensError> {
    if fragment.format == Format::Jsonl {
        return Ok(());
    }
    Err(LensError::Refused(format!("`{expression}` holds jsonl, not {}", fragment.format)))
}

/// Plans the replacement of all records. Those that are equal at both ends are left alone, and in between each is edited in its place if as
/// many come as stood there.
pub(super) fn put(file: &[u8], fragment: &Fragment, expression: &str) -> Result<Vec<Edit>, LensError> {
    expects(fragment, expression)?;
    let new_text = &fragment.text;
    let old: Vec<Found> = Records::of(file).collect();
    let new: Vec<Span> = Records::of(new_text).map(|record| record.span).collect();
    let same = |(old, new): (&Found, &Span)| file[old.span.clone()] == new_text[new.clone()];
    let head = old.iter().zip(&new).take_while(|pair| same(*pair)).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|pair| same(*pair)).count();
    let (changed, came) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if changed.len() == came.len() {
        let pairs = changed.iter().zip(came).filter(|pair| !same(*pair));
        let edit = |(old, new): (&Found, &Span)| Edit { span: old.span.clone(), text: new_text[new.clone()].to_vec() };
        return Ok(pairs.map(edit).collect());
    }
    let at = match (changed.first(), changed.last(), old.get(head), head.checked_sub(1).and_then(|at| old.get(at))) {
        (Some(first), Some(last), ..) => first.line.start..last.line.end,
        (_, _, Some(next), _) => next.line.start..next.line.start,
        (.., Some(before)) => before.line.end..before.line.end,
        _ => body::bom(file)..file.len(),
    };
    let mut lines = Vec::new();
    for span in came {
        lines.extend_from_slice(&new_text[span.clone()]);
        lines.push(b'\n');
    }
    Ok(body::replaced(file, &at, b"", &lines))
}

/// Plans records where there are none.
pub(super) fn fill(file: &[u8], fragment: &Fragment, expression: &str) -> Result<Vec<Edit>, LensError> {
    expects(fragment, expression)?;
    Ok(vec![Edit { span: body::bom(file)..file.len(), text: fragment.text.clone() }])
}

/// The edit that puts a record behind the others.
pub(super) fn behind(file: &[u8], record: &[u8]) -> Result<Edit, LensError> {
    let at = Records::of(file).last().map_or(file.len(), |last| last.line.end);
    let mut line = record.to_vec();
    line.push(b'\n');
    let edits = body::replaced(file, &(at..at), b"", &line);
    edits.into_iter().next().ok_or_else(|| LensError::Refused("there is nothing to insert".to_owned()))
}

/// The edits that take a record's line away.
pub(super) fn without(file: &[u8], line: &Span) -> Vec<Edit> {
    body::removed(file, line)
}

pub(super) fn value(text: &[u8]) -> Result<Value, LensError> {
    let mut items = Vec::new();
    for record in Records::of(text) {
        let start = record.span.start;
        let record = &text[record.span];
        let value = unmarked(record).and_then(|record| JSON.value(record));
        items.push(value.map_err(|error| below(text, start, error))?);
    }
    Ok(Value::Sequence(items))
}

/// The records with these values. A record that stands there, told by its first member or by its place, is edited and keeps its style.
pub(super) fn update(text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
    let Value::Sequence(new) = value else {
        let what = value.kind().to_owned();
        return Err(LensError::CannotSay { format: Format::Jsonl, path: String::new(), what });
    };
    let spans: Vec<Span> = Records::of(text).map(|record| record.span).collect();
    let Value::Sequence(old) = self::value(text)? else { return Ok(text.to_vec()) };
    if Value::Sequence(old.clone()).agrees(value) {
        return Ok(text.to_vec());
    }
    let style = style(text, spans.first());
    let was = matched(&old, new);
    let mut out = Vec::with_capacity(text.len());
    for (item, was) in new.iter().zip(was) {
        let record = match was {
            Some(at) => JsonLine.update(&text[spans[at].clone()], item)?,
            None => render_as(item, style)?,
        };
        out.extend_from_slice(&record);
        out.push(b'\n');
    }
    apply::check_update(Format::Jsonl, &out, value)?;
    Ok(out)
}

/// How a new record is written: as the first one that stands there.
fn style(text: &[u8], first: Option<&Span>) -> Style {
    let is_tight = first.is_some_and(|span| {
        let record = &text[span.clone()];
        memchr::memmem::find(record, b"\":").is_some() && memchr::memmem::find(record, b"\": ").is_none()
    });
    if is_tight { Style::Compact } else { Style::Line }
}

/// Which old record each new value was.
fn matched(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let key = old.first().and_then(|first| match first {
        Value::Map(members) => members.iter().map(|(name, _)| name).find(|name| {
            let mut seen = HashMap::new();
            old.iter().all(|item| {
                let text = item.child(name).and_then(Value::as_text);
                text.is_some_and(|text| seen.insert(text, ()).is_none())
            })
        }),
        _ => None,
    });
    let Some(key) = key else {
        return (0..new.len()).map(|at| (at < old.len()).then_some(at)).collect();
    };
    let places: HashMap<&str, usize> =
        old.iter().enumerate().filter_map(|(at, item)| Some((item.child(key)?.as_text()?, at))).collect();
    let mut used = vec![false; old.len()];
    let place = |item: &Value| places.get(item.child(key)?.as_text()?).copied();
    let mut take = |at: &usize| !std::mem::replace(&mut used[*at], true);
    new.iter().map(|item| place(item).filter(|at| take(at))).collect()
}
