//! Clauses: the grammar of a mapping's text, and what makes a mapping reversible.
//!
//! ```text
//! mapping = clause *( ";" clause )
//! clause  = NAME                              a named mapping, before all others
//!         / "except" PATH                     private to this file
//!         / "only" PATH                       everything else is private; several are one list
//!         / "map" PATH "=" PATH               this file's name of a key = the group's name of it
//!         / "default" PATH "=" JSON [ "if" KEY ]
//!         / "omit" PATH "=" JSON [ "if" KEY ]  a default that is not added to new entries
//!         / "split" PATH "=" PATH           this file's list = the group's first item and its others
//!         / "var" NAME "=" JSON              a variable of this member: text or a number
//!         / "var" NAME "env:" WORD          read from its agent's environment
//!         / "var" NAME "file:" WORD         or from a file on its machine
//!         / "key" KEY                         a list of rows is a map of them, by this key
//! ```
//! A path is a JSON Pointer in which a token `*` stands for any key; a key that is a star is written `~*`. A path or key with white
//! space, `;`, `=` or quotes in it stands in quotes, as a JSON string. Paths go through maps only, never into lists: the items
//! of a list have no names by which they could be told apart after a change.

use std::fmt;

use super::MappingError;
use super::variables::{LONGEST_NAME, Source};
use crate::lens::{Format, json_prefix};
use crate::pointer;
use crate::value::Value;

/// One token of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Any,
    Key(String),
}

impl Step {
    pub(super) fn matches(&self, key: &str) -> bool {
        match self {
            Step::Any => true,
            Step::Key(own) => own == key,
        }
    }

    /// Whether some key matches both.
    fn meets(&self, other: &Step) -> bool {
        match (self, other) {
            (Step::Key(a), Step::Key(b)) => a == b,
            _ => true,
        }
    }

    /// Whether every key that matches `other` matches this one, too.
    fn covers(&self, other: &Step) -> bool {
        *self == Step::Any || self == other
    }
}

/// A path with stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) Vec<Step>);

impl Pattern {
    /// Whether it matches this very path.
    pub(super) fn matches(&self, path: &[String]) -> bool {
        self.0.len() == path.len() && self.leads(path)
    }

    /// Whether it matches as far as both go.
    pub(super) fn leads(&self, path: &[String]) -> bool {
        self.0.iter().zip(path).all(|(step, key)| step.matches(key))
    }

    /// Whether some path matches both.
    fn meets(&self, other: &Pattern) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.meets(b))
    }

    /// Whether everything that `other` matches stands at or beneath what this matches.
    fn covers(&self, other: &Pattern) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.covers(b))
    }

    fn last(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Whether keys of one map can match both.
    fn are_siblings(&self, other: &Pattern) -> bool {
        self.0.len() == other.0.len() && self.parent().iter().zip(other.parent()).all(|(a, b)| a.meets(b))
    }

    fn parent(&self) -> &[Step] {
        &self.0[..self.0.len().saturating_sub(1)]
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Clause {
    Except(Pattern),
    Only(Pattern),
    /// The key at the path is called `group` in the group's value.
    Map {
        own: Pattern,
        group: String,
    },
    Default {
        path: Pattern,
        value: Value,
        only_if: Option<String>,
        /// Whether a new entry gets it.
        is_added: bool,
    },
    /// The list at the path is two members of the group's value: its first item goes by the list's name, the others by `others`.
    Split {
        own: Pattern,
        others: String,
    },
    /// A list of rows, told apart by this key.
    Key(String),
    /// What goes by a name in the group.
    Var {
        name: String,
        source: Source,
    },
}

impl Clause {
    /// The path of a key, and a name that it has in the group and not here.
    fn renamed(&self) -> Option<(&Pattern, &str)> {
        match self {
            Clause::Map { own, group: name } | Clause::Split { own, others: name } => Some((own, name)),
            _ => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Any => text.push_str("/*"),
                Step::Key(key) if key == "*" => text.push_str("/~*"),
                Step::Key(key) => pointer::push(&mut text, key),
            }
        }
        word(&text, f)
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clause::Key(key) => {
                f.write_str("key ")?;
                word(key, f)
            }
            Clause::Var { name, source } => {
                let (kind, word_of) = match source {
                    Source::Value(value) => return write!(f, "var {name}={}", compact(value)),
                    Source::Environment(variable) => ("env", variable),
                    Source::File(path) => ("file", path),
                };
                write!(f, "var {name} {kind}:")?;
                word(word_of, f)
            }
            Clause::Except(path) => write!(f, "except {path}"),
            Clause::Only(path) => write!(f, "only {path}"),
            Clause::Map { own, group: name } | Clause::Split { own, others: name } => {
                let verb = if matches!(self, Clause::Map { .. }) { "map" } else { "split" };
                let mut renamed = own.clone();
                renamed.0.pop();
                renamed.0.push(Step::Key(name.clone()));
                write!(f, "{verb} {own}={renamed}")
            }
            Clause::Default { path, value, only_if, is_added } => {
                write!(f, "{} {path}={}", if *is_added { "default" } else { "omit" }, compact(value))?;
                match only_if {
                    None => Ok(()),
                    Some(key) => {
                        f.write_str(" if ")?;
                        word(key, f)
                    }
                }
            }
        }
    }
}

