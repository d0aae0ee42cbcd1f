//! Records: where they stand, and which one has a key.

use std::collections::HashMap;

use memchr::memmem;

use super::rows::unmarked;
use super::selector::{self, Key};
use super::{JSON, Syntax, in_file};
use crate::lens::{Item, Lens, LensError, MAX_PORTION, Pieces, Span, apply, body};
use crate::pointer;
use crate::value::Value;

/// So many lines are named at most where several records match.
const MAX_MATCHES: usize = 100;
/// So many members of the first record may be the key by which records are listed.
const MAX_KEYS: usize = 8;
/// So many faults are told at most.
const MAX_FAULTS: usize = 50;

/// A record that is no blank line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Without the blanks around it.
    pub(super) span: Span,
    /// With its line end.
    pub(super) line: Span,
}

/// All records, in the file's order.
pub(super) struct Records<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn of(file: &'a [u8]) -> Records<'a> {
        Records { file, at: body::bom(file) }
    }
}

impl Iterator for Records<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while self.at < self.file.len() {
            let line = line_at(self.file, self.at);
            self.at = line.end;
            let found = trimmed(self.file, line);
            if !found.span.is_empty() {
                return Some(found);
            }
        }
        None
    }
}

fn line_at(file: &[u8], start: usize) -> Span {
    start..memchr::memchr(b'\n', &file[start..]).map_or(file.len(), |at| start + at + 1)
}

fn trimmed(file: &[u8], line: Span) -> Found {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let text = &file[line.clone()];
    let before = text.iter().take_while(|byte| is_white(byte)).count();
    let behind = text[before..].iter().rev().take_while(|byte| is_white(byte)).count();
    Found { span: line.start + before..line.end - behind, line }
}

