//! JSONPath (RFC 9535): a node of a JSON, JSONC, TOML or YAML document by what stands in it.
//!
//! `$.users[?@.id=='k1'].city` is located, then pinned: the path tells a place, and the lens of the document's own format edits that
//! place. A path must find exactly one node, and what is put must leave it to find the same one: with another id it would be another
//! portion, and is refused. The document's format is told by its text: JSON, JSON with comments, TOML, YAML, in this order.
//!
//! Only a path that ends in a name or a number can be inserted, where what stands above it is found. The work that a path costs is
//! bounded by the document's size; one that needs more (`$..*..*..*`) is refused.

mod evaluate;
mod parse;
mod query;

use std::collections::HashMap;

use self::evaluate::{Step, places};
use self::query::{Query, Selector};
use super::apply::{self, splice};
use super::{Edit, Format, Fragment, Item, Lens, LensError};
use crate::pointer;
use crate::selector::Scheme;
use crate::value::Value;

pub(crate) struct JsonPath;

/// The formats that a document may have, in the order in which they are tried.
const FAMILY: [Scheme; 4] = [Scheme::Json, Scheme::Jsonc, Scheme::Toml, Scheme::Yaml];

/// A file, read.
struct Document {
    lens: &'static dyn Lens,
    value: Value,
}

fn document(file: &[u8]) -> Result<Document, LensError> {
    let read = |scheme: Scheme| {
        let lens = scheme.own_lens();
        let whole = lens.get(file, "")?;
        Ok(Document { lens, value: whole.format.value(&whole.text)? })
    };
    let mut found = FAMILY.iter().map(|scheme| read(*scheme));
    if let Some(document) = found.find_map(Result::ok) {
        return Ok(document);
    }
    // The error of the format that it most looks like.
    let begins_json = matches!(file.trim_ascii_start().first(), Some(b'{' | b'[' | b'/'));
    read(if begins_json { Scheme::Jsonc } else { Scheme::Yaml })
}

fn parsed(expression: &str) -> Result<Query, LensError> {
    parse::query(expression).map_err(|why| LensError::Selector {
        scheme: "jsonpath",
        selector: expression.to_owned(),
        why,
    })
}

fn as_pointer(place: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in place {
        match step {
            Step::Key(key) => pointer::push(&mut out, key),
            Step::Index(at) => pointer::push(&mut out, &at.to_string()),
        }
    }
    out
}

/// A normalized path, RFC 9535, section 2.7.
fn push_normalized(out: &mut String, step: Step<'_>) {
    match step {
        Step::Index(at) => out.push_str(&format!("[{at}]")),
        Step::Key(key) => {
            out.push_str("['");
            for sign in key.chars() {
                match sign {
                    '\'' | '\\' => out.extend(['\\', sign]),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    '\u{8}' => out.push_str("\\b"),
                    '\u{c}' => out.push_str("\\f"),
                    sign if sign < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(sign))),
                    sign => out.push(sign),
                }
            }
            out.push_str("']");
        }
    }
}

/// The pointers of everything that the query finds.
fn pointers(query: &Query, expression: &str, document: &Document) -> Result<Vec<String>, LensError> {
    let places = places(query, &document.value).map_err(|_| {
        LensError::TooLarge(format!("`{expression}` looks at too much: name more of the way, or less behind `..`"))
    })?;
    Ok(places.iter().map(|place| as_pointer(place)).collect())
}

/// The pointer of the one node.
fn located(file: &[u8], expression: &str, query: &Query, document: &Document) -> Result<String, LensError> {
    let mut found = pointers(query, expression, document)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(LensError::missing(expression, normalized(&document.value).into_iter().map(|(_, path)| path))),
        _ => {
            let lines: HashMap<String, usize> =
                document.lens.list(file)?.into_iter().map(|item| (item.selector, item.lines.0)).collect();
            let mut lines: Vec<usize> = found.iter().map(|at| lines.get(at).copied().unwrap_or(1)).collect();
            lines.sort_unstable();
            Err(LensError::Ambiguous { selector: expression.to_owned(), lines })
        }
    }
}

/// The document, and the pointer of the one node in it.
fn find(file: &[u8], expression: &str) -> Result<(Document, String), LensError> {
    let query = parsed(expression)?;
    let document = document(file)?;
    let at = located(file, expression, &query, &document)?;
    Ok((document, at))
}