/// The value in JSON, without white space. A clause's value was read from JSON, so that JSON can say it.
fn compact(value: &Value) -> String {
    crate::lens::json_compact(value).unwrap_or_default()
}

/// A path or key, in quotes where it needs them.
fn word(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\";=".contains(c));
    if plain {
        return f.write_str(text);
    }
    f.write_str(&compact(&Value::String(text.to_owned())))
}

/// Reads clauses. A name is handed to `named`, which tells the clauses it stands for.
pub(super) struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Reader { rest: text.trim() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A name at the start: a word with a colon in it.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        if !name.contains(':') {
            return None;
        }
        self.rest = &self.rest[end..];
        Some(name)
    }

    /// The end of a clause.
    pub(super) fn end(&mut self) -> Result<(), MappingError> {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return Ok(());
        }
        match self.rest.strip_prefix(';') {
            Some(rest) => {
                self.rest = rest.trim_start();
                Ok(())
            }
            None => Err(MappingError(format!("expected `;` before `{}`", self.rest))),
        }
    }

    pub(super) fn clause(&mut self) -> Result<Clause, MappingError> {
        let end = self.rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(self.rest.len());
        let (verb, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        match verb {
            "except" => Ok(Clause::Except(self.path()?)),
            "only" => Ok(Clause::Only(self.path()?)),
            "key" => Ok(Clause::Key(self.word()?)),
            "var" => self.variable(),
            "map" | "split" => {
                let own = self.path()?;
                self.equals(if verb == "map" { "map /*/headers=/*/http_headers" } else { "split /*/command=/*/args" })?;
                let group = self.path()?;
                let same = own.parent() == group.parent();
                match (own.last(), group.last()) {
                    (Some(a), Some(b)) if same && a != b => {
                        let name = b.to_owned();
                        Ok(match verb {
                            "map" => Clause::Map { own, group: name },
                            _ => Clause::Split { own, others: name },
                        })
                    }
                    _ => Err(MappingError(format!(
                        "`{verb} {own}={group}`: both paths must be the same but for the last key, which is no `*`"
                    ))),
                }
            }
            "default" | "omit" => {
                let path = self.path()?;
                if path.last().is_none() {
                    return Err(MappingError(format!("`{verb} {path}`: the last key is no `*`")));
                }
                self.equals("default /*/type=\"stdio\"")?;
                let (value, len) = json_prefix(self.rest.as_bytes())
                    .map_err(|error| MappingError(format!("`{verb} {path}`: the value is no JSON: {error}")))?;
                if matches!(&value, Value::Map(members) if !members.is_empty()) {
                    let why = "a default is a scalar, a list or an empty map";
                    return Err(MappingError(format!("`{verb} {path}`: {why}")));
                }
                self.rest = self.rest[len..].trim_start();
                let only_if = match self.rest.strip_prefix("if").filter(|rest| rest.starts_with(char::is_whitespace)) {
                    Some(rest) => {
                        self.rest = rest.trim_start();
                        Some(self.word()?)
                    }
                    None => None,
                };
                Ok(Clause::Default { path, value, only_if, is_added: verb == "default" })
            }
            _ => Err(MappingError(format!(
                "`{verb}` is no clause; there are except, only, map, default, omit, split, key, var"
            ))),
        }
    }

    fn variable(&mut self) -> Result<Clause, MappingError> {
        let name = self.word()?;
        let wrong = |why: &str| Err(MappingError(format!("`var {name}`: {why}")));
        let is_name = |text: &str| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        if !is_name(&name) || name.len() > LONGEST_NAME {
            return wrong("a name has letters, digits and `_`, 64 at most");
        }
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix("env:") {
            self.rest = rest;
            let variable = self.word()?;
            if !is_name(&variable) {
                return wrong("behind `env:` stands the name of an environment variable");
            }
            return Ok(Clause::Var { name, source: Source::Environment(variable) });
        }
        if let Some(rest) = self.rest.strip_prefix("file:") {
            self.rest = rest;
            let path = self.word()?;
            if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
                return wrong("behind `file:` stands a whole path, without `..`");
            }
            return Ok(Clause::Var { name, source: Source::File(path) });
        }
        self.equals("var PORT=8080` or `var TOKEN env:API_TOKEN` or `var TOKEN file:/run/secrets/token")?;
        let (value, len) = json_prefix(self.rest.as_bytes())
            .map_err(|error| MappingError(format!("`var {name}`: the value is no JSON: {error}")))?;
        self.rest = &self.rest[len..];
        match &value {
            Value::Number(_) => {}
            Value::String(text) if text.is_empty() => return wrong("the value is empty, and would stand everywhere"),
            Value::String(text) if text.contains("${") => return wrong("the value holds `${`, as variables do"),
            Value::String(_) => {}
            other => return wrong(&format!("the value is {}; it can be text or a number", other.kind())),
        }
        Ok(Clause::Var { name, source: Source::Value(value) })
    }

    fn equals(&mut self, example: &str) -> Result<(), MappingError> {
        match self.rest.trim_start().strip_prefix('=') {
            Some(rest) => {
                self.rest = rest.trim_start();
                Ok(())
            }
            None => Err(MappingError(format!("expected `=` before `{}`, as in `{example}`", self.rest))),
        }
    }

    fn word(&mut self) -> Result<String, MappingError> {
        if self.rest.starts_with('"') {
            let read = json_prefix(self.rest.as_bytes());
            let (value, len) =
                read.map_err(|error| MappingError(format!("in the quotes of `{}`: {error}", self.rest)))?;
            self.rest = &self.rest[len..];
            return Ok(value.as_text().unwrap_or_default().to_owned());
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || "\";=".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "" => Err(MappingError("a clause ends too early".to_owned())),
            word => Ok(word.to_owned()),
        }
    }

    fn path(&mut self) -> Result<Pattern, MappingError> {
        let text = self.word()?;
        let wrong = |why: &str| MappingError(format!("`{text}` is no path: {why}"));
        let Some(rest) = text.strip_prefix('/') else {
            return Err(wrong("it starts with `/`, as in `/*/timeout`"));
        };
        let step = |token: &str| match token {
            "*" => Ok(Step::Any),
            "~*" => Ok(Step::Key("*".to_owned())),
            token => match pointer::tokens(&format!("/{token}")) {
                Ok(mut tokens) => Ok(Step::Key(tokens.pop().unwrap_or_default())),
                Err(why) => Err(wrong(why)),
            },
        };
        Ok(Pattern(rest.split('/').map(step).collect::<Result<_, _>>()?))
    }
}

