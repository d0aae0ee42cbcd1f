//! Source code, by the names of its items: functions, classes, types, constants; in CSS rules, in HCL blocks.
//!
//! Each language is a scheme, a format, and a table of data ([`languages`]); tree-sitter reads them all.
//!
//! # Addresses
//! `fn:main`, `class:Account/fn:close`: a kind and a name, and so on into what it stands in. A `/` in a name stands in quotes, as a JSON string.
//! Where several have one path (overloads), `fn:add[2]` is the second of them, as long as nobody adds one before it.
//! `query:(function_item name: (identifier) @x)` is a tree-sitter query with one capture; it finds one node.
//!
//! # Fragments
//! An item is its lines, with the comments, attributes and decorators directly above it (no blank line between), without its indentation.
//! Lines that begin inside of a string stay as they are. What a query finds is its lines, too, or its text if other code stands beside it.
//!
//! # What is put
//! One item of the same kind and name, which parses where it stands. It gets the indentation of its place. Everything around must be read as
//! before, node for node. A file that does not parse elsewhere can be edited all the same; an item that does not parse cannot.
//!
//! # The embedding
//! The value is a string: the text without its last line end. So an item can be kept the same as a marked region of a document, and between
//! languages that read it alike.

mod edit;
mod guard;
mod language;
mod languages;
mod names;
mod parse;
mod place;
mod query;
mod selector;
mod source;
mod text;

pub(crate) use self::languages::*;

use self::language::Language;
use self::place::located;
use self::selector::{Asked, parsed};
use self::source::Source;
use super::words::KINDS;
use super::{Edit, Fragment, Item, Lens, LensError, Syntax, body, lines};
use crate::registry::Format;
use crate::value::Value;

/// The lens and the syntax of one language.
pub(crate) struct Code(pub(crate) &'static Language);

impl Code {
    fn read<'a>(&self, file: &'a [u8]) -> Result<Source<'a>, LensError> {
        Source::read(self.0, file)
    }
}

impl Lens for Code {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let asked = parsed(self.0, expression)?;
        let source = self.read(file)?;
        let place = located(&source, &asked, expression)?;
        Ok(Fragment { format: self.0.format, text: edit::taken(&source, &place) })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        edit::put(&self.read(file)?, &parsed(self.0, expression)?, expression, fragment)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        edit::insert(&self.read(file)?, &parsed(self.0, expression)?, expression, fragment)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        edit::remove(&self.read(file)?, &parsed(self.0, expression)?, expression)
    }

    /// That what is around is read as before was seen to when the removal was planned.
    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        let count = |file: &[u8]| -> Result<usize, LensError> {
            let source = self.read(file)?;
            match parsed(self.0, expression)? {
                Asked::Item(path) => Ok(source.found().at(&path.steps).len()),
                asked @ Asked::Query(_) => match located(&source, &asked, expression) {
                    Ok(_) => Ok(1),
                    Err(LensError::Missing { .. }) => Ok(0),
                    Err(error) => Err(error),
                },
            }
        };
        matches!((count(before), count(after)), (Ok(before), Ok(after)) if before == after + 1)
    }

    fn is_position(&self, _: &[u8], expression: &str) -> bool {
        matches!(parsed(self.0, expression), Ok(Asked::Item(path)) if path.nth.is_some())
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        let is_within = || -> Result<bool, LensError> {
            match parsed(self.0, expression)? {
                Asked::Item(_) => Ok(false),
                asked @ Asked::Query(_) => Ok(!located(&self.read(file)?, &asked, expression)?.is_lines),
            }
        };
        let text = match is_within() {
            Ok(true) => fragment.text.strip_suffix(b"\n").unwrap_or(&fragment.text).to_vec(),
            _ => body::without_blank_ends(&fragment.text),
        };
        Fragment { text, ..fragment }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let source = self.read(file)?;
        let found = source.found();
        let selectors = found.selectors();
        let sound: Vec<usize> = (0..found.items.len()).filter(|at| found.items[*at].is_portion()).collect();
        let starts = body::line_numbers(file, sound.iter().map(|at| found.items[*at].span.start));
        let item = |(at, first): (&usize, usize)| {
            let item = &found.items[*at];
            let lines = body::lines(&file[item.span.clone()]).count();
            Item { selector: selectors[*at].clone(), kind: item.kind, lines: (first, first + lines.saturating_sub(1)) }
        };
        Ok(sound.iter().zip(starts).map(item).collect())
    }

    fn lists_lines(&self) -> bool {
        true
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let source = self.read(file)?;
        let found = source.found();
        let faults = found.faults.iter().take(MAX_FAULTS);
        let faults = faults.map(|fault| LensError::unparsable(file, fault.span.start, place::said(file, fault)));
        Ok(faults.chain(place::sharing(&source, &found)).collect())
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        self.0.format
    }

    fn apart(&self, expression: &str) -> &'static str {
        match expression.starts_with("query:") {
            true => "say more in the query of what is around",
            false => "`[1]` behind it means the first of them, `[2]` the second",
        }
    }

    fn words(&self) -> &'static [&'static str] {
        KINDS
    }
}

/// So many faults are told at most.
const MAX_FAULTS: usize = 50;

impl Syntax for Code {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::String(lines::string(text)?.to_owned()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if lines::string(text).is_ok_and(|old| value.as_text() == Some(old)) {
            return Ok(text.to_vec());
        }
        self.render(value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let written = lines::written(self.0.format, value, true)?;
        if *self.tidy(&written)? == *written {
            return Ok(written);
        }
        let what = "CR LF, or a byte order mark at the start".to_owned();
        Err(LensError::CannotSay { format: self.0.format, path: String::new(), what })
    }

    fn is_text(&self) -> bool {
        true
    }

    /// What two people changed at once may fit together as lines, and not as code.
    fn stands_alone(&self, text: &[u8]) -> bool {
        let parses = |(before, behind): &(&str, &str)| {
            let whole = [before.as_bytes(), text, behind.as_bytes()].concat();
            Source::read(self.0, &whole).is_ok_and(|source| !source.tree.root_node().has_error())
        };
        parses(&("", "")) || self.0.around.iter().any(parses)
    }
}
