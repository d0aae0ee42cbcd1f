//! JSON, JSON with comments, and JSON5, by JSON Pointer.
//!
//! A file is read once by a scanner of our own ([`scan`]) that checks all of it against the grammar and builds nothing;
//! only the portion is looked at closely. In a file of a MiB and more what stands beside the path is passed over ([`skim`]). A fragment is the text of one value ([`layout`] says how it stands to its place).
//! What the grammar allows and no program agrees about is refused: a key that stands twice in an object on the path or in the portion,
//! and an escaped half of a surrogate pair in the portion.
//!
//! JSON5 says some things that others cannot: infinity and NaN are refused there. What is put into a JSON5 file has quotes as the file's first keys
//! and strings have them, and keys without quotes where those have none.
//!
//! A member that is removed goes with its comma and with the comments on its line. Comments above it stay: a program cannot know whether they
//! are about it alone.

mod block;
mod edit;
mod fault;
mod json5;
mod layout;
mod line;
mod locate;
mod read;
mod scan;
mod skim;
mod source;
mod string;
mod write;

use std::borrow::Cow;

use self::edit::Place;
use self::json5::Quotes;
pub(crate) use self::line::one_line;
use self::locate::{Located, faults, inspect, locate};
use self::scan::Dialect;
pub(in crate::lens) use self::scan::{Kind, Visitor};
pub(crate) use self::write::Style;
use self::write::render;
use super::{Edit, Format, Fragment, Item, Kinds, Lens, LensError, Pieces, Span, Syntax, apply, lf};
use crate::pointer;
use crate::value::{Action, Value, changes};

/// RFC 8259.
pub(crate) const JSON: Json = Json { dialect: Dialect::Json };
/// With comments and trailing commas.
pub(crate) const JSONC: Json = Json { dialect: Dialect::Jsonc };
/// json5.org, 1.0.0.
pub(crate) const JSON5: Json = Json { dialect: Dialect::Json5 };

/// From this size of a file on, in bytes, a replacement is proved instead of read again ([`Lens::is_proved`]).
const LARGE: usize = 1 << 20;

/// How much text [`Syntax::update`] reads anew for insertions and removals, one by one, before it renders the whole anew.
const MAX_REREAD: usize = 1 << 30;

pub(crate) struct Json {
    dialect: Dialect,
}

impl Json {
    fn format(&self) -> Format {
        match self.dialect {
            Dialect::Json => Format::Json,
            Dialect::Jsonc => Format::Jsonc,
            Dialect::Json5 => Format::Json5,
        }
    }

    fn path(&self, expression: &str) -> Result<Vec<String>, LensError> {
        pointer::parse(self.format().name(), expression)
    }

    /// The portion, with what a replacement needs to know: in a large file nothing of its neighbours.
    fn located(&self, file: &[u8], path: &[String], expression: &str) -> Result<(Located, Kind, Span), LensError> {
        let skimmed = if file.len() >= LARGE && self.dialect != Dialect::Json5 { skim::skim(file, path) } else { None };
        let located = match skimmed {
            Some(located) => located,
            None => locate(file, self.dialect, path, expression)?,
        };
        match located.target.clone() {
            Some((kind, span)) => Ok((located, kind, span)),
            None => Err(located.missing(file, path, expression)),
        }
    }

    fn fragment(&self, file: &[u8], kind: Kind, span: &Span) -> Result<Fragment, LensError> {
        apply::check_size(span.len())?;
        let text = &file[span.clone()];
        if kind.is_container() || kind == Kind::String {
            inspect(text, self.dialect).map_err(|fault| fault.shifted(span.start).error(file))?;
        }
        Ok(Fragment { format: self.format(), text: layout::dedent(text, layout::base(file, span.start), self.dialect) })
    }

    /// The fragment's text, if this grammar has it.
    fn accept<'a>(&self, fragment: &'a Fragment) -> Result<&'a [u8], LensError> {
        match fragment.format {
            Format::Json => Ok(&fragment.text),
            Format::Jsonc if self.dialect.has_comments() => Ok(&fragment.text),
            Format::Json5 if self.dialect == Dialect::Json5 => Ok(&fragment.text),
            Format::Jsonc | Format::Json5 => {
                inspect(&fragment.text, self.dialect).map_err(|fault| fault.error(&fragment.text))?;
                Ok(&fragment.text)
            }
            other => Err(LensError::Refused(format!("a {other} fragment cannot stand in a {} file", self.format()))),
        }
    }
}