/// Refuses clauses that together cannot be reversed, or never do anything.
pub(super) fn check(clauses: &[Clause]) -> Result<(), MappingError> {
    for (at, clause) in clauses.iter().enumerate() {
        for other in &clauses[..at] {
            let why = match (other, clause) {
                (a, b) if a == b => Some("says the same again"),
                (Clause::Key(_), Clause::Key(_)) => Some("is a second key of the rows"),
                (Clause::Var { name: a, .. }, Clause::Var { name: b, .. }) if a == b => {
                    Some("is a second variable of that name")
                }
                (Clause::Var { source: a, .. }, Clause::Var { source: b, .. }) if a.is_like(b) => {
                    Some("has the value of another variable, from which it could not be told")
                }
                (Clause::Map { own: a, .. }, Clause::Map { own: b, .. }) if a.meets(b) => {
                    Some("gives a key a second name in the group")
                }
                (a, b) if a.renamed().zip(b.renamed()).is_some_and(|((a, x), (b, y))| x == y && a.are_siblings(b)) => {
                    Some("gives two keys one name in the group")
                }
                (Clause::Split { own: a, .. }, Clause::Map { own: b, .. } | Clause::Split { own: b, .. })
                | (Clause::Map { own: a, .. }, Clause::Split { own: b, .. })
                    if a.meets(b) =>
                {
                    Some("gives a key a second meaning in the group")
                }
                (
                    Clause::Default { path: a, only_if: x, is_added: true, .. },
                    Clause::Default { path: b, only_if: y, is_added: true, .. },
                ) if a.meets(b) && (x == y || x.is_none()) => {
                    Some("is never asked: an earlier default has the key already")
                }
                _ => None,
            };
            if let Some(why) = why {
                return Err(MappingError(format!("`{clause}` {why} (`{other}`)")));
            }
        }
        check_against_all(clause, clauses)?;
    }
    Ok(())
}

