//! Tables (GitHub Flavored Markdown, section 4.10), by their section: `/Guide/Prices|table`, of several in one `/Guide/Prices|table:2`.
//!
//! A table's fragment is that of CSV, so that the two exchange texts. A cell is what stands between two bars, markup and all, without the
//! blanks around; a bar in it is written `\|`. What is put changes only cells that differ; where the bars of all lines stand below each
//! other they keep doing so as far as the text has room.

use std::collections::HashMap;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::headings::Outline;
use super::{Edit, Format, Fragment, LensError, Span, body, guarded, located};
use crate::lens::csv;
use crate::lens::{Item, MAX_PORTION};
use crate::pointer;

/// A table that stands in no list, quote or other container.
pub(super) struct Table {
    /// Its whole lines.
    span: Span,
    /// The heading in whose section it stands; none before the first.
    heading: Option<usize>,
    columns: usize,
}

/// A line of a table, with what its cells say without blanks around.
struct Line {
    span: Span,
    cells: Vec<Span>,
}

/// An expression's section and which of its tables; `None` for one that names no table.
fn split<'e>(outline: &Outline<'_>, expression: &'e str) -> Option<(&'e str, Option<usize>)> {
    let (section, which) = expression.rsplit_once('|')?;
    let number = match which.strip_prefix("table")? {
        "" => None,
        rest => Some(rest.strip_prefix(':').and_then(pointer::index)?),
    };
    // A heading may be called so.
    let is_heading = || pointer::tokens(expression).is_ok_and(|tokens| outline.at(&tokens).next().is_some());
    let may_be = outline.headings.iter().any(|heading| heading.name.contains("|table"));
    (!may_be || !is_heading()).then_some((section, number))
}