impl Lens for Json {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let (_, kind, span) = self.located(file, &self.path(expression)?, expression)?;
        self.fragment(file, kind, &span)
    }

    fn get_from(&self, file: &mut Pieces<'_>, expression: &str) -> Option<Fragment> {
        if self.dialect == Dialect::Json5 {
            return None;
        }
        let (text, start) = skim::skim_pieces(file, &self.path(expression).ok()?)?;
        self.fragment(&text, locate::kind_at(&text, start)?, &(start..text.len())).ok()
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        Ok(self.replace(file, expression, fragment)?.1)
    }

    fn replace(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<(Fragment, Vec<Edit>), LensError> {
        let (located, kind, span) = self.located(file, &self.path(expression)?, expression)?;
        let standing = self.fragment(file, kind, &span)?;
        if standing == *fragment {
            return Ok((standing, Vec::new()));
        }
        let text = self.accept(fragment)?;
        let edits = Place { file, dialect: self.dialect, located: &located }.replace(&span, text);
        Ok((standing, edits))
    }

    fn is_proved(&self, file: &[u8], edits: &[Edit], fragment: &Fragment) -> bool {
        // The file has been read to its end, and a value stands at the edit's span. Another whole value in its place leaves
        // everything else as it is, by the grammar (what stands beside it is as balanced as before), whatever it holds.
        let [edit] = edits else {
            return false;
        };
        let base = layout::base(file, edit.span.start);
        file.len() >= LARGE
            && fragment.format == self.format()
            && read::root(&edit.text, self.dialect).is_ok_and(|span| span == (0..edit.text.len()))
            && inspect(&edit.text, self.dialect).is_ok()
            && layout::dedent(&edit.text, base, self.dialect) == fragment.text
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let text = self.accept(fragment)?;
        self.insert_rendered(file, expression, &|_| Ok(text.to_vec()))
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        let Some(parent) = expression.strip_suffix("/-") else {
            return Ok(expression.to_owned());
        };
        let path = self.path(expression)?;
        let located = locate(file, self.dialect, &path, expression)?;
        Ok(match located.frames.last() {
            Some(frame) if located.frames.len() < path.len() || frame.kind == Kind::Array => {
                let count = if located.frames.len() < path.len() { 0 } else { frame.count };
                format!("{parent}/{count}")
            }
            _ => expression.to_owned(),
        })
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        apply::takes_some(self, file, expression)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let path = self.path(expression)?;
        let located = locate(file, self.dialect, &path, expression)?;
        if located.target.is_none() {
            return Err(located.missing(file, &path, expression));
        }
        Place { file, dialect: self.dialect, located: &located }.remove()
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        read::list(file, self.dialect)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let faults = faults(file, self.dialect).map_err(|fault| fault.error(file))?;
        Ok(faults.into_iter().map(|fault| fault.error(file)).collect())
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        self.format()
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "make the keys differ"
    }
}

impl Json {
    fn insert_rendered(&self, file: &[u8], expression: &str, text: edit::Render<'_>) -> Result<Vec<Edit>, LensError> {
        let path = self.path(expression)?;
        if apply::is_blank(file) {
            return edit::fill(file, &path, text, self.dialect);
        }
        let located = locate(file, self.dialect, &path, expression)?;
        Place { file, dialect: self.dialect, located: &located }.insert(&path, text)
    }

    /// The edits of changes that replace, all planned on the same text.
    fn replacements(&self, text: &[u8], batch: &[(String, &Value)]) -> Result<Vec<Edit>, LensError> {
        let nodes = read::at(text, self.dialect, batch.iter().map(|(at, _)| at.as_str()))?;
        let quotes = self.dialect.quotes(text);
        let unit = layout::step(text, self.dialect).unwrap_or_else(|| layout::STEP.to_vec());
        let mut edits = Vec::with_capacity(batch.len());
        for (at, value) in batch {
            let Some(node) = nodes.get(at.as_str()) else {
                return Err(LensError::Refused(format!("nothing stands at `{at}`")));
            };
            let base = layout::base(text, node.start);
            let starts_line = layout::line_start(text, node.start) + base.len() == node.start;
            let style = if starts_line { Style::Lines } else { Style::Line };
            let rendered = render(value, self.format(), style, quotes)?;
            let rendered = layout::indent(&rendered, base, &unit, super::line_end(text), self.dialect);
            edits.push(Edit { span: node.value.clone(), text: rendered });
        }
        edits.sort_by_key(|edit| edit.span.start);
        Ok(edits)
    }
}