/// Pointer and normalized path of everything in the document.
fn normalized(root: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut open = vec![(root, String::new(), "$".to_owned())];
    while let Some((value, at, path)) = open.pop() {
        let mut add = |step: Step<'_>, child| {
            let (mut at, mut path) = (at.clone(), path.clone());
            at.push_str(&as_pointer(&[step]));
            push_normalized(&mut path, step);
            open.push((child, at, path));
        };
        match value {
            Value::Sequence(items) => items.iter().enumerate().for_each(|(at, item)| add(Step::Index(at), item)),
            Value::Map(members) => members.iter().for_each(|(key, member)| add(Step::Key(key), member)),
            _ => {}
        }
        all.push((at, path));
    }
    all
}

/// The fragment in the format that the place will have: what comes as JSON is said in the document's own format.
fn suited(lens: &dyn Lens, at: &str, fragment: &Fragment) -> Result<Fragment, LensError> {
    let strict = Format::Json.value(&fragment.text);
    match (fragment.format, lens.format_for(at, strict.as_ref().unwrap_or(&Value::Null))) {
        (Format::Jsonc, Format::Json) if strict.is_err() => Err(LensError::Refused(
            "the file holds no comments and is taken for strict JSON: the fragment's comments have no place in it"
                .to_owned(),
        )),
        (Format::Json, format) if !matches!(format, Format::Json | Format::Jsonc) => {
            Ok(Fragment { format, text: format.render(&strict?)? })
        }
        _ => Ok(fragment.clone()),
    }
}

/// Where a path that is not there yet would stand: its last segment is a name or a number, and what stands above is one node.
fn place_for(file: &[u8], expression: &str) -> Result<(&'static dyn Lens, String), LensError> {
    let mut query = parsed(expression)?;
    if apply::is_blank(file) {
        return Err(LensError::Refused("an empty file has no format yet; insert by a pointer, `json:/…`".to_owned()));
    }
    let last = query.segments.pop().filter(|segment| segment.is_singular());
    let Some(Selector::Name(_) | Selector::Index(_)) = last.as_ref().and_then(|segment| segment.selectors.first())
    else {
        return Err(LensError::Refused(format!(
            "`{expression}` tells what stands there, not where something new goes; name it by a pointer, `/…`"
        )));
    };
    let document = document(file)?;
    let parent = located(file, expression, &query, &document).map_err(|error| match error {
        LensError::Missing { .. } | LensError::Ambiguous { .. } => LensError::Refused(format!(
            "what `{expression}` stands in is not one portion of the file; name it by a pointer, `/…`"
        )),
        other => other,
    })?;
    let step = match last.and_then(|segment| segment.selectors.into_iter().next()) {
        Some(Selector::Name(name)) => name,
        Some(Selector::Index(index)) if index >= 0 => index.to_string(),
        _ => return Err(LensError::Refused(format!("`{expression}` counts from the end; name it by a pointer, `/…`"))),
    };
    let mut at = parent;
    pointer::push(&mut at, &step);
    Ok((document.lens, at))
}

