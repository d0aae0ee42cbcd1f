//! The lens contract, and the one piece of code that splices for all formats and verifies.
//!
//! A lens never writes: it locates byte spans and plans replacements. [`put`], [`insert`] and [`remove`] splice them,
//! locate the portion again in the result, and refuse unless what is there now equals what was put.

pub(crate) mod absent;
mod apply;
mod body;
pub(crate) mod bytes;
#[cfg(feature = "code")]
pub(crate) mod code;
#[cfg(not(feature = "code"))]
#[path = "lens/uncoded.rs"]
pub(crate) mod code;
mod compose;
pub(crate) mod csv;
pub(crate) mod docx;
mod encoding;
mod flow;
pub(crate) mod html;
pub(crate) mod ical;
pub(crate) mod ipynb;
pub(crate) mod json;
pub(crate) mod jsonl;
pub(crate) mod jsonpath;
pub(crate) mod keys;
pub(crate) mod lines;
pub(crate) mod mark;
mod markup;
pub(crate) mod md;
pub(crate) mod nginx;
pub(crate) mod ods;
pub(crate) mod office;
mod outline;
mod pieces;
pub(crate) mod pptx;
pub(crate) mod regex;
mod rows;
pub(crate) mod sections;
pub(crate) mod sql;
pub(crate) mod sqlite;
pub(crate) mod toml;
mod words;
pub(crate) mod xlsx;
pub(crate) mod xml;
pub(crate) mod yaml;
mod zip;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;

pub use apply::{edits, insert, insert_in, is_blank, may_come, may_go, put, remove};
pub(crate) use compose::Composed;
pub use compose::{Innermost, innermost};
pub(crate) use json::{compact as json_compact, prefix as json_prefix};
pub(crate) use pieces::Pieces;
pub use sqlite::TableSelector;

pub use crate::registry::Format;
use crate::registry::Scheme;
use crate::value::{Likeness, Value};

/// The largest portion, in bytes, unless the policy says otherwise.
pub const MAX_PORTION: usize = 64 << 20;
/// The deepest nesting that any format may have.
pub const MAX_DEPTH: usize = 512;

/// How to mean one of several where a lens has nothing better to say.
const LONGER: &str = "make it longer, or make the keys differ";

/// Bytes `start..end` of a file.
pub type Span = Range<usize>;

/// One planned replacement. The edits of a plan are sorted by span and disjoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace; empty for an insertion.
    pub span: Span,
    /// What stands there afterwards.
    pub text: Vec<u8>,
}

/// A portion's text, free of its context: dedented, headers re-rooted, line ends as LF, comments included. It stands alone
/// and parses alone in its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// What the text is written in.
    pub format: Format,
    /// The text.
    pub text: Vec<u8>,
}

/// A place in a file, as an editor shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// In characters (Unicode scalar values; a byte that is no UTF-8 counts as one), counted from 1.
    pub column: usize,
}

/// Why a lens cannot do what it was asked. Missing, ambiguous and unparsable are ordinary states of a user's file; the
/// others are refusals. Nothing is ever half done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LensError {
    /// No portion matches.
    #[error("nothing stands {}{}", at(.selector), near(.nearest))]
    Missing {
        /// The selector's expression.
        selector: String,
        /// The nearest selectors that do match, best first, at most three.
        nearest: Vec<String>,
    },
    /// Several portions match.
    #[error("`{selector}` matches {} portions, {}", .lines.len(), on_lines(.lines))]
    Ambiguous {
        /// The selector's expression.
        selector: String,
        /// The line of each match, counted from 1.
        lines: Vec<usize>,
    },
    /// The file (or a fragment) does not parse.
    #[error("{at}: {found}")]
    Unparsable {
        /// Where.
        at: Position,
        /// What was expected and what stands there instead.
        found: String,
    },
    /// The expression has no meaning in this scheme.
    #[error("{} is no {scheme} selector: {why}", named(.selector))]
    Selector {
        /// The scheme's name.
        scheme: &'static str,
        /// The selector's expression.
        selector: String,
        /// What is wrong with it, and what is right.
        why: String,
    },
    /// The format cannot say this value.
    #[error("{format} cannot say {what}{}", if .path.is_empty() { String::new() } else { format!(" {}", at(.path)) })]
    CannotSay {
        /// The format.
        format: Format,
        /// JSON Pointer, from the portion's root.
        path: String,
        /// What it cannot say: "null", "a list in a list", …
        what: String,
    },
    /// Too large, too deep.
    #[error("{0}")]
    TooLarge(String),
    /// The edit was planned and then refused: what would stand in the file is not what was put.
    #[error("refused: {0}")]
    Refused(String),
}

/// ``at `/a` ``; nothing has the whole's own place.
fn at(place: &str) -> String {
    if place.is_empty() { "there".to_owned() } else { format!("at `{place}`") }
}

