//! Files of lines with keys: ini, env, desktop entries, git configuration, ssh_config, hosts, systemd units, properties.
//!
//! One small line lens; a format is a [`Grammar`], which is data. Bytes that no edit touches stay as they are: comments, blank lines,
//! indentation, the spacing around separators, CR LF, a BOM, a missing final newline.
//!
//! # Addresses
//! JSON Pointers: `/section/key`, `/section`, `/key` of what stands before the first section, and the empty expression for the whole
//! file. Where a format lets a key stand several times, `/section/key` is then ambiguous, and `/section/key/1` is the second of them.
//!
//! # Fragments
//! A section or a whole file is its lines, in the file's own format, without blank lines at its ends and without the indentation
//! that all lines share (unless a value continues over lines whose indentation counts). Comments right above the next
//! section's header, behind a blank line, belong to that section. A key is its value as text, without the quotes and escapes of the
//! format; what is put is quoted in the style that stands there. An entry of a hosts file is its line.
//!
//! # Values
//! A map from keys to strings, from sections to such maps; several equal keys are a list. A key without a separator is null, in
//! git configuration the text `true`, in properties the empty text. Numbers, booleans and date-times are written as text.
//!
//! See [`grammar`] for each format's dialect.

mod convert;
mod document;
mod edit;
mod find;
mod grammar;
mod quoting;

use std::borrow::Cow;

use self::document::Document;
use self::find::Target;
pub(crate) use self::grammar::{DESKTOP, ENV, GIT_CONFIG, HOSTS, INI, PROPERTIES, SSH_CONFIG, SYSTEMD};
use self::grammar::{Grammar, Headers, Quoting};
use super::apply;
use super::lines::{string_of, text_of};
use super::{Edit, Format, Fragment, Item, Lens, LensError, MAX_PORTION, Span, Syntax, body, lf};
use crate::pointer;
use crate::value::Value;

/// The lens and the syntax of one format.
pub(crate) struct Keys {
    grammar: Grammar,
}

impl Keys {
    fn located<'a>(&'a self, file: &'a [u8], expression: &str) -> Result<(Document<'a>, Target), LensError> {
        let tokens = pointer::parse(self.grammar.scheme.name(), expression)?;
        let document = document::parsed(&self.grammar, file)?;
        let target = find::target(&document, expression, &tokens)?;
        if let Target::Section(at) = target
            && document.sections[at].key_on_header
        {
            let at = document.sections[at].header.start;
            return Err(LensError::unparsable(file, at, "a key on its section's own line; write it on a line below"));
        }
        Ok((document, target))
    }

    /// An entry of a hosts file is its line.
    fn is_line(&self) -> bool {
        self.grammar.quoting == Quoting::Names
    }

    fn expects(&self, format: Format, fragment: &Fragment, expression: &str) -> Result<(), LensError> {
        if fragment.format == format {
            return Ok(());
        }
        Err(LensError::Refused(format!("`{expression}` holds {format}, not {}", fragment.format)))
    }

    fn too_long(&self, expression: &str) -> LensError {
        let why = match self.grammar.headers {
            Headers::None => "write `/key`",
            Headers::Brackets => "write `/section/key` or `/section`",
            Headers::Git => "write `/section/key`, `/section/subsection/key` or one of them without its key",
            Headers::Ssh => "write `/Host NAME/Keyword`, `/Host NAME` or `/Keyword`",
        };
        LensError::Selector {
            scheme: self.grammar.scheme.name(),
            selector: expression.to_owned(),
            why: format!("there is nothing so deep; {why}"),
        }
    }

    fn insert_entry(
        &self,
        document: &Document<'_>,
        expression: &str,
        tokens: &[String],
        value: &[u8],
    ) -> Result<(Option<usize>, Vec<Edit>), LensError> {
        let (path, ordinal) = edit::new_path(document, tokens).ok_or_else(|| self.too_long(expression))?;
        let equal = find::entries(document, path);
        if let Some(ordinal) = ordinal.filter(|ordinal| *ordinal > equal.len()) {
            let next = equal.len();
            return Err(LensError::Refused(format!(
                "there is no place for item {ordinal}; the next one is item {next}"
            )));
        }
        let before = ordinal.and_then(|ordinal| equal.get(ordinal)).copied();
        let section = path.split_last().and_then(|(_, section)| find::sections(document, section).last().copied());
        Ok((section, edit::entry_insert(document, path, before, value)?))
    }

    /// The plan, if it changes nothing beside the target.
    fn guarded(document: &Document<'_>, target: Target, edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
        let entries = &document.entries;
        match target {
            Target::Whole => Ok(edits),
            Target::Section(at) => edit::guarded(document, Some(at), |entry| entries[entry].section == at, edits),
            Target::Entry(at) => edit::guarded(document, Some(entries[at].section), |entry| entry == at, edits),
        }
    }
}

