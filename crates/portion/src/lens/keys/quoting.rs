//! How values are written in each format: where they end, what they say, and how to say something else.

mod env;

use super::document::{Fault, comment_start, is_blank, line_at, skip_blanks, trim_end};
use super::grammar::{Grammar, Quoting};
use crate::lens::{Span, body};

/// The value that begins at `from`, as it is written, and where the line after it begins. Its key's line begins at `line`.
pub(super) fn scanned(grammar: &Grammar, file: &[u8], line: usize, from: usize) -> Result<(Span, usize), Fault> {
    let (content, next) = line_at(file, from);
    let end = content.end;
    match grammar.quoting {
        Quoting::Indented => Ok(indented(grammar, file, line, from)),
        Quoting::Backslash => {
            let (mut end, mut next) = (end, next);
            while continues(&file[from..end]) && next < file.len() {
                let (content, after) = line_at(file, next);
                let first = skip_blanks(file, content.start, content.end);
                next = after;
                if !file[first..content.end].first().is_some_and(|b| grammar.comments.contains(b)) {
                    end = content.end;
                }
            }
            Ok((from..trim_end(file, from, end), next))
        }
        // A blank at the end counts.
        Quoting::Desktop => Ok((from..end, next)),
        Quoting::Git => git(file, from),
        Quoting::Env => env(file, from),
        Quoting::Ssh => Ok((from..comment_start(file, from, end).max(from), next)),
        Quoting::Java => {
            let (mut end, mut next) = (end, next);
            while continues(&file[from..end]) && next < file.len() {
                let (content, after) = line_at(file, next);
                (end, next) = (content.end, after);
            }
            Ok((from..end, next))
        }
        Quoting::Names => {
            let hash = memchr::memchr(b'#', &file[from..end]).map_or(end, |at| from + at);
            Ok((from..trim_end(file, from, hash), next))
        }
    }
}