fn named(selector: &str) -> String {
    if selector.is_empty() { "an empty text".to_owned() } else { format!("`{selector}`") }
}

fn near(nearest: &[String]) -> String {
    if nearest.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", nearest.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
    }
}

/// So many lines are named at most.
const NAMED_LINES: usize = 20;

/// `on line 3`, `on lines 3, 7`: each line once, however much stands on it, and not more than anybody reads.
pub fn on_lines(lines: &[usize]) -> String {
    let mut each = lines.to_vec();
    each.dedup();
    let named: Vec<String> = each.iter().take(NAMED_LINES).map(usize::to_string).collect();
    let word = if each.len() == 1 { "line" } else { "lines" };
    let more = if each.len() > NAMED_LINES { format!(" and {} more", each.len() - NAMED_LINES) } else { String::new() };
    format!("on {word} {}{more}", named.join(", "))
}

/// One portion that can be addressed, for `inlay list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The selector's expression, such that [`get`] with it succeeds.
    pub selector: String,
    /// "table", "object", "string", "section", "region", …
    pub kind: &'static str,
    /// First and last line, counted from 1.
    pub lines: (usize, usize),
}

/// One format's way to find portions in a file. Every method holds for any bytes at all: it never panics, and its memory and
/// recursion are bounded by [`MAX_DEPTH`] and the file's size.
pub trait Lens: Send + Sync {
    /// Takes the portion out.
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError>;

    /// What [`Lens::get`] would take out of a file that is read once, from its beginning to its end, a piece at a time. `None` where
    /// that takes the whole file to say: in most formats, and for everything but a portion that is there.
    fn get_from(&self, file: &mut Pieces<'_>, expression: &str) -> Option<Fragment> {
        let _ = (file, expression);
        None
    }

    /// Plans the replacement of the portion that stands there by `fragment`, which has the format that [`Lens::get`] tells
    /// (where the formats differ but the place can hold both, as a TOML table or value, a lens may accept it). Line ends,
    /// indentation and the trailing newline follow the file.
    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError>;

    /// The portion that stands there and, for a fragment that differs from it, the plan of [`Lens::put`]. A lens for large files
    /// does both in one reading.
    fn replace(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<(Fragment, Vec<Edit>), LensError> {
        let standing = self.get(file, expression)?;
        let edits = if standing == *fragment { Vec::new() } else { self.put(file, expression, fragment)? };
        Ok((standing, edits))
    }

    /// Whether these edits, which [`Lens::replace`] planned, are known to put `fragment` there without reading the whole
    /// result again: for formats in which one part of a sound file can be replaced by another sound one, and then only in
    /// large files. What [`put`] does not know to be proved, it reads again.
    fn is_proved(&self, file: &[u8], edits: &[Edit], fragment: &Fragment) -> bool {
        let _ = (file, edits, fragment);
        false
    }

    /// Plans the insertion of a missing portion, at the place and in the style of its neighbours. Parents that are missing
    /// are made. An empty file is a file to insert into. At the index of an item that exists, the new one goes before it (only
    /// [`Format::update`] asks for that: [`insert`] refuses where something stands).
    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError>;

    /// The same for a file of this name, where the name tells how what is new is written: the comments of a marked region.
    fn insert_in(
        &self,
        path: &str,
        file: &[u8],
        expression: &str,
        fragment: &Fragment,
    ) -> Result<Vec<Edit>, LensError> {
        let _ = path;
        self.insert(file, expression, fragment)
    }

    /// Where a portion inserted at `expression` will be found: another place only where the expression means "behind the
    /// last", as `/list/-` does.
    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        let _ = file;
        Ok(expression.to_owned())
    }