fn check_size(span: &Span) -> Result<(), LensError> {
    if span.len() > MAX_PORTION {
        return Err(LensError::TooLarge(format!("the portion holds {} bytes, more than {MAX_PORTION}", span.len())));
    }
    Ok(())
}

impl Lens for Keys {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let (document, target) = self.located(file, expression)?;
        let span = match target {
            Target::Whole => edit::whole(&document),
            Target::Section(at) => document.sections[at].body.clone(),
            Target::Entry(at) => document.entries[at].lines.clone(),
        };
        check_size(&span)?;
        match target {
            Target::Whole => convert::check(&document, None)?,
            Target::Section(at) => convert::check(&document, Some(at))?,
            Target::Entry(_) => {}
        }
        match target {
            Target::Entry(at) if !self.is_line() => {
                let value = edit::value_of(&document, &document.entries[at]);
                let value = value.map_err(|fault| document.unparsable(fault))?;
                let value = lf(body::without_bom(value.as_deref().unwrap_or_default())).into_owned();
                Ok(Fragment { format: Format::Text, text: text_of(value) })
            }
            _ => Ok(Fragment { format: self.grammar.format, text: edit::lines_taken(&document, &span) }),
        }
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let (document, target) = self.located(file, expression)?;
        let text = &fragment.text;
        let scalar = matches!(target, Target::Entry(_)) && !self.is_line();
        self.expects(if scalar { Format::Text } else { self.grammar.format }, fragment, expression)?;
        let edits = match target {
            Target::Entry(at) if scalar => edit::value_put(&document, &document.entries[at], string_of(text), "")?,
            Target::Entry(at) => {
                let lines = &document.entries[at].lines;
                // What stands there may stay, whatever it is.
                if edit::lines_taken(&document, lines) != *text {
                    edit::one_line(&self.grammar, text)?;
                }
                edit::lines_put(&document, lines, text)?
            }
            Target::Section(at) => edit::section_put(&document, at, text)?,
            Target::Whole => return edit::lines_put(&document, &edit::whole(&document), text),
        };
        Self::guarded(&document, target, edits)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let tokens = pointer::parse(self.grammar.scheme.name(), expression)?;
        let document = document::parsed(&self.grammar, file)?;
        let text = &fragment.text;
        if fragment.format == Format::Text && !self.is_line() {
            let (section, edits) = self.insert_entry(&document, expression, &tokens, string_of(text))?;
            return edit::guarded(&document, section, |_| false, edits);
        }
        self.expects(self.grammar.format, fragment, expression)?;
        if tokens.is_empty() {
            return edit::lines_put(&document, &edit::whole(&document), text);
        }
        if self.is_line() {
            edit::one_line(&self.grammar, text)?;
            let last = document.entries.last().map_or(file.len(), |entry| entry.lines.end);
            return edit::guarded(&document, Some(0), |_| false, body::replaced(file, &(last..last), b"", text));
        }
        edit::guarded(&document, None, |_| false, edit::section_insert(&document, &tokens, text)?)
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        apply::takes_some(self, file, expression)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let (document, target) = self.located(file, expression)?;
        let edits = match target {
            Target::Whole => return Err(LensError::Refused("a whole file cannot be removed as a portion".to_owned())),
            Target::Section(at) => edit::section_remove(&document, at),
            Target::Entry(at) => body::removed(file, &document.entries[at].lines),
        };
        Self::guarded(&document, target, edits)
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(find::items(&document::parsed(&self.grammar, file)?))
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(find::omitted(&document::parsed(&self.grammar, file)?))
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        match fragment.format {
            Format::Text => Fragment { text: text_of(string_of(&fragment.text).to_vec()), ..fragment },
            _ => fragment,
        }
    }

    fn format_for(&self, expression: &str, value: &Value) -> Format {
        match value {
            Value::Map(_) | Value::Sequence(_) => self.grammar.format,
            _ if expression.is_empty() || self.is_line() => self.grammar.format,
            _ => Format::Text,
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        if self.grammar.repeats {
            return "a number behind a key tells which one is meant: `/0` is the first";
        }
        "make the keys differ"
    }
}

impl Syntax for Keys {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        convert::value(&self.grammar, text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        convert::update(&self.grammar, text, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        convert::update(&self.grammar, b"", value)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let document = document::parsed(&self.grammar, text)?;
        convert::check(&document, None)?;
        let tidied = edit::lines_taken(&document, &edit::whole(&document));
        Ok(if tidied == text { Cow::Borrowed(text) } else { Cow::Owned(tidied) })
    }
}
