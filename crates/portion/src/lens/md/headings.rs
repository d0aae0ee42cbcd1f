//! The headings of a Markdown text, and the sections that they begin.

use std::collections::{BTreeMap, HashMap};

use pulldown_cmark::{BrokenLink, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::front::{self, Front};
use crate::lens::{BOM, Item, LensError, Span, body};
use crate::pointer;

/// A heading that stands in no list, quote or other container.
pub(super) struct Heading {
    /// 1 to 6.
    pub(super) level: usize,
    /// Its text without markup, with single blanks.
    pub(super) name: String,
    /// Its whole lines, with their line ends.
    pub(super) span: Span,
    /// Underlined by `===` or `---`.
    pub(super) underlined: bool,
    /// The index of the heading whose section it stands in.
    pub(super) parent: Option<usize>,
}

/// A file, read.
pub(super) struct Outline<'a> {
    pub(super) file: &'a [u8],
    pub(super) text: &'a str,
    pub(super) front: Option<Front>,
    /// Where the text begins: behind the BOM and the front matter.
    pub(super) start: usize,
    pub(super) headings: Vec<Heading>,
}

/// The headings of `text` from `start` on; spans are those of `text`.
pub(super) fn of(text: &str, start: usize) -> Vec<Heading> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut headings: Vec<Heading> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
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
                while open.last().is_some_and(|at| headings[*at].level >= level) {
                    open.pop();
                }
                let parent = open.last().copied();
                open.push(headings.len());
                let underlined = body::lines(&text.as_bytes()[span.clone()]).count() > 1;
                headings.push(Heading { level, name: String::new(), span, underlined, parent });
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
        Ok(Outline { file, text, front, start, headings: of(text, start) })
    }

    /// The path of a heading, the outermost name first.
    pub(super) fn path(&self, at: usize) -> Vec<&str> {
        let mut path: Vec<&str> = std::iter::successors(Some(at), |at| self.headings[*at].parent)
            .map(|at| self.headings[at].name.as_str())
            .collect();
        path.reverse();
        path
    }

    /// All paths, in the file's order.
    pub(super) fn paths(&self) -> impl Iterator<Item = Vec<&str>> {
        (0..self.headings.len()).map(|at| self.path(at))
    }

    /// The sections with this path.
    pub(super) fn at(&self, tokens: &[String]) -> impl Iterator<Item = usize> {
        let is_here = move |at: &usize| {
            let mut heading = Some(*at);
            tokens.iter().rev().all(|token| {
                let here = heading.map(|at| &self.headings[at]);
                heading = here.and_then(|heading| heading.parent);
                here.is_some_and(|heading| heading.name == *token)
            }) && heading.is_none()
        };
        (0..self.headings.len()).filter(is_here)
    }

    /// The lines of a section, without blank lines at its end.
    pub(super) fn section(&self, at: usize) -> Span {
        let heading = &self.headings[at];
        let next = self.headings[at + 1..].iter().find(|other| other.level <= heading.level);
        let end = next.map_or(self.file.len(), |next| next.span.start);
        let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
        let lines = body::lines_back(&self.file[heading.span.end..end]);
        let blank: usize = lines.take_while(is_blank_line).map(<[u8]>::len).sum();
        heading.span.start..end - blank
    }

    /// Where the text ends, without blank lines.
    pub(super) fn end(&self) -> usize {
        let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
        let blank: usize = body::lines_back(&self.file[self.start..]).take_while(is_blank_line).map(<[u8]>::len).sum();
        self.file.len() - blank
    }

    /// The level of a new section: that of its last sibling, else one below its parent.
    pub(super) fn child_level(&self, parent: Option<usize>) -> usize {
        let sibling = self.headings.iter().rfind(|heading| heading.parent == parent);
        let below = parent.map_or(1, |parent| self.headings[parent].level + 1);
        sibling.map_or(below, |sibling| sibling.level)
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.file[..offset]).count() + 1
    }

    /// The paths that several sections have.
    pub(super) fn ambiguous(&self) -> Vec<LensError> {
        let mut uses: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, path) in self.paths().enumerate() {
            uses.entry(pointer::format(path)).or_default().push(self.headings[at].span.start);
        }
        let several = uses.into_iter().filter(|(_, starts)| starts.len() > 1);
        several
            .map(|(selector, starts)| {
                let lines = body::line_numbers(self.file, starts);
                LensError::Ambiguous { selector, lines }
            })
            .collect()
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
        // A path is long where headings are deep; there are six levels.
        let paths: Vec<String> = self.paths().map(pointer::format).collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        paths.iter().for_each(|path| *uses.entry(path).or_default() += 1);
        let (mut counted, mut line) = (0, 1);
        for (at, path) in paths.iter().enumerate().filter(|(_, path)| uses.get(path.as_str()) == Some(&1)) {
            let span = self.section(at);
            let newlines = |span: Span| memchr::memchr_iter(b'\n', &self.file[span]).count();
            line += newlines(counted..span.start);
            counted = span.start;
            let last = line + newlines(span.start..span.end.max(span.start + 1) - 1);
            items.push(Item { selector: path.clone(), kind: "section", lines: (line, last) });
        }
        items
    }
}
