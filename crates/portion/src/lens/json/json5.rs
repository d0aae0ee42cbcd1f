//! What JSON5 (json5.org, 1.0.0) has beyond JSON with comments: names as keys, single quotes, more escapes, numbers and white space.

use super::fault::Fault;
use super::scan::{Dialect, Kind, Scanner, Visitor};
use super::string::check_utf8;
use crate::lens::Span;

/// The paragraph and the line separator, which end lines.
const SEPARATORS: [&[u8]; 2] = ["\u{2028}".as_bytes(), "\u{2029}".as_bytes()];

impl Scanner<'_> {
    /// Whether white space stands there that only JSON5 has.
    #[cold]
    pub(super) fn is_space_at(&self, at: usize) -> bool {
        let there = Scanner { text: self.text, at, dialect: self.dialect };
        self.dialect == Dialect::Json5 && there.odd_space() > 0
    }

    fn at_char(&self) -> Option<char> {
        let rest = &self.text[self.at..];
        rest[..rest.len().min(4)].utf8_chunks().next()?.valid().chars().next()
    }

    /// White space that only JSON5 has: how many bytes of it stand here.
    pub(super) fn odd_space(&self) -> usize {
        match self.at_char() {
            Some('\u{b}' | '\u{c}') => 1,
            Some(c) if !c.is_ascii() && (c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')) => c.len_utf8(),
            _ => 0,
        }
    }

    /// A string in single or double quotes. True if it has a backslash.
    pub(super) fn quoted(&mut self) -> Result<bool, Fault> {
        let start = self.at;
        let Some(quote) = self.text.get(start) else { return Ok(false) };
        self.at += 1;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            match self.text.get(self.at) {
                Some(byte) if byte == quote => break,
                Some(b'\\') => {
                    escaped = true;
                    self.odd_escape()?;
                }
                Some(b'\n' | b'\r') | None => {
                    return Err(Fault::said(start, "the string that starts here has no end on its line"));
                }
                Some(byte) => {
                    ascii &= byte.is_ascii();
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        // A backslash may stand before any character.
        if !ascii || escaped {
            check_utf8(self.text, start..self.at)?;
        }
        Ok(escaped)
    }

    fn odd_escape(&mut self) -> Result<(), Fault> {
        let digits = |count: usize| {
            let digits = self.text.get(self.at + 2..self.at + 2 + count);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        self.at += match self.text.get(self.at + 1) {
            Some(b'u') if digits(4) => 6,
            Some(b'u') => return Err(Fault::said(self.at, "`\\u` wants four hexadecimal digits")),
            Some(b'x') if digits(2) => 4,
            Some(b'x') => return Err(Fault::said(self.at, "`\\x` wants two hexadecimal digits")),
            Some(b'1'..=b'9') => return Err(Fault::said(self.at, "an escape is no digit from 1 to 9")),
            Some(b'0') if self.text.get(self.at + 2).is_some_and(u8::is_ascii_digit) => {
                return Err(Fault::said(self.at, "no digit stands behind `\\0`"));
            }
            Some(b'\r') if self.text.get(self.at + 2) == Some(&b'\n') => 3,
            Some(_) => 2,
            None => 1,
        };
        Ok(())
    }

    /// A key in quotes or a name. True if it has a backslash.
    pub(super) fn name_or_string(&mut self) -> Result<bool, Fault> {
        if matches!(self.text.get(self.at), Some(b'"' | b'\'')) {
            return self.quoted();
        }
        let start = self.at;
        let mut escaped = false;
        loop {
            let first = self.at == start;
            match self.at_char() {
                Some('\\') => {
                    if self.text.get(self.at + 1) != Some(&b'u') {
                        return Err(Fault::said(self.at, "in a name only `\\u` is an escape"));
                    }
                    escaped = true;
                    self.odd_escape()?;
                }
                Some(c) if c.is_alphabetic() || matches!(c, '$' | '_') || (!first && is_part(c)) => {
                    self.at += c.len_utf8()
                }
                _ if first => return Err(self.expected("a key or `}`")),
                _ => break,
            }
        }
        Ok(escaped)
    }

    /// A number, with its sign.
    pub(super) fn odd_number(&mut self) -> Result<(), Fault> {
        if let Some(b'+' | b'-') = self.text.get(self.at) {
            self.at += 1;
        }
        let rest = &self.text[self.at..];
        for word in [&b"Infinity"[..], b"NaN"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return self.number_ends();
            }
        }
        if let [b'0', b'x' | b'X', ..] = rest {
            let digits = rest[2..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
            self.at += 2 + digits;
            return if digits > 0 { self.number_ends() } else { Err(self.expected("a hexadecimal digit")) };
        }
        if let [b'0', b'0'..=b'9', ..] = rest {
            return Err(Fault::said(self.at, "a number has no leading zeros"));
        }
        let before = self.digits();
        let mut behind = false;
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            behind = self.digits();
        }
        if !before && !behind {
            return Err(self.expected("a digit"));
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            if !self.digits() {
                return Err(self.expected("a digit of the exponent"));
            }
        }
        self.number_ends()
    }

    fn number_ends(&self) -> Result<(), Fault> {
        let goes_on =
            self.text.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'));
        if goes_on { Err(self.expected("the end of the number")) } else { Ok(()) }
    }
}

/// Whether a name may go on with this character, apart from letters.
fn is_part(c: char) -> bool {
    let is_mark = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control() && !c.is_alphanumeric();
    c.is_numeric() || matches!(c, '\u{200c}' | '\u{200d}') || (is_mark(c) && c != '\u{feff}')
}

/// Where a line comment ends that would end at `end` by LF and CR alone.
pub(super) fn comment_end(text: &[u8], start: usize, end: usize) -> usize {
    let line = &text[start..end];
    let ends = SEPARATORS.iter().filter_map(|separator| memchr::memmem::find(line, separator));
    ends.min().map_or(end, |at| start + at)
}

/// How many bytes the line end at `at` has, that a backslash stands before.
pub(super) fn continued(body: &[u8]) -> usize {
    match body {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        body if SEPARATORS.iter().any(|separator| body.starts_with(separator)) => 3,
        _ => 0,
    }
}

/// A number in a form that every format of ours reads: `inf` and `nan`, no plus, no sign before `0x`.
pub(super) fn number(written: &str) -> String {
    let (sign, digits) = match written.as_bytes().first() {
        Some(b'-') => ("-", &written[1..]),
        Some(b'+') => ("", &written[1..]),
        _ => ("", written),
    };
    match digits {
        "Infinity" => format!("{sign}inf"),
        "NaN" => "nan".to_owned(),
        _ => match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => match u128::from_str_radix(hex, 16) {
                Ok(number) if !sign.is_empty() => format!("-{number}"),
                _ => format!("{sign}0x{hex}"),
            },
            None => format!("{sign}{digits}"),
        },
    }
}

/// A number that JSON does not have, as JSON5 says it.
pub(super) fn infinite(written: &str) -> Option<&'static str> {
    let plain = written.trim_start_matches(['+', '-', '.']).to_ascii_lowercase();
    match plain.as_str() {
        "inf" | "infinity" if written.starts_with('-') => Some("-Infinity"),
        "inf" | "infinity" => Some("Infinity"),
        "nan" => Some("NaN"),
        _ => None,
    }
}

