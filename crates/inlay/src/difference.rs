//! The difference of two values, key by key.

use portion::{Likeness, Value};

/// One place where two values differ.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference<'a> {
    /// JSON Pointer from the root; items of sequences have their index in the first value, or in the second where only that has
    /// one.
    pub path: String,
    /// What stands in the first.
    pub first: Option<&'a Value>,
    /// What stands in the second.
    pub second: Option<&'a Value>,
}

/// Every place where they differ by more than the likeness of their formats overlooks, parents left out, in the order of the first.
pub(crate) fn between<'a>(first: &'a Value, second: &'a Value, likeness: Likeness) -> Vec<Difference<'a>> {
    let mut found = Vec::new();
    compare("", first, second, likeness, &mut found);
    found
}

fn compare<'a>(path: &str, first: &'a Value, second: &'a Value, likeness: Likeness, found: &mut Vec<Difference<'a>>) {
    match (first, second) {
        (Value::Map(a), Value::Map(b)) => {
            let in_b = |key: &str| b.iter().find(|(other, _)| other == key).map(|(_, value)| value);
            for (key, value) in a {
                let path = format!("{path}/{}", escaped(key));
                match in_b(key) {
                    Some(other) => compare(&path, value, other, likeness, found),
                    None => found.push(Difference { path, first: Some(value), second: None }),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.iter().any(|(other, _)| other == key)) {
                let path = format!("{path}/{}", escaped(key));
                found.push(Difference { path, first: None, second: Some(value) });
            }
        }
        (Value::Sequence(a), Value::Sequence(b)) => {
            let head = a.iter().zip(b).take_while(|(a, b)| a.equals(b, likeness)).count();
            let tail =
                a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a.equals(b, likeness)).count();
            let (a, b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
            for index in 0..a.len().max(b.len()) {
                let path = format!("{path}/{}", head + index);
                match (a.get(index), b.get(index)) {
                    (Some(a), Some(b)) => compare(&path, a, b, likeness, found),
                    (first, second) => found.push(Difference { path, first, second }),
                }
            }
        }
        _ if first.equals(second, likeness) => {}
        _ => found.push(Difference { path: path.to_owned(), first: Some(first), second: Some(second) }),
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use portion::Format;

    #[track_caller]
    fn check(first: &str, second: &str, expected: &[&str]) {
        check_alike(first, second, Likeness::Exact, expected);
    }

    #[track_caller]
    fn check_alike(first: &str, second: &str, likeness: Likeness, expected: &[&str]) {
        let read = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
        let (first, second) = (read(first), read(second));
        let shown: Vec<String> = between(&first, &second, likeness)
            .iter()
            .map(|d| match (d.first, d.second) {
                (Some(_), Some(_)) => format!("~{}", d.path),
                (Some(_), None) => format!("-{}", d.path),
                _ => format!("+{}", d.path),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn differences_are_the_smallest_places() {
        check(r#"{"a": 1, "b": {"c": 2}}"#, r#"{"b": {"c": 2.0}, "a": 1}"#, &[]);
        check(r#"{"a": 1, "b": {"c": 2}}"#, r#"{"b": {"c": 3, "d/e": 4}}"#, &["-/a", "~/b/c", "+/b/d~1e"]);
        check("[1, 2, 3]", "[1, 3]", &["-/1"]);
        check("[1, 3]", "[1, 2, 3]", &["+/1"]);
        check("[1, [2], 3]", "[1, [4], 3]", &["~/1/0"]);
        check("1", "2", &["~"]);
        check("1", "\"1\"", &["~"]);
        check_alike("[1, true]", "[\"1\", \"true\"]", Likeness::Text, &[]);
        check("{}", "[]", &["~"]);
    }
}
