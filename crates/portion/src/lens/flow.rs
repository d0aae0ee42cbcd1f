//! Items between brackets with commas between them, as TOML's arrays and YAML's flow collections are written. Comments begin with `#`.

use super::Span;
use super::rows::{indentation, is_blank, is_comment, line_at, line_start};

/// A collection in brackets.
pub(super) struct Brackets<'b> {
    /// The file's text.
    pub(super) text: &'b str,
    /// From the opening to behind the closing bracket.
    pub(super) inside: Span,
    /// Its items, keys included.
    pub(super) items: &'b [Span],
    /// The file's line end.
    pub(super) line_end: &'b str,
}

impl Brackets<'_> {
    /// Whether only white space stands before `offset` on its line, and the line begins inside the brackets.
    fn begins_line(&self, offset: usize) -> bool {
        let line = line_start(self.text, offset);
        line > self.inside.start && is_blank(&self.text[line..offset])
    }

    /// The comma behind an item: white space and comments may stand between.
    fn comma_after(&self, mut from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        while from + 1 < self.inside.end {
            match bytes[from] {
                b',' => return Some(from),
                b'#' => from += line_at(self.text, from).len(),
                b' ' | b'\t' | b'\r' | b'\n' => from += 1,
                _ => return None,
            }
        }
        None
    }

    /// The plan that takes item `at` away, with its comma, and with its line if it has one of its own.
    pub(super) fn remove(&self, at: usize) -> Vec<(Span, String)> {
        let item = self.items[at].clone();
        let comma = self.comma_after(item.end);
        let before = at.checked_sub(1).map(|before| self.items[before].end);
        let end = comma.map_or(item.end, |comma| comma + 1);
        let rest = line_at(self.text, end);
        let mut edits = Vec::new();
        if self.begins_line(item.start) && (is_blank(rest) || is_comment(rest)) && rest.ends_with('\n') {
            if let (None, Some(before)) = (comma, before)
                && let Some(comma) = self.comma_after(before)
            {
                edits.push((comma..comma + 1, String::new()));
            }
            edits.push((line_start(self.text, item.start)..end + rest.len(), String::new()));
        } else if comma.is_some() {
            let blank = self.text[end..].len() - self.text[end..].trim_start_matches([' ', '\t']).len();
            edits.push((item.start..end + blank, String::new()));
        } else {
            edits.push((before.unwrap_or(item.start)..item.end, String::new()));
        }
        edits
    }

    /// The plan that inserts `item`: before item `at`, or at the end. `padding` goes inside the brackets of an empty collection.
    pub(super) fn insert(&self, at: usize, item: &str, padding: &str) -> Vec<(Span, String)> {
        let text = self.text;
        let base = |offset: usize| indentation(&text[line_start(text, offset)..]);
        if let Some(next) = self.items.get(at) {
            let own_line = self.begins_line(next.start);
            let gap = if own_line { format!("{}{}", self.line_end, base(next.start)) } else { " ".to_owned() };
            return vec![(next.start..next.start, format!("{item},{gap}"))];
        }
        let Some(last) = self.items.last() else {
            let inner = self.inside.start + 1..self.inside.end - 1;
            // Comments in an empty collection stay.
            let span = if is_blank(&text[inner.clone()]) { inner } else { inner.start..inner.start };
            return vec![(span, format!("{padding}{item}{padding}"))];
        };
        let comma = self.comma_after(last.end);
        let end = comma.map_or(last.end, |comma| comma + 1);
        let line = line_at(text, end);
        let rest = line.trim_end_matches(['\r', '\n']);
        if self.begins_line(last.start) && rest.len() < line.len() && (is_blank(rest) || is_comment(rest)) {
            let place = end + rest.len();
            let trailing = if comma.is_some() { "," } else { "" };
            let added = format!("{}{}{item}{trailing}", self.line_end, base(last.start));
            return match comma {
                Some(_) => vec![(place..place, added)],
                None if place == end => vec![(end..end, format!(",{added}"))],
                None => vec![(end..end, ",".to_owned()), (place..place, added)],
            };
        }
        match comma {
            Some(_) => vec![(end..end, format!(" {item},"))],
            None => vec![(end..end, format!(", {item}"))],
        }
    }
}
