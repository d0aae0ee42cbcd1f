//! A body of lines: taken out free of its context, and put back line by line.
//!
//! What a text lens takes out has LF as line end, a line end after its last line, and none of the indentation that its
//! place demands. What it puts back touches only the lines that differ: every line that stays keeps its own bytes, so mixed
//! line ends, tabs and a missing final newline survive an edit beside them.

use super::{BOM, Edit, Span};

/// The length of the byte order mark that `file` begins with, or 0.
pub(super) fn bom(file: &[u8]) -> usize {
    if file.starts_with(BOM) { BOM.len() } else { 0 }
}

/// The lines of `text`, each with its line end. The last one may have none.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

/// A line without its line end, which is LF with any CRs before it (and CRs alone at the end of the file).
pub(super) fn content(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// The lines, counted from 1, on which these offsets lie, which are sorted. One pass.
pub(super) fn line_numbers(file: &[u8], offsets: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let (mut at, mut line) = (0, 1);
    let number = |offset: usize| {
        line += memchr::memchr_iter(b'\n', &file[at..offset]).count();
        at = offset;
        line
    };
    offsets.into_iter().map(number).collect()
}

/// The line end of `text`'s first line, if it has one.
fn first_line_end(text: &[u8]) -> Option<&'static [u8]> {
    let at = memchr::memchr(b'\n', text)?;
    Some(if text[..at].ends_with(b"\r") { b"\r\n" } else { b"\n" })
}

/// The line end that new lines at `span` take: that of the portion, else that of the line before, else of the file, else LF.
pub(super) fn line_end(file: &[u8], span: &Span) -> &'static [u8] {
    if let Some(end) = first_line_end(&file[span.clone()]) {
        return end;
    }
    match &file[..span.start] {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        _ => first_line_end(file).unwrap_or(b"\n"),
    }
}

/// Whether a line's content is only blanks.
pub(super) fn is_blank(content: &[u8]) -> bool {
    content.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | 0x0c))
}

/// The blanks that a line begins with.
pub(super) fn indentation(content: &[u8]) -> &[u8] {
    let end = content.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(content.len());
    &content[..end]
}

/// The longest indentation that all lines of `text` share, blank ones apart.
pub(super) fn common_indentation(text: &[u8]) -> &[u8] {
    let mut common: Option<&[u8]> = None;
    for line in lines(text) {
        let line = content(line);
        if is_blank(line) {
            continue;
        }
        let own = indentation(line);
        let shared = match common {
            None => own,
            Some(before) => {
                let same = before.iter().zip(own).take_while(|(a, b)| a == b).count();
                &before[..same]
            }
        };
        if shared.is_empty() {
            return b"";
        }
        common = Some(shared);
    }
    common.unwrap_or(b"")
}

/// A line's content without `indent`; a blank line that is shorter than it becomes empty. `None` if it is indented otherwise.
pub(super) fn dedented<'a>(content: &'a [u8], indent: &[u8]) -> Option<&'a [u8]> {
    match content.strip_prefix(indent) {
        Some(rest) => Some(rest),
        None if is_blank(content) && indent.starts_with(content) => Some(b""),
        None => None,
    }
}

/// Whether taking `indent` off every line of `text` can be reversed.
pub(super) fn can_dedent(text: &[u8], indent: &[u8]) -> bool {
    indent.is_empty() || lines(text).all(|line| dedented(content(line), indent).is_some())
}

/// `text` with LF, with a line end after its last line, and without `indent` on lines that have it. A BOM at its start (files that were
/// strung together have some) would be taken for the fragment's own, so that it stays behind.
pub(super) fn taken(text: &[u8], indent: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    for line in lines(text) {
        let line = content(line);
        let line = dedented(line, indent).unwrap_or(line);
        out.extend_from_slice(if out.is_empty() { without_bom(line) } else { line });
        out.push(b'\n');
    }
    out
}

/// `text` without BOMs at its start.
pub(super) fn without_bom(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(BOM) {
        text = rest;
    }
    text
}

/// A fragment's text as [`taken`] would tell it: with LF, and a line end after its last line.
pub(super) fn normal(text: &[u8]) -> Vec<u8> {
    taken(text, b"")
}

/// The lines of `text`, the last one first.
pub(super) fn lines_back(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let before_end = rest.len().checked_sub(1)?;
        let start = memchr::memrchr(b'\n', &rest[..before_end]).map_or(0, |at| at + 1);
        let (before, line) = rest.split_at(start);
        rest = before;
        Some(line)
    })
}

/// Plans the replacement of the lines at `span` (whole lines; the last may lack a line end at the end of the file) by `new`,
/// which is [`normal`]. Lines at both ends that stay the same are left alone.
pub(super) fn replaced(file: &[u8], span: &Span, indent: &[u8], new: &[u8]) -> Vec<Edit> {
    replaced_where(file, span, indent, new, |_, old, new| dedented(old, indent).unwrap_or(old) == new)
}

