//! `inlay list FILE`.

use std::path::Path;

use portion::{Address, Item, LensError, Scheme};
use serde_json::json;

use crate::context::Context;
use crate::error::{CommandError, quoted, quoted_address, typed};
use crate::place::{self, Place};

/// List the portions of a file.
///
/// Every portion that can be addressed: its selector, its kind, its lines, and how it begins. Regions between marker comments are
/// listed too. What no selector means (equal headings, a key that stands twice, a region without its end) is told on standard error;
/// exit code 3 where there is nothing else. With a selector after `#` only what stands at and below it; with a scheme (`FILE#lines:`) by that scheme;
/// with a stage (`FILE#front|yaml:`) what stands within, whose lines are counted there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file, or a portion of it
    #[arg(value_name = "FILE", value_parser = place::argument)]
    pub address: Address,
}

/// How many of the things that cannot be addressed are told.
const NOTED: usize = 20;
/// How many characters of a portion are shown.
const PREVIEW: usize = 48;
/// A preview goes into so many lines at most.
const PREVIEWED_LINES: usize = 16;
/// Reading every portion again to show how it begins may cost this many bytes of parsing; beyond, lines of the file are shown.
const PREVIEW_BUDGET: usize = 32 << 20;

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let address = &args.address;
    let path = place::here(address, ctx)?;
    if place::is_database(address, &path) {
        return tables(address, &path, ctx);
    }
    let bytes = place::bytes(address, &path, ctx)?;
    let selector = address.selector.as_ref();
    let below = selector.map(|s| s.expression.as_str()).unwrap_or_default();
    let own = Scheme::detect(&address.path, &bytes);
    let wanted = selector.and_then(|s| s.scheme).or(own);
    let within = wanted.and_then(|scheme| portion::innermost(scheme, &bytes, below));
    let mut sources = Vec::new();
    if let Some(scheme) = wanted {
        // Nothing need be written before the selector that the file's name or content tells.
        let is_told = own == Some(scheme);
        sources.push(match &within {
            Some(within) => {
                Source { above: &within.above, ..Source::new(within.scheme, &within.file, (scheme, is_told)) }
            }
            None => Source::new(scheme, &bytes, (scheme, is_told)),
        });
    }
    if wanted != Some(Scheme::Mark) && within.is_none() && selector.and_then(|s| s.scheme).is_none() {
        sources.push(Source::new(Scheme::Mark, &bytes, (Scheme::Mark, false)));
    }
    let (mut rows, mut omitted) = (Vec::new(), Vec::new());
    for source in &sources {
        let unread = |e| CommandError::unreadable(&address.path, e);
        let items = portion::list(source.scheme, source.bytes).map_err(unread)?;
        let is_affordable = source.is_affordable(items.len());
        let below = within.as_ref().map_or(below, |within| &within.expression);
        let is_wanted = |item: &Item| below.is_empty() || item.selector == below || is_below(&item.selector, below);
        let row = |item: Item| Row {
            selector: source.typed(&item.selector),
            begins: Begins::In(source, is_affordable),
            item,
        };
        rows.extend(items.into_iter().filter(is_wanted).map(row));
        if below.is_empty() {
            let errors = portion::omitted(source.scheme, source.bytes).map_err(unread)?;
            omitted.extend(errors.into_iter().map(|error| (source, error)));
        }
    }
    if rows.is_empty() {
        if let (Some(scheme), false) = (wanted, below.is_empty()) {
            let unread = |e| CommandError::unreadable_of(scheme, own == Some(scheme), &address.path, e);
            portion::get(scheme, &bytes, below).map_err(unread)?;
        }
        if let Some((source, first)) = omitted.first() {
            let (scheme, is_told) = source.outer;
            return Err(CommandError::unreadable_of(scheme, is_told, &address.path, first.clone()));
        }
        if wanted.is_none() {
            place::detect(address, &bytes)?;
        }
        ctx.say(match below.is_empty() {
            true => format!("{} has no portions", address.path),
            false => format!("{} has none below it: `inlay get` prints it", quoted(&address.to_string())),
        });
    }
    print(&rows, address, ctx)?;
    note(&omitted, address, ctx);
    Ok(())
}