/// Whether a backslash at its end continues a line.
fn continues(line: &[u8]) -> bool {
    line.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

fn indented(grammar: &Grammar, file: &[u8], line: usize, from: usize) -> (Span, usize) {
    let (content, mut next) = line_at(file, from);
    let mut value = from..trim_end(file, from, content.end);
    let depth = skip_blanks(file, line, content.end) - line;
    let mut ahead = next;
    while ahead < file.len() {
        let (content, after) = line_at(file, ahead);
        let first = skip_blanks(file, content.start, content.end);
        let comment = file[first..content.end].first().is_some_and(|b| grammar.comments.contains(b));
        ahead = after;
        if body::is_blank(&file[first..content.end]) || comment {
            continue;
        }
        if first - content.start <= depth {
            break;
        }
        value.end = trim_end(file, from, content.end);
        next = after;
    }
    (value, next)
}

fn git(file: &[u8], from: usize) -> Result<(Span, usize), Fault> {
    let (mut at, mut end, mut quoted) = (from, from, false);
    while at < file.len() {
        match file[at] {
            b'\n' if quoted => return Err(Fault::new(from, "a quoted value without its closing quote")),
            b'\n' => return Ok((from..end, at + 1)),
            b'"' => quoted = !quoted,
            b'#' | b';' if !quoted => return Ok((from..end, line_at(file, at).1)),
            b'\\' => {
                at += match &file[at + 1..] {
                    [b'\r', b'\n', ..] => 2,
                    [b'\n' | b'\\' | b'"' | b'n' | b't' | b'b', ..] => 1,
                    _ => return Err(Fault::new(at, "an escape that git does not know")),
                };
            }
            blank if !quoted && (is_blank(blank) || blank == b'\r') => {
                at += 1;
                continue;
            }
            _ => {}
        }
        at += 1;
        end = at;
    }
    if quoted {
        return Err(Fault::new(from, "a quoted value without its closing quote"));
    }
    Ok((from..end, file.len()))
}

fn env(file: &[u8], from: usize) -> Result<(Span, usize), Fault> {
    let (content, next) = line_at(file, from);
    let quote = match file[from..content.end].first() {
        Some(quote @ (b'"' | b'\'')) => *quote,
        _ => {
            let hash = (from..content.end).find(|at| file[*at] == b'#' && *at > 0 && is_blank(file[*at - 1]));
            return Ok((from..trim_end(file, from, hash.unwrap_or(content.end)), next));
        }
    };
    let mut at = from + 1;
    while at < file.len() && file[at] != quote {
        at += if file[at] == b'\\' && quote == b'"' { 2 } else { 1 };
    }
    if at >= file.len() {
        return Err(Fault::new(from, "a quoted value without its closing quote"));
    }
    let (content, next) = line_at(file, at + 1);
    let after = skip_blanks(file, at + 1, content.end);
    if after < content.end && (file[after] != b'#' || after == at + 1) {
        return Err(Fault::new(after, "text behind the closing quote"));
    }
    Ok((from..at + 1, next))
}

/// What a value says that is written as `raw`.
pub(super) fn decoded(grammar: &Grammar, raw: &[u8]) -> Result<Vec<u8>, String> {
    match grammar.quoting {
        Quoting::Indented => Ok(joined(grammar, raw, b"\n")),
        Quoting::Backslash => Ok(backslashes_joined(grammar, raw)),
        Quoting::Git => Ok(git_decoded(raw)),
        Quoting::Env => Ok(env_decoded(raw)),
        Quoting::Ssh => Ok(ssh_quoted(raw).unwrap_or(raw).to_vec()),
        Quoting::Java => java_decoded(raw),
        Quoting::Desktop => Ok(desktop_decoded(raw)),
        Quoting::Names => {
            Ok(raw.split(|b| is_blank(*b)).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(&b' '))
        }
    }
}

/// Lines without their indentation and without comments.
fn joined(grammar: &Grammar, raw: &[u8], between: &[u8]) -> Vec<u8> {
    let mut lines = body::lines(raw).map(|line| body::content(line).trim_ascii());
    let mut out = lines.next().unwrap_or(b"").to_vec();
    for line in lines.filter(|line| !line.first().is_some_and(|b| grammar.comments.contains(b))) {
        out.extend_from_slice(between);
        out.extend_from_slice(line);
    }
    out
}

fn backslashes_joined(grammar: &Grammar, raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for (index, line) in body::lines(raw).map(body::content).enumerate() {
        let line = if index == 0 { line } else { &line[skip_blanks(line, 0, line.len())..] };
        if index > 0 && line.first().is_some_and(|b| grammar.comments.contains(b)) {
            continue;
        }
        out.extend_from_slice(line);
        if continues(line) {
            out.pop();
            out.push(b' ');
        }
    }
    out.truncate(trim_end(&out, 0, out.len()));
    out
}

fn git_decoded(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let (mut at, mut quoted) = (0, false);
    while at < raw.len() {
        match (raw[at], &raw[at + 1..]) {
            (b'"', _) => quoted = !quoted,
            // Blanks before the value do not count, be they on a line that continues.
            (b' ' | b'\t', _) if !quoted && out.is_empty() => {}
            (b'\\', [b'\r', b'\n', ..]) => at += 2,
            (b'\\', [escape, ..]) => {
                at += 1;
                match escape {
                    b'\n' => {}
                    b'n' => out.push(b'\n'),
                    b't' => out.push(b'\t'),
                    b'b' => out.push(8),
                    other => out.push(*other),
                }
            }
            (other, _) => out.push(other),
        }
        at += 1;
    }
    out
}

/// The names of a git header at `first`, and where it ends.
pub(super) fn git_header(file: &[u8], first: usize, end: usize) -> Result<(Vec<String>, usize), Fault> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let after = first + 1 + file[first + 1..end].iter().take_while(|b| is_name(b)).count();
    let name = String::from_utf8_lossy(&file[first + 1..after]).into_owned();
    if name.is_empty() {
        return Err(Fault::new(first, "a section without a name"));
    }
    if file[after..end].first() == Some(&b']') {
        return Ok(match name.split_once('.') {
            // The old form; its subsection is the same in upper and lower case.
            Some((name, sub)) if !name.is_empty() => (vec![name.to_owned(), sub.to_ascii_lowercase()], after + 1),
            _ => (vec![name], after + 1),
        });
    }
    let mut at = skip_blanks(file, after, end);
    if at == after || file[at..end].first() != Some(&b'"') {
        return Err(Fault::new(after, "expected `]`, or a blank and a subsection in double quotes"));
    }
    let mut sub = Vec::new();
    at += 1;
    while at < end && file[at] != b'"' {
        if file[at] == b'\\' {
            at += 1;
        }
        sub.extend_from_slice(&file[at.min(end)..(at + 1).min(end)]);
        at += 1;
    }
    if at >= end || file[at + 1..end].first() != Some(&b']') {
        return Err(Fault::new(first, "a section's header without `\"]`"));
    }
    Ok((vec![name, String::from_utf8_lossy(&sub).into_owned()], at + 2))
}

