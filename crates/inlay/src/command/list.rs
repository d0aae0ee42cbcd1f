//! `inlay list FILE`.

use std::path::Path;

use portion::{Address, Item, LensError, Scheme, Selector};
use serde_json::json;

use crate::context::Context;
use crate::error::{CommandError, quoted, quoted_address};
use crate::place::{self, Place};

/// List the portions of a file.
///
/// Every portion that can be addressed: its selector, its kind, its lines, and how it begins. Regions between marker comments are
/// listed too. What no selector means (equal headings, a key that stands twice, a region without its end) is told on standard error;
/// exit code 3 where there is nothing else. With a selector after `#` only what stands at and below it; with a scheme (`FILE#lines:`) by that scheme.
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
    let wanted = match selector.and_then(|s| s.scheme) {
        Some(scheme) => Some(scheme),
        None => Scheme::detect(&address.path, &bytes),
    };
    let (mut rows, mut omitted) = (Vec::new(), Vec::new());
    if let Some(scheme) = wanted {
        // Nothing need be written before the selector that the file's name or content tells.
        let told = Scheme::detect(&address.path, &bytes) == Some(scheme);
        rows.extend(found(address, scheme, &bytes, told)?);
        omitted.extend(left_out(address, scheme, &bytes)?);
    }
    if wanted != Some(Scheme::Mark) && selector.and_then(|s| s.scheme).is_none() {
        rows.extend(found(address, Scheme::Mark, &bytes, false)?);
        omitted.extend(left_out(address, Scheme::Mark, &bytes)?);
    }
    rows.retain(|row| below.is_empty() || row.item.selector == below || is_below(&row.item.selector, below));
    if rows.is_empty() {
        if let (Some(scheme), false) = (wanted, below.is_empty()) {
            portion::get(scheme, &bytes, below).map_err(|e| CommandError::unreadable_of(scheme, &address.path, e))?;
        }
        if let (Some(first), true) = (omitted.first(), below.is_empty()) {
            return Err(CommandError::unreadable(&address.path, first.clone()));
        }
        if wanted.is_none() {
            place::detect(address, &bytes)?;
        }
        ctx.say(format!("{} has no portions{}", address.path, if below.is_empty() { "" } else { " there" }));
    }
    print(&rows, address, ctx)?;
    if below.is_empty() {
        note(&omitted, address, ctx);
    }
    Ok(())
}

/// The tables of a database, and how their rows begin.
fn tables(address: &Address, path: &Path, ctx: &Context) -> Result<(), CommandError> {
    let selector = address.selector.as_ref();
    let below = selector.map(|s| s.expression.as_str()).unwrap_or_default();
    let place = |expression: &str| Place::database(address, path.to_owned(), expression);
    let told = Scheme::detect(&address.path, b"") == Some(Scheme::Sqlite);
    let row = |item: Item, text: &[u8]| Row {
        selector: written(Scheme::Sqlite, &item.selector, told),
        preview: preview(text),
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
    let rows: Vec<Row> = items.into_iter().map(first).collect();
    if rows.is_empty() {
        ctx.say(format!("{} has no tables that can be addressed", address.path));
    }
    print(&rows, address, ctx)?;
    note(&omitted, address, ctx);
    Ok(())
}

fn left_out(address: &Address, scheme: Scheme, bytes: &[u8]) -> Result<Vec<LensError>, CommandError> {
    portion::omitted(scheme, bytes).map_err(|e| CommandError::unreadable(&address.path, e))
}

/// Says what stands in the file and is not listed, since no selector means it.
fn note(omitted: &[LensError], address: &Address, ctx: &Context) {
    for error in omitted.iter().take(NOTED) {
        let path = &address.path;
        ctx.warn(match error {
            LensError::Ambiguous { selector, lines } => {
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

struct Row {
    item: Item,
    /// With the scheme in front where it must be written.
    selector: String,
    preview: String,
}

/// A selector as it is given: with its scheme, unless the file tells that, and nothing else could be meant.
fn written(scheme: Scheme, expression: &str, told: bool) -> String {
    let own = |selector: Selector| selector.scheme.is_none() && selector.expression == expression;
    if told && expression.parse().is_ok_and(own) { expression.to_owned() } else { format!("{scheme}:{expression}") }
}

fn is_below(selector: &str, above: &str) -> bool {
    selector.strip_prefix(above).is_some_and(|rest| rest.starts_with('/') || above.ends_with('/'))
}

fn found(address: &Address, scheme: Scheme, bytes: &[u8], told: bool) -> Result<Vec<Row>, CommandError> {
    let items = portion::list(scheme, bytes).map_err(|e| CommandError::unreadable(&address.path, e))?;
    // Lines stand there to be shown; code would be parsed anew for each.
    let has_lines = scheme.lens().lists_lines();
    let affordable = !has_lines && items.len().saturating_mul(bytes.len()) <= PREVIEW_BUDGET;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    Ok(items
        .into_iter()
        .map(|item| {
            let fragment = if affordable { portion::get(scheme, bytes, &item.selector).ok() } else { None };
            let text = match fragment {
                Some(fragment) => preview(&fragment.text),
                None => {
                    let first = item.lines.0.saturating_sub(1).min(lines.len());
                    let last = if has_lines { item.lines.1 } else { item.lines.0 };
                    let last = last.min(lines.len()).min(first + PREVIEWED_LINES).max(first);
                    preview(&lines[first..last].join(&b"\n"[..]))
                }
            };
            Row { selector: written(scheme, &item.selector, told), item, preview: text }
        })
        .collect())
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

fn print(rows: &[Row], address: &Address, ctx: &Context) -> Result<(), CommandError> {
    if ctx.json {
        let list: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "selector": row.selector,
                    "kind": row.item.kind,
                    "lines": [row.item.lines.0, row.item.lines.1],
                    "preview": row.preview,
                })
            })
            .collect();
        return ctx.print(serde_json::Value::from(list));
    }
    let selectors: Vec<String> = rows.iter().map(|row| quoted(&row.selector)).collect();
    let lines: Vec<String> = rows.iter().map(|row| format!("{}-{}", row.item.lines.0, row.item.lines.1)).collect();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).min(60);
    let selector_width = width(&mut selectors.iter().map(|s| s.chars().count()));
    let kind_width = width(&mut rows.iter().map(|row| row.item.kind.len()));
    let line_width = width(&mut lines.iter().map(String::len));
    for ((row, selector), lines) in rows.iter().zip(&selectors).zip(&lines) {
        let line =
            format!("{selector:selector_width$}  {:kind_width$}  {lines:>line_width$}  {}", row.item.kind, row.preview);
        ctx.print(line.trim_end())?;
    }
    if let Some(first) = rows.first() {
        ctx.say(format!("`inlay get {}` prints one", quoted_address(&address.path, &first.selector)));
    }
    Ok(())
}
