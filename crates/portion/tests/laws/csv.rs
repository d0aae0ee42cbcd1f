//! CSV and TSV files; and what holds for selectors that `list` does not tell.

use std::collections::BTreeMap;

use portion::{Format, Fragment, LensError, Scheme, Value, get, put};
use proptest::prelude::*;

/// Texts of fields, some of them awkward.
const TEXTS: &[&str] = &[
    "",
    "a",
    "b c",
    " x ",
    "1,5",
    "a;b",
    "tab\there",
    "two\nlines",
    "crlf\r\nin",
    "q\"q",
    "é",
    "|",
    "'",
    "#1",
    "0042",
];

/// Everything holds or crosses everything else, but for two rows, and two columns.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let same_kind = |kind: &str| a.starts_with(kind) && b.starts_with(kind);
    a == b || !(same_kind("row ") || same_kind("col "))
}

fn field(text: &str, separator: char, quoted: bool) -> String {
    if quoted || text.contains([separator, '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Files of two to four columns, in all the ways that they are written.
pub(crate) fn files(separator: Option<char>) -> BoxedStrategy<Vec<u8>> {
    let separators = separator.map_or(vec![',', ';', '\t', '|'], |only| vec![only]);
    let text = prop::sample::select(TEXTS);
    let rows = prop::collection::vec((prop::collection::vec(text, 4), 0usize..5, any::<u8>()), 0..8);
    let style =
        (prop::sample::select(separators), 2usize..5, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (style, rows)
        .prop_map(|((separator, width, crlf, bom, final_end, unique), rows)| {
            let names = ["id", "the name", "x", "é"];
            let end = if crlf { "\r\n" } else { "\n" };
            let line = |fields: Vec<String>| fields.join(&separator.to_string());
            let mut lines = vec![line(names[..width].iter().map(|name| field(name, separator, crlf)).collect())];
            for (nth, (texts, short, quotes)) in rows.into_iter().enumerate() {
                let key = nth.to_string();
                let mut fields: Vec<&str> = texts[..width].to_vec();
                if unique {
                    fields[0] = &key;
                }
                if short > 3 {
                    fields.truncate(2);
                }
                let quoted = |at: usize| quotes >> at & 1 == 1;
                let written: Vec<String> =
                    fields.iter().enumerate().map(|(at, text)| field(text, separator, quoted(at))).collect();
                lines.push(line(written));
                if short == 1 && quotes > 200 {
                    lines.push(String::new());
                }
            }
            let mut text = lines.join(end);
            if final_end {
                text.push_str(end);
            }
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

fn value_of(fragment: &Fragment) -> Value {
    fragment.format.value(&fragment.text).unwrap()
}

/// The rows of a value, by what they say in `id`.
fn by_id(value: &Value) -> BTreeMap<String, Value> {
    let Value::Sequence(rows) = value else { panic!("{value:?}") };
    let id = |row: &Value| row.child("id").and_then(Value::as_text).unwrap_or_default().to_owned();
    rows.iter().map(|row| (id(row), row.clone())).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `(id, name, note)` rows with distinct ids.
fn table() -> impl Strategy<Value = Vec<(u8, &'static str, &'static str)>> {
    let row = (0u8..12, prop::sample::select(TEXTS), prop::sample::select(TEXTS));
    prop::collection::vec(row, 0..8).prop_map(|mut rows| {
        let mut seen = Vec::new();
        rows.retain(|(id, ..)| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Some columns of a table, put in any order of rows: the other columns go with their rows.
    #[test]
    fn other_columns_go_with_their_rows(old in table(), new in table(), quoted in any::<bool>(), end in any::<bool>()) {
        let write = |(id, name, note): &(u8, &str, &str)| {
            format!("{};{};{}", field(&id.to_string(), ';', quoted), field(note, ';', quoted), field(name, ';', false))
        };
        let lines: Vec<String> = std::iter::once("id;note;name".to_owned()).chain(old.iter().map(write)).collect();
        let mut file = lines.join("\n");
        if end {
            file.push('\n');
        }
        let mut fragment = String::from("id,name\n");
        for (id, name, _) in &new {
            fragment.push_str(&format!("{id},{}\n", field(name, ',', false)));
        }
        let fragment = Fragment { format: Format::Csv, text: fragment.into_bytes() };
        let written = put(Scheme::Csv, file.as_bytes(), "rows(id,name)", &fragment).unwrap();
        let written = written.unwrap_or_else(|| file.clone().into_bytes());
        prop_assert_eq!(&get(Scheme::Csv, &written, "rows(id,name)").unwrap(), &fragment);
        let (before, after) = (by_id(&value_of(&get(Scheme::Csv, file.as_bytes(), "rows").unwrap())), by_id(&value_of(&get(Scheme::Csv, &written, "rows").unwrap())));
        for (id, row) in after {
            let note = before.get(&id).map_or("", |row| row.child("note").unwrap().as_text().unwrap());
            prop_assert_eq!(row.child("note").unwrap().as_text(), Some(note), "{}\n{}", id, text(&written));
        }
        // Rows that did not change, and did not move, keep their bytes.
        if old.iter().map(|row| row.0).eq(new.iter().map(|row| row.0)) {
            for ((old, new), line) in old.iter().zip(&new).zip(lines.iter().skip(1)) {
                if old.1 == new.1 {
                    prop_assert!(text(&written).contains(line.as_str()), "{}\n{}", line, text(&written));
                }
            }
        }
    }

    /// A cell of each row: GetPut, PutGet, and every other cell stays.
    #[test]
    fn cells(file in files(None), new in prop::sample::select(TEXTS), id in 0usize..8) {
        let at = format!("cell id={id}/the name");
        let Ok(standing) = get(Scheme::Csv, &file, &at) else { return Ok(()) };
        prop_assert_eq!(put(Scheme::Csv, &file, &at, &standing), Ok(None));
        let fragment = Fragment { format: Format::Text, text: new.replace("\r\n", "\n").into_bytes() };
        let written = put(Scheme::Csv, &file, &at, &fragment).unwrap().unwrap_or_else(|| file.clone());
        prop_assert_eq!(&get(Scheme::Csv, &written, &at).unwrap(), &fragment);
        let row = format!("row id={id}");
        let [before, after] = [&file, &written].map(|file| value_of(&get(Scheme::Csv, file, &row).unwrap()));
        for name in ["id", "x", "é"] {
            prop_assert_eq!(before.child(name), after.child(name));
        }
    }

    /// Any expression at all.
    #[test]
    fn any_expression(file in files(None), expression in "(sep=.|headless|rows|row|col|cell|id|[ =/(),#\"0-9]){0,8}") {
        match get(Scheme::Csv, &file, &expression) {
            Ok(fragment) => prop_assert_eq!(put(Scheme::Csv, &file, &expression, &fragment), Ok(None)),
            Err(LensError::Refused(why)) => prop_assert!(why.contains("twice"), "{}", why),
            Err(_) => {}
        }
    }
}
