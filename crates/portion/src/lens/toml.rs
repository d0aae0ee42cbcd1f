//! TOML 1.1, by JSON Pointer.
//!
//! Keys of tables and indices of arrays are tokens: `/mcp_servers/github/args/0`. What a portion's fragment is depends on how the
//! file writes it:
//!
//! - a **table** with a header, with dotted keys, or implied by other headers: a TOML document ([`Format::Toml`]), its headers
//!   and keys re-rooted. `[mcp_servers.github]` under `/mcp_servers` becomes `[github]`. Its text may lie in several places of
//!   the file. The comment above a table's own header is no part of it, nor are comments that stand apart behind it. Blank lines
//!   and comments between two of its statements are part of it as long as nothing foreign stands there, too;
//! - an **array of tables** (`[[bin]]`): a document whose only key is the empty one, `[[""]]`. Such a document stands for the
//!   list; a file like that is addressed as a list, too;
//! - everything else, **inline tables and arrays** included: the text behind `=` ([`Format::TomlValue`]).
//!
//! Where a fragment of the one kind is put in a place of the other, the value travels, and comments are lost.
//! A table that is emptied keeps its place, with a header of its own if need be.
//!
//! Embedding into values: date-times are [`Value::DateTime`] as written; numbers keep their written form. TOML cannot say null
//! or bytes, nor an integer of more than 64 bits.

mod document;
mod edit;
mod inline;
mod locate;
mod reroot;
mod tables;
mod value;

use std::borrow::Cow;

use self::document::{Doc, Kind, Node};
use self::locate::find;
use self::tables::Tables;
use super::apply::{self, check_update};
use super::rows::{indentation, is_blank};
use super::{Edit, Format, Fragment, Item, Kinds, Lens, LensError, Position, Syntax};
use crate::pointer;
use crate::selector::Scheme;
use crate::value::Value;

pub(crate) struct Toml;

impl Lens for Toml {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let doc = Doc::parse(file)?;
        let found = find(&doc, expression)?;
        if expression.is_empty() {
            return Ok(Fragment { format: Format::Toml, text: tidied(file).into_owned() });
        }
        let (format, text) = match found.node {
            Node::Value(value) => {
                let span = value.span().unwrap_or_default();
                (Format::TomlValue, inline::text(&doc, span))
            }
            Node::Table(_) | Node::Tables(_) => (Format::Toml, Tables::new(&doc, &found).text()),
        };
        if let Node::Table(table) = found.node
            && table.len() == 1
            && table.get("").is_some_and(|item| item.is_array_of_tables() || item.is_array())
        {
            let why =
                format!("`{expression}` is a table whose only key is empty and holds a list; no fragment can say that");
            return Err(LensError::Refused(why));
        }
        Ok(Fragment { format, text: text.into_bytes() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        edit::put(file, expression, fragment)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        edit::insert(file, expression, fragment)
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        let Some(parent) = expression.strip_suffix("/-") else {
            return Ok(expression.to_owned());
        };
        let doc = Doc::parse(file)?;
        let tokens = pointer::parse("toml", parent)?;
        let (found, rest) = locate::follow(&doc, &tokens);
        let length = match found.node {
            Node::Tables(tables) if rest.is_empty() => tables.len(),
            Node::Value(value) if rest.is_empty() => value.as_array().map_or(0, toml_edit::Array::len),
            _ => return Ok(expression.to_owned()),
        };
        Ok(format!("{parent}/{length}"))
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        apply::takes_some(self, file, expression)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        edit::remove(file, expression)
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(locate::list(&Doc::parse(file)?))
    }

    fn format_for(&self, expression: &str, value: &Value) -> Format {
        let is_table = expression.is_empty() || matches!(value, Value::Map(_)) || value::is_tables(value);
        if is_table { Format::Toml } else { Format::TomlValue }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "make the keys differ"
    }
}

impl Syntax for Toml {
    fn kinds(&self) -> Kinds {
        Kinds::Toml
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(value::of_document(&Doc::parse(text)?))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        match (self.value(text)?, value) {
            (Value::Map(_), Value::Map(_)) | (Value::Sequence(_), Value::Sequence(_)) => {}
            _ => return self.render(value),
        }
        match apply::update(Scheme::Toml, Format::Toml, text, value) {
            // A shape that cannot be edited key by key is written anew.
            Err(LensError::Refused(_)) => {
                let text = self.render(value)?;
                check_update(Format::Toml, &text, value)?;
                Ok(text)
            }
            other => Ok(tidied(&other?).into_owned()),
        }
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        Ok(value::document(value)?.into_bytes())
    }

