//! Values as JSON text.

use super::json5::{self, Quotes};
use crate::lens::{Format, LensError, MAX_DEPTH};
use crate::pointer;
use crate::value::Value;

/// How containers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Each member on its own line, two spaces a level: what most programs write.
    Lines,
    /// On one line, with a space behind colons and commas.
    Line,
    /// On one line, without white space.
    Compact,
}

/// The value in JSON's notation.
///
/// # Errors
/// [`LensError::CannotSay`] for bytes, infinity and NaN; [`LensError::TooLarge`] for what is nested too deep.
pub(super) fn render(value: &Value, format: Format, style: Style, quotes: Quotes) -> Result<Vec<u8>, LensError> {
    let mut writer = Writer { out: Vec::new(), format, style, quotes, path: Vec::new() };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    format: Format,
    style: Style,
    quotes: Quotes,
    path: Vec<String>,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), LensError> {
        if self.path.len() > MAX_DEPTH {
            return Err(LensError::TooLarge(format!("the value is nested deeper than {MAX_DEPTH} levels")));
        }
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(truth) => self.out.extend_from_slice(if *truth { b"true" } else { b"false" }),
            Value::Number(number) => match number.to_json() {
                Some(json) => self.out.extend_from_slice(json.as_bytes()),
                None if self.format == Format::Json5 && json5::infinite(number.as_str()).is_some() => {
                    self.out.extend_from_slice(json5::infinite(number.as_str()).unwrap_or_default().as_bytes());
                }
                None => return Err(self.cannot_say(format!("the number {number}"))),
            },
            Value::String(text) | Value::DateTime(text) => quote(text, self.quotes.strings, &mut self.out),
            Value::Bytes(_) => return Err(self.cannot_say("bytes".to_owned())),
            Value::Sequence(items) => {
                self.out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(at == 0);
                    self.path.push(at.to_string());
                    self.value(item)?;
                    self.path.pop();
                }
                self.end(items.is_empty(), b']');
            }
            Value::Map(members) => {
                self.out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.separate(at == 0);
                    self::key(key, self.quotes, &mut self.out);
                    self.out.extend_from_slice(if self.style == Style::Compact { b":" } else { b": " });
                    self.path.push(key.clone());
                    self.value(value)?;
                    self.path.pop();
                }
                self.end(members.is_empty(), b'}');
            }
        }
        Ok(())
    }

    fn cannot_say(&self, what: String) -> LensError {
        LensError::CannotSay { format: self.format, path: pointer::format(&self.path), what }
    }

    fn separate(&mut self, first: bool) {
        if !first {
            self.out.push(b',');
        }
        match self.style {
            Style::Lines => self.line(self.path.len() + 1),
            Style::Line if !first => self.out.push(b' '),
            _ => {}
        }
    }

    fn end(&mut self, empty: bool, close: u8) {
        if !empty && self.style == Style::Lines {
            self.line(self.path.len());
        }
        self.out.push(close);
    }

    fn line(&mut self, depth: usize) {
        self.out.push(b'\n');
        (0..depth).for_each(|_| self.out.extend_from_slice(super::layout::STEP));
    }
}

/// A string in quotes; only what must be escaped is.
fn quote(text: &str, sign: char, out: &mut Vec<u8>) {
    let sign = if sign == '\'' { b'\'' } else { b'"' };
    out.push(sign);
    for byte in text.bytes() {
        match byte {
            byte if byte == sign => out.extend_from_slice(&[b'\\', byte]),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(sign);
}

/// A key, in quotes where they are wanted or needed.
pub(super) fn key(text: &str, quotes: Quotes, out: &mut Vec<u8>) {
    match quotes.keys {
        None if json5::is_plain_name(text) => out.extend_from_slice(text.as_bytes()),
        sign => quote(text, sign.unwrap_or(quotes.strings), out),
    }
}
