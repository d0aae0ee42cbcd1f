//! The headings of a Markdown text, and its front matter.

use std::ops::Deref;

use pulldown_cmark::{BrokenLink, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::front::{self, Front};
use crate::lens::outline::{self, Heading};
use crate::lens::{BOM, Item, LensError, Span, body};

/// A file, read.
pub(super) struct Outline<'a> {
    pub(super) front: Option<Front>,
    sections: outline::Outline<'a>,
}

impl<'a> Deref for Outline<'a> {
    type Target = outline::Outline<'a>;
    fn deref(&self) -> &outline::Outline<'a> {
        &self.sections
    }
}

/// The headings of `text` from `start` on; spans are those of `text`.
pub(super) fn of(text: &str, start: usize) -> Vec<Heading> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut headings: Vec<Heading> = Vec::new();
    let mut depth = 0_usize;
    let mut name: Option<String> = None;
    // `[name]` reads as a link whether or not its definition stands somewhere else, so that no other section has a say in a name.
    let any_link = |_: BrokenLink<'_>| Some((CowStr::Borrowed(""), CowStr::Borrowed("")));
    let parser = Parser::new_with_broken_link_callback(&text[start..], options, Some(any_link));
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                let level = level as usize;
                let span = whole_lines(text, start + range.start..start + range.end);
                let underlined = body::lines(&text.as_bytes()[span.clone()]).count() > 1;
                headings.push(Heading {
                    level,
                    name: String::new(),
                    title: span.clone(),
                    span,
                    underlined,
                    parent: None,
                });
                name = Some(String::new());
                depth += 1;
            }
            Event::End(TagEnd::Heading(_)) if depth == 1 => {
                if let (Some(name), Some(heading)) = (name.take(), headings.last_mut()) {
                    heading.name = name.split_whitespace().collect::<Vec<_>>().join(" ");
                }
                depth = 0;
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => name.iter_mut().for_each(|name| name.push_str(&text)),
            Event::SoftBreak | Event::HardBreak => name.iter_mut().for_each(|name| name.push(' ')),
            _ => {}
        }
    }
    outline::nest(&mut headings);
    headings
}

/// Refuses what Markdown and the lines here would read differently: a CR that no LF follows, and a BOM inside.
pub(super) fn refuse_odd_signs(text: &[u8]) -> Result<(), LensError> {
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

/// The lines that hold `span`, without blank ones at its end.
fn whole_lines(text: &str, span: Span) -> Span {
    let bytes = text.as_bytes();
    let start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |at| at + 1);
    let end = span.start + text[span.clone()].trim_end().len();
    let end = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |at| end + at + 1);
    start.max(if start == 0 { body::bom(bytes) } else { 0 })..end
}

impl<'a> Outline<'a> {
    pub(super) fn read(file: &'a [u8]) -> Result<Outline<'a>, LensError> {
        let text = std::str::from_utf8(file)
            .map_err(|error| LensError::unparsable(file, error.valid_up_to(), "expected UTF-8 text"))?;
        refuse_odd_signs(file)?;
        let front = front::found(file);
        let start = front.as_ref().map_or(body::bom(file), |front| front.whole.end);
        let headings = of(text, start);
        Ok(Outline { front, sections: outline::Outline { file, text, start, limit: file.len(), headings } })
    }

    /// Everything that one expression means.
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(front) = &self.front
            && front::get(self).is_ok()
        {
            let lines = memchr::memchr_iter(b'\n', &self.file[..front.whole.end - 1]).count() + 1;
            items.push(Item { selector: super::FRONT.to_owned(), kind: "front matter", lines: (1, lines) });
        }
        items.extend(self.sections.items());
        items
    }
}
