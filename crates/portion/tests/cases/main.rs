//! Cases as data: file, selector, what stands there, what is put, and the file afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../archive/mod.rs"]
mod archive;
mod code;
mod compose;
mod convert;
mod csv;
mod docx;
mod html;
mod ical;
mod ipynb;
mod json;
mod json5;
mod jsonl;
mod jsonpath;
mod keys;
mod mark;
mod md;
mod nginx;
mod numbers;
mod ods;
mod regex;
mod sections;
mod sql;
mod toml;
mod xlsx;
mod xml;
mod yaml;

use portion::{Format, Fragment, LensError, Scheme};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `get` tells `fragment`.
fn get(scheme: Scheme, file: &str, expression: &str, fragment: &str) {
    let found = portion::get(scheme, file.as_bytes(), expression).unwrap();
    assert_eq!(text(&found.text), fragment, "get {scheme}:{expression} of\n{file}");
}

/// A fragment of the format that the place has.
fn fragment(scheme: Scheme, file: &str, expression: &str, text: &str) -> Fragment {
    let format = match portion::get(scheme, file.as_bytes(), expression) {
        Ok(standing) => standing.format,
        Err(_) => Format::Text,
    };
    Fragment { format, text: text.as_bytes().to_vec() }
}

/// `put` of `fragment` makes `after`, and then stands there; putting it again writes nothing.
fn put(scheme: Scheme, before: &str, expression: &str, put: &str, after: &str) {
    let put = fragment(scheme, before, expression, put);
    let written = portion::put(scheme, before.as_bytes(), expression, &put).unwrap();
    let written = written.unwrap_or_else(|| before.as_bytes().to_vec());
    assert_eq!(text(&written), after, "put {scheme}:{expression} into\n{before}");
    assert_eq!(portion::put(scheme, &written, expression, &put).unwrap(), None);
}

/// `insert` of `fragment` makes `after`, and `remove` brings `before` back.
fn insert(scheme: Scheme, before: &str, expression: &str, format: Format, put: &str, after: &str) {
    insert_only(scheme, before, expression, format, put, after);
    remove(scheme, after, expression, before);
}

fn insert_only(scheme: Scheme, before: &str, expression: &str, format: Format, put: &str, after: &str) {
    let put = Fragment { format, text: put.as_bytes().to_vec() };
    let written = portion::insert(scheme, before.as_bytes(), expression, &put).unwrap();
    assert_eq!(text(&written), after, "insert {scheme}:{expression} into\n{before}");
}

fn remove(scheme: Scheme, before: &str, expression: &str, after: &str) {
    let written = portion::remove(scheme, before.as_bytes(), expression).unwrap();
    assert_eq!(text(&written), after, "remove {scheme}:{expression} from\n{before}");
}

/// What the error says, with its kind in front.
fn said<T: std::fmt::Debug>(result: Result<T, LensError>) -> String {
    let error = result.unwrap_err();
    let kind = match &error {
        LensError::Missing { .. } => "missing",
        LensError::Ambiguous { .. } => "ambiguous",
        LensError::Unparsable { .. } => "unparsable",
        LensError::Selector { .. } => "selector",
        LensError::CannotSay { .. } => "cannot say",
        LensError::TooLarge(_) | LensError::Refused(_) => return error.to_string(),
    };
    format!("{kind}: {error}")
}

fn get_fails(scheme: Scheme, file: &str, expression: &str, expected: &str) {
    assert_eq!(
        said(portion::get(scheme, file.as_bytes(), expression)),
        expected,
        "get {scheme}:{expression} of\n{file}"
    );
}

fn put_fails(scheme: Scheme, file: &str, expression: &str, put: &str, expected: &str) {
    let put = fragment(scheme, file, expression, put);
    let result = portion::put(scheme, file.as_bytes(), expression, &put);
    assert_eq!(said(result), expected, "put {scheme}:{expression} into\n{file}");
}

/// The selectors and lines of everything that `list` tells; each can be taken out.
fn listed(scheme: Scheme, file: &str, expected: &[(&str, usize, usize)]) {
    let items = portion::list(scheme, file.as_bytes()).unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.selector.as_str(), item.lines.0, item.lines.1)).collect();
    assert_eq!(found, expected, "list of\n{file}");
    for item in &items {
        portion::get(scheme, file.as_bytes(), &item.selector).unwrap();
    }
}

