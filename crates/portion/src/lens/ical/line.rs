//! Content lines (RFC 5545, section 3.1; RFC 6350, section 3.2): unfolded, and folded.

use std::borrow::Cow;

use crate::lens::{LensError, Span, body};

/// So many octets a line has at most, without its line end.
const MAX_OCTETS: usize = 75;

/// A content line, unfolded.
pub(super) struct Line<'a> {
    /// Its physical lines, with their line ends.
    pub(super) span: Span,
    /// What it says. It never begins with a blank, nor is it empty, nor does it end with a CR.
    pub(super) content: Cow<'a, [u8]>,
}

/// The content lines of a text. Blank lines are passed over: one that stands before a continuation does not end the line that it continues.
pub(super) fn lines(text: &[u8]) -> Result<Vec<Line<'_>>, LensError> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    // Whether the last line is quoted-printable, once that was asked.
    let mut quoted: Option<bool> = None;
    let mut at = body::bom(text);
    for physical in body::lines(&text[at..]) {
        let (start, end) = (at, at + physical.len());
        at = end;
        let content = body::content(physical);
        let soft = lines.last().is_some_and(|line| {
            line.content.ends_with(b"=") && *quoted.get_or_insert_with(|| is_quoted_printable(&line.content))
        });
        match (content, lines.last_mut()) {
            (_, Some(line)) if soft => {
                let joined = line.content.to_mut();
                joined.pop();
                joined.extend_from_slice(content);
                line.span.end = end;
            }
            ([b' ' | b'\t', more @ ..], Some(line)) => {
                line.content.to_mut().extend_from_slice(more);
                line.span.end = end;
            }
            ([b' ' | b'\t', more @ ..], None) if !body::is_blank(more) => {
                return Err(LensError::unparsable(text, start, "a line that continues another, and none is before it"));
            }
            ([] | [b' ' | b'\t', ..], _) => {}
            (content, _) => {
                lines.push(Line { span: start..end, content: Cow::Borrowed(content) });
                quoted = None;
            }
        }
    }
    Ok(lines)
}

/// Whether the line's value is in the encoding of RFC 2045 that vCard 2.1 knows, with soft line breaks of its own.
pub(super) fn is_quoted_printable(content: &[u8]) -> bool {
    let head = &content[..memchr::memchr(b':', content).unwrap_or(content.len())];
    head.windows(b"QUOTED-PRINTABLE".len()).any(|part| part.eq_ignore_ascii_case(b"QUOTED-PRINTABLE"))
}

/// Appends a content line as it stands in a file, with LF: folded, and never inside of a character.
pub(super) fn fold(content: &[u8], out: &mut Vec<u8>) {
    let (mut rest, mut room) = (content, MAX_OCTETS);
    while rest.len() > room {
        let is_inside = |at: usize| rest[at] & 0xC0 == 0x80;
        // What is no UTF-8 is cut anywhere.
        let cut = (room - 3..=room).rev().find(|at| !is_inside(*at)).unwrap_or(room);
        out.extend_from_slice(&rest[..cut]);
        out.extend_from_slice(b"\n ");
        rest = &rest[cut..];
        room = MAX_OCTETS - 1;
    }
    out.extend_from_slice(rest);
    out.push(b'\n');
}
