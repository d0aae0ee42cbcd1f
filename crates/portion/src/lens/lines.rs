//! Lines by number, RFC 5147; and plain text as a format.
//!
//! RFC 5147 counts *positions between lines*, from 0: `10,20` is what stands between positions 10 and 20, the lines
//! 11 to 20; `10,` is everything from line 11 on, `,20` the first 20 lines. A single position (`10`) holds no text and is refused as a portion.
//!
//! A position past the end of the file is its end (RFC 5147, section 4.2): what is read of a range that ends there is what the file has
//! of it, and a range that begins there is missing. Nothing is written to such a range, nor removed: it is not the one that was asked
//! for.
//!
//! Lines move when lines are put before them; a marked region ([`super::mark`]) does not. A range with two
//! ends can only be replaced by as many lines as it has.
//!
//! # The embedding of plain text
//! The value of a text is a string without the text's last line end, if it has one: one line and a string say the same. Numbers,
//! booleans and date-times are written as text.

use super::body;
use super::{Edit, Format, Fragment, Item, Lens, LensError, MAX_PORTION, Span, Syntax};
use crate::value::Value;

pub(crate) struct Lines;

/// Positions between lines; `None` is the end of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Positions {
    from: usize,
    to: Option<usize>,
}

/// Where the lines stand.
struct Found {
    span: Span,
    /// How many lines the range asks for, if it has two ends.
    fixed: Option<usize>,
    /// The range ends past the end of the file.
    is_short: bool,
}

fn parsed(expression: &str) -> Result<Positions, LensError> {
    let wrong =
        |why: &str| LensError::Selector { scheme: "lines", selector: expression.to_owned(), why: why.to_owned() };
    let shape = "write `10,20` for the lines 11 to 20, `10,` for all from line 11 on, `,20` for the first 20";
    let number = |text: &str| match text {
        _ if !text.bytes().all(|b| b.is_ascii_digit()) => Err(wrong(shape)),
        _ => text.parse::<usize>().map_err(|_| wrong("the number is too large")),
    };
    let Some((from, to)) = expression.split_once(',') else {
        let at = number(expression)?;
        let next = at.saturating_add(1);
        return Err(wrong(&format!("a position between lines holds no text; `{at},{next}` is line {next}")));
    };
    if from.is_empty() && to.is_empty() {
        return Err(wrong(shape));
    }
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { None } else { Some(number(to)?) };
    if to.is_some_and(|to| to <= from) {
        return Err(wrong("the second position must come after the first"));
    }
    Ok(Positions { from, to })
}

fn located(file: &[u8], expression: &str) -> Result<Found, LensError> {
    let Positions { from, to } = parsed(expression)?;
    let first = body::bom(file);
    let mut ends = memchr::memchr_iter(b'\n', &file[first..]).map(|at| first + at + 1);
    let start = match from.checked_sub(1) {
        None => Some(first),
        Some(skipped) => ends.nth(skipped).or_else(|| {
            // The last line may have no line end; the position after it is the end of the file.
            (count(file) == from).then_some(file.len())
        }),
    };
    let nearest = || {
        let lines = count(file);
        if lines == 0 { vec!["0,".to_owned()] } else { vec![format!("{},{lines}", lines.saturating_sub(1))] }
    };
    let missing = || LensError::Missing { selector: expression.to_owned(), nearest: nearest() };
    let start = start.ok_or_else(missing)?;
    if start == file.len() && to.is_some() {
        return Err(missing());
    }
    let fixed = to.map(|to| to - from);
    let (end, is_short) = match fixed.map(|lines| ends.nth(lines - 1)) {
        None => (file.len(), false),
        Some(Some(end)) => (end, false),
        // The last line may have no line end.
        Some(None) => (file.len(), to.is_some_and(|to| to > count(file))),
    };
    if end - start > MAX_PORTION {
        return Err(LensError::TooLarge(format!("the lines hold {} bytes, more than {MAX_PORTION}", end - start)));
    }
    Ok(Found { span: start..end, fixed, is_short })
}

