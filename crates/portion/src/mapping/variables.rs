//! Variables: what differs from machine to machine, such as a path, a port or a secret, and goes by a name in the group.
//!
//! The shared text of a member says `${NAME}` where the file has the variable's value, so that a value never leaves its machine: it is in
//! no version, no message and no log. What it is, only the machine knows: [`Mapping::bind`] is given the values, and a mapping with
//! variables that was not given them shares nothing.
//!
//! # From the file
//! Text scalars are looked at, not keys and comments. A scalar that is the value becomes `${NAME}`, also a number. Within a longer text a value of
//! [`LEAST`] characters and more is replaced where neither a letter, a digit nor `_` stands before it, nor one of these or a hyphen behind it;
//! the longest value first. What already reads `${NAME}`, of a variable of this member, gets one more dollar sign: `$${NAME}`.
//!
//! # Into the file
//! `${NAME}` becomes the value, and `$${NAME}` `${NAME}`. Names that are no variables of this member stay as they are.
//!
//! # What is refused
//! A value that is read from elsewhere is a secret. Where one would still stand in what is shared (in a comment, a key, a longer word) nothing is
//! shared; nor where it stands nowhere in what is not empty: then it was changed, and the old one may still be there. And whatever would not come back as it was.

use std::fmt;

use super::Mapping;
use super::clause::Clause;
use crate::lens::{Format, Fragment, LensError};
use crate::value::{Number, Value};

/// Shorter values are replaced only where they are all of a scalar.
const LEAST: usize = 4;
/// The longest name, in bytes.
pub(super) const LONGEST_NAME: usize = 64;
/// The longest value, in bytes.
const LONGEST: usize = 64 << 10;

/// Where the value of a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It is said in the mapping itself: text, or a number. It is no secret.
    Value(Value),
    /// A variable of the environment of the member's agent.
    Environment(String),
    /// A file on the member's machine: its text, without line ends at its end.
    File(String),
}

impl Source {
    /// Whether the two surely say the same.
    pub(super) fn is_like(&self, other: &Source) -> bool {
        match (self, other) {
            (Source::Value(a), Source::Value(b)) => a.as_text() == b.as_text(),
            (a, b) => a == b,
        }
    }

    /// Whether what it says must not leave its machine: all but what stands in the mapping, and where the home directory is.
    pub fn is_secret(&self) -> bool {
        !matches!(self, Source::Value(_)) && *self != Source::Environment("HOME".to_owned())
    }
}

/// A variable with its value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bound {
    name: String,
    text: String,
    is_number: bool,
    is_secret: bool,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

fn refused(why: String) -> LensError {
    LensError::Refused(why)
}

impl Mapping {
    /// Whether it has variables, and shares nothing before [`Mapping::bind`].
    pub fn has_variables(&self) -> bool {
        self.clauses.iter().any(|clause| matches!(clause, Clause::Var { .. }))
    }

