//! `fn:name`, `class:Name/fn:name`, `fn:name[2]` and `query:(…) @x`.

use super::language::Language;
use crate::lens::LensError;
use crate::lens::words::{self, Place};
use crate::pointer;
use crate::value::Value;

/// What is asked for.
pub(super) enum Asked<'a> {
    Item(Path),
    /// A tree-sitter query.
    Query(&'a str),
}

/// The way to an item, from the outside in.
pub(super) struct Path {
    /// Kinds and names; never empty.
    pub(super) steps: Vec<(&'static str, String)>,
    /// Which of several that have this path, counted from 1.
    pub(super) nth: Option<usize>,
}

/// What begins a query.
const QUERY: &str = "query:";

pub(super) fn parsed<'a>(language: &Language, expression: &'a str) -> Result<Asked<'a>, LensError> {
    if let Some(query) = expression.strip_prefix(QUERY) {
        return Ok(Asked::Query(query));
    }
    let path = path(language, expression).map_err(|why| LensError::Selector {
        scheme: language.name,
        selector: expression.to_owned(),
        why,
    })?;
    Ok(Asked::Item(path))
}

fn path(language: &Language, expression: &str) -> Result<Path, String> {
    let shapes = || {
        let kinds: Vec<String> = language.kinds().iter().map(|kind| format!("`{kind}:`")).collect();
        format!("write {} and a name, `KIND:NAME/KIND:NAME` for what stands in another, or `query:`", kinds.join(", "))
    };
    let mut steps = Vec::new();
    let mut rest = expression;
    loop {
        let (kind, named) = rest.split_once(':').ok_or_else(|| match rest {
            "" => shapes(),
            rest => format!("a kind is missing before `{rest}`; {}", shapes()),
        })?;
        let known = language.kinds().into_iter().find(|known| *known == kind);
        let kind = known.ok_or_else(|| format!("`{kind}` is no kind in {}; {}", language.name, shapes()))?;
        let (name, is_quoted, behind) = match named.starts_with('"') {
            true => {
                let (word, behind) = words::quoted(named)?;
                (word.text, true, behind)
            }
            false => {
                let end = named.find('/').unwrap_or(named.len());
                (named[..end].to_owned(), false, &named[end..])
            }
        };
        let (name, behind, nth) = match is_quoted {
            true => {
                let (number, behind) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
                match number {
                    "" => (name, behind, None),
                    _ => (
                        name,
                        behind,
                        Some(position(number).ok_or(format!("`{number}` stands behind the closing quote"))?),
                    ),
                }
            }
            false => match name.rfind('[').and_then(|at| Some((at, position(&name[at..])?))) {
                Some((at, nth)) => (name[..at].to_owned(), behind, Some(nth)),
                None => (name, behind, None),
            },
        };
        if name.is_empty() {
            return Err(format!("a name is missing behind `{kind}:`"));
        }
        steps.push((kind, name));
        match (behind.strip_prefix('/'), nth) {
            (None, _) => return Ok(Path { steps, nth }),
            (Some(_), Some(_)) => return Err("a number can only stand at the end".to_owned()),
            (Some(next), None) => rest = next,
        }
    }
}

/// `[2]`.
fn position(text: &str) -> Option<usize> {
    pointer::index(text.strip_prefix('[')?.strip_suffix(']')?).filter(|number| *number > 0)
}

/// One step, as selectors have it.
pub(super) fn step(kind: &str, name: &str) -> String {
    let is_numbered = name.rfind('[').is_some_and(|at| position(&name[at..]).is_some());
    let name = match is_numbered {
        true => crate::lens::json_compact(&Value::String(name.to_owned())).unwrap_or_default(),
        false => words::written(name, Place::BeforeSlash),
    };
    format!("{kind}:{name}")
}

impl Path {
    /// As it would be written, without the number.
    pub(super) fn written(&self) -> String {
        written(&self.steps)
    }
}

pub(super) fn written(steps: &[(&'static str, String)]) -> String {
    let steps: Vec<String> = steps.iter().map(|(kind, name)| step(kind, name)).collect();
    steps.join("/")
}
