//! Org, AsciiDoc, reStructuredText and LaTeX, by heading path.
//!
//! # Addresses
//! `/Guide/Install` is the section `Install` within the section `Guide`, as in Markdown ([`super::md`]): its heading and everything up to the
//! next heading of the same or a higher level. Names are the text of headings as it is written, with single blanks; in Org without
//! keyword, priority and tags. A JSON Pointer, so that `/` in a name is written `~1`.
//!
//! # Fragments
//! A section with its heading at level 1 and the headings in it shifted alike, in one normal form, without blank lines at the end, with LF. What
//! is put is shifted back. A heading that stands in the file with the same text and level keeps its bytes. What belongs to a heading and stands above it
//! (anchors and attributes in AsciiDoc, targets in reStructuredText) is part of its section.
//!
//! # The embedding
//! The value is a string: the text without its last line end.

mod adoc;
mod org;
mod rst;
mod tex;

use std::borrow::Cow;
use std::collections::HashMap;

use super::apply::splice;
use super::outline::{self, Heading, Outline};
use super::{BOM, Edit, Format, Fragment, Item, Lens, LensError, Span, Syntax, body, lf, lines};
use crate::selector::Scheme;
use crate::value::Value;

/// Org mode.
pub(crate) const ORG: Sections = Sections { markup: &org::Org };
/// AsciiDoc.
pub(crate) const ADOC: Sections = Sections { markup: &adoc::AsciiDoc };
/// reStructuredText.
pub(crate) const RST: Sections = Sections { markup: &rst::ReStructuredText };
/// LaTeX.
pub(crate) const TEX: Sections = Sections { markup: &tex::Latex };

pub(crate) struct Sections {
    markup: &'static dyn Markup,
}

/// The headings of a text.
struct Headings {
    headings: Vec<Heading>,
    /// Where the last section ends.
    limit: usize,
}

/// What tells these formats apart.
trait Markup: Send + Sync {
    fn scheme(&self) -> Scheme;

    fn format(&self) -> Format;

    /// The headings of `text` from `start` on; their parents are told elsewhere.
    fn headings(&self, text: &str, start: usize) -> Result<Headings, LensError>;

    /// The lines of a heading, as a fragment has it at a level; `None` where there is no such level.
    fn normal(&self, title: &str, heading: &Heading, level: usize) -> Option<String>;

    /// A heading in normal form, as a file writes those of this level.
    fn written(&self, normal: String, level: usize, outline: &Outline<'_>) -> Option<String> {
        let _ = (level, outline);
        Some(normal)
    }

    /// A heading of level 1 in normal form.
    fn titled(&self, name: &str) -> String;

    /// What a section leaves open, which one that takes its place must leave open, too.
    fn open(&self, text: &str) -> Vec<String> {
        let _ = text;
        Vec::new()
    }

    /// What a fragment begins with, for errors.
    fn rule(&self) -> &'static str;
}

/// Refuses what editors and the lines here would read differently: a CR that no LF follows, and a BOM inside.
fn refuse_odd_signs(text: &[u8]) -> Result<(), LensError> {
    let lone = memchr::memchr_iter(b'\r', text).find(|at| text.get(at + 1) != Some(&b'\n'));
    if let Some(at) = lone {
        return Err(LensError::unparsable(text, at, "a line that ends with CR alone"));
    }
    let start = body::bom(text);
    match memchr::memmem::find(&text[start..], BOM) {
        Some(at) => Err(LensError::unparsable(text, start + at, "a byte order mark in the middle of the text")),
        None => Ok(()),
    }
}

fn utf8(text: &[u8]) -> Result<&str, LensError> {
    std::str::from_utf8(text).map_err(|error| LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"))
}

/// Appends lines, with LF and with a line end after the last one.
fn push_lines(out: &mut String, text: &str) {
    for line in text.split_inclusive('\n') {
        out.push_str(line.strip_suffix('\n').unwrap_or(line).trim_end_matches('\r'));
        out.push('\n');
    }
}

/// With single blanks, and none at the ends.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line without its line end, and where the next one begins.
fn line_at(text: &str, at: usize) -> (&str, usize) {
    let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |len| at + len + 1);
    (text[at..end].trim_end_matches(['\n', '\r']), end)
}