    /// The names of its variables, and where their values come from.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.clauses.iter().filter_map(|clause| match clause {
            Clause::Var { name, source } => Some((name.as_str(), source)),
            _ => None,
        })
    }

    /// The mapping with the values of its variables. `read` tells those that stand elsewhere, or why it cannot.
    ///
    /// # Errors
    /// [`LensError::Refused`] names the variable that has no value, or one that cannot be told from others.
    pub fn bind(&self, mut read: impl FnMut(&Source) -> Result<String, String>) -> Result<Mapping, LensError> {
        let mut bound: Vec<Bound> = Vec::new();
        for (name, source) in self.variables() {
            let text = match source {
                Source::Value(value) => value.as_text().unwrap_or_default().to_owned(),
                other => read(other).map_err(|why| refused(format!("the variable `{name}` has no value: {why}")))?,
            };
            let wrong = |why: &str| Err(refused(format!("the value of the variable `{name}` {why}")));
            if text.is_empty() {
                return wrong("is empty");
            }
            if text.len() > LONGEST {
                return wrong("is longer than 64 KiB");
            }
            if text.contains("${") {
                return wrong("holds `${`, as variables do");
            }
            if let Some(other) = bound.iter().find(|other| other.text == text) {
                return wrong(&format!("is that of `{}`, too: they could not be told apart", other.name));
            }
            let is_number = matches!(source, Source::Value(Value::Number(_)));
            bound.push(Bound { name: name.to_owned(), text, is_number, is_secret: source.is_secret() });
        }
        bound.sort_by_key(|variable| std::cmp::Reverse(variable.text.len()));
        Ok(Mapping { bound: Some(bound), ..self.clone() })
    }

    fn bound(&self) -> Result<&[Bound], LensError> {
        let unread = || refused("the values of this mapping's variables are known only to its own machine".to_owned());
        self.bound.as_deref().ok_or_else(unread)
    }

    /// The fragment with names in place of values.
    pub(super) fn hidden(&self, own: Fragment) -> Result<Fragment, LensError> {
        if !self.has_variables() {
            return Ok(own);
        }
        let bound = self.bound()?;
        let mut found = vec![false; bound.len()];
        let hide = |value: &Value, found: &mut Vec<bool>| hide(value, bound, found);
        let hidden = changed(&own, &mut |value| hide(value, &mut found))?;
        for (variable, found) in bound.iter().zip(found).filter(|(variable, _)| variable.is_secret) {
            let name = &variable.name;
            if memchr::memmem::find(&hidden.text, variable.text.as_bytes()).is_some() {
                return Err(refused(format!(
                    "the value of the variable `{name}` stands where it cannot be taken out (a key, a comment, a longer word), and would be shared"
                )));
            }
            // Where nothing is written, no old value is either.
            if !found && !is_bare(&hidden.text) {
                return Err(refused(format!(
                    "the value of the variable `{name}` stands nowhere in the portion: if it was changed, put the new one there"
                )));
            }
        }
        let again = self.shown(&hidden, &own)?;
        if !means_the_same(&again, &own)? {
            return Err(refused(
                "a variable's value stands where it could not be told from other text, as behind a `$`".to_owned(),
            ));
        }
        Ok(hidden)
    }

    /// The fragment with values in place of names, written into `base`'s text.
    fn shown(&self, shared: &Fragment, base: &Fragment) -> Result<Fragment, LensError> {
        let bound = self.bound()?;
        if is_text(shared.format) {
            return changed(shared, &mut |value| show(value, bound));
        }
        let value = each(shared.format.value(&shared.text)?, &mut |value| show(value, bound));
        Ok(Fragment { format: base.format, text: base.format.update(&base.text, &value)? })
    }

    /// What the file is to hold so that [`Mapping::hidden`] makes `shared` of it, or what means the same: its own text with the new values; if comments or style came
    /// along, the new text.
    pub(super) fn revealed(&self, own: Option<&Fragment>, shared: &Fragment) -> Result<Fragment, LensError> {
        if !self.has_variables() {
            return Ok(shared.clone());
        }
        let own = own.filter(|own| own.format == shared.format);
        let mut why = None;
        let mut close = None;
        for base in own.into_iter().chain([shared]) {
            let candidate = self.shown(shared, base)?;
            match self.hidden(candidate.clone()) {
                Ok(hidden) if hidden == *shared => return Ok(candidate),
                // Quotes may differ where a name is written as text and a value as a number.
                Ok(hidden) if means_the_same(&hidden, shared)? => close = close.or(Some(candidate)),
                Ok(_) => {}
                Err(error) => why = Some(error),
            }
        }
        if let Some(candidate) = close {
            return Ok(candidate);
        }
        Err(why.unwrap_or_else(|| {
            refused(
                "the version says a value that is a variable's here, or a variable where it cannot be told from other text"
                    .to_owned(),
            )
        }))
    }
}

/// Whether a fragment's text is looked at as a whole.
fn is_text(format: Format) -> bool {
    matches!(format, Format::Text | Format::Markdown)
}

/// Whether a text has neither a letter nor a digit: `{}`.
fn is_bare(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
}

pub(super) fn means_the_same(a: &Fragment, b: &Fragment) -> Result<bool, LensError> {
    if is_text(a.format) {
        return Ok(a.text == b.text);
    }
    Ok(a.format.value(&a.text)?.agrees(&b.format.value(&b.text)?))
}

/// The fragment with its scalars changed, and the rest as it is.
fn changed(fragment: &Fragment, change: &mut dyn FnMut(&Value) -> Value) -> Result<Fragment, LensError> {
    let Fragment { format, text } = fragment;
    if *format == Format::Bytes {
        return Err(refused("bytes have no place for variables".to_owned()));
    }
    if !is_text(*format) {
        let value = each(format.value(text)?, change);
        return Ok(Fragment { format: *format, text: format.update(text, &value)? });
    }
    let whole = std::str::from_utf8(text).map_err(|_| refused("the portion is no UTF-8 text".to_owned()))?;
    let text = match change(&Value::String(whole.to_owned())) {
        Value::String(text) => text.into_bytes(),
        _ => text.clone(),
    };
    Ok(Fragment { format: *format, text })
}

