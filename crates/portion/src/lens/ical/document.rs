//! Components of content lines: where they begin and end, and by which key each is known.

use super::line::{Line, lines};
use super::property::{self, Property};
use super::{Dialect, Kind};
use crate::lens::{LensError, MAX_DEPTH, Position, Span, body};

/// `BEGIN:NAME` to `END:NAME`.
pub(super) struct Component {
    /// In upper case.
    pub(super) name: String,
    /// The index of its first line among the content lines.
    pub(super) first: usize,
    /// That of its last one.
    pub(super) last: usize,
    /// The index of the component that it stands in.
    pub(super) parent: Option<usize>,
}

/// A file, read.
pub(super) struct Document<'a> {
    pub(super) kind: Kind,
    pub(super) file: &'a [u8],
    pub(super) lines: Vec<Line<'a>>,
    /// In the order in which they begin.
    pub(super) components: Vec<Component>,
}

/// By what a component is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// `uid`, `tzid` or `fn`.
    pub(super) by: &'static str,
    pub(super) text: String,
    /// The value of its RECURRENCE-ID.
    pub(super) recurrence: Option<String>,
}

/// The name behind `BEGIN:` or `END:`.
pub(super) fn keyword(content: &[u8], word: &str) -> Option<String> {
    let (start, name) = content.split_at_checked(word.len())?;
    let name = name.strip_prefix(b":")?.trim_ascii();
    start.eq_ignore_ascii_case(word.as_bytes()).then(|| String::from_utf8_lossy(name).to_ascii_uppercase())
}

impl<'a> Document<'a> {
    pub(super) fn read(kind: Kind, file: &'a [u8]) -> Result<Document<'a>, LensError> {
        let lines = lines(file)?;
        let mut components: Vec<Component> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for (nth, line) in lines.iter().enumerate() {
            let at = line.span.start;
            if let Some(name) = keyword(&line.content, "BEGIN") {
                if open.len() == MAX_DEPTH {
                    let at = Position::at(file, at);
                    return Err(LensError::TooLarge(format!("{at}: nested deeper than {MAX_DEPTH} levels")));
                }
                open.push(components.len());
                let parent = open.len().checked_sub(2).map(|above| open[above]);
                components.push(Component { name, first: nth, last: nth, parent });
            } else if let Some(name) = keyword(&line.content, "END") {
                let Some(component) = open.pop().map(|at| &mut components[at]) else {
                    return Err(LensError::unparsable(file, at, format!("`END:{name}` without its `BEGIN:{name}`")));
                };
                if component.name != name {
                    let found = format!("expected `END:{}`, found `END:{name}`", component.name);
                    return Err(LensError::unparsable(file, at, found));
                }
                component.last = nth;
            } else if open.is_empty() {
                let expected = format!("expected `BEGIN:{}`", kind.outermost());
                return Err(LensError::unparsable(file, at, expected));
            }
        }
        if let Some(component) = open.last().map(|at| &components[*at]) {
            let at = lines[component.first].span.start;
            let found = format!("`BEGIN:{0}` without its `END:{0}`", component.name);
            return Err(LensError::unparsable(file, at, found));
        }
        Ok(Document { kind, file, lines, components })
    }

    /// The whole lines of a component.
    pub(super) fn span(&self, at: usize) -> Span {
        let component = &self.components[at];
        self.lines[component.first].span.start..self.lines[component.last].span.end
    }

    /// The bytes of a content line, with the blank lines behind it up to the component's next line.
    pub(super) fn raw(&self, nth: usize, component: &Component) -> Span {
        let span = &self.lines[nth].span;
        span.start..if nth < component.last { self.lines[nth + 1].span.start } else { span.end }
    }

    /// The indices of a component's own lines, without those of the components in it.
    pub(super) fn own(&self, at: usize) -> impl Iterator<Item = usize> {
        let Component { first, last, .. } = self.components[at];
        let mut depth = 0_usize;
        (first + 1..last).filter(move |nth| {
            let content = &self.lines[*nth].content;
            if keyword(content, "BEGIN").is_some() {
                depth += 1;
                return false;
            }
            if keyword(content, "END").is_some() {
                depth = depth.saturating_sub(1);
                return false;
            }
            depth == 0
        })
    }

    /// A line as a property.
    pub(super) fn property(&self, nth: usize) -> Result<Property<'_>, LensError> {
        let line = &self.lines[nth];
        let text = std::str::from_utf8(&line.content)
            .map_err(|_| LensError::unparsable(self.file, line.span.start, "expected UTF-8 text"))?;
        property::parsed(text).map_err(|(at, found)| {
            // On its first line the place is the same folded and unfolded.
            let end = body::content(&self.file[line.span.clone()]).len();
            LensError::unparsable(self.file, line.span.start + at.min(end), found)
        })
    }

    /// The properties of this name, each with the index of its line; what is no property has no name.
    pub(super) fn named<'d>(&'d self, at: usize, name: &'d str) -> impl Iterator<Item = (usize, Property<'d>)> {
        let starts = move |nth: &usize| {
            let head = self.lines[*nth].content.get(..name.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.own(at).filter(starts).filter_map(move |nth| {
            let property = self.property(nth).ok()?;
            property.name.eq_ignore_ascii_case(name).then_some((nth, property))
        })
    }

    /// How text is written in a component.
    pub(super) fn dialect(&self, at: usize) -> Dialect {
        if self.kind == Kind::Calendar {
            return Dialect::Escaped;
        }
        let outermost = std::iter::successors(Some(at), |at| self.components[*at].parent).last().unwrap_or(at);
        let version = self.named(outermost, "VERSION").next();
        self.kind.dialect(version.map(|(_, property)| property.value))
    }

    /// By what a component is known, the first one best; nothing where it is none that is addressed.
    pub(super) fn keys(&self, at: usize) -> Vec<Key> {
        if !self.kind.is_addressed(&self.components[at].name) {
            return Vec::new();
        }
        let dialect = self.dialect(at);
        let first = |name: &str| -> Option<String> {
            let (_, property) = self.named(at, name).next()?;
            Some(property.text(dialect).ok()?.into_owned())
        };
        let recurrence = if self.kind == Kind::Calendar { first("RECURRENCE-ID") } else { None };
        let keys = self.kind.keys().iter();
        keys.filter_map(|(by, name)| Some(Key { by, text: first(name)?, recurrence: recurrence.clone() })).collect()
    }

    /// By what a component is listed.
    pub(super) fn key(&self, at: usize) -> Option<Key> {
        self.keys(at).into_iter().next()
    }

    /// The components that may be addressed: in a calendar, or a card that stands in nothing.
    pub(super) fn addressed(&self) -> impl Iterator<Item = usize> {
        let is_here = |at: &usize| match (self.kind, self.components[*at].parent) {
            (Kind::Calendar, Some(parent)) => {
                let parent = &self.components[parent];
                parent.parent.is_none() && parent.name == self.kind.outermost()
            }
            (Kind::Calendar, None) => false,
            (Kind::Cards, parent) => parent.is_none(),
        };
        (0..self.components.len()).filter(is_here)
    }
}