impl Lens for JsonPath {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let (document, at) = find(file, expression)?;
        let fragment = document.lens.get(file, &at)?;
        // Whether it has comments is its own affair, and not that of what stands beside it.
        let is_strict = fragment.format == Format::Jsonc && Format::Json.value(&fragment.text).is_ok();
        Ok(if is_strict { Fragment { format: Format::Json, ..fragment } } else { fragment })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let (document, at) = find(file, expression)?;
        let edits = document.lens.put(file, &at, &suited(document.lens, &at, fragment)?)?;
        let after = find(&splice(file, &edits)?, expression);
        if after.is_ok_and(|(_, after)| after == at) {
            return Ok(edits);
        }
        Err(LensError::Refused(format!(
            "with the new content `{expression}` would not find this portion any more: it would be another one"
        )))
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let (lens, at) = place_for(file, expression)?;
        lens.insert(file, &at, &suited(lens, &at, fragment)?)
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        match find(file, expression) {
            Ok((document, at)) => document.lens.fitted(file, &at, fragment),
            Err(_) => fragment,
        }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        apply::takes_some(self, file, expression)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let (document, at) = find(file, expression)?;
        if at.is_empty() {
            return Err(LensError::Refused("it is the whole document: remove the file instead".to_owned()));
        }
        document.lens.remove(file, &at)
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        match self.get(after, expression) {
            Err(LensError::Missing { .. }) => true,
            // What is found by a number alone may be what was next.
            Ok(_) if parsed(expression).is_ok_and(|query| query.is_singular()) => {
                find(before, expression).is_ok_and(|(document, at)| document.lens.is_removed(before, after, &at))
            }
            _ => false,
        }
    }

    fn is_position(&self, file: &[u8], expression: &str) -> bool {
        let _ = file;
        let by_number = |selector: &Selector| matches!(selector, Selector::Index(_) | Selector::Slice { .. });
        let last = parsed(expression).ok().and_then(|mut query| query.segments.pop());
        last.is_some_and(|segment| segment.selectors.iter().any(by_number))
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let document = document(file)?;
        let mut paths: HashMap<String, String> = normalized(&document.value).into_iter().collect();
        let items = document.lens.list(file)?.into_iter();
        Ok(items.filter_map(|item| Some(Item { selector: paths.remove(&item.selector)?, ..item })).collect())
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        document(file)?.lens.omitted(file)
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Json
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "add what tells the nodes apart: a filter, as `[?@.id=='x']`, or a number"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    /// The JSONPath Compliance Test Suite, one case a line.
    const SUITE: &str = include_str!("../../tests/jsonpath/cts.jsonl");

    fn texts(value: &Value) -> Vec<String> {
        let Value::Sequence(items) = value else { panic!("a list") };
        let mut texts: Vec<String> = Vec::new();
        for item in items {
            // A node that is found twice is one portion.
            let text = item.as_text().unwrap().to_owned();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    #[test]
    fn the_compliance_test_suite() {
        let (mut valid, mut invalid) = (0, 0);
        for line in SUITE.lines() {
            let case = Format::Json.value(line.as_bytes()).unwrap();
            let text = |key| case.child(key).and_then(Value::as_text).unwrap();
            let query = parse::query(text("selector"));
            if case.child("invalid_selector").is_some() {
                invalid += 1;
                assert!(query.is_err(), "{}: {}", text("name"), text("selector"));
                continue;
            }
            valid += 1;
            let query = query.unwrap_or_else(|error| panic!("{}: {error}", text("name")));
            let root = case.child("document").unwrap();
            let found: Vec<String> = places(&query, root)
                .unwrap()
                .into_iter()
                .map(|place| {
                    let mut path = "$".to_owned();
                    place.into_iter().for_each(|step| push_normalized(&mut path, step));
                    path
                })
                .collect();
            let expected = match (case.child("result_paths"), case.child("results_paths")) {
                (Some(one), _) => vec![texts(one)],
                (_, Some(Value::Sequence(several))) => several.iter().map(texts).collect(),
                _ => panic!("{}: no result", text("name")),
            };
            assert!(expected.contains(&found), "{}: {}\n{found:?}\n{expected:?}", text("name"), text("selector"));
        }
        assert!(valid > 450 && invalid > 240, "{valid} and {invalid}");
    }

    #[test]
    fn work_is_bounded() {
        let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
        let wide = format!("[{}]", vec!["[1,2,3]"; 2000].join(","));
        for (file, path) in [
            (deep.as_str(), "$..*..*..*..*"),
            (wide.as_str(), "$[?count($..*[?count($..*) > 1]) > 1]"),
            (wide.as_str(), "$..*..*..*..*"),
        ] {
            let error = JsonPath.get(file.as_bytes(), path).unwrap_err();
            assert!(
                matches!(error, LensError::TooLarge(_) | LensError::Ambiguous { .. } | LensError::Missing { .. }),
                "{error}"
            );
        }
        assert!(parse::query(&format!("$[?{}@.a{}]", "(".repeat(5000), ")".repeat(5000))).is_err());
        assert!(parse::query(&"$[?@".repeat(5000)).is_err());
        assert!(parse::query(&format!("$[?{}", "length(".repeat(5000))).is_err());
    }

    proptest! {
        #[test]
        fn any_path_will_do(path in "(\\$|@|\\.\\.|\\.|\\[|\\]|a|b|'a'|0|-1|:|\\*|\\?|==|<|&&|\\|\\||!|\\(|\\)|length\\(|count\\(|match\\(|,|1e3| |é){0,12}") {
            let file = br#"{"a": [{"b": 1, "a": "x"}, {"b": 2}], "b": {"a": null}}"#;
            if let Ok(fragment) = JsonPath.get(file, &format!("${path}")) {
                prop_assert!(fragment.format.value(&fragment.text).is_ok());
            }
            let _ = parse::query(&path);
        }
    }
}
