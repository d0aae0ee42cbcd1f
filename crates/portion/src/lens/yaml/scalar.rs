//! Scalars: what plain text means in the core schema (YAML 1.2.2, chapter 10.3), and how text is written so that every reader
//! reads the same.
//!
//! Readers of YAML 1.1 take `yes`, `on`, `1:20`, `012` or `2001-12-14` for something else than text. Such text is written in quotes.

use std::fmt::Write as _;

use granit_parser::ScalarStyle;

use crate::value::{Number, Value};

/// What a plain scalar means.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) && !has_leading_zero(text) => Value::Number(Number::new(text)),
        _ => Value::String(text.to_owned()),
    }
}

/// Whether readers of YAML 1.1 take it for an octal number, or for none, and those of 1.2 for a decimal one. What it means nobody but the
/// file's own program knows, so it goes as the text that it is.
pub(super) fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the core schema reads it as an integer or a float.
pub(super) fn is_number(text: &str) -> bool {
    let all = |digits: &str, is: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(is);
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, u8::is_ascii_hexdigit);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |b| (b'0'..=b'7').contains(b));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let exponent_is_right =
        exponent.is_none_or(|digits| all(digits.strip_prefix(['-', '+']).unwrap_or(digits), u8::is_ascii_digit));
    let mantissa_is_right = match mantissa.split_once('.') {
        Some(("", fraction)) => all(fraction, u8::is_ascii_digit),
        Some((whole, fraction)) => {
            all(whole, u8::is_ascii_digit) && (fraction.is_empty() || all(fraction, u8::is_ascii_digit))
        }
        None => all(mantissa, u8::is_ascii_digit),
    };
    exponent_is_right && mantissa_is_right
}

/// Whether a plain scalar of this text might mean something else to a reader of YAML 1.1, or to one with more types.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"];
    let bare = text.trim_start_matches(['-', '+', '.']);
    let lower = bare.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) || matches!(text, "" | "~" | "=" | "<<") {
        return true;
    }
    let all = |allowed: &str| bare.chars().all(|c| c.is_ascii_digit() || allowed.contains(c));
    let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    let is_radix = ["0x", "0o", "0b"].iter().any(|radix| bare.strip_prefix(radix).is_some_and(is_hex));
    // Numbers with underscores and sexagesimal ones; dates and times.
    let is_count = bare.starts_with(|c: char| c.is_ascii_digit()) && all("_.:") && bare.matches('.').count() < 2;
    let is_date = bare.split_once('-').is_some_and(|(year, _)| year.len() == 4) && all("-:.+TtZz ");
    is_number(&text.replace('_', "")) || is_radix || is_count || is_date
}

/// Whether the text can stand without quotes, and mean itself.
pub(super) fn is_plain_safe(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let starts = match first {
        '-' | '?' | ':' => text[1..].chars().next().is_some_and(|c| !c.is_whitespace() && !",[]{}".contains(c)),
        c => !"&*!|>'\"%@`#,[]{}=".contains(c) && !c.is_whitespace(),
    };
    starts
        && !is_ambiguous(text)
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.contains([',', '[', ']', '{', '}'])
        && text.chars().all(is_printable)
}

/// Whether every reader takes the character as it stands, within one line.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text as a scalar on one line.
pub(super) fn inline(text: &str) -> String {
    if is_plain_safe(text) { text.to_owned() } else { quoted(text, ScalarStyle::DoubleQuoted) }
}

/// Text in quotes: single ones if that is wanted and possible.
pub(super) fn quoted(text: &str, style: ScalarStyle) -> String {
    if style == ScalarStyle::SingleQuoted && text.chars().all(is_printable) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x100 => drop(write!(out, "\\x{:02x}", c as u32)),
            c if (c as u32) < 0x1_0000 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => drop(write!(out, "\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Text as a block scalar whose lines are indented by `unit`. `None` if a block cannot say it.
pub(super) fn block(text: &str, style: ScalarStyle, unit: usize) -> Option<String> {
    let body = text.trim_end_matches('\n');
    let starts = body.chars().next().is_some_and(|c| !c.is_whitespace());
    let says = starts && body.chars().all(|c| c == '\n' || is_printable(c) || c == '\t');
    // Folding breaks no line of its own here, so text with breaks is written literally.
    let folds = style == ScalarStyle::Folded && !body.contains('\n');
    if !says {
        return None;
    }
    let chomping = match text.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let mut out = format!("{}{chomping}\n", if folds { '>' } else { '|' });
    for line in body.split('\n') {
        if !line.is_empty() {
            out.push_str(&" ".repeat(unit));
            out.push_str(line);
        }
        out.push('\n');
    }
    out.push_str(&"\n".repeat((text.len() - body.len()).saturating_sub(1)));
    Some(out)
}

/// Text written anew, in the way in which text stood there.
pub(super) fn like(text: &str, standing: ScalarStyle, unit: usize) -> String {
    match standing {
        ScalarStyle::Plain if text.contains('\n') => {
            block(text, ScalarStyle::Literal, unit).unwrap_or_else(|| inline(text))
        }
        ScalarStyle::Plain => inline(text),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => quoted(text, standing),
        ScalarStyle::Literal | ScalarStyle::Folded => block(text, standing, unit).unwrap_or_else(|| inline(text)),
    }
}