/// Where all the lines of the range stand.
fn located_whole(file: &[u8], expression: &str) -> Result<Found, LensError> {
    let found = located(file, expression)?;
    if found.is_short {
        let (from, lines) = (parsed(expression)?.from, count(file));
        return Err(LensError::Refused(format!(
            "the file has {lines} lines, and `{expression}` ends behind them; `{from},{lines}` or `{from},` ends with it"
        )));
    }
    Ok(found)
}

/// Refuses a fragment that would leave the range with more lines than it has, or fewer.
fn check_room(fixed: Option<usize>, expression: &str, text: &[u8]) -> Result<(), LensError> {
    let lines = body::lines(text).count();
    match fixed {
        Some(room) if room != lines => Err(LensError::Refused(format!(
            "`{expression}` holds {room} lines and the fragment has {lines}; a marked region (`mark:NAME`) can grow"
        ))),
        _ => Ok(()),
    }
}

/// How many lines the file has.
fn count(file: &[u8]) -> usize {
    let file = &file[body::bom(file)..];
    memchr::memchr_iter(b'\n', file).count() + usize::from(!file.is_empty() && !file.ends_with(b"\n"))
}

impl Lens for Lines {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let Found { span, .. } = located(file, expression)?;
        Ok(Fragment { format: Format::Text, text: body::taken(&file[span], b"") })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let Found { span, fixed, .. } = located_whole(file, expression)?;
        check_room(fixed, expression, &fragment.text)?;
        Ok(body::replaced(file, &span, b"", &fragment.text))
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let Positions { from, to } = parsed(expression)?;
        if !self.may_come(file, expression) {
            return Err(LensError::Refused(format!(
                "lines can only be added at the end of the file, which is position {}",
                count(file)
            )));
        }
        check_room(to.map(|to| to - from), expression, &fragment.text)?;
        Ok(body::replaced(file, &(file.len()..file.len()), b"", &fragment.text))
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        parsed(expression).is_ok_and(|positions| positions.from == count(file))
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let Found { span, .. } = located_whole(file, expression)?;
        if span.end < file.len() {
            return Err(LensError::Refused(format!(
                "other lines would move to `{expression}`; only the last lines of a file can be removed by number"
            )));
        }
        Ok(body::removed(file, &span))
    }

    fn is_position(&self, _: &[u8], _: &str) -> bool {
        true
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        // Any two positions are a portion; the whole file is the one that has a name.
        let lines = count(file);
        if lines == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![Item { selector: "0,".to_owned(), kind: "lines", lines: (1, lines) }])
    }

    fn is_removed(&self, before: &[u8], after: &[u8], _expression: &str) -> bool {
        // Only the last lines are ever removed.
        after.len() < before.len() && before.starts_with(after)
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        Fragment { text: body::normal(&fragment.text), ..fragment }
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Text
    }
}

/// The value that a fragment of text stands for. A line end is taken off its end; a value that ends with one has another there.
pub(super) fn string_of(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

/// The fragment of text that stands for a value.
pub(super) fn text_of(mut value: Vec<u8>) -> Vec<u8> {
    if value.ends_with(b"\n") {
        value.push(b'\n');
    }
    value
}

/// The text as a string, without its last line end.
pub(super) fn string(text: &[u8]) -> Result<&str, LensError> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.strip_suffix('\n').unwrap_or(text)),
        Err(error) => Err(LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text")),
    }
}

/// `value` as a text whose [`string`] it is, with a last line end if `line_end` asks for one or the value could not be told without.
pub(super) fn written(format: Format, value: &Value, line_end: bool) -> Result<Vec<u8>, LensError> {
    let text = value.as_text().ok_or_else(|| LensError::CannotSay {
        format,
        path: String::new(),
        what: value.kind().to_owned(),
    })?;
    let mut out = text.as_bytes().to_vec();
    if text.ends_with('\n') || (line_end && !text.is_empty()) {
        out.push(b'\n');
    }
    Ok(out)
}

impl Syntax for Lines {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::String(string(text)?.to_owned()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if string(text).is_ok_and(|old| value.as_text() == Some(old)) {
            return Ok(text.to_vec());
        }
        written(Format::Text, value, text.ends_with(b"\n"))
    }

    fn is_text(&self) -> bool {
        true
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        written(Format::Text, value, false)
    }
}
