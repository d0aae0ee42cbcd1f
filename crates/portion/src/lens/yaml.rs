//! YAML 1.2, by JSON Pointer.
//!
//! Keys of maps and indices of sequences are tokens: `/services/web/ports/0`. A file holds one document; several are refused.
//!
//! A fragment ([`Format::Yaml`]) is a node's text, dedented. A block collection's text is its lines, with the comments between them,
//! those above its first entry, and those directly below that are indented like it; a comment behind the key or dash is no part
//! of it. A tag is part of it, an anchor not. Text that is put keeps the way in which it is written; what is around it keeps its own.
//!
//! Where an alias stands, nothing is read or written: the place that it names holds the content. What is anchored and
//! repeated elsewhere by an alias is not written, nor is what stands behind a key with `?`. A block that is written as a value is rendered stands
//! in flow style between brackets. Every planned edit is read again
//! by two parsers, and refused unless both read the whole file as it was but for the portion.
//!
//! Embedding into values: the core schema; a node with a tag that it does not know is a map with the tag as its only key; aliases
//! are followed, and `<<` merges. YAML cannot say bytes. Text that a reader of YAML 1.1 would take for something else
//! (`yes`, `012`, `2001-12-14`) is written in quotes.

mod check;
mod document;
mod edit;
mod insert;
mod list;
mod part;
mod place;
mod remove;
mod scalar;
mod value;

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use self::document::{Doc, Kind};
use self::place::{Found, find, follow, walk};
use super::apply::{self, check_update, splice};
use super::{Edit, Format, Fragment, Item, Kinds, Lens, LensError, Syntax};
use crate::pointer;
use crate::value::{Action, Change, Value, changes};

pub(crate) struct Yaml;

impl Lens for Yaml {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let doc = Doc::parse(file)?;
        let found = find(&doc, expression)?;
        Ok(Fragment { format: Format::Yaml, text: place::text(&doc, &found).into_bytes() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        edit::put(file, expression, fragment, true)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        insert::insert(file, expression, fragment)
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        let Some(parent) = expression.strip_suffix("/-") else {
            return Ok(expression.to_owned());
        };
        let doc = Doc::parse(file)?;
        let tokens = pointer::parse("yaml", parent)?;
        let (found, rest) = follow(&doc, &tokens);
        match &found.node.kind {
            Kind::Sequence { items, .. } if rest.is_empty() => Ok(format!("{parent}/{}", items.len())),
            Kind::Map { .. } if rest.is_empty() => Ok(expression.to_owned()),
            _ => Ok(format!("{parent}/0")),
        }
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        apply::takes_some(self, file, expression)
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        insert::in_brackets(file, expression, &fragment).unwrap_or(fragment)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        remove::remove(file, expression)
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        remove::is_removed(before, after, expression).is_ok_and(|removed| removed)
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(list::list(&Doc::parse(file)?))
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(list::omitted(&Doc::parse(file)?))
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Yaml
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "make the keys differ"
    }
}

impl Syntax for Yaml {
    fn kinds(&self) -> Kinds {
        Kinds::Json
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        value::of_document(&Doc::parse(text)?)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let standing = self.value(text)?;
        if standing.agrees(value) {
            return Ok(text.to_vec());
        }
        let doc = Doc::parse(text)?;
        let mut aliased = false;
        walk(&doc.root, &mut |node| aliased |= matches!(node.kind, Kind::Alias(..)));
        if aliased {
            return Err(LensError::Refused(
                "the fragment holds aliases, which a value cannot tell; put its text".to_owned(),
            ));
        }
        let tagged = value::tagged(&doc);
        let mut out = text.to_vec();
        for change in changes(&standing, value) {
            let at = pointer::format(&change.path);
            check_tags(&tagged, &change)?;
            out = match step(self, &out, &at, &change.action) {
                // A shape that cannot be edited key by key is written anew.
                Err(LensError::Refused(_)) if tagged.is_empty() => {
                    out = self.render(value)?;
                    break;
                }
                done => done?,
            };
        }
        check_update(Format::Yaml, &out, value)?;
        Ok(tidied(&out).into_owned())
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        Ok(value::render(value, 2)?.into_bytes())
    }

    fn without_comments(&self, text: &[u8], at: &str) -> Result<Vec<Edit>, LensError> {
        remove::without_comments(text, at)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(tidied(text))
    }
}

/// Refuses to change what a tag is about: a value cannot tell what stands there then. That it goes, or moves up, is no such change.
fn check_tags(tagged: &[(Vec<String>, &str)], change: &Change) -> Result<(), LensError> {
    let is_about = |path: &[String]| {
        change.path.starts_with(path) && (change.path.len() > path.len() || matches!(change.action, Action::Replace(_)))
    };
    match tagged.iter().find(|(path, _)| is_about(path)) {
        None => Ok(()),
        Some((path, tag)) => Err(LensError::Refused(format!(
            "what stands at `{}` has the tag `{tag}`, which a value cannot tell: put the text there, as in `{tag} TEXT`",
            pointer::format(path)
        ))),
    }
}

/// The text with one change made.
fn step(lens: &Yaml, text: &[u8], at: &str, action: &Action) -> Result<Vec<u8>, LensError> {
    let edits = match action {
        Action::Replace(value) => {
            let doc = Doc::parse(text)?;
            let found = find(&doc, at)?;
            let text = alike(&found, value).map_err(|error| below(at, error))?;
            edit::put(doc.file, at, &Fragment { format: Format::Yaml, text: text.into_bytes() }, false)?
        }
        Action::Insert(value) => {
            let rendered = lens.render(value).map_err(|error| below(at, error))?;
            lens.insert(text, at, &Fragment { format: Format::Yaml, text: rendered })?
        }
        Action::Remove => lens.remove(text, at)?,
    };
    splice(text, &edits)
}

fn below(at: &str, error: LensError) -> LensError {
    match error {
        LensError::CannotSay { format, path, what } => {
            LensError::CannotSay { format, path: format!("{at}{path}"), what }
        }
        other => other,
    }
}

/// A value written as what stands there is: in its quotes, as a block, on one line.
fn alike(found: &Found<'_>, value: &Value) -> Result<String, LensError> {
    match (&found.node.kind, value) {
        // One such number takes the other's place.
        (Kind::Scalar(old, ScalarStyle::Plain), Value::String(new))
            if scalar::has_leading_zero(old) && scalar::has_leading_zero(new) =>
        {
            Ok(new.clone())
        }
        (Kind::Scalar(_, style), Value::String(text)) => Ok(scalar::like(text, *style, 2)),
        (Kind::Sequence { flow: true, items: entries } | Kind::Map { flow: true, entries }, _)
            if !entries.is_empty() =>
        {
            value::flow(value)
        }
        (Kind::Scalar(_, ScalarStyle::Plain), Value::Null) => Ok("null".to_owned()),
        _ => value::render(value, 2),
    }
}

/// LF, no BOM, the document's text alone.
fn tidied(text: &[u8]) -> Cow<'_, [u8]> {
    let text = super::lf(text);
    let tidy = Doc::parse(&text).ok().map(|doc| place::text(&doc, &Found::root(&doc)).into_bytes());
    match tidy {
        Some(tidy) if tidy != *text => Cow::Owned(tidy),
        _ => text,
    }
}