    /// The tidied `fragment` ([`Format::tidy`]) as [`Lens::get`] would tell it at this place: a region of lines always ends with a
    /// line end, a value within a line never does. Nothing else may change.
    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        let _ = (file, expression);
        fragment
    }

    /// Whether the portion is text within a line, so that what ends the line of a text that is typed is no part of it.
    fn is_within_lines(&self, expression: &str) -> bool {
        let _ = expression;
        false
    }

    /// Whether something new may be inserted at an expression that means nothing yet, as far as the file tells.
    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let _ = (file, expression);
        true
    }

    /// Plans the removal of the portion, with what belongs to it alone: its key, its comma, its line.
    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError>;

    /// Whether `after` is `before` without the portion: nothing stands there now, or in a sequence what was next. A lens
    /// whose expressions are positions says it its own way.
    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        apply::is_removed(self, before, after, expression)
    }

    /// Whether the expression means a position, which something else takes once what stands there is removed: an item of a list by
    /// its number, lines, cells.
    fn is_position(&self, file: &[u8], expression: &str) -> bool {
        apply::is_item(self, file, expression)
    }

    /// How to mean one of several that an expression matches: what the lens's grammar offers.
    fn apart(&self, expression: &str) -> &'static str {
        let _ = expression;
        LONGER
    }

    /// What stands before a colon in the lens's own expressions, as in `table:Q3`: no names of schemes.
    fn words(&self) -> &'static [&'static str] {
        &[]
    }

    /// Every portion that can be addressed, in the file's order.
    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError>;

    /// Whether what [`Lens::list`] tells are whole lines, which [`get`] gives as they stand, without their indentation at most.
    fn lists_lines(&self) -> bool {
        false
    }

    /// What [`Lens::list`] leaves out although it stands in the file, because no expression means it: as the errors that [`Lens::get`]
    /// would give, [`LensError::Ambiguous`] or [`LensError::Unparsable`].
    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let _ = file;
        Ok(Vec::new())
    }

    /// The format that a portion at `expression` would have if it were inserted with this value: what [`Format::render`] is
    /// called on before [`Lens::insert`].
    fn format_for(&self, expression: &str, value: &Value) -> Format;
}

/// What a format's fragments mean. See [`Format`]'s methods of the same names for the contract.
pub(crate) trait Syntax: Send + Sync {
    fn value(&self, text: &[u8]) -> Result<Value, LensError>;
    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError>;
    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError>;
    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(lf(text))
    }
    /// Whether a tidy text that has a value is one portion, as far as the text itself tells.
    fn stands_alone(&self, text: &[u8]) -> bool {
        let _ = text;
        true
    }
    /// Whether it is text that a person wrote, whose lines and not whose value are merged.
    fn is_text(&self) -> bool {
        false
    }
    /// The columns of a table in which every row has all of them; `None` for what is no such table.
    fn columns(&self, text: &[u8]) -> Result<Option<Vec<String>>, LensError> {
        let _ = text;
        Ok(None)
    }
    /// The same table with some of its columns.
    fn with_columns(&self, text: &[u8], keep: &dyn Fn(&str) -> bool) -> Result<Vec<u8>, LensError> {
        let _ = keep;
        Ok(text.to_vec())
    }
    /// The edits that take away the comment lines directly above what stands at a pointer: they may tell about it.
    fn without_comments(&self, text: &[u8], at: &str) -> Result<Vec<Edit>, LensError> {
        let _ = (text, at);
        Ok(Vec::new())
    }
    /// Which kinds of scalars it knows.
    fn kinds(&self) -> Kinds {
        Kinds::Own
    }
}

/// The kinds of scalars that a format knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Text alone, or kinds of its own.
    Own,
    /// JSON's: null, booleans, numbers and text.
    Json,
    /// TOML's: booleans, numbers, text, date-times.
    Toml,
}

impl Format {
    /// How closely values of the two formats are compared.
    pub fn likeness(self, other: Format) -> Likeness {
        match (self.syntax().kinds(), other.syntax().kinds()) {
            _ if self == other => Likeness::Exact,
            (Kinds::Own, _) | (_, Kinds::Own) => Likeness::Text,
            (a, b) if a == b => Likeness::Exact,
            _ => Likeness::Times,
        }
    }

    /// What the text means.
    pub fn value(self, text: &[u8]) -> Result<Value, LensError> {
        self.syntax().value(text)
    }

    /// Edits `text` so that it means `value`: key by key through the format's own replace, insert and remove. What is
    /// equal is not touched, comments and order stay. A scalar that arrives as text where a number or boolean stood
    /// is read as one if it reads back the same, and the other way about. If the text already means `value` it comes back as it is.
    pub fn update(self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        self.syntax().update(text, value)
    }

    /// The columns of a table in which every row has all of them; none for what is no such table.
    pub(crate) fn columns(self, text: &[u8]) -> Result<Vec<String>, LensError> {
        Ok(self.syntax().columns(text)?.unwrap_or_default())
    }

    /// Whether a text of this format is a table in which every row has all columns, written in one normal form.
    pub(crate) fn is_table(self) -> bool {
        self.syntax().columns(b"").is_ok_and(|columns| columns.is_some())
    }

    /// The table with some of its columns; `None` for what is no such table.
    pub(crate) fn with_columns(self, text: &[u8], keep: &dyn Fn(&str) -> bool) -> Result<Option<Vec<u8>>, LensError> {
        match self.is_table() {
            true => self.syntax().with_columns(text, keep).map(Some),
            false => Ok(None),
        }
    }

    /// The text without the comment lines directly above what stands at `at`, for a copy that is not to hold that: they may tell
    /// about it.
    pub(crate) fn without_comments(self, text: &[u8], at: &str) -> Result<Vec<u8>, LensError> {
        apply::splice(text, &self.syntax().without_comments(text, at)?)
    }

