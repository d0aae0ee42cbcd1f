//! Our JSON scanner beside serde_json, and our JSONC scanner beside jsonc-parser: they accept the same texts, and read the same
//! values from them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use jsonc_parser::{JsonValue, ParseOptions};
use portion::{Format, LensError, Number, Scheme, Value, get};
use proptest::prelude::*;
use serde::de::IgnoredAny;

/// Whether the text has the grammar: then only the portion is missing, or a key is doubled.
fn accepts(scheme: Scheme, text: &[u8]) -> bool {
    match get(scheme, text, "/no such key") {
        Err(LensError::Unparsable { found, .. }) => found.contains("for a second time"),
        Err(LensError::TooLarge(_)) => false,
        _ => true,
    }
}

fn from_serde(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => Value::Number(Number::new(number.to_string())),
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => Value::Sequence(items.into_iter().map(from_serde).collect()),
        serde_json::Value::Object(members) => {
            Value::Map(members.into_iter().map(|(key, value)| (key, from_serde(value))).collect())
        }
    }
}

fn from_jsonc(value: JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Boolean(truth) => Value::Bool(truth),
        JsonValue::Number(number) => Value::Number(Number::new(number)),
        JsonValue::String(text) => Value::String(text.into_owned()),
        JsonValue::Array(items) => Value::Sequence(items.into_iter().map(from_jsonc).collect()),
        JsonValue::Object(members) => {
            Value::Map(members.into_iter().map(|(key, value)| (key.into_owned(), from_jsonc(value))).collect())
        }
    }
}

fn strict_jsonc() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn check_json(text: &[u8]) -> Result<(), TestCaseError> {
    // It does not look into strings that it ignores.
    let theirs = std::str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok();
    prop_assert_eq!(accepts(Scheme::Json, text), theirs, "{:?}", String::from_utf8_lossy(text));
    if let (Ok(ours), Ok(theirs)) = (Format::Json.value(text), serde_json::from_slice::<serde_json::Value>(text)) {
        prop_assert_eq!(&ours, &from_serde(theirs));
        prop_assert_eq!(Format::Json.value(&Format::Json.render(&ours).unwrap()).unwrap(), ours);
    }
    Ok(())
}

fn is_bare_in_string(error: &LensError) -> bool {
    let said = error.to_string();
    said.contains("must be escaped in a string") || said.contains("has no end on its line")
}