    fn without_comments(&self, text: &[u8], at: &str) -> Result<Vec<Edit>, LensError> {
        edit::without_comments(text, at)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(tidied(text))
    }
}

/// LF, no BOM, no blank lines at either end, one final line end, no indentation that all lines share.
fn tidied(text: &[u8]) -> Cow<'_, [u8]> {
    let text = match super::lf(text) {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_vec()),
    };
    let mut text = match (text.is_empty(), text.last()) {
        (false, last) if last != Some(&b'\n') => Cow::Owned([text.as_ref(), b"\n"].concat()),
        _ => text,
    };
    if let Some(dedented) = dedented(&text) {
        text = Cow::Owned(dedented);
    }
    text
}

fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
    let lines = || text.split_inclusive(|b| *b == b'\n');
    let head: usize = lines().take_while(is_blank).map(<[u8]>::len).sum();
    let tail: usize = text[head..].rsplitn(2, |b| !b.is_ascii_whitespace()).next().map_or(0, <[u8]>::len);
    let body = &text[head..text.len() - tail];
    // White space behind the last statement on its own line stays.
    let rest = &text[head + body.len()..];
    let line = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
    &text[head..head + body.len() + if body.is_empty() { 0 } else { line }]
}

/// The text without the indentation that all its lines share; `None` if they share none, or the text does not parse.
fn dedented(text: &[u8]) -> Option<Vec<u8>> {
    text.first().filter(|b| matches!(b, b' ' | b'\t'))?;
    let doc = Doc::parse(text).ok()?;
    let mut lines = Vec::new();
    let mut start = 0;
    for line in doc.text.split_inclusive('\n') {
        lines.push((start, line));
        start += line.len();
    }
    let base = lines
        .iter()
        .filter(|(start, line)| !is_blank(line) && !doc.is_protected(*start))
        .map(|(_, line)| indentation(line))
        .reduce(|a, b| &a[..a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()])
        .filter(|base| !base.is_empty())?;
    let strip = |(start, line): &(usize, &str)| match line.strip_prefix(base) {
        Some(rest) if !doc.is_protected(*start) => rest.to_owned(),
        _ => (*line).to_owned(),
    };
    Some(lines.iter().map(strip).collect::<String>().into_bytes())
}

pub(crate) struct TomlValue;

/// What a value stands behind while it is read.
const BEHIND: &str = "v=";

impl TomlValue {
    /// The value as a document with one pair.
    fn wrapped(text: &[u8]) -> Result<Vec<u8>, LensError> {
        let wrapped = [BEHIND.as_bytes(), text.trim_ascii()].concat();
        let shift = |error| match error {
            LensError::Unparsable { at: Position { line: 1, column }, found } => {
                let column = column.saturating_sub(BEHIND.len()).max(1);
                LensError::Unparsable { at: Position { line: 1, column }, found }
            }
            other => other,
        };
        let doc = Doc::parse(&wrapped).map_err(shift)?;
        match doc.statements.as_slice() {
            [only] if only.kind == Kind::Pair(BEHIND.len()..wrapped.len()) => Ok(wrapped),
            _ => Err(LensError::unparsable(text, text.len(), "one TOML value was expected, and nothing around it")),
        }
    }
}

impl Syntax for TomlValue {
    fn kinds(&self) -> Kinds {
        Kinds::Toml
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        let wrapped = Self::wrapped(text)?;
        match value::of_document(&Doc::parse(&wrapped)?) {
            Value::Map(members) => Ok(members.into_iter().next().map_or(Value::Null, |(_, value)| value)),
            other => Ok(other),
        }
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let wrapped = Self::wrapped(text)?;
        let whole = Value::Map(vec![("v".to_owned(), value.clone())]);
        let updated = match apply::update(Scheme::Toml, Format::Toml, &wrapped, &whole) {
            // A list whose first table came would have blocks of its own, which no value has.
            Ok(updated) => match Toml.get(&updated, "/v")? {
                value if value.format == Format::TomlValue => value,
                _ => Fragment { format: Format::TomlValue, text: self.render(value)? },
            },
            Err(LensError::CannotSay { format, path, what }) => {
                let path = path.strip_prefix("/v").unwrap_or(&path).to_owned();
                return Err(LensError::CannotSay { format, path, what });
            }
            Err(LensError::Refused(_)) => Fragment { format: Format::TomlValue, text: self.render(value)? },
            Err(other) => return Err(other),
        };
        check_update(Format::TomlValue, &updated.text, value)?;
        Ok(updated.text)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        Ok(value::pair_value(value)?.into_bytes())
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(match super::lf(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_vec()),
        })
    }
}