    /// Writes `value` anew, in the format's usual style.
    pub fn render(self, value: &Value) -> Result<Vec<u8>, LensError> {
        let text = self.syntax().render(value)?;
        // What cannot be read again, being nested too deeply, is not written either.
        self.syntax().value(&text)?;
        Ok(text)
    }

    /// The text as a fragment holds it, of text that a person or a program wrote: without a BOM, line ends as LF, and what else
    /// the format leaves to the portion's place. Text that came out of [`get`] comes back as it is.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] where the format checks the text by the way.
    pub fn tidy(self, text: &[u8]) -> Result<Cow<'_, [u8]>, LensError> {
        match self {
            Format::Bytes => Ok(Cow::Borrowed(text)),
            _ => self.syntax().tidy(text),
        }
    }

    /// Whether a tidy text that has a value is one portion, as far as the text itself tells.
    pub(crate) fn stands_alone(self, text: &[u8]) -> bool {
        self.syntax().stands_alone(text)
    }

    /// Whether it is text that a person wrote, whose lines and not whose value are merged.
    pub(crate) fn is_text(self) -> bool {
        self.syntax().is_text()
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// The byte order mark that some editors put at the start of a UTF-8 file. It belongs to the file, never to a portion.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The text without a BOM and with LF for every CR LF (and for CR CR LF, so that doing it again changes nothing).
pub(crate) fn lf(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    if memchr::memmem::find(text, b"\r\n").is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(body) => {
                let kept = body.len() - body.iter().rev().take_while(|b| **b == b'\r').count();
                out.extend_from_slice(&body[..kept]);
                out.push(b'\n');
            }
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}

/// The line end that a file uses: that of its first line, LF where it has none.
pub(crate) fn line_end(file: &[u8]) -> &'static str {
    match memchr::memchr(b'\n', file) {
        Some(at) if at > 0 && file[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

impl Position {
    /// The position of the byte at `offset` (or of the file's end, if it has fewer). A BOM takes no column.
    pub fn at(file: &[u8], offset: usize) -> Position {
        let before = &file[..offset.min(file.len())];
        let before = before.strip_prefix(BOM).unwrap_or(before);
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let characters = |chunk: std::str::Utf8Chunk<'_>| chunk.valid().chars().count() + chunk.invalid().len();
        Position {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before[start..].utf8_chunks().map(characters).sum::<usize>() + 1,
        }
    }
}

impl LensError {
    /// Unparsable at a byte offset of `file`.
    pub(crate) fn unparsable(file: &[u8], offset: usize, found: impl Into<String>) -> LensError {
        LensError::Unparsable { at: Position::at(file, offset), found: found.into() }
    }

    /// Missing, with the nearest of the selectors that do match.
    pub fn missing<T: AsRef<str>>(selector: &str, others: impl IntoIterator<Item = T>) -> LensError {
        LensError::Missing { selector: selector.to_owned(), nearest: crate::nearest::nearest(selector, others) }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Takes the portion out of `file`.
///
/// # Errors
/// Those of [`LensError`]; a portion over [`MAX_PORTION`] is [`LensError::TooLarge`].
pub fn get(scheme: Scheme, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
    encoding::check(scheme, file)?;
    let fragment = scheme.lens().get(file, expression)?;
    apply::check_size(fragment.text.len())?;
    Ok(fragment)
}

/// From this size of a file on, in bytes, it is better read by [`get_from`] first.
pub const LARGE: u64 = 8 << 20;

/// What [`get`] would take out of a file of [`LARGE`] bytes or more, which is read once, from its beginning to its end, and never held whole.
/// `None` where only [`get`] can say: it is not there, or not in plain order, or the format's lens wants the whole file.
///
/// # Errors
/// Those of reading.
pub fn get_from(scheme: Scheme, file: &mut dyn io::Read, expression: &str) -> io::Result<Option<Fragment>> {
    let mut pieces = Pieces::of(file);
    pieces.more();
    let found = match encoding::check(scheme, pieces.held()) {
        Ok(()) => scheme.lens().get_from(&mut pieces, expression),
        Err(_) => None,
    };
    pieces.failed()?;
    Ok(found.filter(|fragment| apply::check_size(fragment.text.len()).is_ok()))
}

/// Every portion of `file` that can be addressed.
pub fn list(scheme: Scheme, file: &[u8]) -> Result<Vec<Item>, LensError> {
    encoding::check(scheme, file)?;
    scheme.lens().list(file)
}

/// What [`list`] leaves out although it stands in `file`, and why: see [`Lens::omitted`].
pub fn omitted(scheme: Scheme, file: &[u8]) -> Result<Vec<LensError>, LensError> {
    encoding::check(scheme, file)?;
    scheme.lens().omitted(file)
}
