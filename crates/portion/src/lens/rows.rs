//! Lines around an offset of a text, for lenses whose comments and indentation go by lines.

/// Where the line that holds `offset` starts, which may lie within a character.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..offset]).map_or(0, |at| at + 1)
}

/// From `offset` to its line's end, the line end included.
pub(super) fn line_at(text: &str, offset: usize) -> &str {
    let rest = &text[offset..];
    &rest[..rest.find('\n').map_or(rest.len(), |at| at + 1)]
}

/// The white space at the start.
pub(super) fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

pub(super) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('#')
}
