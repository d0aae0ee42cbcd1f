//! Strings as Go writes them. restic refuses to rewrite a tree that its own encoder would have written otherwise, so ours
//! must agree with Go's `encoding/json`, and for names with `strconv.Quote` before it.

use std::fmt::Write;

/// Appends `text` as a JSON string, escaped as by Go's `encoding/json`.
pub(crate) fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// `strconv.Quote` without the quotes around it. Exact for the names that [`crate::names`] makes.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_print(c) => out.push(c),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                let number = u32::from(c);
                let _ = match number {
                    0..0x20 | 0x7f => write!(out, "\\x{number:02x}"),
                    ..0x10000 => write!(out, "\\u{number:04x}"),
                    _ => write!(out, "\\U{number:08x}"),
                };
            }
        }
    }
    out
}

/// Go's `unicode.IsPrint`, as far as it is sure: never true where Go's is false, save for characters newer than Go's tables.
pub(crate) fn is_print(c: char) -> bool {
    let marks = '\u{300}'..='\u{36f}';
    c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && (c.is_alphanumeric() || marks.contains(&c) || is_symbol(c)))
}

fn is_symbol(c: char) -> bool {
    // What Rust's debug form leaves as it is: neither control, format, private, unassigned nor space.
    !c.is_whitespace() && c.escape_debug().len() == 1
}

/// Undoes [`quote`], and all that Go's `strconv.Unquote` takes. Bytes that are no UTF-8 become `U+FFFD`; `None` if it is no
/// quoted string.
pub(crate) fn unquote(quoted: &str) -> Option<String> {
    if !quoted.contains('\\') {
        return (!quoted.contains(['"', '\n'])).then(|| quoted.to_owned());
    }
    let mut out = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '"' || c == '\n' {
            return None;
        }
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        let mut number = |digits: usize, radix| -> Option<u32> {
            let (text, after) = rest.split_at_checked(digits)?;
            rest = after;
            text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, radix).ok())?
        };
        match escape {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            '"' => out.push(b'"'),
            'x' => out.push(number(2, 16)? as u8),
            'u' => out.extend_from_slice(char::from_u32(number(4, 16)?)?.encode_utf8(&mut [0; 4]).as_bytes()),
            'U' => out.extend_from_slice(char::from_u32(number(8, 16)?)?.encode_utf8(&mut [0; 4]).as_bytes()),
            '0'..='7' => {
                let value = escape.to_digit(8)? << 6 | number(2, 8)?;
                out.push(u8::try_from(value).ok()?);
            }
            _ => return None,
        }
    }
    Some(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_go_does_it() {
        for (text, quoted) in [
            ("plain.json", "plain.json"),
            ("a\"b\\c", "a\\\"b\\\\c"),
            ("tab\tbell\u{7}nul\0del\u{7f}", "tab\\tbell\\anul\\x00del\\x7f"),
            ("ümlaut 日本", "ümlaut 日本"),
            ("bom\u{feff}nbsp\u{a0}", "bom\\ufeffnbsp\\u00a0"),
            ("private\u{f0000}", "private\\U000f0000"),
            ("cafe\u{301}", "cafe\u{301}"),
        ] {
            assert_eq!(quote(text), quoted);
            assert_eq!(unquote(quoted).unwrap(), text);
        }
        assert_eq!(unquote("\\xff\\101"), Some("\u{fffd}A".into()));
        for wrong in ["\\", "\\x1", "\\u12", "\\q", "a\"b", "\\ud800", "\\477"] {
            assert_eq!(unquote(wrong), None, "{wrong}");
        }
        let mut json = String::new();
        push_json(&mut json, "<a&b>\u{2028}\u{1}\u{7f}");
        assert_eq!(json, "\"\\u003ca\\u0026b\\u003e\\u2028\\u0001\u{7f}\"");
    }

    proptest! {
        #[test]
        fn quoted_names_come_back(text: String) {
            prop_assert_eq!(unquote(&quote(&text)), Some(text.clone()));
            let mut json = String::new();
            push_json(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_text_is_unquoted_or_refused(text in "[\\\\xuU0-9a-f\"é]*") {
            let _ = unquote(&text);
        }
    }
}
