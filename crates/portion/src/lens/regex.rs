//! Text by a regular expression with one capture group: `re:version = "(.*)"`.
//!
//! The expression must match once in the file, and have exactly one capture group: what that captures is the portion, as text. Its
//! syntax is that of the `regex` crate, with `^` and `$` at the beginning and end of every line, CR LF included. A dot matches no line
//! end, but with `(?s)`. Groups that only hold together are written `(?:…)`. Time is linear in the file, and the size of the
//! compiled expression is limited.
//!
//! What is put must leave the expression to match there, and only there, with the new text as its group. A regular expression tells what stands
//! there: so nothing is inserted by it, and nothing removed; an empty text can be put where the group may be empty.

use regex::bytes::{Regex, RegexBuilder};

use super::{Edit, Format, Fragment, Item, Lens, LensError, Span, body, lf, line_end};
use crate::value::Value;

pub(crate) struct Re;

/// The size of a compiled expression, in bytes, and of what is kept of its states while it runs.
const MAX_COMPILED: usize = 1 << 20;
const MAX_STATES: usize = 4 << 20;
/// So many lines are told at most where several places match.
const MAX_MATCHES: usize = 100;

fn parsed(expression: &str) -> Result<Regex, LensError> {
    let wrong = |why: String| LensError::Selector { scheme: "re", selector: expression.to_owned(), why };
    let built = RegexBuilder::new(expression)
        .multi_line(true)
        .crlf(true)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_STATES)
        .build();
    let regex = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => wrong("it is too large once it is compiled".to_owned()),
        other => {
            // The last line of the message says what, the others point at it.
            let told = other.to_string();
            wrong(told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
        }
    })?;
    match regex.captures_len() - 1 {
        1 => Ok(regex),
        0 => Err(wrong("put what is the portion in parentheses, as in `version = \"(.*)\"`".to_owned())),
        groups => {
            Err(wrong(format!("it has {groups} capture groups, and the portion is one; write the others `(?:…)`")))
        }
    }
}

fn located(file: &[u8], expression: &str) -> Result<Span, LensError> {
    let regex = parsed(expression)?;
    // A byte order mark is no text.
    let bom = body::bom(file);
    let missing = || LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() };
    let mut matches = regex.captures_iter(&file[bom..]).take(MAX_MATCHES);
    let first = matches.next().ok_or_else(missing)?;
    let start = |captures: &regex::bytes::Captures<'_>| bom + captures.get(0).map_or(0, |whole| whole.start());
    let mut starts = vec![start(&first)];
    starts.extend(matches.map(|captures| start(&captures)));
    if starts.len() > 1 {
        let lines = body::line_numbers(file, starts);
        return Err(LensError::Ambiguous { selector: expression.to_owned(), lines });
    }
    let group = first.get(1).ok_or_else(missing)?;
    Ok(bom + group.start()..bom + group.end())
}

impl Lens for Re {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let span = located(file, expression)?;
        Ok(Fragment { format: Format::Text, text: lf(&file[span]).into_owned() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let span = located(file, expression)?;
        let text = match line_end(file) {
            "\n" => fragment.text.clone(),
            end => fragment.text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(end.as_bytes()),
        };
        let edit = Edit { span: span.clone(), text };
        let put = span.start..span.start + edit.text.len();
        let edits = vec![edit];
        match located(&super::apply::splice(file, &edits)?, expression) {
            Ok(found) if found == put => Ok(edits),
            Ok(_) => {
                Err(LensError::Refused(format!("with the new text, the group of `{expression}` would be another text")))
            }
            Err(error) => {
                Err(LensError::Refused(format!("with the new text, `{expression}` would not match here once: {error}")))
            }
        }
    }

    fn insert(&self, _file: &[u8], expression: &str, _fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        parsed(expression)?;
        Err(LensError::Refused(
            "a regular expression tells what stands there, not where something new goes; use a key or a marked region"
                .to_owned(),
        ))
    }

    fn may_come(&self, _file: &[u8], _expression: &str) -> bool {
        false
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        located(file, expression)?;
        Err(LensError::Refused(
            "what a regular expression finds is replaced, not removed; put an empty text if that is meant".to_owned(),
        ))
    }

    fn list(&self, _file: &[u8]) -> Result<Vec<Item>, LensError> {
        // Any expression is a portion, and none has a name.
        Ok(Vec::new())
    }

    fn is_within_lines(&self, _expression: &str) -> bool {
        true
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Text
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "make the expression longer, so that it finds one place"
    }
}
