//! How a value of an env file is written, so that all who read such files read the same.

use std::collections::HashSet;

use super::Style;
use crate::lens::keys::document::is_blank;

/// Text in the one way in which a shell, the dotenv programs and this lens read it alike; none where there is no such way.
///
/// Single quotes are literal for all of them, apart from python-dotenv, which takes a backslash before a backslash or the closing quote
/// for an escape. In double quotes all read `\"` and `\\`, and nothing else: `\n` is a line end for some only, and a shell expands `$X`.
pub(super) fn encoded(value: &[u8], style: &Style<'_>) -> Result<Vec<u8>, &'static str> {
    if value.contains(&b'\r') {
        return Err("a carriage return");
    }
    let safe = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b"_-./:@%+,=".contains(b);
    let single = is_literal(value).then(|| [b"'", value, b"'"].concat());
    let double = is_double(value, style.standing).then(|| in_double(value));
    let expands = value.iter().any(|b| matches!(b, b'$' | b'`' | b'\\' | b'"' | b'\n'));
    let quoted = match style.standing.first() {
        Some(b'\'') => single.or(double),
        Some(b'"') => double.or(single),
        _ if value.iter().all(safe) => return Ok(value.to_vec()),
        // What already stands without quotes may hold signs that a shell would read; they stay so, if they say the same.
        Some(_) if unquoted_as_before(value, style.standing) => return Ok(value.to_vec()),
        _ if expands => single.or(double),
        _ => double.or(single),
    };
    quoted
        .ok_or(
            "a single quote beside `$`, a backtick or backslashes, which shells and dotenv programs read differently",
        )
        .map(|text| with_line_ends(text, style.line_end))
}

/// Whether single quotes say it to every reader.
fn is_literal(value: &[u8]) -> bool {
    !value.contains(&b'\'') && !value.ends_with(b"\\") && memchr::memmem::find(value, br"\\").is_none()
}

/// Whether double quotes say it to every reader; or to none but this lens, where the same `$X` stands so already: then it is
/// meant to be expanded.
fn is_double(value: &[u8], standing: &[u8]) -> bool {
    let stands = standing.starts_with(b"\"") && refers_alike(value, standing);
    (stands || !value.contains(&b'$')) && !value.contains(&b'`')
}

/// Whether a shell would expand nothing in a value that it does not expand in the standing one.
fn refers_alike(value: &[u8], standing: &[u8]) -> bool {
    let known: HashSet<&[u8]> = references(standing).collect();
    references(value).all(|one| known.contains(one))
}

/// What a shell may expand in a text: each `$` with the name or sign behind it, and with a backslash that stands before it.
fn references(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(b'$', text).map(|at| {
        let start = at - usize::from(text[..at].ends_with(b"\\"));
        let sign = usize::from(text[at + 1..].first().is_some_and(|b| !b.is_ascii_alphanumeric()));
        let name = text[at + 1 + sign..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        &text[start..at + 1 + sign + name]
    })
}

/// Whether a value without quotes may have the signs in it that the standing one has.
fn unquoted_as_before(value: &[u8], standing: &[u8]) -> bool {
    let odd = |b: &&u8| !b.is_ascii_alphanumeric() && **b < 0x80;
    let homes = |text: &[u8]| text.starts_with(b"~") || memchr::memmem::find(text, b":~").is_some();
    value.iter().filter(odd).all(|b| standing.contains(b) || b"_-./:@%+,=".contains(b))
        && refers_alike(value, standing)
        && (homes(standing) || !homes(value))
        && value.trim_ascii() == value
        && !matches!(value.first(), Some(b'"' | b'\'' | b'#'))
        && !value.windows(2).any(|pair| is_blank(pair[0]) && pair[1] == b'#')
        && !value.contains(&b'\n')
}

/// In double quotes. Lines stay lines: `\n` is a line end for some readers only.
fn in_double(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for (at, byte) in value.iter().enumerate() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            // `\$` stays as it stands: nothing is expanded, and it keeps others from expanding it.
            b'\\' if value.get(at + 1) == Some(&b'$') => out.push(b'\\'),
            b'\\' => out.extend_from_slice(b"\\\\"),
            other => out.push(*other),
        }
    }
    out.push(b'"');
    out
}

/// With the file's line ends.
fn with_line_ends(text: Vec<u8>, line_end: &[u8]) -> Vec<u8> {
    if line_end == b"\n" || !text.contains(&b'\n') {
        return text;
    }
    text.split(|b| *b == b'\n').collect::<Vec<_>>().join(line_end)
}
