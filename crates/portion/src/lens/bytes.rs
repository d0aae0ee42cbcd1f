//! Bytes by position, RFC 9110 section 14.1; and bytes as a format.
//!
//! `0-4095` is the first 4096 bytes: both ends are included and counted from 0. `100-` is everything from byte 100 on, `-500` the last
//! 500 bytes. A range that ends past the end of the file ends with it. Several ranges in one expression are refused: a portion
//! is one.
//!
//! A range that ends before the file does can only be replaced by as many bytes as it has. The value is the bytes; a string that is put there
//! stands for its UTF-8 bytes.

use super::{Edit, Format, Fragment, Item, Lens, LensError, MAX_PORTION, Span, Syntax};
use crate::value::Value;

pub(crate) struct Bytes;

/// Where the bytes stand, and how many may be put there.
struct Found {
    span: Span,
    /// How many; `None` for any number.
    room: Option<usize>,
}

enum Range {
    /// First byte, and the one after the last if it is told.
    From(usize, Option<usize>),
    /// The last bytes.
    Last(usize),
}

fn parsed(expression: &str) -> Result<Range, LensError> {
    let wrong =
        |why: &str| LensError::Selector { scheme: "bytes", selector: expression.to_owned(), why: why.to_owned() };
    let shape = "write `0-4095` for the first 4096 bytes, `100-` for all from byte 100 on, `-500` for the last 500";
    let number = |text: &str| match text {
        "" => Ok(None),
        _ if !text.bytes().all(|b| b.is_ascii_digit()) => Err(wrong(shape)),
        _ => text.parse::<usize>().map(Some).map_err(|_| wrong("the number is too large")),
    };
    let (first, last) = expression.split_once('-').ok_or_else(|| wrong(shape))?;
    match (number(first)?, number(last)?) {
        (None, None) => Err(wrong(shape)),
        (None, Some(0)) => Err(wrong("the last 0 bytes hold nothing")),
        (None, Some(length)) => Ok(Range::Last(length)),
        (Some(first), None) => Ok(Range::From(first, None)),
        (Some(first), Some(last)) if last < first => Err(wrong("the second number must not be less than the first")),
        (Some(first), Some(last)) => {
            let end = last.checked_add(1).ok_or_else(|| wrong("the number is too large"))?;
            Ok(Range::From(first, Some(end)))
        }
    }
}

fn located(file: &[u8], expression: &str) -> Result<Found, LensError> {
    let length = file.len();
    let found = match parsed(expression)? {
        Range::Last(last) => Found { span: length.saturating_sub(last)..length, room: Some(last) },
        Range::From(first, None) => Found { span: first.min(length)..length, room: None },
        Range::From(first, Some(end)) => {
            Found { span: first.min(length)..end.min(length), room: Some(end.saturating_sub(first)) }
        }
    };
    if found.span.is_empty() {
        let nearest = if length == 0 { Vec::new() } else { vec![format!("0-{}", length - 1)] };
        return Err(LensError::Missing { selector: expression.to_owned(), nearest });
    }
    if found.span.len() > MAX_PORTION {
        return Err(LensError::TooLarge(format!(
            "`{expression}` holds {} bytes, more than {MAX_PORTION}",
            found.span.len()
        )));
    }
    Ok(found)
}

/// Where all the bytes of the range stand.
fn located_whole(file: &[u8], expression: &str) -> Result<Found, LensError> {
    let found = located(file, expression)?;
    match found.room {
        Some(room) if room > found.span.len() => {
            let (start, length) = (found.span.start, file.len());
            let last = length - 1;
            Err(LensError::Refused(format!(
                "the file has {length} bytes, fewer than `{expression}` needs; `{start}-{last}` or `{start}-` ends with it"
            )))
        }
        _ => Ok(found),
    }
}

fn fits(room: Option<usize>, expression: &str, length: usize) -> Result<(), LensError> {
    let (fits, has) = match room {
        Some(room) => (length == room, format!("exactly {room}")),
        None => (length > 0, "at least 1".to_owned()),
    };
    if fits {
        return Ok(());
    }
    Err(LensError::Refused(format!("`{expression}` holds {has} bytes and the fragment has {length}")))
}

impl Lens for Bytes {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let Found { span, .. } = located(file, expression)?;
        Ok(Fragment { format: Format::Bytes, text: file[span].to_vec() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let Found { span, room } = located_whole(file, expression)?;
        fits(room, expression, fragment.text.len())?;
        Ok(vec![Edit { span, text: fragment.text.clone() }])
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let length = file.len();
        let room = match parsed(expression)? {
            Range::Last(last) => Some(last),
            Range::From(_, None) => None,
            Range::From(first, Some(end)) => Some(end.saturating_sub(first)),
        };
        if !self.may_come(file, expression) {
            return Err(LensError::Refused(format!(
                "bytes can only be added at the end of the file, which is byte {length}"
            )));
        }
        fits(room, expression, fragment.text.len())?;
        Ok(vec![Edit { span: length..length, text: fragment.text.clone() }])
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        match parsed(expression) {
            Ok(Range::Last(_)) => file.is_empty(),
            Ok(Range::From(first, _)) => first == file.len(),
            Err(_) => false,
        }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let Found { span, .. } = located_whole(file, expression)?;
        let suffix = matches!(parsed(expression)?, Range::Last(_));
        if span.end < file.len() || (suffix && span.start > 0) {
            return Err(LensError::Refused(format!(
                "other bytes would move to `{expression}`; only the last bytes of a file can be removed by number"
            )));
        }
        Ok(vec![Edit { span, text: Vec::new() }])
    }

    fn is_position(&self, _: &[u8], _: &str) -> bool {
        true
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        // Any range is a portion; the whole file is the one that has a name.
        if file.is_empty() {
            return Ok(Vec::new());
        }
        let lines = memchr::memchr_iter(b'\n', file).count() + usize::from(!file.ends_with(b"\n"));
        Ok(vec![Item { selector: "0-".to_owned(), kind: "bytes", lines: (1, lines) }])
    }

    fn is_removed(&self, before: &[u8], after: &[u8], _expression: &str) -> bool {
        // Only the last bytes are ever removed.
        after.len() < before.len() && before.starts_with(after)
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Bytes
    }
}

impl Syntax for Bytes {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::Bytes(text.to_vec()))
    }

    fn update(&self, _text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        self.render(value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            other => super::lines::written(Format::Bytes, other, false),
        }
    }
}
