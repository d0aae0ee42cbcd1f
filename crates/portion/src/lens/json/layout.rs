//! Text free of its place, and put to a place: indentation and line ends.
//!
//! A fragment starts at column 1, has LF for line ends, and its blank lines are empty. Where it is indented regularly (every
//! line as deep as it is nested), its step is two spaces, whatever the file's is; otherwise it keeps the indentation that it has beyond
//! its first line's. Both directions decide by the fragment alone, so one undoes the other.

use super::scan::{Dialect, Scanner};
use crate::lens::{BOM, lf};

/// The step of a fragment.
pub(super) const STEP: &[u8] = b"  ";

/// One line behind the first.
struct Line {
    /// Where it starts, behind the line end.
    start: usize,
    /// How many spaces and tabs it starts with.
    white: usize,
    /// How many brackets are open; a bracket that closes at the line's start counts as closed.
    depth: usize,
    /// It starts inside a comment.
    in_comment: bool,
    /// Nothing but white space.
    blank: bool,
}

/// The lines of a text that the scanner has accepted, without the first.
fn lines(text: &[u8], dialect: Dialect) -> Vec<Line> {
    let mut out = Vec::new();
    let mut scanner = Scanner { text, at: 0, dialect };
    let mut depth = 0usize;
    let line = |start: usize, depth: usize, in_comment: bool| {
        let white = text[start..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let first = text.get(start + white);
        let closes = !in_comment && matches!(first, Some(b'}' | b']'));
        let depth = if closes { depth.saturating_sub(1) } else { depth };
        Line { start, white, depth, in_comment, blank: matches!(first, None | Some(b'\n')) }
    };
    while let Some(byte) = text.get(scanner.at) {
        match byte {
            byte if dialect.is_quote(*byte) => {
                if scanner.string().is_err() {
                    break;
                }
                continue;
            }
            b'/' if dialect.has_comments() => {
                let start = scanner.at;
                if scanner.comment().is_err() {
                    break;
                }
                let inner = memchr::memchr_iter(b'\n', &text[start..scanner.at]);
                out.extend(inner.map(|at| line(start + at + 1, depth, true)));
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'\n' => out.push(line(scanner.at + 1, depth, false)),
            _ => {}
        }
        scanner.at += 1;
    }
    out
}

/// The step of a text whose first line is not indented, if it is regular and has a line that shows the step.
pub(super) fn step(text: &[u8], dialect: Dialect) -> Option<Vec<u8>> {
    regular(text, &lines(text, dialect)).flatten()
}

/// `None` if it is not regular; `Some(None)` if it is, and no line shows a step.
fn regular(text: &[u8], lines: &[Line]) -> Option<Option<Vec<u8>>> {
    let white = |line: &Line| &text[line.start..line.start + line.white];
    let shown = lines.iter().find(|line| line.depth > 0 && !line.blank && !line.in_comment);
    let step = match shown {
        None => None,
        Some(line) => {
            let white = white(line);
            let step = &white[..white.len() / line.depth];
            if !is_step(step) {
                return None;
            }
            Some(step.to_vec())
        }
    };
    let unit = step.as_deref().unwrap_or(STEP);
    let fits = |line: &Line| {
        let (white, expected) = (white(line), unit.len() * line.depth);
        let led = white.len() >= expected && white[..expected].iter().all(|b| *b == unit[0]);
        led && (line.in_comment || white.len() == expected)
    };
    lines.iter().filter(|line| !line.blank).all(fits).then_some(step)
}

/// Whether white space can be the step of a regular text: it is of one kind.
pub(super) fn is_step(white: &[u8]) -> bool {
    !white.is_empty() && (white.iter().all(|b| *b == b' ') || white.iter().all(|b| *b == b'\t'))
}

/// Takes a value's text out of its place. `base` is the white space that its first line starts with.
pub(super) fn dedent(text: &[u8], base: &[u8], dialect: Dialect) -> Vec<u8> {
    if memchr::memchr(b'\n', text).is_none() {
        return text.to_vec();
    }
    let stripped = dedent_lines(text, base, dialect);
    let found = lines(&stripped, dialect);
    match regular(&stripped, &found).flatten() {
        Some(unit) if unit != STEP => rewrite(&stripped, &found, "\n", |line, out| {
            out.extend(STEP.iter().copied().cycle().take(STEP.len() * line.depth));
            out.extend_from_slice(&stripped[line.start + unit.len() * line.depth..line.start + line.white]);
        }),
        _ => stripped,
    }
}

/// [`dedent`], with the step that the text has.
pub(super) fn dedent_lines(text: &[u8], base: &[u8], dialect: Dialect) -> Vec<u8> {
    let text = lf(text);
    let found = lines(&text, dialect);
    let shared = found.iter().filter(|line| !line.blank).fold(base.len(), |shared, line| {
        let white = &text[line.start..line.start + line.white];
        white.iter().zip(&base[..shared]).take_while(|(a, b)| a == b).count()
    });
    rewrite(&text, &found, "\n", |line, out| {
        out.extend_from_slice(&text[line.start + shared..line.start + line.white]);
    })
}

/// Puts a fragment's text to a place whose line starts with `base`, in a file that steps by `unit` and ends lines with `end`.
pub(super) fn indent(fragment: &[u8], base: &[u8], unit: &[u8], end: &str, dialect: Dialect) -> Vec<u8> {
    if memchr::memchr(b'\n', fragment).is_none() {
        return fragment.to_vec();
    }
    let found = lines(fragment, dialect);
    let in_steps = regular(fragment, &found).flatten().is_some_and(|step| step == STEP);
    rewrite(fragment, &found, end, |line, out| {
        let mut kept = line.start;
        out.extend_from_slice(base);
        if in_steps {
            out.extend(unit.iter().copied().cycle().take(unit.len() * line.depth));
            kept += STEP.len() * line.depth;
        }
        out.extend_from_slice(&fragment[kept..line.start + line.white]);
    })
}

/// The text with each line's white space written by `white`; blank lines become empty.
fn rewrite(text: &[u8], lines: &[Line], end: &str, white: impl Fn(&Line, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut from = 0;
    for line in lines {
        out.extend_from_slice(&text[from..line.start - 1]);
        out.extend_from_slice(end.as_bytes());
        if !line.blank {
            white(line, &mut out);
        }
        from = line.start + line.white;
    }
    out.extend_from_slice(&text[from..]);
    out
}

/// Where the line starts that holds the byte at `at`. A BOM is no part of a line.
pub(super) fn line_start(file: &[u8], at: usize) -> usize {
    match memchr::memrchr(b'\n', &file[..at]) {
        Some(end) => end + 1,
        None if file.starts_with(BOM) => BOM.len().min(at),
        None => 0,
    }
}

/// The white space that the line starts with that holds the byte at `at`.
pub(super) fn base(file: &[u8], at: usize) -> &[u8] {
    let line = &file[line_start(file, at)..at];
    &line[..line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()]
}