/// What can be removed and is missing then: what has a name.
#[test]
fn what_may_go() {
    let list = r#"{"l": ["a", "b"], "0": {"1": 2}}"#;
    let tables = "# A\n\n| k |\n|---|\n| 1 |\n\ntext\n\n| k |\n|---|\n| 2 |\n";
    for (scheme, file, expression, why) in [
        (Scheme::Json, list, "/l", None),
        (Scheme::Json, list, "/0/1", None),
        (Scheme::Json, list, "/l/1", Some("position")),
        (Scheme::Json, list, "", Some("whole document")),
        (Scheme::Toml, "l = [1]\n", "/l/0", Some("position")),
        (Scheme::Yaml, "l:\n- a\n", "/l/0", Some("position")),
        (Scheme::Lines, "a\nb\n", "0,1", Some("position")),
        (Scheme::Csv, "id,n\n1,a\n2,b\n", "row id=1", None),
        (Scheme::Csv, "id,n\n1,a\n2,b\n", "cell id=1/n", Some("emptied, not removed")),
        (Scheme::Md, tables, "/A|table:1", Some("position")),
        (Scheme::Mark, "# inlay:begin x\na\n# inlay:end x\n", "x", None),
    ] {
        let found = portion::may_go(scheme, file.as_bytes(), expression).err().map(|error| error.to_string());
        match (&found, why) {
            (None, None) => {}
            (Some(found), Some(why)) if found.contains(why) => {}
            _ => panic!("{expression}: {found:?}"),
        }
    }
}

/// Where something new can be put, as far as the file tells.
#[test]
fn what_may_come() {
    for (scheme, file, expression, may) in [
        (Scheme::Json, "{\"n\": 1}", "/a/b", true),
        (Scheme::Json, "{\"n\": 1}", "/n/b", false),
        (Scheme::Json, "", "/a", true),
        (Scheme::Toml, "n = 1\n", "/a/b", true),
        (Scheme::Toml, "n = 1\n", "/n/b", false),
        (Scheme::Yaml, "n: 1\n", "/a/b", true),
        (Scheme::Yaml, "n: 1\n", "/n/b", false),
        (Scheme::Ini, "[s]\nk=1\n", "/s/l", true),
        (Scheme::JsonPath, "{\"n\": 1}", "$.a", true),
        (Scheme::JsonPath, "{\"n\": 1}", "$..a", false),
        (Scheme::Jsonl, "{\"id\": 1}\n", "id=2", true),
        (Scheme::Jsonl, "{\"id\": 1}\n", "id=2/x", false),
        (Scheme::Jsonl, "{\"id\": 1}\n", "id=1/x", true),
        (Scheme::Re, "x = 1\n", "^y = (.*)$", false),
        (Scheme::Lines, "a\nb\n", "2,3", true),
        (Scheme::Lines, "a\nb\n", "9,10", false),
        (Scheme::Bytes, "ab", "2-", true),
        (Scheme::Bytes, "ab", "9-", false),
        (Scheme::Csv, "id,n\n1,a\n", "row id=2", true),
        (Scheme::Csv, "id,n\n1,a\n", "cell id=2/n", false),
        (Scheme::Xml, "<a><b/></a>", "/a/c", true),
        (Scheme::Xml, "<a><b/></a>", "/a/c/d", false),
        (Scheme::Html, "<p id=x>t</p>", "#x > b", true),
        (Scheme::Html, "<p id=x>t</p>", "#y", false),
        (Scheme::Nginx, "server { listen 80; }\n", "/server/root", true),
        (Scheme::Nginx, "server { listen 80; }\n", "/http/root", false),
        (Scheme::Mark, "a\n", "x", true),
        (Scheme::Md, "---\na: 1\n---\n# A\n", "front|yaml:/b", true),
        (Scheme::Md, "---\na: 1\n---\n# A\n", "front|yaml:/a/b", false),
    ] {
        assert_eq!(portion::may_come(scheme, file.as_bytes(), expression), may, "{scheme}:{expression} of\n{file}");
    }
}

#[test]
fn what_the_last_stage_is_read_in() {
    let file = "id,s\n1,\"{\"\"x\"\": {\"\"y\"\": 2}}\"\n";
    let found = portion::innermost(Scheme::Csv, file.as_bytes(), "cell id=1/s|json:/x").unwrap();
    assert_eq!((found.scheme, text(&found.file)), (Scheme::Json, "{\"x\": {\"y\": 2}}".to_owned()));
    assert_eq!((&found.above[..], &found.expression[..]), ("cell id=1/s|json:", "/x"));
    assert_eq!(portion::innermost(Scheme::Csv, file.as_bytes(), "cell id=1/s"), None);
    assert_eq!(portion::innermost(Scheme::Csv, file.as_bytes(), "cell id=9/s|json:/x"), None);
}
