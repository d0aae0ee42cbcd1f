//! JSON on one line.

use std::borrow::Cow;

use super::scan::{Dialect, Scanner};

/// A sound text on one line: where a line ends, a blank stands, or nothing behind an opening and before a closing bracket. What has no line
/// ends stays as it is.
pub(crate) fn one_line(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.trim_ascii();
    if memchr::memchr2(b'\n', b'\r', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut scanner = Scanner { text, at: 0, dialect: Dialect::Json };
    while let Some(byte) = text.get(scanner.at).copied() {
        let start = scanner.at;
        match byte {
            b'"' => {
                if scanner.string().is_err() {
                    scanner.at = text.len();
                }
                out.extend_from_slice(&text[start..scanner.at]);
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                let space = text[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                scanner.at = start + space;
                let white = &text[start..scanner.at];
                let opens = matches!(out.last(), Some(b'{' | b'['));
                let closes = matches!(text.get(scanner.at), Some(b'}' | b']' | b','));
                if memchr::memchr2(b'\n', b'\r', white).is_none() {
                    out.extend_from_slice(white);
                } else if !opens && !closes {
                    out.push(b' ');
                }
            }
            byte => {
                out.push(byte);
                scanner.at += 1;
            }
        }
    }
    Cow::Owned(out)
}
