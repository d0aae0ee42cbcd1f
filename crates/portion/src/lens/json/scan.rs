//! The grammar: RFC 8259, with comments JSONC, and JSON5 (see [`super::json5`]), read in one pass without recursion.
//!
//! The scanner checks every byte and tells a [`Visitor`] where things stand. It builds nothing itself, so that a large file costs
//! no memory. Plain runs of a string and white space are read eight bytes at a time.

use super::fault::{Fault, Why};
use super::json5;
use super::string::check_utf8;
use crate::lens::{BOM, MAX_DEPTH, Span};

/// Which grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lens) enum Dialect {
    /// RFC 8259.
    Json,
    /// With comments and trailing commas.
    Jsonc,
    /// json5.org, 1.0.0.
    Json5,
}

impl Dialect {
    /// Whether it has comments, and commas behind the last member.
    pub(super) fn has_comments(self) -> bool {
        self != Dialect::Json
    }

    /// Whether a string may begin with this byte.
    pub(super) fn is_quote(self, byte: u8) -> bool {
        byte == b'"' || (byte == b'\'' && self == Dialect::Json5)
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lens) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::True | Kind::False => "boolean",
            Kind::Null => "null",
        }
    }

    pub(super) fn is_container(self) -> bool {
        matches!(self, Kind::Object | Kind::Array)
    }
}

/// Is told where things stand, in the file's order.
pub(in crate::lens) trait Visitor {
    /// A container opens: its bracket is at `at`.
    fn open(&mut self, _kind: Kind, _at: usize) {}
    /// A member's key, quotes included; `escaped` if it has a backslash.
    fn key(&mut self, _span: Span, _escaped: bool) {}
    /// A scalar; `escaped` if it is a string with a backslash.
    fn scalar(&mut self, _kind: Kind, _span: Span, _escaped: bool) {}
    /// A comma of the innermost container.
    fn comma(&mut self, _at: usize) {}
    /// The innermost container ends before `end`.
    fn close(&mut self, _end: usize) {}
}

/// Only checks.
impl Visitor for () {}

/// Reads one document: an optional BOM, one value, nothing else.
pub(super) fn document<V: Visitor>(text: &[u8], dialect: Dialect, visitor: &mut V) -> Result<(), Fault> {
    let at = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut scanner = Scanner { text, at, dialect };
    scanner.space()?;
    scanner.value(visitor)?;
    scanner.space()?;
    match scanner.at == text.len() {
        true => Ok(()),
        false => Err(scanner.expected("the end of the file after the value")),
    }
}

/// Where the value ends that the text starts with.
pub(super) fn prefix(text: &[u8]) -> Result<usize, Fault> {
    let mut scanner = Scanner { text, at: 0, dialect: Dialect::Json };
    scanner.value(&mut ())?;
    Ok(scanner.at)
}

/// A place in the text.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) dialect: Dialect,
}