impl Sections {
    fn outline<'a>(&self, file: &'a [u8]) -> Result<Outline<'a>, LensError> {
        let text = utf8(file)?;
        refuse_odd_signs(file)?;
        let start = body::bom(file);
        let Headings { mut headings, limit } = self.markup.headings(text, start)?;
        outline::nest(&mut headings);
        Ok(Outline { file, text, start, limit, headings })
    }

    fn tokens(&self, expression: &str) -> Result<Vec<String>, LensError> {
        outline::tokens(self.markup.scheme(), expression, "write `/Heading/Sub-heading`")
    }

    fn located(&self, outline: &Outline<'_>, expression: &str) -> Result<usize, LensError> {
        outline.located(&self.tokens(expression)?, expression, std::iter::empty())
    }

    /// The text at `span` as a fragment: its headings `by` levels higher.
    fn taken(&self, text: &str, headings: &[Heading], span: &Span, by: usize) -> String {
        let mut out = String::with_capacity(span.len() + 1);
        let mut at = span.start;
        for heading in headings.iter().filter(|it| span.start <= it.span.start && it.span.end <= span.end) {
            push_lines(&mut out, &text[at..heading.title.start]);
            let title = &text[heading.title.clone()];
            match self.markup.normal(title, heading, heading.level - by) {
                Some(normal) => out.push_str(&normal),
                None => push_lines(&mut out, title),
            }
            at = heading.title.end;
        }
        push_lines(&mut out, &text[at..span.end]);
        out
    }

    /// A tidied fragment as it stands in a file: its headings `by` levels deeper.
    fn placed(&self, text: &str, by: usize, outline: &Outline<'_>) -> Result<String, LensError> {
        let mut standing: HashMap<(usize, String), &str> = HashMap::new();
        for heading in &outline.headings {
            let title = &outline.text[heading.title.clone()];
            if let Some(normal) = self.markup.normal(title, heading, 1) {
                standing.entry((heading.level, normal)).or_insert(title);
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for heading in self.markup.headings(text, 0)?.headings {
            out.push_str(&text[at..heading.title.start]);
            at = heading.title.end;
            let title = &text[heading.title.clone()];
            let level = heading.level + by;
            let normal = self.markup.normal(title, &heading, 1).unwrap_or_default();
            match standing.get(&(level, normal)) {
                Some(title) => push_lines(&mut out, title),
                None => {
                    let normal = self.markup.normal(title, &heading, level);
                    let written = normal.and_then(|normal| self.markup.written(normal, level, outline));
                    out.push_str(&written.ok_or_else(|| too_deep(&heading.name, level))?);
                }
            }
        }
        out.push_str(&text[at..]);
        Ok(out)
    }

    /// A fragment's text as [`Sections::taken`] would tell it.
    fn tidied(&self, given: &[u8]) -> Result<String, LensError> {
        let clean = lf(given);
        let text = utf8(&clean)?;
        refuse_odd_signs(text.as_bytes())?;
        let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
        let before: usize = body::lines(text.as_bytes()).take_while(is_blank_line).map(<[u8]>::len).sum();
        let rest = &text[before..];
        let after: usize = body::lines_back(rest.as_bytes()).take_while(is_blank_line).map(<[u8]>::len).sum();
        let rest = &rest[..rest.len() - after];
        Ok(self.taken(rest, &self.markup.headings(rest, 0)?.headings, &(0..rest.len()), 0))
    }

    /// The fragment's text and the name of its section, if it is one.
    fn one_section(&self, fragment: &Fragment) -> Result<(String, String), LensError> {
        let format = self.markup.format();
        if fragment.format != format {
            return Err(LensError::Refused(format!("a section is {format}, not {}", fragment.format)));
        }
        let text = self.tidied(&fragment.text)?;
        let Headings { headings, limit } = self.markup.headings(&text, 0)?;
        let refused = |found: String| Err(LensError::Refused(format!("{found}: {}", self.markup.rule())));
        match &headings[..] {
            _ if limit < text.len() => refused("the fragment has the end of a document in it".to_owned()),
            [] => refused("the fragment has no heading".to_owned()),
            [first, ..] if first.span.start > 0 => refused("the fragment has text before its heading".to_owned()),
            [first, ..] if first.level > 1 => {
                refused(format!("the fragment's heading `{}` has level {}", first.name, first.level))
            }
            [first, others @ ..] => match others.iter().find(|heading| heading.level == 1) {
                Some(second) => refused(format!("the fragment has a second heading of level 1, `{}`", second.name)),
                None => {
                    let name = first.name.clone();
                    Ok((text, name))
                }
            },
        }
    }

    /// The fragment's text, if it is one section of this name.
    fn section_named(&self, fragment: &Fragment, name: &str) -> Result<String, LensError> {
        match self.one_section(fragment)? {
            (text, own) if own == name => Ok(text),
            (_, own) => Err(LensError::Refused(format!(
                "the fragment's heading is `{own}` and the section's name is `{name}`: with another heading it is another portion"
            ))),
        }
    }

    /// The plan, if the headings above and below the section at `span` stay what they are.
    fn guarded(&self, outline: &Outline<'_>, span: &Span, edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
        let written = splice(outline.file, &edits)?;
        let after = self.outline(&written).map_err(|error| {
            LensError::Refused(format!("after the edit, the file could not be read any more: {error}"))
        })?;
        if outline.keeps(span, &after) {
            return Ok(edits);
        }
        Err(LensError::Refused(
            "another heading would change, or be none any more, as behind a block that is left open".to_owned(),
        ))
    }

    /// Refuses to take away or to add what other sections close or open.
    fn check_open(&self, old: &str, new: &str) -> Result<(), LensError> {
        let (old, new) = (self.markup.open(old), self.markup.open(new));
        if old == new {
            return Ok(());
        }
        let named = old.iter().chain(&new).next().map_or("", String::as_str);
        Err(LensError::Refused(format!("what `{named}` opens or closes would have no other end")))
    }
}

fn too_deep(name: &str, level: usize) -> LensError {
    LensError::Refused(format!("the heading `{name}` would have level {level}, and there is none"))
}

impl Lens for Sections {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let outline = self.outline(file)?;
        let at = self.located(&outline, expression)?;
        let by = outline.headings[at].level - 1;
        let text = self.taken(outline.text, &outline.headings, &outline.section(at), by);
        Ok(Fragment { format: self.markup.format(), text: text.into_bytes() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let outline = self.outline(file)?;
        let at = self.located(&outline, expression)?;
        let text = self.section_named(fragment, &outline.headings[at].name)?;
        let span = outline.section(at);
        self.check_open(&outline.text[span.clone()], &text)?;
        let new = self.placed(&text, outline.headings[at].level - 1, &outline)?;
        let plan = |new: &str| self.guarded(&outline, &span, body::replaced(file, &span, b"", new.as_bytes()));
        plan(&new).or_else(|refused| {
            // What follows without a blank line may need one now.
            let follows =
                body::lines(&file[span.end..]).next().is_some_and(|line| !body::is_blank(body::content(line)));
            if follows { plan(&format!("{new}\n")) } else { Err(refused) }
        })
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let outline = self.outline(file)?;
        let tokens = self.tokens(expression)?;
        let text = self.section_named(fragment, tokens.last().map_or("", String::as_str))?;
        self.check_open("", &text)?;
        let (parent, made, at) = outline.place(&tokens)?;
        let level = outline.child_level(parent);
        let mut whole = String::new();
        // The parents that are missing, with the fragment in them, as one text of level 1.
        for (depth, name) in tokens[made..tokens.len() - 1].iter().enumerate() {
            let title = self.markup.titled(name);
            let read = self.markup.headings(&title, 0)?.headings;
            let lowered = match &read[..] {
                [only] if only.name == *name && only.title == (0..title.len()) => {
                    self.markup.normal(&title, only, 1 + depth).ok_or_else(|| too_deep(name, level + depth))?
                }
                _ => {
                    let what = format!("a heading of the name `{name}`, which holds markup");
                    return Err(LensError::CannotSay { format: self.markup.format(), path: String::new(), what });
                }
            };
            whole.push_str(&lowered);
            whole.push('\n');
        }
        whole.push_str(&self.lowered(&text, tokens.len() - 1 - made)?);
        let new = self.placed(&whole, level - 1, &outline)?;
        self.guarded(&outline, &(at..at), outline.added(at, new))
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let outline = self.outline(file)?;
        let span = outline.section(self.located(&outline, expression)?);
        self.check_open(&outline.text[span.clone()], "")?;
        self.guarded(&outline, &span, body::removed(file, &outline.removed(&span)))
    }

    fn is_position(&self, _: &[u8], _: &str) -> bool {
        false
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(self.outline(file)?.items())
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(self.outline(file)?.ambiguous())
    }

    fn format_for(&self, _: &str, _: &Value) -> Format {
        self.markup.format()
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "begin the path further up, or make the headings differ"
    }
}

impl Sections {
    /// A fragment with its headings `by` levels deeper, in normal form.
    fn lowered(&self, text: &str, by: usize) -> Result<String, LensError> {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for heading in self.markup.headings(text, 0)?.headings {
            out.push_str(&text[at..heading.title.start]);
            at = heading.title.end;
            let level = heading.level + by;
            let normal = self.markup.normal(&text[heading.title.clone()], &heading, level);
            out.push_str(&normal.ok_or_else(|| too_deep(&heading.name, level))?);
        }
        out.push_str(&text[at..]);
        Ok(out)
    }
}

impl Syntax for Sections {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::String(lines::string(text)?.to_owned()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if lines::string(text).is_ok_and(|old| value.as_text() == Some(old)) {
            return Ok(text.to_vec());
        }
        self.render(value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let format = self.markup.format();
        let written = lines::written(format, value, true)?;
        if self.tidied(&written)?.as_bytes() != written {
            let what = "blank lines at the ends, CR LF or a heading in another form".to_owned();
            return Err(LensError::CannotSay { format, path: String::new(), what });
        }
        Ok(written)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let tidied = self.tidied(text)?;
        Ok(if tidied.as_bytes() == text { Cow::Borrowed(text) } else { Cow::Owned(tidied.into_bytes()) })
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        self.one_section(&Fragment { format: self.markup.format(), text: text.to_vec() }).is_ok()
    }
}