/// The same, where `is_same` tells of a line of the file, counted from 0, and a new one whether they say the same.
pub(super) fn replaced_where(
    file: &[u8],
    span: &Span,
    indent: &[u8],
    new: &[u8],
    is_same: impl Fn(usize, &[u8], &[u8]) -> bool,
) -> Vec<Edit> {
    let length = |pairs: (usize, usize), (old, new): (&[u8], &[u8])| (pairs.0 + old.len(), pairs.1 + new.len());
    let old = &file[span.clone()];
    let (mut line, mut back) = (0..lines(old).count(), 0..lines(old).count());
    let same = |(old, new): &(&[u8], &[u8])| line.next().is_some_and(|line| is_same(line, content(old), content(new)));
    let (old_before, new_before) = lines(old).zip(lines(new)).take_while(same).fold((0, 0), length);
    let (old, new) = (&old[old_before..], &new[new_before..]);
    let same =
        |(old, new): &(&[u8], &[u8])| back.next_back().is_some_and(|line| is_same(line, content(old), content(new)));
    let (old_after, new_after) = lines_back(old).zip(lines_back(new)).take_while(same).fold((0, 0), length);
    let (old, new) = (&old[..old.len() - old_after], &new[..new.len() - new_after]);
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let mut span = span.start + old_before..span.end - old_after;
    let line_end = line_end(file, &span);
    let mut text = Vec::new();
    // At the end of a file without a final newline the last line stays without one, unless it would then be no line.
    let open = span.end == file.len() && file.len() > bom(file) && !file.ends_with(b"\n");
    if open && new.is_empty() && old_before > 0 {
        let last = content(&file[..span.start]);
        if !last.ends_with(b"\n") && last.len() > bom(file) {
            span.start = last.len();
        }
    } else if open && span.start > bom(file) && !file[..span.start].ends_with(b"\n") {
        text.extend_from_slice(line_end);
    }
    for line in lines(new).map(content) {
        if !line.is_empty() {
            text.extend_from_slice(indent);
            text.extend_from_slice(line);
        }
        text.extend_from_slice(line_end);
    }
    if open && !new.is_empty() && !is_empty_line(lines_back(new).next()) {
        text.truncate(text.len() - line_end.len());
    }
    vec![Edit { span, text }]
}

/// Lines without blank ones at the ends, and with a line end.
pub(super) fn without_blank_ends(text: &[u8]) -> Vec<u8> {
    let is_blank = |line: &&[u8]| is_blank(content(line));
    let before: usize = lines(text).take_while(is_blank).map(<[u8]>::len).sum();
    let text = &text[before..];
    let behind: usize = lines_back(text).take_while(is_blank).map(<[u8]>::len).sum();
    normal(&text[..text.len() - behind])
}

/// Whole lines that are to be removed, with the blank lines around that go with them: one run stays where there were two, the longer one,
/// and none at the ends of what they stand in.
pub(super) fn with_blank_lines(file: &[u8], span: &Span) -> Span {
    let is_blank = |line: &&[u8]| is_blank(content(line));
    let first = bom(file);
    let before: usize = lines_back(&file[first..span.start]).take_while(is_blank).map(<[u8]>::len).sum();
    let behind: usize = lines(&file[span.end..]).take_while(is_blank).map(<[u8]>::len).sum();
    let depth = |line: Option<&[u8]>| line.map_or(0, |line| indentation(line).len());
    let own = depth(lines(&file[span.clone()]).next());
    let is_last = span.end + behind == file.len() || depth(lines(&file[span.end + behind..]).next()) < own;
    let above = &file[first..span.start - before];
    let is_first = above.is_empty() || depth(lines_back(above).next()) < own;
    let count = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    let takes_before = match (is_first, is_last) {
        (_, true) => true,
        (true, false) => false,
        _ => count(&file[span.start - before..span.start]) <= count(&file[span.end..span.end + behind]),
    };
    let is_between = before > 0 && behind > 0;
    match takes_before {
        true if is_last || is_between => span.start - before..span.end,
        false if is_first || is_between => span.start..span.end + behind,
        _ => span.clone(),
    }
}

fn is_empty_line(line: Option<&[u8]>) -> bool {
    line.is_some_and(|line| content(line).is_empty())
}

/// Plans the removal of whole lines. At the end of a file without a final newline the line before them loses its line end.
pub(super) fn removed(file: &[u8], span: &Span) -> Vec<Edit> {
    if span.is_empty() {
        return Vec::new();
    }
    let mut span = span.clone();
    if span.end == file.len() && !file.ends_with(b"\n") && span.start > bom(file) {
        span.start = bom(file).max(content(&file[..span.start]).len());
    }
    vec![Edit { span, text: Vec::new() }]
}
