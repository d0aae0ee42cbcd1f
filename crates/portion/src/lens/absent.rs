//! What there is to say of a portion that is not there, and is not to be: nothing.

use std::borrow::Cow;

use super::{Format, LensError, Syntax};
use crate::value::Value;

/// The syntax of no text.
pub(crate) struct Absent;

impl Syntax for Absent {
    fn value(&self, _: &[u8]) -> Result<Value, LensError> {
        Err(nothing())
    }

    fn update(&self, _: &[u8], _: &Value) -> Result<Vec<u8>, LensError> {
        Err(nothing())
    }

    fn render(&self, _: &Value) -> Result<Vec<u8>, LensError> {
        Err(nothing())
    }

    fn tidy<'a>(&self, _: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(Cow::Borrowed(b""))
    }
}

fn nothing() -> LensError {
    LensError::CannotSay {
        format: Format::Absent,
        path: String::new(),
        what: "a value: the portion was removed".to_owned(),
    }
}