/// All tables, in the file's order.
pub(super) fn all(outline: &Outline<'_>) -> Vec<Table> {
    if memchr::memmem::find(outline.file, b"--").is_none() && memchr::memchr(b'|', outline.file).is_none() {
        return Vec::new();
    }
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut depth = 0_usize;
    let mut tables = Vec::new();
    for (event, range) in Parser::new_ext(&outline.text[outline.start..], options).into_offset_iter() {
        match event {
            Event::Start(Tag::Table(columns)) if depth == 0 => {
                let (start, end) = (outline.start + range.start, outline.start + range.end);
                let start = memchr::memrchr(b'\n', &outline.file[outline.start..start])
                    .map_or(outline.start, |at| outline.start + at + 1);
                let text = outline.text[start..end].trim_end();
                let end = start + text.len();
                let end = memchr::memchr(b'\n', &outline.file[end..]).map_or(outline.file.len(), |at| end + at + 1);
                let heading = outline.headings.partition_point(|heading| heading.span.start < start).checked_sub(1);
                tables.push(Table { span: start..end, heading, columns: columns.len() });
                depth += 1;
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tables
}

/// The one table that is meant; `None` where the expression names none.
fn found(outline: &Outline<'_>, expression: &str) -> Option<Result<Table, LensError>> {
    let (section, number) = split(outline, expression)?;
    let heading = match section {
        "" => None,
        section => match located(outline, section) {
            Ok(at) => Some(at),
            Err(LensError::Missing { .. }) => return Some(Err(missing(outline, expression))),
            Err(error) => return Some(Err(error)),
        },
    };
    let mut here: Vec<Table> = all(outline).into_iter().filter(|table| table.heading == heading).collect();
    Some(match (number, here.len()) {
        (None, 1) => Ok(here.remove(0)),
        (Some(number), count) if (1..=count).contains(&number) => Ok(here.remove(number - 1)),
        (None, 2..) => Err(LensError::Ambiguous {
            selector: expression.to_owned(),
            lines: here.iter().map(|table| outline.line(table.span.start)).collect(),
        }),
        _ => Err(missing(outline, expression)),
    })
}

fn missing(outline: &Outline<'_>, expression: &str) -> LensError {
    LensError::missing(expression, selectors(outline, &all(outline)))
}

/// The expression of each of the file's tables.
fn selectors(outline: &Outline<'_>, tables: &[Table]) -> Vec<String> {
    let mut counts: HashMap<Option<usize>, usize> = HashMap::new();
    tables.iter().for_each(|table| *counts.entry(table.heading).or_default() += 1);
    let mut before: HashMap<Option<usize>, usize> = HashMap::new();
    let selector = |table: &Table| {
        let section = table.heading.map_or_else(String::new, |heading| pointer::format(outline.path(heading)));
        let number = before.entry(table.heading).or_default();
        *number += 1;
        if counts.get(&table.heading) == Some(&1) {
            format!("{section}|table")
        } else {
            format!("{section}|table:{number}")
        }
    };
    tables.iter().map(selector).collect()
}

/// The cells of a line.
fn cells(outline: &Outline<'_>, line: &Span) -> Result<Vec<Span>, LensError> {
    let bytes = outline.file;
    let is_white = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let (mut start, mut end) = (line.start, line.end);
    while start < end && is_white(bytes[start]) {
        start += 1;
    }
    while end > start && is_white(bytes[end - 1]) {
        end -= 1;
    }
    if bytes.get(start) == Some(&b'|') && start < end {
        start += 1;
    }
    let mut bounds = Vec::new();
    let mut from = start;
    for at in memchr::memchr_iter(b'|', &bytes[start..end]).map(|at| start + at) {
        match bytes[from..at].iter().rev().take_while(|byte| **byte == b'\\').count() {
            0 => {
                bounds.push(from..at);
                from = at + 1;
            }
            1 => {}
            _ => {
                let found = "several backslashes before a bar: programs do not agree whether a cell ends here";
                return Err(LensError::unparsable(bytes, at, found));
            }
        }
    }
    if from < end || bounds.is_empty() {
        bounds.push(from..end);
    }
    let trimmed = |raw: Span| {
        let text = &bytes[raw.clone()];
        let before = text.iter().take_while(|byte| is_white(**byte)).count();
        if before == text.len() {
            let at = raw.start + before.min(1);
            return at..at;
        }
        let behind = text.iter().rev().take_while(|byte| is_white(**byte)).count();
        raw.start + before..raw.end - behind
    };
    Ok(bounds.into_iter().map(trimmed).collect())
}

impl Table {
    /// Its lines: the header, the delimiters, the rows.
    fn lines(&self, outline: &Outline<'_>) -> Result<Vec<Line>, LensError> {
        let mut at = self.span.start;
        let mut lines = Vec::new();
        for line in body::lines(&outline.file[self.span.clone()]) {
            let span = at..at + line.len();
            at = span.end;
            let cells = cells(outline, &span)?;
            let is_wide = cells.iter().skip(self.columns).any(|cell| !cell.is_empty());
            if is_wide || (lines.is_empty() && cells.len() != self.columns) {
                let found = format!("this line has {} cells, and the table {} columns", cells.len(), self.columns);
                return Err(LensError::unparsable(outline.file, span.start, found));
            }
            lines.push(Line { span, cells });
        }
        if lines.len() < 2 {
            return Err(LensError::unparsable(outline.file, self.span.start, "expected a table"));
        }
        Ok(lines)
    }

    fn texts(&self, outline: &Outline<'_>, line: &Line) -> Vec<String> {
        let text = |column: usize| line.cells.get(column).map(|cell| outline.text[cell.clone()].replace("\\|", "|"));
        (0..self.columns).map(|column| text(column).unwrap_or_default()).collect()
    }

    fn fragment(&self, outline: &Outline<'_>) -> Result<Vec<u8>, LensError> {
        if self.span.len() > MAX_PORTION {
            return Err(LensError::TooLarge(format!(
                "the table holds {} bytes, more than {MAX_PORTION}",
                self.span.len()
            )));
        }
        let mut out = Vec::new();
        for (nth, line) in self.lines(outline)?.iter().enumerate().filter(|(nth, _)| *nth != 1) {
            let texts = self.texts(outline, line);
            if nth == 0 {
                let is_control = |c: char| c.is_ascii_control() && !c.is_ascii_whitespace();
                if texts.iter().any(|text| text.contains(is_control)) {
                    let found = "a control character: this is no table of text";
                    return Err(LensError::unparsable(outline.file, line.span.start, found));
                }
                let mut names = texts.clone();
                names.sort_unstable();
                if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                    let found = format!("two columns are called `{}`", pair[0]);
                    return Err(LensError::unparsable(outline.file, line.span.start, found));
                }
            }
            csv::push(&mut out, texts);
        }
        Ok(out)
    }
}

/// The table as a fragment; `None` where the expression names none.
pub(super) fn get(outline: &Outline<'_>, expression: &str) -> Option<Result<Fragment, LensError>> {
    let table = found(outline, expression)?;
    Some(table.and_then(|table| Ok(Fragment { format: Format::Csv, text: table.fragment(outline)? })))
}

/// How lines are written.
struct Style {
    /// Bars at both ends.
    closed: bool,
    /// How many characters each column takes, where all lines are equally long.
    widths: Option<Vec<usize>>,
}

impl Style {
    fn of(outline: &Outline<'_>, lines: &[Line]) -> Style {
        let text = |line: &Line| outline.text[line.span.clone()].trim();
        let length = |line: &Line| text(line).chars().count();
        let first = &lines[0];
        let aligned = lines.iter().all(|line| length(line) == length(first));
        let bounds = |line: &Line| -> Vec<usize> {
            let inner = text(line).trim_matches('|');
            inner.replace("\\|", "xx").split('|').map(|cell| cell.chars().count().saturating_sub(2)).collect()
        };
        Style { closed: text(first).starts_with('|'), widths: aligned.then(|| bounds(first)) }
    }

    fn line(&self, texts: &[String]) -> Result<String, LensError> {
        let mut cells = Vec::with_capacity(texts.len());
        for (column, text) in texts.iter().enumerate() {
            let text = written(text)?;
            let width = self.widths.as_ref().and_then(|widths| widths.get(column)).copied().unwrap_or(0);
            let pad = width.saturating_sub(text.chars().count());
            cells.push(format!("{text}{}", " ".repeat(pad)));
        }
        let inner = cells.join(" | ");
        Ok(if self.closed || texts.len() < 2 { format!("| {inner} |") } else { inner.trim_end().to_owned() })
    }
}

/// A cell's text as it stands between bars.
fn written(text: &str) -> Result<String, LensError> {
    let cannot =
        |what: &str| LensError::CannotSay { format: Format::Markdown, path: String::new(), what: what.to_owned() };
    if text.contains(['\n', '\r']) {
        return Err(cannot("a line end in a table's cell"));
    }
    if text.trim_matches([' ', '\t']) != text {
        return Err(cannot("blanks at the ends of a table's cell"));
    }
    if text.contains("\\|") || text.ends_with('\\') {
        return Err(cannot("a backslash before a bar in a table's cell"));
    }
    Ok(text.replace('|', "\\|"))
}

fn delimiters(texts: &[String], style: &Style, old: &[(String, String)]) -> String {
    let cell = |(column, name): (usize, &String)| {
        let known = old.iter().find(|(known, _)| known == name).map(|(_, cell)| cell.clone());
        let width = style.widths.as_ref().and_then(|widths| widths.get(column)).copied().unwrap_or(3);
        known.unwrap_or_else(|| "-".repeat(width.max(3)))
    };
    let cells: Vec<String> = texts.iter().enumerate().map(cell).collect();
    if style.closed || cells.len() < 2 { format!("| {} |", cells.join(" | ")) } else { cells.join(" | ") }
}

/// The plan of putting a table; `None` where the expression names none.
pub(super) fn put(
    outline: &Outline<'_>,
    expression: &str,
    fragment: &Fragment,
) -> Option<Result<Vec<Edit>, LensError>> {
    let table = found(outline, expression)?;
    Some(table.and_then(|table| table.put(outline, fragment)))
}

/// What a fragment says: the names of the columns, and the rows.
fn read(fragment: &Fragment) -> Result<(Vec<String>, Vec<Vec<String>>), LensError> {
    if fragment.format != Format::Csv {
        return Err(LensError::Refused(format!("a table is csv, not {}", fragment.format)));
    }
    let mut rows = csv::records(&fragment.text)?;
    if rows.is_empty() {
        return Err(LensError::Refused("the fragment has no header line".to_owned()));
    }
    Ok((rows.remove(0), rows))
}

impl Table {
    fn put(&self, outline: &Outline<'_>, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let (names, rows) = read(fragment)?;
        let lines = self.lines(outline)?;
        let style = Style::of(outline, &lines);
        let old: Vec<Vec<String>> = lines.iter().map(|line| self.texts(outline, line)).collect();
        if old[0] != names {
            return self.relaid(outline, &lines, &names, &rows);
        }
        let (old_rows, old_lines) = (&old[2..], &lines[2..]);
        let head = old_rows.iter().zip(&rows).take_while(|(old, new)| old == new).count();
        let most = old_rows.len().min(rows.len()) - head;
        let tail = old_rows.iter().rev().zip(rows.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
        let new = &rows[head..rows.len() - tail];
        let (old_rows, old_lines) = (&old_rows[head..old_rows.len() - tail], &old_lines[head..old_lines.len() - tail]);
        let edited = |at: usize, texts: &[String]| self.edited(outline, &old_lines[at], texts, &style);
        if old_rows.len() == new.len() {
            let mut edits = Vec::new();
            for (at, (_, texts)) in old_rows.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                edits.push(Edit { span: content(outline, &old_lines[at].span), text: edited(at, texts)?.into_bytes() });
            }
            return guarded(outline, &self.span, edits);
        }
        // A row is told by its first cell.
        let was = |texts: &[String]| old_rows.iter().position(|old| old.first() == texts.first());
        let mut text = String::new();
        for texts in new {
            text.push_str(&match was(texts) {
                Some(at) => edited(at, texts)?,
                None => style.line(texts)?,
            });
            text.push('\n');
        }
        let start = old_lines.first().map_or_else(|| lines[head + 1].span.end, |line| line.span.start);
        let end = old_lines.last().map_or(start, |line| line.span.end);
        guarded(outline, &self.span, body::replaced(outline.file, &(start..end), b"", text.as_bytes()))
    }

    /// A line with other texts in its cells.
    fn edited(&self, outline: &Outline<'_>, line: &Line, texts: &[String], style: &Style) -> Result<String, LensError> {
        let standing = self.texts(outline, line);
        if texts.iter().enumerate().any(|(at, text)| at >= line.cells.len() && !text.is_empty()) {
            return style.line(texts);
        }
        let whole = content(outline, &line.span);
        let mut out = String::new();
        let mut from = whole.start;
        for (column, cell) in
            line.cells.iter().enumerate().take(self.columns).filter(|(at, _)| texts[*at] != standing[*at])
        {
            let text = written(&texts[column])?;
            let rest = &outline.text[cell.end..whole.end];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let room = outline.text[cell.clone()].chars().count() + blanks.saturating_sub(1);
            out.push_str(&outline.text[from..cell.start]);
            out.push_str(&text);
            from = cell.end;
            if style.widths.is_some() && blanks > 0 {
                let pad = room.saturating_sub(text.chars().count());
                out.push_str(&" ".repeat(pad + 1));
                from += blanks;
            }
        }
        out.push_str(&outline.text[from..whole.end]);
        Ok(out)
    }

    /// The whole table with other columns.
    fn relaid(
        &self,
        outline: &Outline<'_>,
        lines: &[Line],
        names: &[String],
        rows: &[Vec<String>],
    ) -> Result<Vec<Edit>, LensError> {
        let closed = Style::of(outline, lines).closed;
        let style = Style { closed, widths: None };
        let cells = self.texts(outline, &lines[1]);
        let old: Vec<(String, String)> = self.texts(outline, &lines[0]).into_iter().zip(cells).collect();
        let mut text = format!("{}\n{}\n", style.line(names)?, delimiters(names, &style, &old));
        for row in rows {
            text.push_str(&style.line(row)?);
            text.push('\n');
        }
        guarded(outline, &self.span, body::replaced(outline.file, &self.span, b"", text.as_bytes()))
    }
}

/// A line without its line end.
fn content(outline: &Outline<'_>, line: &Span) -> Span {
    line.start..line.start + body::content(&outline.file[line.clone()]).len()
}

/// The plan of a new table at the end of a section's own text; `None` where the expression names none.
pub(super) fn insert(
    outline: &Outline<'_>,
    expression: &str,
    fragment: &Fragment,
) -> Option<Result<Vec<Edit>, LensError>> {
    let (section, number) = split(outline, expression)?;
    Some(inserted(outline, section, number, fragment))
}

fn inserted(
    outline: &Outline<'_>,
    section: &str,
    number: Option<usize>,
    fragment: &Fragment,
) -> Result<Vec<Edit>, LensError> {
    let (names, rows) = read(fragment)?;
    let heading = if section.is_empty() { None } else { Some(located(outline, section)?) };
    let count = all(outline).iter().filter(|table| table.heading == heading).count();
    if number.unwrap_or(1) != count + 1 {
        return Err(LensError::Refused(format!(
            "there is no place for it; the next one is `{section}|table:{}`",
            count + 1
        )));
    }
    let next = heading.map_or(0, |at| at + 1);
    let start = heading.map_or(outline.start, |at| outline.headings[at].span.end);
    let end = outline.headings.get(next).map_or(outline.file.len(), |heading| heading.span.start);
    let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
    let blank: usize = body::lines_back(&outline.file[start..end]).take_while(is_blank_line).map(<[u8]>::len).sum();
    let at = end - blank;
    let style = Style { closed: true, widths: None };
    let mut text = String::new();
    if at > outline.start {
        text.push('\n');
    }
    text.push_str(&format!("{}\n{}\n", style.line(&names)?, delimiters(&names, &style, &[])));
    for row in &rows {
        text.push_str(&style.line(row)?);
        text.push('\n');
    }
    if blank == 0 && end < outline.file.len() {
        text.push('\n');
    }
    guarded(outline, &(at..at), body::replaced(outline.file, &(at..at), b"", text.as_bytes()))
}

/// The plan of taking a table away; `None` where the expression names none.
pub(super) fn remove(outline: &Outline<'_>, expression: &str) -> Option<Result<Vec<Edit>, LensError>> {
    let table = found(outline, expression)?;
    Some(table.and_then(|table| {
        let behind = body::lines(&outline.file[table.span.end..]).next();
        let blank = behind.filter(|line| body::is_blank(body::content(line))).map_or(0, <[u8]>::len);
        let span = table.span.start..table.span.end + blank;
        guarded(outline, &table.span, body::removed(outline.file, &span))
    }))
}

/// Every table that can be taken out: not one in a section whose path others have.
pub(super) fn items(outline: &Outline<'_>) -> Vec<Item> {
    let tables = all(outline);
    let mut paths: HashMap<Vec<&str>, usize> = HashMap::new();
    outline.paths().for_each(|path| *paths.entry(path).or_default() += 1);
    let bounds = tables.iter().flat_map(|table| [table.span.start, table.span.end - 1]);
    let lines = body::line_numbers(outline.file, bounds);
    let mut items = Vec::new();
    for ((table, selector), lines) in tables.iter().zip(selectors(outline, &tables)).zip(lines.chunks(2)) {
        let is_alone = table.heading.is_none_or(|heading| paths.get(&outline.path(heading)) == Some(&1));
        if is_alone && table.fragment(outline).is_ok() && split(outline, &selector).is_some() {
            items.push(Item { selector, kind: "table", lines: (lines[0], lines[1]) });
        }
    }
    items
}