/// The text with every control character in a string written as an escape.
fn escaped_in_strings(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let (mut string, mut line, mut block) = (false, false, false);
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\n' if line => line = false,
            _ if line => {}
            '*' if block && next == Some('/') => {
                block = false;
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            _ if block => {}
            '\\' if string => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '"' => string = !string,
            _ if string && c < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            '/' if !string && next == Some('/') => line = true,
            '/' if !string && next == Some('*') => {
                block = true;
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

fn check_jsonc(text: &str) -> Result<(), TestCaseError> {
    let theirs = jsonc_parser::parse_to_value(text, &strict_jsonc());
    let ours = Format::Jsonc.value(text.as_bytes());
    match (ours, theirs) {
        (Ok(ours), Ok(Some(theirs))) => prop_assert_eq!(ours, from_jsonc(theirs)),
        (Ok(_), other) => prop_assert!(false, "we accept {:?}, they say {:?}", text, other),
        // They let a string hold control characters and line ends as they are: the text must differ in nothing else.
        (Err(ours), Ok(Some(theirs))) if is_bare_in_string(&ours) => {
            let escaped = escaped_in_strings(text);
            prop_assert_ne!(&escaped, text, "{}", ours);
            let again = jsonc_parser::parse_to_value(&escaped, &strict_jsonc());
            prop_assert_eq!(again.ok().flatten().map(from_jsonc), Some(from_jsonc(theirs)), "{:?}", text);
            return check_jsonc(&escaped);
        }
        (Err(_), Ok(Some(_))) => {
            // They keep the last of doubled keys, and half a surrogate pair in some form; and they let control characters
            // and other white space pass.
            let strange = |c: char| (c.is_control() || c.is_whitespace()) && !" \t\n\r".contains(c);
            prop_assert!(text.contains(strange) || accepts(Scheme::Jsonc, text.as_bytes()), "they accept {:?}", text);
        }
        (Err(_), _) => {}
    }
    Ok(())
}

/// Text of JSON's own pieces, in any order: near the grammar's edges.
fn pieces(extra: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let mut pieces = vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\":",
        "{\"a\":1}",
        "[1,2]",
        "null",
        "true",
        "false",
        "nul",
        "0",
        "-",
        "1",
        "01",
        "1.5",
        ".5",
        "1.",
        "1e5",
        "1E+",
        "-0",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\\",
        "\"",
        "\"é\"",
        " ",
        "\n",
        "\t",
        "\r",
        "\u{c}",
        "\u{a0}",
        "NaN",
        "Infinity",
        "+1",
        "'a'",
        "\"12345678\"",
        "\"1234567\\n\"",
    ];
    pieces.extend_from_slice(extra);
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

/// Whole documents, so that what is accepted is often enough.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter_map("finite", |n| n.is_finite().then(|| format!("{n:e}"))),
        any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
        Just("null".to_owned()),
        Just("\"\\u0041\\n\\ud834\\udd1e\"".to_owned()),
    ];
    leaf.prop_recursive(5, 32, 5, |inner| {
        let key = any::<String>().prop_map(|text| serde_json::Value::String(text).to_string());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[ {} ]", items.join(",\n        "))),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(key, value)| format!("{key} :\t{value}")).collect();
                format!("{{{}\n\n}}", members.join(" ,"))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_near_the_edges(text in pieces(&[])) {
        check_json(text.as_bytes())?;
    }

    #[test]
    fn json_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        check_json(&bytes)?;
    }

    #[test]
    fn json_documents(text in document()) {
        prop_assert!(accepts(Scheme::Json, text.as_bytes()));
        check_json(text.as_bytes())?;
        check_jsonc(&text)?;
    }

    #[test]
    fn json_damaged(text in document(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        check_json(&bytes)?;
        bytes.truncate(at);
        check_json(&bytes)?;
    }

    #[test]
    fn jsonc_near_the_edges(text in pieces(&["// c\n", "//", "/* c */", "/*", "/", "/**/", "{\"a\":1,}", "[1,]"])) {
        check_jsonc(&text)?;
    }
}

#[test]
fn known_texts() {
    for text in [
        "",
        " ",
        "\u{FEFF}1",
        "\"\u{7f}\"",
        "\"\u{0}\"",
        "[1]]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{,}",
        "[,]",
        "1 1",
        "-",
        "1e",
        "1e+",
        "--1",
        "\"\\u12\"",
        "\"\\u123g\"",
        "tru",
        "truee",
        "[true1]",
        "\"\\ud800\\u0041\"",
        "\"abcdefgh\\\"ijk\"",
        "\"1234567\"",
        "123456789",
        "[\"\"]",
        "[\"a\tb\", 1] // \"\t",
        "/* \"\t */ \"\t\"",
        "[\"\t\" 1]",
        "\"\n\"",
        "[\"a\r\n\", \"\t\"]",
        "[\"\t\", 01]",
    ] {
        if !text.starts_with('\u{FEFF}') {
            check_json(text.as_bytes()).unwrap();
            check_jsonc(text).unwrap();
        }
    }
}

/// A property over the whole 64-bit boundary: what ends a run of plain bytes is found at every place in it.
#[test]
fn plain_runs_end_where_they_end() {
    for len in 0..40 {
        for stop in ["\"", "\\n\"", "\n\"", "\u{1}\"", "é\"", "\u{7f}\"", "\u{80}\"", "!\"", "#\"", "[\"", "]\""] {
            let text = format!("\"{}{stop}", "x".repeat(len));
            check_json(text.as_bytes()).unwrap();
            let mut broken = format!("\"{}", "x".repeat(len)).into_bytes();
            broken.extend_from_slice(b"\xff\"");
            check_json(&broken).unwrap();
        }
    }
}
