//! Markdown, by heading path, and its front matter.
//!
//! # Addresses
//! `/Guide/Install` is the section `Install` within the section `Guide`: its heading and everything up to the next heading of the same or a
//! higher level. Names are the text of headings without markup (`[a]` is a link, `a`), with single blanks; a JSON Pointer, so that `/` in a name is written `~1`.
//! Headings in lists, quotes, code and HTML are no sections. Two equal paths are ambiguous. `front` is the front matter: YAML between `---`
//! lines or TOML between `+++` lines, at the start of the file; its fragment has that format.
//!
//! `/Guide/Install|table` is the table in that section's own text ([`table`]); of several, `|table:2`.
//!
//! # Fragments
//! A section with its heading, which is part of it, at level 1 and the headings in it shifted alike, without blank lines at the end, with LF. An underlined
//! heading is written with `#`, so that the fragment can stand at any level; one of several lines stays underlined. What is put is shifted back.
//! A heading that is already there keeps its bytes; a new one of level 1 or 2 is underlined if the file's others of its level are. A heading that
//! would be deeper than level 6 is refused, and so is a fragment that is not one section.
//!
//! # The embedding
//! The value is a string: the text without its last line end.

mod front;
mod headings;
mod shift;
mod table;

use std::borrow::Cow;

use self::headings::Outline;
use super::apply::splice;
use super::{Edit, Format, Fragment, Item, Lens, LensError, Span, Syntax, body, lines, outline};
use crate::selector::Scheme;
use crate::value::Value;

pub(crate) struct Markdown;

/// The expression of the front matter.
const FRONT: &str = "front";

/// What an expression looks like.
const SHAPE: &str = "write `/Heading/Sub-heading`, or `front` for the front matter";

/// The section's index in the outline.
fn located(outline: &Outline<'_>, expression: &str) -> Result<usize, LensError> {
    let front = outline.front.iter().map(|_| FRONT.to_owned());
    outline.located(&outline::tokens(Scheme::Md, expression, SHAPE)?, expression, front)
}

impl Lens for Markdown {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let outline = Outline::read(file)?;
        if expression == FRONT {
            return front::get(&outline);
        }
        if let Some(done) = table::get(&outline, expression) {
            return done;
        }
        let at = located(&outline, expression)?;
        let text =
            shift::to_root(outline.text, &outline.headings, &outline.section(at), outline.headings[at].level - 1);
        Ok(Fragment { format: Format::Markdown, text: text.into_bytes() })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let outline = Outline::read(file)?;
        if expression == FRONT {
            return front::put(&outline, fragment);
        }
        if let Some(done) = table::put(&outline, expression, fragment) {
            return done;
        }
        let at = located(&outline, expression)?;
        let text = section_named(fragment, &outline.headings[at].name)?;
        let span = outline.section(at);
        let new = shift::from_root(&text, outline.headings[at].level - 1, &outline)?;
        let plan = |new: &str| guarded(&outline, &span, body::replaced(file, &span, b"", new.as_bytes()));
        plan(&new).or_else(|refused| {
            // What follows without a blank line may need one now.
            let follows =
                body::lines(&file[span.end..]).next().is_some_and(|line| !body::is_blank(body::content(line)));
            if follows { plan(&format!("{new}\n")) } else { Err(refused) }
        })
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let outline = Outline::read(file)?;
        if expression == FRONT {
            return front::insert(&outline, fragment);
        }
        if let Some(done) = table::insert(&outline, expression, fragment) {
            return done;
        }
        let tokens = outline::tokens(Scheme::Md, expression, SHAPE)?;
        let text = section_named(fragment, tokens.last().map_or("", String::as_str))?;
        insert(&outline, &tokens, &text)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let outline = Outline::read(file)?;
        if expression == FRONT {
            return front::remove(&outline);
        }
        if let Some(done) = table::remove(&outline, expression) {
            return done;
        }
        let at = located(&outline, expression)?;
        let span = outline.section(at);
        guarded(&outline, &span, body::removed(file, &outline.removed(&span)))
    }

    fn is_position(&self, _: &[u8], expression: &str) -> bool {
        expression.contains("|table:")
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let outline = Outline::read(file)?;
        let mut items = outline.items();
        items.extend(table::items(&outline));
        items.sort_by_key(|item| item.lines.0);
        Ok(items)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let outline = Outline::read(file)?;
        let front = outline.front.as_ref().and_then(|_| front::get(&outline).err());
        Ok(front.into_iter().chain(outline.ambiguous()).collect())
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        let is_table =
            expression.rsplit_once('|').is_some_and(|(_, which)| which == "table" || which.starts_with("table:"));
        match expression {
            FRONT => Format::Yaml,
            _ if is_table => Format::Csv,
            _ => Format::Markdown,
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "begin the path further up, or make the headings differ"
    }
}