fn env_decoded(raw: &[u8]) -> Vec<u8> {
    let inside = match raw {
        [b'\'', inside @ .., b'\''] => return lines_joined(inside),
        [b'"', inside @ .., b'"'] => lines_joined(inside),
        _ => return raw.to_vec(),
    };
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside.as_slice();
    while let [first, tail @ ..] = rest {
        let (sign, used) = match (first, tail.first()) {
            (b'\\', Some(b'n')) => (b'\n', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(escaped @ (b'"' | b'\\' | b'`'))) => (*escaped, 2),
            _ => (*first, 1),
        };
        out.push(sign);
        rest = &rest[used..];
    }
    out
}

/// With LF between lines.
fn lines_joined(text: &[u8]) -> Vec<u8> {
    crate::lens::lf(text).into_owned()
}

/// The escapes of desktop entries, read. `\;` stays: it belongs to a list.
fn desktop_decoded(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        let sign = match (first, tail.first()) {
            (b'\\', Some(b's')) => Some(b' '),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        out.push(sign.unwrap_or(*first));
        rest = if sign.is_some() { &tail[1..] } else { tail };
    }
    out
}

fn desktop_encoded(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (at, byte) in value.iter().enumerate() {
        let at_end = at == 0 || at + 1 == value.len();
        match byte {
            b' ' if at_end => out.extend_from_slice(b"\\s"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' if value.get(at + 1) != Some(&b';') => out.extend_from_slice(b"\\\\"),
            other => out.push(*other),
        }
    }
    out
}

/// What stands in the double quotes that enclose all of it, where it is one argument without them, too.
fn ssh_quoted(raw: &[u8]) -> Option<&[u8]> {
    match raw {
        [b'"', inside @ .., b'"'] if !inside.iter().any(|b| *b == b'"' || is_blank(*b)) => Some(inside),
        _ => None,
    }
}

/// Java's escapes, read.
pub(super) fn java_decoded(raw: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((escape, tail)) = rest.split_first() else { break };
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'f' => out.push(0x0c),
            b'\n' => rest = &rest[skip_blanks(rest, 0, rest.len())..],
            b'\r' => match &rest[rest.iter().take_while(|b| **b == b'\r').count()..] {
                [b'\n', tail @ ..] => rest = &tail[skip_blanks(tail, 0, tail.len())..],
                _ => out.push(b'\r'),
            },
            b'u' => {
                let (sign, used) = java_char(rest).ok_or("a `\\u` escape that is no character")?;
                rest = &rest[used..];
                out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(*other),
        }
    }
    Ok(out)
}

/// The character whose UTF-16 units begin with the four digits here, and how many bytes say it.
fn java_char(text: &[u8]) -> Option<(char, usize)> {
    let unit = |text: &[u8]| {
        let digits = std::str::from_utf8(text.get(..4)?).ok()?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(text)?;
    if let Some(single) = char::from_u32(u32::from(first)) {
        return Some((single, 4));
    }
    let second = unit(text.get(4..)?.strip_prefix(b"\\u")?)?;
    let pair = char::decode_utf16([first, second]).next()?.ok()?;
    Some((pair, 10))
}

/// The surroundings of a value that is to be written.
pub(super) struct Style<'a> {
    /// What stands there, or in the same place of a neighbour: its quotes are followed.
    pub(super) standing: &'a [u8],
    /// The indentation of lines that continue a value, if some do so in this file.
    pub(super) continuation: Option<&'a [u8]>,
    /// The whole file.
    pub(super) file: &'a [u8],
    /// The file's line end.
    pub(super) line_end: &'a [u8],
}

