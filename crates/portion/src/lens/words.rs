//! Names and texts in selectors: as they are, or in quotes as JSON strings.

use super::{json_compact, json_prefix};
use crate::pointer;
use crate::value::Value;

/// What items of source code are called in selectors, in a build that reads none, too.
pub(super) const KINDS: &[&str] =
    &["block", "class", "const", "decl", "fn", "impl", "macro", "mod", "prop", "query", "rule", "type"];

/// A name or text, and whether it stood in quotes.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
}

pub(super) fn quoted(text: &str) -> Result<(Word, &str), String> {
    let (value, len) = json_prefix(text.as_bytes()).map_err(|error| format!("in the quotes of `{text}`: {error}"))?;
    Ok((Word { text: value.as_text().unwrap_or_default().to_owned(), quoted: true }, &text[len..]))
}

/// All of `text`.
pub(super) fn whole(text: &str, is_name: bool) -> Result<Word, String> {
    if text.starts_with('"') {
        let (word, rest) = quoted(text)?;
        return if rest.is_empty() { Ok(word) } else { Err(format!("`{rest}` stands behind the closing quote")) };
    }
    if is_name && text.is_empty() {
        return Err("a name is missing".to_owned());
    }
    Ok(Word { text: text.to_owned(), quoted: false })
}

/// What stands before one of `ends`, which must come.
pub(super) fn before<'a>(text: &'a str, ends: &[u8]) -> Result<(Word, &'a str), String> {
    let (word, rest) = match text.starts_with('"') {
        true => quoted(text)?,
        false => {
            let end = text.bytes().position(|byte| ends.contains(&byte)).unwrap_or(text.len());
            (Word { text: text[..end].to_owned(), quoted: false }, &text[end..])
        }
    };
    match rest.bytes().next() {
        Some(byte) if ends.contains(&byte) => Ok((word, rest)),
        _ => Err(format!("expected `{}` behind `{}`", char::from(ends[0]), word.text)),
    }
}

/// Where a name or text stands in an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Up to the end.
    Last,
    /// Before `=`.
    BeforeEquals,
    /// Before `/`.
    BeforeSlash,
    /// A text behind `=`, up to the end.
    Text,
}

/// The name or text, as an expression has it there.
pub(super) fn written(text: &str, place: Place) -> String {
    let is_number = text.strip_prefix('#').and_then(pointer::index).is_some();
    let ends = match place {
        Place::Last | Place::Text => false,
        Place::BeforeEquals => text.contains('='),
        Place::BeforeSlash => text.contains('/'),
    };
    let is_name = matches!(place, Place::Last | Place::BeforeEquals);
    let odd = text.starts_with('"') || text.contains(char::is_control) || ends;
    let blank = is_name && (text.is_empty() || text.starts_with(' ') || is_number);
    if !odd && !blank {
        return text.to_owned();
    }
    json_compact(&Value::String(text.to_owned())).unwrap_or_default()
}