/// The tables of a database, and how their rows begin.
fn tables(address: &Address, path: &Path, ctx: &Context) -> Result<(), CommandError> {
    let selector = address.selector.as_ref();
    let below = selector.map(|s| s.expression.as_str()).unwrap_or_default();
    let place = |expression: &str| Place::database(address, path.to_owned(), expression);
    let told = Scheme::detect(&address.path, b"") == Some(Scheme::Sqlite);
    let row = |item: Item, text: &[u8]| Row {
        selector: typed(Scheme::Sqlite, &item.selector, told),
        begins: Begins::Shown(preview(text)),
        item,
    };
    if !below.is_empty() {
        let text = place(below).get()?.text;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let item = Item { selector: below.to_owned(), kind: "rows", lines: (lines.min(1), lines) };
        return print(&[row(item, &text)], address, ctx);
    }
    let (items, omitted) = agent::record::list(path).map_err(|error| place("").unread(error))?;
    let first = |item: Item| {
        let text = if item.lines.1 > PREVIEWED_ROWS {
            Vec::new()
        } else {
            place(&item.selector).get().map_or(Vec::new(), |f| f.text)
        };
        row(item, &text)
    };
    let rows: Vec<Row<'_>> = items.into_iter().map(first).collect();
    if rows.is_empty() {
        ctx.say(format!("{} has no tables that can be addressed", address.path));
    }
    print(&rows, address, ctx)?;
    let source = Source::new(Scheme::Sqlite, b"", (Scheme::Sqlite, told));
    let omitted: Vec<(&Source<'_>, LensError)> = omitted.into_iter().map(|error| (&source, error)).collect();
    note(&omitted, address, ctx);
    Ok(())
}

/// Says what stands in the file and is not listed, since no selector means it.
fn note(omitted: &[(&Source<'_>, LensError)], address: &Address, ctx: &Context) {
    for (source, error) in omitted.iter().take(NOTED) {
        let path = &address.path;
        ctx.warn(match error {
            LensError::Ambiguous { selector, lines } => {
                let selector = source.typed(selector);
                format!("not listed: `{selector}` is ambiguous, it stands in {path} {}", portion::on_lines(lines))
            }
            LensError::Unparsable { at, found } => format!("not listed: {path}:{}:{}: {found}", at.line, at.column),
            LensError::Refused(why) => format!("not listed: {path}: {why}"),
            other => format!("not listed: {path}: {other}"),
        });
    }
    if omitted.len() > NOTED {
        ctx.warn(format!("and {} more are not listed", omitted.len() - NOTED));
    }
}

/// Of larger tables no row is shown.
const PREVIEWED_ROWS: usize = 10_000;

/// What portions are listed of.
struct Source<'a> {
    scheme: Scheme,
    bytes: &'a [u8],
    /// What stands before each selector: the stages in which the bytes were found.
    above: &'a str,
    /// The file's own scheme, and whether the file tells it.
    outer: (Scheme, bool),
    lines: Vec<&'a [u8]>,
}

impl<'a> Source<'a> {
    fn new(scheme: Scheme, bytes: &'a [u8], outer: (Scheme, bool)) -> Source<'a> {
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        Source { scheme, bytes, above: "", outer, lines: text.split(|b| *b == b'\n').collect() }
    }

    fn typed(&self, expression: &str) -> String {
        let (scheme, is_told) = self.outer;
        typed(scheme, &format!("{}{expression}", self.above), is_told)
    }

    /// Whether each of so many portions can be read again to show how it begins. Lines stand there to be shown; code would be parsed anew
    /// for each.
    fn is_affordable(&self, items: usize) -> bool {
        !self.scheme.lens().lists_lines() && items.saturating_mul(self.bytes.len()) <= PREVIEW_BUDGET
    }

    fn preview(&self, item: &Item, is_affordable: bool) -> String {
        let fragment = if is_affordable { portion::get(self.scheme, self.bytes, &item.selector).ok() } else { None };
        if let Some(fragment) = fragment {
            return preview(&fragment.text);
        }
        let first = item.lines.0.saturating_sub(1).min(self.lines.len());
        let last = if self.scheme.lens().lists_lines() { item.lines.1 } else { item.lines.0 };
        let last = last.min(self.lines.len()).min(first + PREVIEWED_LINES).max(first);
        let starts: Vec<&[u8]> =
            self.lines[first..last].iter().map(|line| &line[..line.len().min(PREVIEW * 8)]).collect();
        preview(&starts.join(&b"\n"[..]))
    }
}

/// How a portion begins. What is to be read for that is read when it is printed: whoever looks at the first lines waits for no more.
enum Begins<'a> {
    Shown(String),
    In(&'a Source<'a>, bool),
}

struct Row<'a> {
    item: Item,
    /// With the scheme in front where it must be written.
    selector: String,
    begins: Begins<'a>,
}

impl Row<'_> {
    fn preview(&self) -> String {
        match &self.begins {
            Begins::Shown(text) => text.clone(),
            Begins::In(source, is_affordable) => source.preview(&self.item, *is_affordable),
        }
    }
}

fn is_below(selector: &str, above: &str) -> bool {
    selector.strip_prefix(above).is_some_and(|rest| rest.starts_with('/') || above.ends_with('/'))
}

/// How a text begins, on one line.
fn preview(text: &[u8]) -> String {
    let start = String::from_utf8_lossy(&text[..text.len().min(PREVIEW * 8)]);
    let mut shown = String::new();
    for (index, word) in start.split_whitespace().enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        shown.extend(word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
    }
    if shown.chars().count() > PREVIEW {
        shown = shown.chars().take(PREVIEW - 1).collect();
        shown.push('…');
    }
    shown
}

fn print(rows: &[Row<'_>], address: &Address, ctx: &Context) -> Result<(), CommandError> {
    if ctx.json {
        let list: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "selector": row.selector,
                    "kind": row.item.kind,
                    "lines": [row.item.lines.0, row.item.lines.1],
                    "preview": row.preview(),
                })
            })
            .collect();
        return ctx.print_json(serde_json::Value::from(list));
    }
    let selectors: Vec<String> = rows.iter().map(|row| quoted(&row.selector)).collect();
    let lines: Vec<String> = rows.iter().map(|row| format!("{}-{}", row.item.lines.0, row.item.lines.1)).collect();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).min(60);
    let selector_width = width(&mut selectors.iter().map(|s| s.chars().count()));
    let kind_width = width(&mut rows.iter().map(|row| row.item.kind.len()));
    let line_width = width(&mut lines.iter().map(String::len));
    for ((row, selector), lines) in rows.iter().zip(&selectors).zip(&lines) {
        let line = format!(
            "{selector:selector_width$}  {:kind_width$}  {lines:>line_width$}  {}",
            row.item.kind,
            row.preview()
        );
        ctx.print(line.trim_end())?;
    }
    if let Some(first) = rows.first() {
        ctx.say(format!("`inlay get {}` prints one", quoted_address(&address.path, &first.selector)));
    }
    Ok(())
}
