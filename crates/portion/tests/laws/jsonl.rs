//! Files of JSON Lines.

use portion::{Format, Fragment, Scheme, get, put};
use proptest::prelude::*;

/// All of them hold everything; records do not touch each other.
pub(crate) fn related(a: &str, b: &str) -> bool {
    a == b || a == "rows" || b == "rows" || a.starts_with(&format!("{b}/")) || b.starts_with(&format!("{a}/"))
}

const VALUES: &[&str] =
    &["1", "\"1\"", "null", "[1, 2]", "{\"a\":{}}", "\"a b\"", "\"\\u0041\"", "true", "1.50", "\"x/y\"", "\"é\"", "{}"];

/// One record a line, written in several ways.
pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let value = prop::sample::select(VALUES);
    let record = (0u8..9, value.clone(), value, any::<u8>());
    (prop::collection::vec(record, 0..8), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(records, crlf, final_end, bom)| {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = String::new();
            for (nth, (id, a, b, style)) in records.into_iter().enumerate() {
                let id = if style % 5 == 0 { id.to_string() } else { format!("\"k{nth}\"") };
                let space = if style & 2 == 0 { "" } else { " " };
                let blank = if style % 16 == 3 { "\n" } else { "" };
                let pad = if style % 16 == 5 { "  " } else { "" };
                text.push_str(&format!(
                    "{blank}{pad}{{\"id\":{space}{id},{space}\"a\":{space}{a},\"b\": {b}}}{pad}{end}"
                ));
            }
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// What stands in a record: GetPut, PutGet, and nothing else changes.
    #[test]
    fn members(file in files(), at in 0usize..8, name in prop::sample::select(vec!["a", "b"]), new in prop::sample::select(VALUES)) {
        let (own, other) = (format!("id=k{at}/{name}"), format!("id=k{at}/{}", if name == "a" { "b" } else { "a" }));
        let Ok(standing) = get(Scheme::Jsonl, &file, &own) else { return Ok(()) };
        prop_assert_eq!(put(Scheme::Jsonl, &file, &own, &standing), Ok(None));
        let beside = get(Scheme::Jsonl, &file, &other).unwrap();
        let fragment = Fragment { format: Format::JsonLine, text: new.as_bytes().to_vec() };
        let written = put(Scheme::Jsonl, &file, &own, &fragment).unwrap().unwrap_or_else(|| file.clone());
        prop_assert_eq!(&get(Scheme::Jsonl, &written, &own).unwrap(), &fragment);
        prop_assert_eq!(&get(Scheme::Jsonl, &written, &other).unwrap(), &beside);
        prop_assert_eq!(written.split(|b| *b == b'\n').count(), file.split(|b| *b == b'\n').count());
    }

    /// Any expression at all.
    #[test]
    fn any_expression(file in files(), expression in "(rows|id|k1|[ =/\"0-9]|a){0,6}") {
        if let Ok(fragment) = get(Scheme::Jsonl, &file, &expression) {
            prop_assert_eq!(put(Scheme::Jsonl, &file, &expression, &fragment), Ok(None));
        }
    }
}