impl Syntax for Json {
    fn kinds(&self) -> Kinds {
        Kinds::Json
    }

    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        read::value(text, self.dialect).map_err(|fault| fault.error(text))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        let steps = changes(&self.value(text)?, value);
        if steps.is_empty() {
            return Ok(text.to_vec());
        }
        let structural = steps.iter().filter(|step| !matches!(step.action, Action::Replace(_))).count();
        if structural.saturating_mul(text.len()) > MAX_REREAD {
            return self.render(value);
        }
        let mut out = text.to_vec();
        for run in steps.chunk_by(|a, b| matches!((&a.action, &b.action), (Action::Replace(_), Action::Replace(_)))) {
            let at = pointer::format(&run[0].path);
            let edits = match &run[0].action {
                Action::Remove => self.remove(&out, &at)?,
                Action::Insert(value) => {
                    let quotes = self.dialect.quotes(&out);
                    self.insert_rendered(&out, &at, &|style| render(value, self.format(), style, quotes))?
                }
                Action::Replace(_) => {
                    let batch: Vec<(String, &Value)> = run
                        .iter()
                        .filter_map(|step| match &step.action {
                            Action::Replace(value) => Some((pointer::format(&step.path), value)),
                            _ => None,
                        })
                        .collect();
                    self.replacements(&out, &batch)?
                }
            };
            out = apply::splice(&out, &edits)?;
        }
        let out = layout::dedent(&out, b"", self.dialect);
        apply::check_update(self.format(), &out, value)?;
        Ok(out)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        render(value, self.format(), Style::Lines, self.dialect.quotes(b""))
    }

    fn without_comments(&self, text: &[u8], at: &str) -> Result<Vec<Edit>, LensError> {
        let (located, ..) = self.located(text, &self.path(at)?, at)?;
        Ok(Place { file: text, dialect: self.dialect, located: &located }.without_comments())
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let clean = lf(text);
        let span = read::root(&clean, self.dialect).map_err(|fault| fault.error(text))?;
        inspect(&clean, self.dialect).map_err(|fault| fault.error(text))?;
        let around = [&clean[..span.start], &clean[span.end..]];
        if let Some(comment) = around.iter().find_map(|part| memchr::memchr(b'/', part)) {
            let found = "a comment beside the value cannot be kept: put it inside";
            return Err(LensError::unparsable(&clean, comment, found));
        }
        Ok(Cow::Owned(layout::dedent(&clean[span], b"", self.dialect)))
    }
}

impl Dialect {
    /// How keys and strings are to be quoted in a text.
    fn quotes(self, text: &[u8]) -> Quotes {
        if self == Dialect::Json5 { Quotes::of(text) } else { Quotes::JSON }
    }
}

/// Reads a JSON document to its end, and tells where things stand in it.
pub(in crate::lens) fn document<V: Visitor>(text: &[u8], visitor: &mut V) -> Result<(), LensError> {
    scan::document(text, Dialect::Json, visitor).map_err(|fault| fault.error(text))
}

/// The value in this style.
pub(crate) fn render_as(value: &Value, style: Style) -> Result<Vec<u8>, LensError> {
    render(value, Format::Json, style, Quotes::JSON)
}

/// The value on one line of JSON, without white space.
pub(crate) fn compact(value: &Value) -> Result<String, LensError> {
    let text = render(value, Format::Json, Style::Compact, Quotes::JSON)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The JSON value that a text starts with, and how many bytes it takes.
pub(crate) fn prefix(text: &[u8]) -> Result<(Value, usize), LensError> {
    let end = scan::prefix(text).map_err(|fault| fault.error(text))?;
    let value = read::value(&text[..end], Dialect::Json).map_err(|fault| fault.error(text))?;
    Ok((value, end))
}