/// The kinds of the containers that are open: one bit each.
struct Stack {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl Stack {
    fn push(&mut self, object: bool) -> bool {
        if self.depth == MAX_DEPTH {
            return false;
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if object {
            self.bits[word] |= bit;
        } else {
            self.bits[word] &= !bit;
        }
        self.depth += 1;
        true
    }

    /// Whether the innermost container is an object; `None` outside of all.
    fn top(&self) -> Option<bool> {
        let depth = self.depth.checked_sub(1)?;
        Some(self.bits[depth / 64] & (1 << (depth % 64)) != 0)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

impl<'a> Scanner<'a> {
    pub(super) fn expected(&self, what: &'static str) -> Fault {
        Fault::new(self.at, Why::Expected(what))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn word(&self) -> Option<u64> {
        let bytes: [u8; 8] = self.text.get(self.at..self.at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// White space and, where they are allowed, comments.
    #[inline(always)]
    pub(super) fn space(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(byte) if byte > b' ' && byte != b'/' && byte < 0x80 => Ok(()),
            _ => self.some_space(),
        }
    }

    #[inline]
    fn some_space(&mut self) -> Result<(), Fault> {
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.spaces();
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'/') if self.dialect.has_comments() => self.comment()?,
                Some(0x0b | 0x0c | 0x80..) if self.dialect == Dialect::Json5 && self.odd_space() > 0 => {
                    self.at += self.odd_space();
                }
                _ => return Ok(()),
            }
        }
    }

    /// A run of spaces, as indentation is.
    #[inline]
    fn spaces(&mut self) {
        while let Some(word) = self.word() {
            let other = word ^ (ONES * b' ' as u64);
            if other != 0 {
                self.at += (other.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
    }

    /// One comment. A line comment ends before its line end (LF, CR or CR LF).
    #[cold]
    pub(super) fn comment(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let rest = &self.text[start..];
        let len = match rest.get(1) {
            Some(b'/') => {
                let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                match self.dialect {
                    Dialect::Json5 => json5::comment_end(self.text, start, start + len) - start,
                    _ => len,
                }
            }
            Some(b'*') => match memchr::memmem::find(&rest[2..], b"*/") {
                Some(at) => at + 4,
                None => return Err(Fault::said(start, "the comment that starts here has no end")),
            },
            _ => return Err(Fault::said(start, "expected a comment, `//` or `/*`")),
        };
        check_utf8(self.text, start..start + len)?;
        self.at = start + len;
        Ok(())
    }

    /// One value with all that it holds.
    pub(super) fn value<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        let mut stack = Stack { bits: [0; MAX_DEPTH / 64], depth: 0 };
        loop {
            // A value starts here.
            let closed = match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    let object = open == b'{';
                    if !stack.push(object) {
                        return Err(Fault::new(self.at, Why::TooDeep));
                    }
                    visitor.open(if object { Kind::Object } else { Kind::Array }, self.at);
                    self.at += 1;
                    self.space()?;
                    if self.peek() == Some(open + 2) {
                        true
                    } else {
                        if object {
                            self.key(visitor, "a key in quotes or `}`")?;
                        }
                        continue;
                    }
                }
                _ => {
                    self.scalar(visitor, stack.top())?;
                    false
                }
            };
            if !self.after_value(visitor, &mut stack, closed)? {
                return Ok(());
            }
        }
    }

    /// Reads on behind a value (or, if `closed`, at the bracket that ends an empty container) up to the next value. False if there is none.
    #[inline]
    fn after_value<V: Visitor>(&mut self, visitor: &mut V, stack: &mut Stack, closed: bool) -> Result<bool, Fault> {
        let mut closed = closed;
        loop {
            let Some(object) = stack.top() else {
                return Ok(false);
            };
            let close = if object { b'}' } else { b']' };
            if !closed {
                self.space()?;
            }
            match self.peek() {
                Some(b',') if !closed => {
                    visitor.comma(self.at);
                    self.at += 1;
                    self.space()?;
                    if self.peek() == Some(close) {
                        if !self.dialect.has_comments() {
                            return Err(Fault::said(
                                self.at,
                                format!("a comma before `{}` is not allowed", close as char),
                            ));
                        }
                        closed = true;
                        continue;
                    }
                    if object {
                        self.key(visitor, "a key in quotes")?;
                    }
                    return Ok(true);
                }
                Some(byte) if byte == close => {
                    stack.depth -= 1;
                    self.at += 1;
                    visitor.close(self.at);
                    closed = false;
                }
                _ if object => return Err(self.expected("`,` or `}`")),
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    /// A key with its colon, up to the value.
    #[inline]
    fn key<V: Visitor>(&mut self, visitor: &mut V, what: &'static str) -> Result<(), Fault> {
        let start = self.at;
        let escaped = match self.peek() {
            _ if self.dialect == Dialect::Json5 => self.name_or_string()?,
            Some(b'"') => self.string()?,
            _ => return Err(self.expected(what)),
        };
        visitor.key(start..self.at, escaped);
        self.space()?;
        if self.peek() != Some(b':') {
            return Err(self.expected("`:` after the key"));
        }
        self.at += 1;
        self.space()
    }

    #[inline]
    fn scalar<V: Visitor>(&mut self, visitor: &mut V, inside: Option<bool>) -> Result<(), Fault> {
        let start = self.at;
        let mut escaped = false;
        let kind = match self.peek() {
            Some(byte) if self.dialect.is_quote(byte) => {
                escaped = self.string()?;
                Kind::String
            }
            Some(b'+' | b'-' | b'.' | b'I' | b'N' | b'0'..=b'9') if self.dialect == Dialect::Json5 => {
                self.odd_number()?;
                Kind::Number
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.literal(b"true", Kind::True)?,
            Some(b'f') => self.literal(b"false", Kind::False)?,
            Some(b'n') => self.literal(b"null", Kind::Null)?,
            Some(b']') if inside == Some(false) => return Err(self.expected("a value")),
            _ => return Err(self.expected("a value")),
        };
        visitor.scalar(kind, start..self.at, escaped);
        Ok(())
    }

    #[inline]
    fn literal(&mut self, word: &'static [u8], kind: Kind) -> Result<Kind, Fault> {
        let rest = &self.text[self.at..];
        let ends = !rest.get(word.len()).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
        if !rest.starts_with(word) || !(ends || self.is_space_at(self.at + word.len())) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    #[inline]
    pub(super) fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    #[inline]
    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(Fault::said(self.at - 1, "a number has no leading zeros"));
            }
        } else if !self.digits() {
            return Err(self.expected("a digit"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return Err(self.expected("a digit after the point"));
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if !self.digits() {
                return Err(self.expected("a digit of the exponent"));
            }
        }
        Ok(())
    }

    /// A string, from its opening quote to behind its closing one. True if it has a backslash.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<bool, Fault> {
        if self.dialect == Dialect::Json5 {
            return self.quoted();
        }
        let start = self.at;
        self.at += 1;
        self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.odd_string(start)
    }

    /// The rest of a string with something in it that does not mean itself.
    #[inline(never)]
    fn odd_string(&mut self, start: usize) -> Result<bool, Fault> {
        let (mut escaped, mut ascii) = (false, true);
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x80..) => {
                    ascii = false;
                    self.at += 1;
                }
                Some(b'\n' | b'\r') | None => {
                    return Err(Fault::said(start, "the string that starts here has no end on its line"));
                }
                Some(byte) => {
                    let why = format!("the control character U+{byte:04X} must be escaped in a string");
                    return Err(Fault::said(self.at, why));
                }
            }
            self.plain();
        }
        self.at += 1;
        if !ascii {
            check_utf8(self.text, start..self.at)?;
        }
        Ok(escaped)
    }

    /// Skips bytes that mean themselves: neither quote, backslash, control character nor outside of ASCII.
    #[inline(always)]
    fn plain(&mut self) {
        while let Some(word) = self.word() {
            let quote = word ^ (ONES * b'"' as u64);
            let slash = word ^ (ONES * b'\\' as u64);
            let stop = (quote.wrapping_sub(ONES) & !quote)
                | (slash.wrapping_sub(ONES) & !slash)
                | (word.wrapping_sub(ONES * 0x20) & !word)
                | word;
            let stop = stop & HIGHS;
            if stop != 0 {
                // Only bytes above the first stop can be marked wrongly, by a borrow.
                self.at += (stop.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|b| (0x20..0x80).contains(&b) && b != b'"' && b != b'\\') {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let hex = self.text.get(self.at + 2..self.at + 6);
                if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Fault::said(self.at, "`\\u` wants four hexadecimal digits"));
                }
                self.at += 6;
            }
            _ => return Err(Fault::said(self.at, "this escape is unknown; a backslash itself is written `\\\\`")),
        }
        Ok(())
    }
}