fn check_against_all(clause: &Clause, clauses: &[Clause]) -> Result<(), MappingError> {
    let key = clauses.iter().find_map(|other| if let Clause::Key(key) = other { Some(key) } else { None });
    let path = match clause {
        Clause::Except(path)
        | Clause::Only(path)
        | Clause::Map { own: path, .. }
        | Clause::Split { own: path, .. }
        | Clause::Default { path, .. } => path,
        Clause::Key(_) | Clause::Var { .. } => return Ok(()),
    };
    if let (Some(key), [_, Step::Key(column)]) = (key, &path.0[..])
        && key == column
    {
        return Err(MappingError(format!("`{clause}` speaks of the key by which rows are told apart")));
    }
    let (Clause::Map { own: path, .. } | Clause::Split { own: path, .. } | Clause::Default { path, .. }) = clause
    else {
        return Ok(());
    };
    let onlys: Vec<&Pattern> =
        clauses.iter().filter_map(|c| if let Clause::Only(p) = c { Some(p) } else { None }).collect();
    let is_beside = !onlys.is_empty() && !onlys.iter().any(|only| only.0.iter().zip(&path.0).all(|(a, b)| a.meets(b)));
    let hidden = clauses.iter().find(|other| matches!(other, Clause::Except(private) if private.covers(path)));
    if hidden.is_some() || is_beside {
        return Err(MappingError(format!("`{clause}` speaks of what is private")));
    }
    if let Clause::Default { path, only_if: Some(key), .. } = clause {
        let mut condition = path.clone();
        condition.0.pop();
        condition.0.push(Step::Key(key.clone()));
        let circular = |other: &&Clause| matches!(other, Clause::Default { path, .. } if path.meets(&condition));
        if let Some(other) = clauses.iter().find(circular) {
            return Err(MappingError(format!("`{clause}` asks for a key that is itself a default (`{other}`)")));
        }
    }
    Ok(())
}

/// The error that a format cannot say what a group says.
pub(super) fn cannot_say(format: Format, path: &[String], what: impl Into<String>) -> crate::lens::LensError {
    crate::lens::LensError::CannotSay { format, path: pointer::format(path), what: what.into() }
}
