//! The data model that formats share.
//!
//! Equality of values ignores the order of keys and the spelling of numbers; the written form of a number is kept apart,
//! so that no integer loses digits on its way through a float.

mod canonical;
mod changes;
mod number;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) use changes::{Action, Change, IDENTIFYING, changes, is_told_by};
pub use number::Number;

use crate::pointer;

/// What a fragment means, free of its format.
///
/// Two values are equal when they mean the same: the order of keys and the spelling of numbers do not count. A date-time
/// and a string are never equal, nor are a number and its text; [`Value::agrees`] is the relation that overlooks that.
#[derive(Debug, Clone)]
pub enum Value {
    /// JSON's and YAML's null. TOML, ini and env have none: putting it there is an error that names the path.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer or a float, with its written form.
    Number(Number),
    /// Text.
    String(String),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// A date, a time or both, as RFC 3339 writes them. It becomes a string in a format without date-times.
    DateTime(String),
    /// An ordered sequence.
    Sequence(Vec<Value>),
    /// Keys and values; their order is kept and not compared. Keys are unique.
    Map(Vec<(String, Value)>),
}

/// How closely two values are compared, and made the same, that came from two formats: what one of them cannot say is no difference.
/// Of two, the greater overlooks more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Both formats know the same kinds of scalars: `8080` and `"8080"` differ.
    Exact,
    /// One of them knows no date-times, and has them as text.
    Times,
    /// One of them knows text alone: [`Value::agrees`].
    Text,
}

impl Value {
    /// The value at a JSON Pointer (RFC 6901); the empty pointer is the value itself. `None` where nothing stands there
    /// or the text is no pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let tokens = pointer::tokens(pointer).ok()?;
        tokens.iter().try_fold(self, |value, token| value.child(token))
    }

    /// The member of a map, or the item of a sequence, that one token of a JSON Pointer names.
    pub fn child(&self, token: &str) -> Option<&Value> {
        match self {
            Value::Map(members) => members.iter().find(|(key, _)| key == token).map(|(_, value)| value),
            Value::Sequence(items) => items.get(pointer::index(token)?),
            _ => None,
        }
    }

    /// What it is, in a word that an error message can use: "null", "a boolean", "a number", "text", "bytes",
    /// "a date-time", "a list", "a map".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::DateTime(_) => "a date-time",
            Value::Sequence(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Whether it is a map or a sequence.
    pub fn is_container(&self) -> bool {
        matches!(self, Value::Map(_) | Value::Sequence(_))
    }

    /// A scalar as a format writes it that knows only text: `true`, the number's written form, the text itself.
    /// `None` for null, bytes, maps and sequences, which have no such form.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Number(number) => Some(number.as_str()),
            Value::String(text) | Value::DateTime(text) => Some(text),
            _ => None,
        }
    }

    /// What `self` becomes when it arrives where `standing` stands. Text that arrives where a number, a boolean or a
    /// date-time stood is read as one if it reads back the same (`0x10` only where such a notation stood); a number, a boolean or a
    /// date-time that arrives where text of that kind stood becomes text. Everything else stays as it is. Only the scalar itself is looked at, not what a
    /// container holds.
    pub fn coerced(&self, standing: &Value) -> Cow<'_, Value> {
        let read = match (standing, self) {
            (Value::Number(old), Value::String(text)) => {
                Number::read(text).filter(|new| new.is_decimal() || !old.is_decimal()).map(Value::Number)
            }
            (Value::Bool(_), Value::String(text)) => read_bool(text).map(Value::Bool),
            (Value::DateTime(_), Value::String(text)) => is_date_time(text).then(|| Value::DateTime(text.clone())),
            (Value::String(old), Value::Number(new)) => {
                Number::read(old).map(|_| Value::String(new.as_str().to_owned()))
            }
            (Value::String(old), Value::Bool(new)) => read_bool(old).map(|_| Value::String(new.to_string())),
            (Value::String(_), Value::DateTime(new)) => Some(Value::String(new.clone())),
            _ => None,
        };
        read.map_or(Cow::Borrowed(self), Cow::Owned)
    }

    /// The value with everything that agrees with what stands in the same place as it stands there. Items of a sequence are matched from
    /// both ends.
    pub(crate) fn settled(&self, standing: &Value) -> Value {
        match (self, standing) {
            (Value::Map(new), Value::Map(old)) => {
                let old: BTreeMap<&str, &Value> = old.iter().map(|(key, value)| (key.as_str(), value)).collect();
                let member = |(key, value): &(String, Value)| {
                    (key.clone(), old.get(key.as_str()).map_or_else(|| value.clone(), |old| value.settled(old)))
                };
                Value::Map(new.iter().map(member).collect())
            }
            (Value::Sequence(new), Value::Sequence(old)) => {
                let head = old.iter().zip(new).take_while(|(old, new)| old.agrees(new)).count();
                let tail = old[head..].iter().rev().zip(new[head..].iter().rev());
                let tail = tail.take_while(|(old, new)| old.agrees(new)).count();
                let item = |(at, new_item): (usize, &Value)| {
                    let place = if at < new.len() - tail { Some(at) } else { (at + old.len()).checked_sub(new.len()) };
                    let is_paired = |place: &usize| at >= new.len() - tail || *place < old.len() - tail;
                    let standing = place.filter(is_paired).and_then(|place| old.get(place));
                    standing.map_or_else(|| new_item.clone(), |old| new_item.settled(old))
                };
                Value::Sequence(new.iter().enumerate().map(item).collect())
            }
            _ if self.agrees(standing) => standing.clone(),
            _ => self.clone(),
        }
    }

    /// Equality up to what the likeness overlooks, at any depth.
    pub fn equals(&self, other: &Value, likeness: Likeness) -> bool {
        match (likeness, self, other) {
            (Likeness::Exact, ..) => self == other,
            (Likeness::Text, ..) => self.agrees(other),
            (_, Value::DateTime(a), Value::String(b)) | (_, Value::String(a), Value::DateTime(b)) => a == b,
            _ => compare(self, other, &|a, b| a.equals(b, likeness)),
        }
    }

    /// Equality up to what [`Value::coerced`] overlooks, at any depth: a number and its text agree, a boolean and its
    /// text, a date-time and its text. How a number is written does not count here either: `"10.00"` agrees with `10.0`, which a
    /// program that keeps numbers alone made of it.
    pub fn agrees(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
                number.as_str() == text || Number::read(text).is_some_and(|read| read == *number)
            }
            (Value::Bool(truth), Value::String(text)) | (Value::String(text), Value::Bool(truth)) => {
                read_bool(text) == Some(*truth)
            }
            (Value::DateTime(a), Value::String(b)) | (Value::String(a), Value::DateTime(b)) => a == b,
            _ => compare(self, other, &Value::agrees),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        compare(self, other, &Value::eq)
    }
}

