//! `table:name`, `fn:name[2]`.

use super::header::KINDS;
use crate::lens::words::{self, Place};
use crate::lens::{LensError, json_compact};
use crate::pointer;
use crate::value::Value;

/// What is asked for.
pub(super) struct Asked {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Which of several, counted from 1.
    pub(super) nth: Option<usize>,
}

pub(super) fn parsed(expression: &str) -> Result<Asked, LensError> {
    let read = || -> Result<Asked, String> {
        let shapes = || KINDS.iter().map(|kind| format!("`{kind}:`")).collect::<Vec<_>>().join(", ");
        let (kind, named) = expression.split_once(':').ok_or_else(|| format!("write {} and a name", shapes()))?;
        let known = KINDS.iter().find(|known| **known == kind);
        let kind = known.ok_or_else(|| format!("`{kind}` is no kind in sql; write {} and a name", shapes()))?;
        let (name, nth) = match named.starts_with('"') {
            true => {
                let (word, behind) = words::quoted(named)?;
                let wrong = || format!("`{behind}` stands behind the closing quote");
                (word.text, if behind.is_empty() { None } else { Some(position(behind).ok_or_else(wrong)?) })
            }
            false => match named.rfind('[').and_then(|at| Some((at, position(&named[at..])?))) {
                Some((at, nth)) => (named[..at].to_owned(), Some(nth)),
                None => (named.to_owned(), None),
            },
        };
        if name.is_empty() { Err(format!("a name is missing behind `{kind}:`")) } else { Ok(Asked { kind, name, nth }) }
    };
    read().map_err(|why| LensError::Selector { scheme: "sql", selector: expression.to_owned(), why })
}

/// `[2]`.
fn position(text: &str) -> Option<usize> {
    pointer::index(text.strip_prefix('[')?.strip_suffix(']')?).filter(|number| *number > 0)
}

/// As selectors have it, without a number.
pub(super) fn written(kind: &str, name: &str) -> String {
    let is_numbered = name.rfind('[').is_some_and(|at| position(&name[at..]).is_some());
    let name = match is_numbered {
        true => json_compact(&Value::String(name.to_owned())).unwrap_or_default(),
        false => words::written(name, Place::Last),
    };
    format!("{kind}:{name}")
}