/// What every line that has the key holds: its longest run of characters that are always written as they are.
fn needle(text: &str) -> &str {
    let is_odd = |c: char| !c.is_ascii() || c.is_ascii_control() || matches!(c, '"' | '\\' | '/');
    text.split(is_odd).max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// The records of this key: all, if there are few.
fn matching(file: &[u8], key: &Key, expression: &str) -> Result<Vec<Found>, LensError> {
    let mut found = Vec::new();
    let mut check = |record: Found| -> Result<bool, LensError> {
        let text = &file[record.span.clone()];
        let value = unmarked(text).and_then(|text| JSON.get(text, &key.at));
        let value = value.and_then(|fragment| JSON.value(&fragment.text));
        match value {
            Ok(value) if value.as_text() == Some(&key.text) => found.push(record),
            Ok(_) | Err(LensError::Missing { .. }) => {}
            Err(error) => return Err(in_file(file, record.span.start, expression, error)),
        }
        Ok(found.len() < MAX_MATCHES)
    };
    match needle(&key.text) {
        "" => {
            for record in Records::of(file) {
                if !check(record)? {
                    break;
                }
            }
        }
        needle => {
            // Characters can also be written as escapes.
            let (plain, escape) = (memmem::Finder::new(needle), memmem::Finder::new("\\u"));
            let start = body::bom(file);
            let next = |finder: &memmem::Finder<'_>, from: usize| finder.find(&file[from..]).map(|at| from + at);
            let mut at = start;
            let mut hits = [next(&plain, at), next(&escape, at)];
            while let Some(hit) = hits.iter().flatten().min() {
                let line = memchr::memrchr(b'\n', &file[at..*hit]).map_or(at, |line| at + line + 1);
                let line = line_at(file, line);
                at = line.end;
                if !check(trimmed(file, line))? {
                    break;
                }
                for (hit, finder) in hits.iter_mut().zip([&plain, &escape]) {
                    if hit.is_some_and(|hit| hit < at) {
                        *hit = next(finder, at);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The line of the one record of this key, in a file that is read a piece at a time. `None` if it is not the only one, or not there.
pub(super) fn one_from(file: &mut Pieces<'_>, key: &Key, expression: &str) -> Option<Vec<u8>> {
    let mut line = None;
    loop {
        let is_last = !file.more();
        let held = file.held();
        let lines = if is_last { held.len() } else { memchr::memrchr(b'\n', held).map_or(0, |end| end + 1) };
        let is_odd = file.offset() > 0 && body::bom(held) > 0;
        if is_odd || held.len() > 2 * MAX_PORTION {
            return None;
        }
        for found in matching(&held[..lines], key, expression).ok()? {
            if line.replace(held[found.line].to_vec()).is_some() {
                return None;
            }
        }
        if is_last {
            return line;
        }
        file.forget(lines);
    }
}

/// The one record of this key.
pub(super) fn one(file: &[u8], key: &Key, expression: &str) -> Result<Found, LensError> {
    let mut found = matching(file, key, expression)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let keys = Records::of(file).take(1000).filter_map(|record| {
                let value =
                    JSON.get(&file[record.span], &key.at).and_then(|fragment| JSON.value(&fragment.text)).ok()?;
                Some(selector::record(&key.at, value.as_text()?))
            });
            Err(LensError::missing(expression, keys))
        }
        _ => Err(LensError::Ambiguous {
            selector: expression.to_owned(),
            lines: body::line_numbers(file, found.iter().map(|record| record.span.start)),
        }),
    }
}

/// The records with their line and what they say under each of some keys.
struct Listed {
    line: usize,
    texts: Vec<Option<String>>,
}

/// The members by which records could be told apart, and the records.
fn read(file: &[u8]) -> (Vec<String>, Vec<Listed>, Vec<LensError>) {
    let mut keys: Vec<String> = Vec::new();
    let mut records = Vec::new();
    let mut faults = Vec::new();
    let (mut line, mut at) = (1, 0);
    for record in Records::of(file) {
        line += memchr::memchr_iter(b'\n', &file[at..record.span.start]).count();
        at = record.span.start;
        let value = match unmarked(&file[record.span.clone()]).and_then(|record| JSON.value(record)) {
            Ok(value) => value,
            Err(error) => {
                if faults.len() < MAX_FAULTS {
                    faults.push(in_file(file, at, "rows", error));
                }
                continue;
            }
        };
        if records.is_empty()
            && let Value::Map(members) = &value
        {
            keys = members.iter().map(|(name, _)| name.clone()).take(MAX_KEYS).collect();
            // What is called `id` is one.
            keys.sort_by_key(|name| name != "id");
        }
        let texts = keys.iter().map(|key| value.child(key)?.as_text().map(str::to_owned)).collect();
        records.push(Listed { line, texts });
    }
    (keys, records, faults)
}

/// The first key that tells all records apart; else the first of all.
fn telling(keys: &[String], records: &[Listed]) -> Option<usize> {
    let is_telling = |at: &usize| {
        let mut seen = HashMap::new();
        records.iter().all(|record| record.texts[*at].as_ref().is_some_and(|text| seen.insert(text, ()).is_none()))
    };
    (0..keys.len()).find(is_telling).or((!keys.is_empty()).then_some(0))
}

/// All records, and each by the first key that tells them apart.
pub(super) fn list(file: &[u8]) -> Result<Vec<Item>, LensError> {
    let (keys, records, faults) = read(file);
    let mut items = Vec::new();
    let lines = (records.first().map_or(1, |record| record.line), records.last().map_or(1, |record| record.line));
    if faults.is_empty() && !records.is_empty() && apply::check_size(file.len()).is_ok() {
        items.push(Item { selector: "rows".to_owned(), kind: "table", lines });
    }
    if let (None, Some(fault)) = (records.first(), faults.first()) {
        return Err(fault.clone());
    }
    let Some(key) = telling(&keys, &records) else { return Ok(items) };
    let mut counts: HashMap<&str, usize> = HashMap::new();
    records
        .iter()
        .filter_map(|record| record.texts[key].as_deref())
        .for_each(|text| *counts.entry(text).or_default() += 1);
    for record in &records {
        let Some(text) = record.texts[key].as_deref().filter(|text| counts.get(text) == Some(&1)) else { continue };
        let selector = selector::record(&pointer::format([&keys[key]]), text);
        // A line beside it that does not parse may have the key, too.
        if faults.is_empty() || super::Jsonl.get(file, &selector).is_ok() {
            items.push(Item { selector, kind: "record", lines: (record.line, record.line) });
        }
    }
    Ok(items)
}

/// Lines that do not parse, and records that share their key.
pub(super) fn omitted(file: &[u8]) -> Result<Vec<LensError>, LensError> {
    let (keys, records, mut errors) = read(file);
    let Some(key) = telling(&keys, &records) else { return Ok(errors) };
    let mut several: HashMap<&str, Vec<usize>> = HashMap::new();
    for record in &records {
        if let Some(text) = record.texts[key].as_deref() {
            several.entry(text).or_default().push(record.line);
        }
    }
    let mut several: Vec<(&str, Vec<usize>)> = several.into_iter().filter(|(_, lines)| lines.len() > 1).collect();
    several.sort_by(|a, b| a.1.cmp(&b.1));
    for (text, lines) in several.into_iter().take(MAX_FAULTS) {
        errors.push(LensError::Ambiguous { selector: selector::record(&pointer::format([&keys[key]]), text), lines });
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::Jsonl;
    use crate::lens::pieces::agrees;

    proptest! {
        #[test]
        fn pieces_never_contradict_the_whole(
            lines in prop::collection::vec(prop::sample::select(vec![
                "{\"id\":1}\n", "{\"id\":\"k1\",\"n\":2}\r\n", "{\"id\":\"k1\"}", "{\"id\":\"\\u006b1\",\"n\":1}\n", "\n", " \n", "\u{FEFF}",
                "{\"k1\":", "k1\n", "{\"id\":\"a\",\"n\":\"k1\"}\n",
            ]), 0..40),
            piece in 1..100usize,
        ) {
            for expression in ["id=k1", "id=k1/n"] {
                agrees(&Jsonl, lines.concat().as_bytes(), expression, piece);
            }
        }

        #[test]
        fn sound_files_are_told_in_pieces(
            lines in prop::collection::vec(prop::sample::select(vec!["{\"id\":1}", "{\"id\":\"a\",\"n\":\"k1\"}", "", " "]), 0..40),
            at in any::<prop::sample::Index>(),
            piece in 1..100usize,
        ) {
            let mut lines = lines;
            lines.insert(at.index(lines.len() + 1), "{\"id\":\"k1\",\"n\":[2, 3]}");
            prop_assert!(agrees(&Jsonl, lines.join("\n").as_bytes(), "id=k1/n", piece));
        }
    }
}
