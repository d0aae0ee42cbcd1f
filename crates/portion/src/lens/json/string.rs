//! Strings: their bytes checked, and their text.

use super::fault::Fault;
use super::json5;
use crate::lens::Span;

/// Refuses bytes that are no UTF-8, with the place of the first.
pub(super) fn check_utf8(text: &[u8], span: Span) -> Result<(), Fault> {
    match std::str::from_utf8(&text[span.clone()]) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = span.start + error.valid_up_to();
            Err(Fault::said(at, format!("the byte 0x{:02X} is no UTF-8", text[at])))
        }
    }
}

/// A string without its quotes; a name, which has none, as it is.
pub(super) fn inner(text: &[u8], span: &Span) -> Span {
    match text.get(span.start) {
        Some(b'"' | b'\'') => span.start + 1..span.end - 1,
        _ => span.clone(),
    }
}

/// The text of a string that the scanner has accepted, quotes included in `span`.
///
/// # Errors
/// An escaped half of a surrogate pair without its other half: no text can hold it.
pub(super) fn unescape(text: &[u8], span: Span, escaped: bool) -> Result<String, Fault> {
    let inside = inner(text, &span);
    let body = &text[inside.clone()];
    if !escaped {
        return std::str::from_utf8(body).map(str::to_owned).map_err(|_| Fault::said(span.start, "no UTF-8"));
    }
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut at = 0;
    let hex = |at: usize| -> Option<u16> {
        let digits = std::str::from_utf8(body.get(at..at + 4)?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    while at < body.len() {
        let Some(next) = memchr::memchr(b'\\', &body[at..]) else {
            out.extend_from_slice(&body[at..]);
            break;
        };
        out.extend_from_slice(&body[at..at + next]);
        at += next;
        let simple = match body.get(at + 1) {
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'v') => Some(11),
            Some(b'0') => Some(0),
            Some(b'u' | b'x') => None,
            Some(byte) if json5::continued(&body[at + 1..]) == 0 => Some(*byte),
            Some(_) => {
                at += 1 + json5::continued(&body[at + 1..]);
                continue;
            }
            None => return Err(Fault::said(inside.start + at, "an escape without its character")),
        };
        if let Some(byte) = simple {
            out.push(byte);
            at += 2;
            continue;
        }
        if body.get(at + 1) == Some(&b'x') {
            let digits = body.get(at + 2..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
            let sign = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).map_or('\0', char::from);
            out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
            at += 4;
            continue;
        }
        let lone = || Fault::said(inside.start + at, "half of a surrogate pair, which no text can hold");
        let first = hex(at + 2).ok_or_else(lone)?;
        let second = (body.get(at + 6..at + 8) == Some(b"\\u")).then(|| hex(at + 8)).flatten();
        let units = [Some(first), second];
        let pair = matches!((first, second), (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)));
        let read = char::decode_utf16(units.into_iter().flatten().take(if pair { 2 } else { 1 })).next();
        let c = read.and_then(Result::ok).ok_or_else(lone)?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        at += if pair { 12 } else { 6 };
    }
    String::from_utf8(out).map_err(|_| Fault::said(span.start, "no UTF-8"))
}
