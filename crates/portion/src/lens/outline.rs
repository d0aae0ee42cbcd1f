//! The sections of a text by its headings, whatever its markup: where they begin and end, and their paths.

use std::collections::{BTreeMap, HashMap};

use super::{Item, LensError, MAX_PORTION, Span, body, mark};
use crate::pointer;
use crate::selector::Scheme;

/// A heading that begins a section.
pub(super) struct Heading {
    /// From 1 on.
    pub(super) level: usize,
    /// Its text, with single blanks.
    pub(super) name: String,
    /// Its whole lines, with their line ends, and with the lines above that belong to it.
    pub(super) span: Span,
    /// The lines of the heading itself.
    pub(super) title: Span,
    /// On two lines or more: underlined.
    pub(super) underlined: bool,
    /// The index of the heading whose section it stands in.
    pub(super) parent: Option<usize>,
}

/// A file's headings.
pub(super) struct Outline<'a> {
    pub(super) file: &'a [u8],
    pub(super) text: &'a str,
    /// Where the text begins: behind the BOM and what else is no section.
    pub(super) start: usize,
    /// Where the last section ends.
    pub(super) limit: usize,
    pub(super) headings: Vec<Heading>,
}

/// Gives each heading its parent, by the levels.
pub(super) fn nest(headings: &mut [Heading]) {
    let mut open: Vec<usize> = Vec::new();
    for at in 0..headings.len() {
        while open.last().is_some_and(|above| headings[*above].level >= headings[at].level) {
            open.pop();
        }
        headings[at].parent = open.last().copied();
        open.push(at);
    }
}

/// The names that an expression gives.
pub(super) fn tokens(scheme: Scheme, expression: &str, shape: &str) -> Result<Vec<String>, LensError> {
    let tokens = pointer::parse(scheme.name(), expression)?;
    if tokens.is_empty() {
        return Err(LensError::Selector {
            scheme: scheme.name(),
            selector: expression.to_owned(),
            why: shape.to_owned(),
        });
    }
    Ok(tokens)
}

fn is_blank_line(line: &&[u8]) -> bool {
    body::is_blank(body::content(line))
}

impl Outline<'_> {
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

    /// The one section with this path. `others` are what else the file's expressions may mean.
    pub(super) fn located(
        &self,
        tokens: &[String],
        expression: &str,
        others: impl Iterator<Item = String>,
    ) -> Result<usize, LensError> {
        let found: Vec<usize> = self.at(tokens).collect();
        match found[..] {
            [only] => {
                let size = self.section(only).len();
                if size > MAX_PORTION {
                    return Err(LensError::TooLarge(format!(
                        "the section holds {size} bytes, more than {MAX_PORTION}"
                    )));
                }
                Ok(only)
            }
            [] => Err(LensError::missing(expression, self.paths().map(pointer::format).chain(others))),
            _ => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(self.file, found.iter().map(|at| self.headings[*at].span.start)),
            }),
        }
    }

    /// The lines of a section, without blank lines at its end. Markers of regions stand there for what is around or follows, if theirs
    /// is not a pair within the section.
    pub(super) fn section(&self, at: usize) -> Span {
        let heading = &self.headings[at];
        let next = self.headings[at + 1..].iter().find(|other| other.level <= heading.level);
        let end = next.map_or(self.limit, |next| next.span.start).max(heading.span.end);
        let text = &self.file[heading.span.end..end];
        let blank = |text: &[u8]| -> usize { body::lines_back(text).take_while(is_blank_line).map(<[u8]>::len).sum() };
        heading.span.start..heading.span.end + mark::without_others(text, blank)
    }

    /// Where the text ends, without blank lines.
    pub(super) fn end(&self) -> usize {
        let lines = body::lines_back(&self.file[self.start..self.limit]);
        let blank: usize = lines.take_while(is_blank_line).map(<[u8]>::len).sum();
        self.limit - blank
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

    /// Every section that one expression means.
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
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

    /// The lines that go when a section does: with the blank lines that kept it from its neighbours.
    pub(super) fn removed(&self, span: &Span) -> Span {
        let file = self.file;
        let behind: usize = body::lines(&file[span.end..]).take_while(is_blank_line).map(<[u8]>::len).sum();
        let before: usize =
            body::lines_back(&file[self.start..span.start]).take_while(is_blank_line).map(<[u8]>::len).sum();
        if span.end + behind == file.len() {
            span.start - before..span.end
        } else if before > 0 || span.start == self.start {
            span.start..span.end + behind
        } else {
            span.clone()
        }
    }

    /// Whether another reading of the file has the same headings above and below the section at `span`.
    pub(super) fn keeps(&self, span: &Span, after: &Outline<'_>) -> bool {
        let same = |(old, new): (&Heading, &Heading)| (old.level, &old.name) == (new.level, &new.name);
        let above = self.headings.iter().take_while(|heading| heading.span.start < span.start);
        let below = self.headings.iter().rev().take_while(|heading| heading.span.start >= span.end);
        let (above_count, below_count) = (above.clone().count(), below.clone().count());
        above_count + below_count <= after.headings.len()
            && above.zip(&after.headings).all(same)
            && below.zip(after.headings.iter().rev()).all(same)
            && self.file[..self.start] == after.file[..after.start]
            && self.file[self.limit..] == after.file[after.limit..]
    }

    /// Where a new section goes: the parent that is there, how many names of `tokens` lead to it, and the place.
    pub(super) fn place(&self, tokens: &[String]) -> Result<(Option<usize>, usize, usize), LensError> {
        let mut made = tokens.len() - 1;
        loop {
            match self.at(&tokens[..made]).collect::<Vec<_>>()[..] {
                _ if made == 0 => return Ok((None, 0, self.end())),
                [only] => return Ok((Some(only), made, self.section(only).end)),
                [] => made -= 1,
                [..] => {
                    let parent = pointer::format(&tokens[..made]);
                    return Err(LensError::Refused(format!(
                        "several sections stand at `{parent}`, so it is not clear where to"
                    )));
                }
            }
        }
    }

    /// The edits that put `new`, lines with LF, at a place, with blank lines between it and its neighbours.
    pub(super) fn added(&self, at: usize, mut new: String) -> Vec<super::Edit> {
        let file = self.file;
        let above = &file[self.start..at];
        if body::lines_back(above).next().is_some_and(|line| !is_blank_line(&line)) {
            new.insert(0, '\n');
        }
        if body::lines(&file[at..]).next().is_some_and(|line| !is_blank_line(&line)) {
            new.push('\n');
        }
        body::replaced(file, &(at..at), b"", new.as_bytes())
    }
}
