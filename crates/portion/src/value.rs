//! The data model that formats share.
//!
//! Equality of values ignores the order of keys and the spelling of numbers; the written form of a number is kept apart,
//! so that no integer loses digits on its way through a float.

use std::fmt;

/// What a fragment means, free of its format.
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

/// A number as it was written: `1`, `1.0`, `1e3`, `0x10`, `9007199254740993`, `inf`, `nan`.
///
/// Equal when the exact mathematical values are equal (`1`, `1.0` and `1e0`; `0x10` and `16`), computed on the decimal
/// digits, never through `f64`. All NaNs are equal to each other.
#[derive(Debug, Clone)]
pub struct Number(String);

impl Number {
    /// Keeps `written` as it stands. The caller has checked that it is a number in its own format.
    pub fn new(written: impl Into<String>) -> Self {
        Number(written.into())
    }

    /// The written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
