//! Cells and ranges of a spreadsheet by letters and numbers, `B2` and `A1:C6`.

use std::fmt;

/// The most rows and columns that spreadsheet programs have.
pub(crate) const ROWS: u32 = 1 << 20;
pub(crate) const COLUMNS: u32 = 1 << 14;

/// A cell, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pos {
    pub(crate) row: u32,
    pub(crate) column: u32,
}

/// A rectangle of cells, both corners included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) first: Pos,
    pub(crate) last: Pos,
}

impl Area {
    pub(crate) fn contains(&self, pos: Pos) -> bool {
        let rows = self.first.row..=self.last.row;
        rows.contains(&pos.row) && (self.first.column..=self.last.column).contains(&pos.column)
    }

    pub(crate) fn meets(&self, other: &Area) -> bool {
        self.first.row <= other.last.row
            && other.first.row <= self.last.row
            && self.first.column <= other.last.column
            && other.first.column <= self.last.column
    }

    pub(crate) fn width(&self) -> usize {
        (self.last.column - self.first.column + 1) as usize
    }

    pub(crate) fn height(&self) -> usize {
        (self.last.row - self.first.row + 1) as usize
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", letters(self.column), self.row + 1)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}:{}", self.first, self.last) }
    }
}

/// A column's letters: A, Z, AA.
pub(crate) fn letters(column: u32) -> String {
    let mut rest = column + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// A column from its letters, in either case; `$` in front is overlooked.
pub(crate) fn column(text: &str) -> Option<u32> {
    let text = text.strip_prefix('$').unwrap_or(text);
    if text.is_empty() || text.len() > 3 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let number = text.bytes().fold(0, |sum, b| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1);
    (number <= COLUMNS).then(|| number - 1)
}

/// A row from its number; `$` in front is overlooked.
pub(crate) fn row(text: &str) -> Option<u32> {
    let text = text.strip_prefix('$').unwrap_or(text);
    if text.len() > 7 || text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse::<u32>().ok().filter(|row| (1..=ROWS).contains(row)).map(|row| row - 1)
}

/// The letters and the number of `$A$1`; either may be empty.
pub(crate) fn parts(text: &str) -> (&str, &str) {
    let from = usize::from(text.starts_with('$'));
    let letters = text[from..].bytes().take_while(u8::is_ascii_alphabetic).count();
    text.split_at(from + letters)
}

/// `B2`.
pub(crate) fn pos(text: &str) -> Option<Pos> {
    let (letters, number) = parts(text);
    Some(Pos { row: row(number)?, column: column(letters)? })
}

/// `B2` or `A1:C6`, corners in any order.
pub(crate) fn area(text: &str) -> Option<Area> {
    let (a, b) = text.split_once(':').unwrap_or((text, text));
    Some(spanned(pos(a)?, pos(b)?))
}

/// The rectangle of two corners.
pub(crate) fn spanned(a: Pos, b: Pos) -> Area {
    Area {
        first: Pos { row: a.row.min(b.row), column: a.column.min(b.column) },
        last: Pos { row: a.row.max(b.row), column: a.column.max(b.column) },
    }
}

/// A sheet's name and what stands behind the `!`: `'It''s'!A1`, `Sheet1!A1`. `None` without a `!`.
pub(crate) fn sheet(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('\'') {
        None => text.rsplit_once('!').filter(|(name, _)| !name.is_empty()).map(|(name, rest)| (name.to_owned(), rest)),
        Some(rest) => {
            let mut at = 0;
            loop {
                at += rest[at..].find('\'')?;
                match rest[at + 1..].strip_prefix('\'') {
                    Some(_) => at += 2,
                    None => break,
                }
            }
            let behind = rest[at + 1..].strip_prefix('!')?;
            Some((rest[..at].replace("''", "'"), behind))
        }
    }
}

/// A sheet's name as it stands before a `!`: in quotes where it needs them.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
    if plain { name.to_owned() } else { format!("'{}'", name.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn cells_and_ranges() {
        for (text, shown) in [
            ("A1", Some("A1")),
            ("$b$20", Some("B20")),
            ("A1:C6", Some("A1:C6")),
            ("C6:A1", Some("A1:C6")),
            ("XFD1048576", Some("XFD1048576")),
            ("XFE1", None),
            ("A1048577", None),
            ("A0", None),
            ("A01", None),
            ("1A", None),
            ("A", None),
            ("", None),
            ("é1", None),
        ] {
            assert_eq!(area(text).map(|area| area.to_string()).as_deref(), shown, "{text}");
        }
        assert_eq!(
            (letters(25), letters(26), letters(701), letters(702)),
            ("Z".into(), "AA".into(), "ZZ".into(), "AAA".into())
        );
    }

    #[test]
    fn sheets() {
        for (text, name, rest) in
            [("A!B1", "A", "B1"), ("'It''s'!", "It's", ""), ("'a!b'!C1", "a!b", "C1"), ("a b!C", "a b", "C")]
        {
            assert_eq!(sheet(text), Some((name.to_owned(), rest)), "{text}");
            assert_eq!(sheet(&format!("{}!{rest}", quoted(name))), Some((name.to_owned(), rest)));
        }
        for none in ["A1", "!A1", "'a", "'a'", "'a'b!"] {
            assert_eq!(sheet(none), None, "{none}");
        }
    }
}