impl Eq for Value {}

/// Compares two values of one kind; the parts of containers by `same`.
fn compare(a: &Value, b: &Value, same: &dyn Fn(&Value, &Value) -> bool) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::String(a), Value::String(b)) | (Value::DateTime(a), Value::DateTime(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return false;
            }
            if a.iter().zip(b).all(|((a, _), (b, _))| a == b) {
                return a.iter().zip(b).all(|((_, a), (_, b))| same(a, b));
            }
            let others: BTreeMap<&str, &Value> = b.iter().map(|(key, value)| (key.as_str(), value)).collect();
            a.iter().all(|(key, value)| others.get(key.as_str()).is_some_and(|other| same(value, other)))
        }
        _ => false,
    }
}

fn read_bool(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Whether the text has the shape of an RFC 3339 date, time or both (a space may stand for the `T`, the offset may be left out, as in
/// TOML). Ranges of the fields are left to the format that will hold it.
fn is_date_time(text: &str) -> bool {
    let shape = |pattern: &str, text: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(b, p)| if p == b'0' { b.is_ascii_digit() } else { b == p })
    };
    let time = |text: &str| {
        let Some((clock, rest)) = text.split_at_checked(8) else {
            return false;
        };
        let zone = match rest.strip_prefix('.') {
            Some(fraction) => {
                let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                if zone.len() == fraction.len() {
                    return false;
                }
                zone
            }
            None => rest,
        };
        shape("00:00:00", clock)
            && (zone.is_empty() || matches!(zone, "Z" | "z") || shape("+00:00", zone) || shape("-00:00", zone))
    };
    match text.split_at_checked(10) {
        Some((date, rest)) if shape("0000-00-00", date) => {
            rest.is_empty() || rest.strip_prefix(['T', 't', ' ']).is_some_and(time)
        }
        _ => time(text) && !text.contains(['Z', 'z', '+', '-']),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(Number::new(text))
    }
    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }
    fn map(members: &[(&str, Value)]) -> Value {
        Value::Map(members.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
    }

    #[test]
    fn equality_ignores_key_order_and_number_spelling() {
        let a = map(&[("x", number("1")), ("y", text("b"))]);
        let b = map(&[("y", text("b")), ("x", number("1.0"))]);
        assert_eq!(a, b);
        assert_eq!(a.canonical(), b.canonical());
        assert_ne!(a, map(&[("x", number("1"))]));
        assert_ne!(a, map(&[("x", number("1")), ("z", text("b"))]));
        assert_ne!(Value::Sequence(vec![number("1"), number("2")]), Value::Sequence(vec![number("2"), number("1")]));
        assert_ne!(text("2024-01-01"), Value::DateTime("2024-01-01".into()));
        assert_ne!(text("1"), number("1"));
    }

    #[test]
    fn agreement_overlooks_what_text_formats_cannot_say() {
        let date = Value::DateTime("2024-01-01".into());
        for (a, b, agree) in [
            (text("8080"), number("8080"), true),
            (text("10.00"), number("10.0"), true),
            (text("10"), number("10.0"), true),
            (text("1e1"), number("10"), true),
            (text("1.10"), number("1.11"), false),
            (text("0x10"), number("16"), true),
            (text("007"), number("7"), false),
            (text("true"), Value::Bool(true), true),
            (text("true"), Value::Bool(false), false),
            (text("yes"), Value::Bool(true), false),
            (text("2024-01-01"), date.clone(), true),
            (Value::Null, text("null"), false),
            (map(&[("a", text("1"))]), map(&[("a", number("1"))]), true),
        ] {
            assert_eq!(a.agrees(&b), agree, "{a:?} {b:?}");
            assert_eq!(b.agrees(&a), agree, "{b:?} {a:?}");
        }
    }

    #[test]
    fn a_scalar_is_read_as_what_stood_there() {
        for (arriving, standing, becomes) in [
            (text("9090"), number("8080"), number("9090")),
            (text("abc"), number("8080"), text("abc")),
            (text("007"), number("8080"), text("007")),
            (text("10.00"), number("9.5"), number("10.00")),
            (text("0x10"), number("8080"), text("0x10")),
            (text("1_000"), number("8080"), text("1_000")),
            (text("0x10"), number("0xff"), number("0x10")),
            (text("inf"), number("8080"), text("inf")),
            (text("false"), Value::Bool(true), Value::Bool(false)),
            (text("no"), Value::Bool(true), text("no")),
            (number("9090"), text("8080"), text("9090")),
            (number("9090"), text("abc"), number("9090")),
            (Value::Bool(true), text("false"), text("true")),
            (
                text("2024-02-30T00:00:00Z"),
                Value::DateTime("2024-01-01".into()),
                Value::DateTime("2024-02-30T00:00:00Z".into()),
            ),
            (Value::DateTime("2024-01-01".into()), text("x"), text("2024-01-01")),
            (Value::Null, text("x"), Value::Null),
        ] {
            let got = arriving.coerced(&standing);
            assert_eq!(*got, becomes, "{arriving:?} where {standing:?} stood");
            assert!(got.agrees(&arriving));
        }
    }

    #[test]
    fn what_agrees_stays_as_it_stands() {
        let row = |id: &str, price: Value| map(&[("id", text(id)), ("price", price)]);
        let standing = Value::Sequence(vec![row("1", text("10.00")), row("2", text("5.50")), row("3", text("1.0"))]);
        let arriving = Value::Sequence(vec![
            row("1", number("10.0")),
            row("9", number("9.0")),
            row("2", number("5.5")),
            row("3", number("1.0")),
        ]);
        let settled = arriving.settled(&standing);
        assert!(settled.agrees(&arriving));
        let prices: Vec<&Value> =
            ["/0/price", "/1/price", "/2/price", "/3/price"].iter().filter_map(|at| settled.pointer(at)).collect();
        assert_eq!(prices, [&text("10.00"), &number("9.0"), &text("5.50"), &text("1.0")]);
    }

    #[test]
    fn date_times_are_told_from_other_text() {
        for (text, is) in [
            ("2024-01-01", true),
            ("2024-01-01T10:00:00Z", true),
            ("2024-01-01 10:00:00.25+01:00", true),
            ("10:00:00", true),
            ("10:00:00.", false),
            ("10:00:00Z", false),
            ("2024-1-1", false),
            ("2024-01-01T", false),
            ("é024-01-01", false),
            ("", false),
        ] {
            assert_eq!(is_date_time(text), is, "{text}");
        }
    }

    #[test]
    fn pointers_find_members_and_items() {
        let value = map(&[("a/b", Value::Sequence(vec![number("1"), map(&[("", text("x"))])]))]);
        assert_eq!(value.pointer(""), Some(&value));
        assert_eq!(value.pointer("/a~1b/1/"), Some(&text("x")));
        for none in ["/a~1b/2", "/a~1b/01", "/a~1b/-", "/a", "a"] {
            assert_eq!(value.pointer(none), None, "{none}");
        }
    }
}