/// `value` as it is written.
///
/// # Errors
/// What the format cannot say.
pub(super) fn encoded(grammar: &Grammar, value: &[u8], style: &Style<'_>) -> Result<Vec<u8>, &'static str> {
    if value.contains(&0) {
        return Err("a NUL character");
    }
    let ends_lines = matches!(grammar.quoting, Quoting::Indented | Quoting::Backslash | Quoting::Names | Quoting::Ssh);
    if ends_lines && value.contains(&b'\r') && value != style.standing {
        // Other readers end a line there.
        return Err("a carriage return");
    }
    let raw = match grammar.quoting {
        Quoting::Indented if value.contains(&b'\n') => continued(value, style)?,
        Quoting::Names if value.trim_ascii().is_empty() => return Err("an address without names"),
        Quoting::Indented | Quoting::Backslash | Quoting::Names => value.to_vec(),
        // To ssh that is no line at all.
        Quoting::Ssh if value.iter().filter(|b| **b == b'"').count() % 2 == 1 => {
            return Err("a double quote without another one");
        }
        Quoting::Git => git_encoded(value, style.standing),
        Quoting::Env => env::encoded(value, style)?,
        Quoting::Ssh => {
            let quotes = value.is_empty()
                || ssh_quoted(style.standing).is_some()
                || decoded_as(grammar, value) != Some(value.to_vec());
            if quotes && !value.contains(&b'"') { [b"\"", value, b"\""].concat() } else { value.to_vec() }
        }
        Quoting::Java => java_encoded(value, false, style.file),
        Quoting::Desktop => desktop_encoded(value),
    };
    // Blanks before a value belong to the separator.
    if !raw.first().is_some_and(|b| is_blank(*b)) && decoded_as(grammar, &raw).as_deref() == Some(value) {
        return Ok(raw);
    }
    Err(match value {
        _ if value.contains(&b'\n') => "a line end",
        _ if value.trim_ascii() != value => "blanks at the ends of text",
        _ => "this text",
    })
}

/// What `raw` says when it stands as a value on a line of its own, if it is all of that line.
fn decoded_as(grammar: &Grammar, raw: &[u8]) -> Option<Vec<u8>> {
    let line = [b"k=", raw, b"\n"].concat();
    let (span, next) = scanned(grammar, &line, 0, 2).ok()?;
    (next == line.len() && span == (2..2 + raw.len())).then(|| decoded(grammar, raw).ok())?
}

/// Text of several lines in the manner of the continued values that stand there.
fn continued(value: &[u8], style: &Style<'_>) -> Result<Vec<u8>, &'static str> {
    let indent = style.continuation.ok_or("a line end")?;
    let mut out = Vec::with_capacity(value.len());
    for (index, line) in value.split(|b| *b == b'\n').enumerate() {
        if index > 0 {
            out.extend_from_slice(style.line_end);
            if !line.is_empty() {
                out.extend_from_slice(indent);
            }
        }
        out.extend_from_slice(line);
    }
    Ok(out)
}

fn git_encoded(value: &[u8], standing: &[u8]) -> Vec<u8> {
    let at_ends = value.first().is_some_and(|b| is_blank(*b)) || value.last().is_some_and(|b| is_blank(*b));
    let signs = value.iter().any(|b| matches!(b, b'#' | b';' | b'\r'));
    let stood = standing.len() > 1 && standing.starts_with(b"\"") && standing.ends_with(b"\"");
    let quotes = at_ends || signs || stood;
    let mut out = Vec::with_capacity(value.len() + 2);
    out.extend(quotes.then_some(b'"'));
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            other => out.push(*other),
        }
    }
    out.extend(quotes.then_some(b'"'));
    out
}

/// With Java's escapes. A key escapes blanks and separators, too.
pub(super) fn java_encoded(text: &[u8], key: bool, file: &[u8]) -> Vec<u8> {
    let raw_text = !file.is_ascii();
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\u{c}' => out.extend_from_slice(b"\\f"),
                ' ' if key || out.is_empty() => out.extend_from_slice(b"\\ "),
                '=' | ':' | '#' | '!' if key => out.extend_from_slice(&[b'\\', c as u8]),
                '\u{20}'..='\u{7e}' => out.push(c as u8),
                c if raw_text && !c.is_control() => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        out.extend_from_slice(format!("\\u{unit:04X}").as_bytes());
                    }
                }
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out
}
