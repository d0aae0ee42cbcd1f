//! What edits of JSON look like: style, commas, comments, errors. Cases as data.

use portion::{Format, Fragment, LensError, Scheme, get, insert, list, put, remove};

fn json(text: &str) -> Fragment {
    Fragment { format: Format::Json, text: text.as_bytes().to_vec() }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// `file`, with what `at` holds replaced, is `expected`.
fn check_put(file: &str, at: &str, new: &str, expected: &str) {
    let written = put(Scheme::Jsonc, file.as_bytes(), at, &json(new)).unwrap();
    assert_eq!(written.map(text).as_deref(), Some(expected), "{at} of {file}");
}

fn check_insert(file: &str, at: &str, new: &str, expected: &str) {
    let written = insert(Scheme::Jsonc, file.as_bytes(), at, &json(new)).unwrap();
    assert_eq!(text(written), expected, "{at} into {file}");
}

fn check_remove(file: &str, at: &str, expected: &str) {
    let written = remove(Scheme::Jsonc, file.as_bytes(), at).unwrap();
    assert_eq!(text(written), expected, "{at} of {file}");
}

#[test]
fn a_fragment_is_free_of_its_place() {
    for (file, at, expected) in [
        ("{\n    \"a\": {\n        \"b\": 1\n    }\n}", "/a", "{\n  \"b\": 1\n}"),
        ("{\r\n\t\"a\": [\r\n\t\t1\r\n\t]\r\n}\r\n", "/a", "[\n  1\n]"),
        ("\u{FEFF}{\"a\":\"\\u00e9\"}", "/a", "\"\\u00e9\""),
        // Not regular: what it has beyond its first line's indentation is kept.
        ("{\n  \"a\": [1, [\n       2]]\n}", "/a", "[1, [\n     2]]"),
        ("{\n  \"a\": {\n  // c\n    \"b\": 1\n  }\n}", "/a", "{\n// c\n  \"b\": 1\n}"),
        // A line that starts before the first one: what all lines share goes.
        ("{\n  \"a\": [\n 1,\n    2\n ]\n}", "/a", "[\n1,\n   2\n]"),
        // A blank line is empty, and a comment keeps its own indentation.
        (
            "{\n\t\"a\": {\n\t\t/* x\n\t\t * y\n\t\t */\n  \n\t\t\"b\": 1\n\t}\n}",
            "/a",
            "{\n  /* x\n   * y\n   */\n\n  \"b\": 1\n}",
        ),
    ] {
        let got = get(Scheme::Jsonc, file.as_bytes(), at).unwrap();
        assert_eq!(text(got.text), expected, "{file}");
    }
}

#[test]
fn put_follows_the_file() {
    let new = "{\n  \"b\": [\n    1\n  ]\n}";
    check_put("{\n\t\"a\": 1\n}", "/a", new, "{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t1\n\t\t]\n\t}\n}");
    check_put(
        "{\r\n    \"a\": 1\r\n}",
        "/a",
        new,
        "{\r\n    \"a\": {\r\n        \"b\": [\r\n            1\r\n        ]\r\n    }\r\n}",
    );
    check_put("{\"a\": 1}", "/a", new, "{\"a\": {\n  \"b\": [\n    1\n  ]\n}}");
    check_put("{ \"a\" :1 /* x */ , }", "/a", "2", "{ \"a\" :2 /* x */ , }");
    check_put(
        "{\n   \"x\": {\n      \"a\": null }}",
        "/x/a",
        "[\n  1\n]",
        "{\n   \"x\": {\n      \"a\": [\n         1\n      ] }}",
    );
    check_put("1", "", "\"x\"", "\"x\"");
    // A fragment that a person typed is tidied first.
    check_put("{\n  \"a\": 1\n}", "/a", "  {\r\n    \"b\": 1\r\n}\n", "{\n  \"a\": {\n    \"b\": 1\n  }\n}");
}

#[test]
fn put_refuses_what_would_not_stand() {
    for (file, at, new) in [("{\"a\": 1}", "/a", "{"), ("{\"a\": 1}", "/a", "1, \"b\": 2"), ("{\"a\": 1}", "/a", "")] {
        assert!(
            matches!(put(Scheme::Json, file.as_bytes(), at, &json(new)), Err(LensError::Unparsable { .. })),
            "{new}"
        );
    }
    let commented = Fragment { format: Format::Jsonc, text: b"[1 /* one */]".to_vec() };
    assert!(put(Scheme::Json, b"[0]", "/0", &commented).is_err());
    assert!(put(Scheme::Jsonc, b"[0]", "/0", &commented).is_ok());
    let beside = Fragment { format: Format::Jsonc, text: b"1 // one".to_vec() };
    assert!(put(Scheme::Jsonc, b"[0]", "/0", &beside).is_err());
    let toml = Fragment { format: Format::TomlValue, text: b"1".to_vec() };
    assert!(matches!(put(Scheme::Jsonc, b"[0]", "/0", &toml), Err(LensError::Refused(_))));
}

#[test]
fn insert_follows_the_neighbours() {
    for (file, at, new, expected) in [
        ("{\n  \"a\": 1\n}", "/b", "2", "{\n  \"a\": 1,\n  \"b\": 2\n}"),
        ("{\r\n\t\"a\": 1\r\n}\r\n", "/b", "[\n  2\n]", "{\r\n\t\"a\": 1,\r\n\t\"b\": [\r\n\t\t2\r\n\t]\r\n}\r\n"),
        ("{\n  \"a\" : 1, // one\n  // end\n}", "/b", "2", "{\n  \"a\" : 1, // one\n  \"b\" : 2,\n  // end\n}"),
        ("{\n  \"a\": 1 // one\n}", "/b", "2", "{\n  \"a\": 1, // one\n  \"b\": 2\n}"),
        ("{\"a\":1}", "/b", "2", "{\"a\":1,\"b\":2}"),
        ("{\"a\": 1}", "/b", "2", "{\"a\": 1, \"b\": 2}"),
        ("{ \"a\": 1 }", "/b", "2", "{ \"a\": 1, \"b\": 2 }"),
        ("[1,2]", "/2", "3", "[1,2,3]"),
        ("[1, 2, ]", "/-", "3", "[1, 2, 3, ]"),
        ("[\n  1\n]", "/-", "3", "[\n  1,\n  3\n]"),
        ("{}", "/a", "1", "{\n  \"a\": 1\n}"),
        ("{}", "/a~1b/c", "1", "{\n  \"a/b\": {\n    \"c\": 1\n  }\n}"),
        ("{\"x\":{}}", "/x/a", "1", "{\"x\":{\"a\":1}}"),
        ("{\n\t\"x\": {}\n}", "/x/a/b", "1", "{\n\t\"x\": {\n\t\t\"a\": {\n\t\t\t\"b\": 1\n\t\t}\n\t}\n}"),
        ("{\n  \"x\": {\n    // none yet\n  }\n}", "/x/a", "1", "{\n  \"x\": {\n    // none yet\n    \"a\": 1\n  }\n}"),
        ("{\"a\": 1}", "/b/c", "2", "{\"a\": 1, \"b\": {\"c\": 2}}"),
        ("{\"a\": 1}", "/b/-", "2", "{\"a\": 1, \"b\": [2]}"),
        ("", "/a/b", "1", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"),
        ("\u{FEFF}\r\n", "/a", "1", "\u{FEFF}{\r\n  \"a\": 1\r\n}\r\n"),
        ("\n", "", "[]", "[]\n"),
    ] {
        check_insert(file, at, new, expected);
    }
}

#[test]
fn insert_refuses_what_has_no_place() {
    for (file, at) in
        [("{\"a\": 1}", "/a"), ("{\"a\": 1}", "/a/b"), ("[1]", "/2"), ("[1]", "/x"), ("[1]", "/01"), ("1", "")]
    {
        let refused = insert(Scheme::Json, file.as_bytes(), at, &json("2"));
        assert!(matches!(refused, Err(LensError::Refused(_))), "{at} {refused:?}");
    }
}

#[test]
fn remove_takes_what_belongs_to_it() {
    for (file, at, expected) in [
        ("{\n  \"a\": 1,\n  \"b\": 2\n}", "/b", "{\n  \"a\": 1\n}"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}", "/a", "{\n  \"b\": 2\n}"),
        ("{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}", "/b", "{\r\n  \"a\": 1\r\n}"),
        ("{\n  \"a\": 1\n}", "/a", "{}"),
        (
            "{\n  // about all\n\n  // about a\n  \"a\": 1, // one\n  \"b\": 2\n}",
            "/a",
            "{\n  // about all\n\n  // about a\n\n  \"b\": 2\n}",
        ),
        ("{\n  \"a\": 1, // one\n  // about b\n  \"b\": 2 // two\n}", "/b", "{\n  \"a\": 1 // one\n  // about b\n}"),
        // Comments above may be about more than one key, as a licence is; those on its line are its own.
        (
            "{\n  // Licence\n  // of two lines\n  \"a\": 1,\n  \"b\": 2\n}",
            "/a",
            "{\n  // Licence\n  // of two lines\n\n  \"b\": 2\n}",
        ),
        ("{\n  /* over\n     lines */\n  \"a\": 1\n}", "/a", "{\n  /* over\n     lines */\n}"),
        ("{\n  // c\n  /* x */ \"a\": 1, /* y */ // z\n  \"b\": 2\n}", "/a", "{\n  // c\n\n  \"b\": 2\n}"),
        (
            "{\r\n  // a\r\n  \"a\": 1,\r\n  // b\r\n  \"b\": 2\r\n}",
            "/a",
            "{\r\n  // a\r\n\r\n  // b\r\n  \"b\": 2\r\n}",
        ),
        ("{\n  // a\n  \"a\": 1,\n\n  \"b\": 2\n}", "/a", "{\n  // a\n\n  \"b\": 2\n}"),
        ("{\n  \"a\": 1,\n\n  \"b\": 2\n}", "/b", "{\n  \"a\": 1\n}"),
        ("[\n  1,\n  // two\n  2,\n]", "/1", "[\n  1,\n  // two\n]"),
        ("{\n  \"a\": 1,\n  \"b\": 2,\n}", "/b", "{\n  \"a\": 1,\n}"),
        ("{\n  // kept\n\n  \"a\": 1\n}", "/a", "{\n  // kept\n}"),
        ("[1, 2, 3]", "/0", "[2, 3]"),
        ("[1, 2, 3]", "/1", "[1, 3]"),
        ("[1, 2, 3]", "/2", "[1, 2]"),
        ("[ 1 ]", "/0", "[]"),
        ("[1, /* two */ 2]", "/1", "[1]"),
        ("[1, 2 /* two */]", "/1", "[1]"),
        ("{\"a\": 1, \"b\": 2,\n \"c\": 3}", "/b", "{\"a\": 1,\n \"c\": 3}"),
        ("{\n  \"a\": 1,\n  \"b\": 2}", "/b", "{\n  \"a\": 1}"),
        ("{\n  \"a\": 1, // one\n  \"b\": 2}", "/b", "{\n  \"a\": 1 // one\n  }"),
    ] {
        check_remove(file, at, expected);
    }
    assert!(matches!(remove(Scheme::Json, b"{}", ""), Err(LensError::Refused(_))));
    assert!(matches!(remove(Scheme::Json, b"{}", "/a"), Err(LensError::Missing { .. })));
}

#[test]
fn update_edits_key_by_key() {
    for (standing, value, expected) in [
        (
            "{\n  // the port\n  \"port\": 8080, // default\n  \"host\": \"a\"\n}",
            r#"{"host": "b", "port": "9090"}"#,
            "{\n  // the port\n  \"port\": 9090, // default\n  \"host\": \"b\"\n}",
        ),
        ("{\"a\": 1.0, \"b\": [1, 2]}", r#"{"b": [1, 2], "a": 1}"#, "{\"a\": 1.0, \"b\": [1, 2]}"),
        ("{\"a\": [1, 3]}", r#"{"a": [1, {"x": [2]}, 3]}"#, "{\"a\": [1, {\"x\": [2]}, 3]}"),
        ("[\n  1,\n  // three\n  3\n]", "[1, 2, 3]", "[\n  1,\n  2,\n  // three\n  3\n]"),
        ("[\n  1,\n  // two\n  2,\n  3\n]", "[1, 3]", "[\n  1,\n  // two\n\n  3\n]"),
        ("{\n  \"a\": 1\n}", r#"{"a": {"b": [true]}}"#, "{\n  \"a\": {\n    \"b\": [\n      true\n    ]\n  }\n}"),
        ("{\n  \"a\": 1\n}", "{}", "{}"),
        ("null", "[]", "[]"),
    ] {
        let value = Format::Json.value(value.as_bytes()).unwrap();
        let updated = Format::Jsonc.update(standing.as_bytes(), &value).unwrap();
        assert_eq!(text(updated), expected);
    }
}

#[test]
fn errors_say_where_and_what() {
    for (file, at, expected) in [
        ("{\"a\": 1,}", "/a", "line 1, column 9: a comma before `}` is not allowed"),
        ("{\n  \"é\": x\n}", "/a", "line 2, column 8: expected a value, found `x`"),
        ("{\"a\": 1", "/a", "line 1, column 8: expected `,` or `}`, found the end of the file"),
        ("\u{FEFF}{'a': 1}", "/a", "line 1, column 2: expected a key in quotes or `}`, found `'`"),
        ("{\"a\": 01}", "/a", "line 1, column 7: a number has no leading zeros"),
        ("{\"a\": \"x\ny\"}", "/a", "line 1, column 7: the string that starts here has no end on its line"),
        ("{\"a\": \"\\x\"}", "/a", "line 1, column 8: this escape is unknown; a backslash itself is written `\\\\`"),
        ("{\"a\": NaN}", "/a", "line 1, column 7: expected a value, found `NaN`"),
        ("// x\n{}", "/a", "line 1, column 1: expected a value, found `/`"),
        ("", "/a", "line 1, column 1: expected a value, found the end of the file"),
        ("{} {}", "/a", "line 1, column 4: expected the end of the file after the value, found `{`"),
        (
            "{\"b\": 1,\n\"b\": 2}",
            "/a",
            "line 2, column 1: the key `b` stands here for a second time, the first is on line 1",
        ),
        (
            "{\"a\": {\"b\": 1, \"\\u0062\": 2}}",
            "/a",
            "line 1, column 16: the key `b` stands here for a second time, the first is on line 1",
        ),
        ("{\"a\": 1,\n\"a\": 2}", "/a", "`/a` matches 2 portions, on lines 1, 2"),
        ("{\"a\": \"\\ud800\"}", "/a", "line 1, column 8: half of a surrogate pair, which no text can hold"),
        ("{\"server\": {\"b\": 1}}", "/serves/b", "nothing stands at `/serves/b`; did you mean `/server`?"),
        ("{\"servers\": {\"b\": 1}}", "/servers/c", "nothing stands at `/servers/c`; did you mean `/servers/b`?"),
        ("{}", "a", "`a` is no json selector: a path starts with `/`, as in `/servers/0`"),
    ] {
        let error = get(Scheme::Json, file.as_bytes(), at).unwrap_err();
        assert_eq!(error.to_string(), expected, "{file}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(get(Scheme::Json, &nested(512), "").is_ok());
    assert!(Format::Json.value(&nested(512)).is_ok());
    assert!(matches!(get(Scheme::Json, &nested(513), ""), Err(LensError::TooLarge(_))));
    assert!(matches!(get(Scheme::Json, &b"[".repeat(1 << 20), ""), Err(LensError::TooLarge(_))));
}

#[test]
fn what_is_doubled_elsewhere_does_not_matter() {
    let file = br#"{"a": 1, "b": {"c": 1, "c": 2}, "d": ["\ud800", {"x": 1}]}"#;
    assert!(get(Scheme::Json, file, "/a").is_ok());
    assert!(get(Scheme::Json, file, "/b").is_err());
    let selectors: Vec<String> = list(Scheme::Json, file).unwrap().into_iter().map(|item| item.selector).collect();
    assert_eq!(selectors, ["/a", "/d/1", "/d/1/x"]);
}

/// From 1 MiB on, a replacement is proved instead of read again: it must do and refuse the same.
#[test]
fn large_files_are_put_like_small_ones() {
    let filler = format!("\t\"filler\": \"{}\",\n", "x".repeat(1 << 20));
    for end in ["\n", "\r\n"] {
        let small = "{\n\t\"a\": {\"b\": 1}\n}\n".replace('\n', end);
        let large = small.replacen(end, &format!("{end}{filler}"), 1);
        for new in ["2", "{\n  \"c\": [\n    1\n  ]\n}", "[1,\n 2,\n   3]", "\"/\"", "[]\n"] {
            let put_small = put(Scheme::Json, small.as_bytes(), "/a", &json(new)).unwrap().map(text).unwrap();
            let put_large = put(Scheme::Json, large.as_bytes(), "/a", &json(new)).unwrap().map(text).unwrap();
            assert_eq!(put_large, put_small.replacen(end, &format!("{end}{filler}"), 1), "{new}");
            let edits = portion::edits(Scheme::Json, large.as_bytes(), "/a", &json(new)).unwrap().unwrap();
            assert_eq!(edits.len(), 1);
            assert!(edits[0].text.len() < 100);
        }
        assert_eq!(put(Scheme::Json, large.as_bytes(), "/a", &json("{\"b\": 1}")), Ok(None));
        let broken = large.replace("{\"b\": 1}", "{\"b\": 1}}");
        assert!(matches!(put(Scheme::Json, broken.as_bytes(), "/a", &json("2")), Err(LensError::Unparsable { .. })));
        let commented = Fragment { format: Format::Jsonc, text: b"[1 /* one */]".to_vec() };
        assert!(put(Scheme::Json, large.as_bytes(), "/a", &commented).is_err());
    }
}