/// What a fragment has to be, whatever the level of its section in the file.
const RULE: &str = "a section's fragment begins with its heading at level 1, `# Name`, whatever its level in the file, as \
    `inlay get` prints it";

/// The fragment's text, if it is one section of this name.
fn section_named<'a>(fragment: &'a Fragment, name: &str) -> Result<Cow<'a, str>, LensError> {
    match one_section(fragment)? {
        (text, own) if own == name => Ok(text),
        (_, own) => Err(LensError::Refused(format!(
            "the fragment's heading is `{own}` and the section's name is `{name}`: with another heading it is another portion"
        ))),
    }
}

/// The fragment's text and the name of its section, if it is one.
fn one_section(fragment: &Fragment) -> Result<(Cow<'_, str>, String), LensError> {
    if fragment.format != Format::Markdown {
        return Err(LensError::Refused(format!("a section is markdown, not {}", fragment.format)));
    }
    let text = shift::tidied(&fragment.text)?;
    let headings = headings::of(&text, 0);
    let refused = |found: String| Err(LensError::Refused(format!("{found}: {RULE}")));
    match &headings[..] {
        [] => refused("the fragment has no heading".to_owned()),
        [first, ..] if first.span.start > 0 => refused("the fragment has text before its heading".to_owned()),
        [first, ..] if first.level > 1 => {
            refused(format!("the fragment's heading `{}` has level {}", first.name, first.level))
        }
        [first, others @ ..] => match others.iter().find(|heading| heading.level == 1) {
            Some(second) => refused(format!("the fragment has a second heading of level 1, `{}`", second.name)),
            None => Ok((text, first.name.clone())),
        },
    }
}

/// The plan, if the headings above and below the section at `span` stay what they are.
fn guarded(outline: &Outline<'_>, span: &Span, edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
    let written = splice(outline.file, &edits)?;
    let after = Outline::read(&written)
        .map_err(|error| LensError::Refused(format!("after the edit, the file could not be read any more: {error}")))?;
    if outline.keeps(span, &after) {
        return Ok(edits);
    }
    Err(LensError::Refused(
        "another heading would change, or be none any more, as behind a code block that is left open".to_owned(),
    ))
}

/// Plans a new section at the end of its parent, which is made if it is missing.
fn insert(outline: &Outline<'_>, tokens: &[String], text: &str) -> Result<Vec<Edit>, LensError> {
    let (parent, made, at) = outline.place(tokens)?;
    let level = outline.child_level(parent);
    let mut new = String::new();
    for (depth, name) in tokens[made..tokens.len() - 1].iter().enumerate() {
        new.push_str(&shift::heading(level + depth, name)?);
        new.push('\n');
    }
    new.push_str(&shift::from_root(text, level + tokens.len() - 2 - made, outline)?);
    guarded(outline, &(at..at), outline.added(at, new))
}

impl Syntax for Markdown {
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
        let written = lines::written(Format::Markdown, value, true)?;
        if shift::tidied(&written)?.as_bytes() != written {
            return Err(LensError::CannotSay {
                format: Format::Markdown,
                path: String::new(),
                what: "blank lines at the ends, CR LF or an underlined heading".to_owned(),
            });
        }
        Ok(written)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        Ok(match shift::tidied(text)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    fn is_text(&self) -> bool {
        true
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        one_section(&Fragment { format: Format::Markdown, text: text.to_vec() }).is_ok()
    }
}