/// The value with each of its scalars changed.
fn each(value: Value, change: &mut dyn FnMut(&Value) -> Value) -> Value {
    match value {
        Value::Map(members) => {
            Value::Map(members.into_iter().map(|(key, member)| (key, each(member, change))).collect())
        }
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(|item| each(item, change)).collect()),
        scalar => change(&scalar),
    }
}

fn reference(name: &str) -> String {
    format!("${{{name}}}")
}

fn hide(value: &Value, bound: &[Bound], found: &mut [bool]) -> Value {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => {
            let whole = bound.iter().position(|variable| variable.text == number.as_str());
            let Some(at) = whole else { return value.clone() };
            found[at] = true;
            return Value::String(reference(&bound[at].name));
        }
        other => return other.clone(),
    };
    if let Some(at) = bound.iter().position(|variable| variable.text == *text) {
        found[at] = true;
        return Value::String(reference(&bound[at].name));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut before = None;
    while let Some(sign) = rest.chars().next() {
        if let Some((dollars, name, len)) = referred(rest, bound) {
            out.extend(std::iter::repeat_n('$', dollars + 1));
            out.push_str(&format!("{{{name}}}"));
            (before, rest) = (Some('}'), &rest[len..]);
        } else if let Some(at) = standing(rest, before, bound) {
            found[at] = true;
            out.push_str(&reference(&bound[at].name));
            (before, rest) = (bound[at].text.chars().last(), &rest[bound[at].text.len()..]);
        } else {
            let len = plain(rest, sign);
            out.push_str(&rest[..len]);
            (before, rest) = (Some(sign), &rest[len..]);
        }
    }
    Value::String(out)
}

fn show(value: &Value, bound: &[Bound]) -> Value {
    let Value::String(text) = value else { return value.clone() };
    if let Some(variable) = bound.iter().find(|variable| variable.is_number && reference(&variable.name) == *text) {
        return Value::Number(Number::new(variable.text.clone()));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(sign) = rest.chars().next() {
        match referred(rest, bound) {
            Some((1, name, len)) => {
                out.extend(bound.iter().find(|variable| variable.name == name).map(|variable| variable.text.as_str()));
                rest = &rest[len..];
            }
            Some((dollars, name, len)) => {
                out.extend(std::iter::repeat_n('$', dollars - 1));
                out.push_str(&format!("{{{name}}}"));
                rest = &rest[len..];
            }
            None => {
                let len = plain(rest, sign);
                out.push_str(&rest[..len]);
                rest = &rest[len..];
            }
        }
    }
    Value::String(out)
}

/// How long a sign is that means nothing here; dollar signs together.
fn plain(text: &str, sign: char) -> usize {
    if sign == '$' { text.bytes().take_while(|byte| *byte == b'$').count() } else { sign.len_utf8() }
}

/// Dollar signs and the name of a variable in braces, if a text begins with these: how many, which, and how long all of it is.
fn referred<'b>(text: &str, bound: &'b [Bound]) -> Option<(usize, &'b str, usize)> {
    if !text.starts_with('$') {
        return None;
    }
    let dollars = text.bytes().take_while(|byte| *byte == b'$').count();
    let inner = text[dollars..].strip_prefix('{')?;
    let name = &inner[..inner.bytes().take(LONGEST_NAME + 1).position(|byte| byte == b'}')?];
    let variable = bound.iter().find(|variable| variable.name == name)?;
    Some((dollars, &variable.name, dollars + name.len() + 2))
}

/// The variable whose value a text begins with, as a word of its own.
fn standing(text: &str, before: Option<char>, bound: &[Bound]) -> Option<usize> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    if before.is_some_and(is_word) {
        return None;
    }
    bound.iter().position(|variable| {
        let rest = text.strip_prefix(variable.text.as_str());
        variable.text.chars().count() >= LEAST
            && rest.is_some_and(|rest| !rest.starts_with(|sign| is_word(sign) || sign == '-'))
    })
}