/// Whether a key may stand without quotes, wherever it is read.
pub(super) fn is_plain_name(key: &str) -> bool {
    let is_start = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'$');
    key.bytes().next().is_some_and(is_start) && key.bytes().all(|b| is_start(b) || b.is_ascii_digit())
}

/// How a text quotes keys and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quotes {
    /// `None`: not where it can be left out.
    pub(super) keys: Option<char>,
    pub(super) strings: char,
}

impl Quotes {
    /// As JSON has them.
    pub(super) const JSON: Quotes = Quotes { keys: Some('"'), strings: '"' };
    /// Where nothing shows how.
    pub(super) const JSON5: Quotes = Quotes { keys: None, strings: '"' };

    /// Those of a JSON5 text's first keys and strings.
    pub(super) fn of(text: &[u8]) -> Quotes {
        struct First<'a> {
            text: &'a [u8],
            keys: Option<Option<char>>,
            strings: Option<char>,
        }
        impl Visitor for First<'_> {
            fn key(&mut self, span: Span, _escaped: bool) {
                self.keys.get_or_insert(sign(self.text, span.start));
            }
            fn scalar(&mut self, kind: Kind, span: Span, _escaped: bool) {
                if kind == Kind::String && self.strings.is_none() {
                    self.strings = sign(self.text, span.start);
                }
            }
        }
        let mut first = First { text, keys: None, strings: None };
        // What is no JSON5 shows nothing more.
        let _ = super::scan::document(text, Dialect::Json5, &mut first);
        let strings = first.strings.or(first.keys.flatten());
        Quotes { keys: first.keys.unwrap_or(None), strings: strings.unwrap_or('"') }
    }
}

/// The quote at a place.
fn sign(text: &[u8], at: usize) -> Option<char> {
    text.get(at).filter(|b| matches!(b, b'"' | b'\'')).map(|b| char::from(*b))
}
