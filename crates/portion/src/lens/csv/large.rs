//! A row of a large file, which is read a piece at a time.

use super::expression::{Asked, Part};
use super::record::Reader;
use super::scan::{self, Wanted, scan};
use super::table::{KNOWN, SAMPLE, Table, beginning};
use crate::lens::{MAX_PORTION, Pieces};

/// The file's header with the one row that is asked for, or that holds the cell: in this table it says what it says in the file. `None` if
/// that is not the only one or not there, if something else than a row is asked for, and where the file takes a closer reading.
pub(super) fn one_row(file: &mut Pieces<'_>, usual: Option<u8>, asked: &Asked) -> Option<Vec<u8>> {
    let (Part::Row(column, key) | Part::Cell(column, key, _)) = &asked.part else { return None };
    let needle = scan::needle(key.as_bytes());
    // Without a header, all columns are told by the first row.
    if needle.is_empty() || asked.headless {
        return None;
    }
    let table = Table::read(file.held(), usual, asked).ok()??;
    let [column] = table.positions(column)[..] else { return None };
    let (separator, rows) = (table.separator, table.rows);
    // Whichever separator is tried, the header ends there.
    let (start, _) = beginning(file.held());
    let ends = |separator: &u8| matches!(Reader::new(file.held(), *separator, start).next(), Ok(Some(header)) if header.next == rows);
    if rows == file.held().len() || !KNOWN.iter().all(ends) {
        return None;
    }
    let mut found = file.held()[..rows].to_vec();
    file.forget(rows);
    let mut last = Vec::new();
    let mut is_found = false;
    let wanted = Wanted { separator, start: 0, needle, is_whole: needle.len() == key.len() };
    loop {
        let is_last = !file.more();
        let held = file.held();
        let whole = if is_last { held.len() } else { scan::last_record(held) };
        let mut matches = 0;
        let is_plain = scan(&held[..whole], &wanted, |record, reader| {
            let field = reader.fields.get(column).map(|field| field.text(held));
            if field.is_some_and(|text| text.is_ok_and(|text| text[..] == *key.as_bytes())) {
                matches += 1;
                found.extend_from_slice(&held[record.start..record.next]);
            }
            matches < 2
        });
        if !is_plain || matches > 1 || (matches == 1 && is_found) || held.len() > 2 * MAX_PORTION {
            return None;
        }
        is_found |= matches == 1;
        // The end of the file tells whether it is text.
        last.extend_from_slice(&held[whole.saturating_sub(SAMPLE)..whole]);
        last.drain(..last.len().saturating_sub(SAMPLE));
        if is_last {
            return (is_found && memchr::memchr(0, &last).is_none()).then_some(found);
        }
        file.forget(whole);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::CSV;
    use crate::lens::pieces::agrees;

    #[test]
    fn plain_rows_are_found_in_pieces_and_odd_ones_are_not() {
        let rows = |middle: &str| format!("id,n\n{}{middle}{}", "a,\"x\ny\"\n".repeat(40), "b,2\r\n".repeat(40));
        for (file, expression, is_told) in [
            (rows("k1,7\n"), "row id=k1", true),
            (rows("\"k1\",\"seven\nor \"\"8\"\"\"\n"), "cell id=k1/n", true),
            (rows("\n\nk1\n"), "row id=k1", true),
            (rows("") + "k1,7", "row id=k1", true),
            (rows("k1,7\nk1,8\n"), "row id=k1", false),
            (rows(""), "row id=k1", false),
            (rows("k1,7,8\n"), "row id=k1", false),
            (rows("k1,\"7\n"), "row id=k1", false),
            (rows("k1,7\n") + "\0", "row id=k1", false),
            (rows("k1,7\n"), "rows", false),
            (rows("k1,7\n"), "headless row #1=k1", false),
            (rows("k1,7\n"), "row none=k1", false),
        ] {
            for piece in [16, 64, 100_000] {
                assert_eq!(agrees(&CSV, file.as_bytes(), expression, piece), is_told, "{file}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_never_contradicts_a_reading_of_the_whole(
            header in prop::sample::select(vec!["id,n\n", "\"id\",n\r\n", "id;n\n", "sep=;\nid;n\n", "id,\"n\nid;\"\n", "\u{FEFF}id\tn\n", "id,n"]),
            parts in prop::collection::vec(prop::sample::select(vec![
                "\"", "\"\"", ",", ";", "\n", "\r\n", "\r", "k1", "a", "\"k1\"", "\"k\n1k1\"", ",\"", "\"\n", "k1,1\n", "\nk1;\"x\"\n", "\0",
                "                                                            ",
            ]), 0..60),
            piece in 1..200usize,
        ) {
            let file = [header, &parts.concat()].concat();
            for expression in ["row id=k1", "cell id=k1/n", "sep=; row id=k1"] {
                agrees(&CSV, file.as_bytes(), expression, piece);
            }
        }

        #[test]
        fn sound_files_are_told_in_pieces(
            rows in prop::collection::vec(prop::sample::select(vec!["a,1", "\"b\",\"\"", "c", "\"x\ny\",\"\"\"k1\"", "\"k1 \",k1"]), 0..40),
            row in prop::sample::select(vec!["k1,7", "k1", "\"k1\",\"7\n\""]),
            at in any::<prop::sample::Index>(),
            piece in 8..200usize,
        ) {
            let mut rows = rows;
            rows.insert(at.index(rows.len() + 1), row);
            let file = format!("id,n\n{}\n", rows.join("\n"));
            prop_assert!(agrees(&CSV, file.as_bytes(), "row id=k1", piece));
        }
    }
}
