//! A YAML document as a tree of nodes with their bytes.
//!
//! `granit-parser` says what is valid and where the contents stand. What its spans leave out (the header of a block scalar, the dash
//! of an item, the colon behind a key) is found in the text between them.

use granit_parser::{Event, Parser, ScalarStyle, Span as Marked, StructureStyle};

use crate::lens::rows::{is_blank, line_at, line_start};
use crate::lens::{BOM, LensError, Position, Span};

use super::place::walk;

/// The deepest nesting of flow collections, and of block collections.
const MAX_NESTING: usize = 128;

/// A node.
pub(super) struct Node {
    /// Its own anchor and tag, if any: from the first to the last.
    pub(super) props: Option<Span>,
    /// Its anchor's number, or 0, and where the anchor stands.
    pub(super) anchor: usize,
    pub(super) anchor_span: Option<Span>,
    /// Its tag, as it is written.
    pub(super) tag: Option<String>,
    /// The tag's name in the namespace of YAML's own types.
    pub(super) own_tag: Option<String>,
    /// From its first byte (without anchor and tag) to its last. A block scalar starts with its header; a block collection with
    /// its first key or dash. Nothing, for an empty node.
    pub(super) span: Span,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Its text, and how it is written.
    Scalar(String, ScalarStyle),
    Sequence {
        flow: bool,
        items: Vec<Entry>,
    },
    Map {
        flow: bool,
        entries: Vec<Entry>,
    },
    /// It stands for the node with this anchor, by its number and its name.
    Alias(usize, String),
}

/// An item of a sequence or an entry of a map.
pub(super) struct Entry {
    /// An entry's key.
    pub(super) key: Option<Node>,
    /// Whether the key has a `?` before it.
    pub(super) explicit: bool,
    /// Where it starts: its key (or the `?`), its dash; in a flow sequence its value.
    pub(super) start: usize,
    /// Behind its `:` or `-`, if it has one.
    pub(super) behind: Option<usize>,
    pub(super) value: Node,
}

impl Node {
    /// Whether it is a block collection.
    pub(super) fn is_block(&self) -> bool {
        matches!(self.kind, Kind::Sequence { flow: false, .. } | Kind::Map { flow: false, .. })
    }

    /// Whether it is a literal or folded block.
    pub(super) fn is_block_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded))
    }

    /// Its first byte, anchor and tag included.
    pub(super) fn start(&self) -> usize {
        self.props.as_ref().map_or(self.span.start, |props| props.start)
    }

    /// Its last byte, anchor and tag included.
    pub(super) fn end(&self) -> usize {
        self.span.end.max(self.props.as_ref().map_or(0, |props| props.end))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map { entries, .. } | Kind::Sequence { items: entries, .. } => entries,
            _ => &[],
        }
    }
}

impl Entry {
    /// The key's text, if it is a scalar.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.key.as_ref()?.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Its last byte.
    pub(super) fn end(&self) -> usize {
        let key = self.key.as_ref().map_or(0, Node::end);
        self.value.end().max(key).max(self.behind.unwrap_or(0)).max(self.start)
    }
}

/// A parsed file. All offsets are into `text`, which has no BOM.
pub(super) struct Doc<'a> {
    pub(super) file: &'a [u8],
    pub(super) text: &'a str,
    pub(super) root: Node,
    /// The document's bytes: behind `---`, before `...`.
    pub(super) body: Span,
}

impl<'a> Doc<'a> {
    /// Reads a file with one document.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] with its place, also for duplicate keys; [`LensError::TooLarge`] for nesting that is too deep;
    /// [`LensError::Refused`] for several documents.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, LensError> {
        let bytes = file.strip_prefix(BOM).unwrap_or(file);
        let bom = file.len() - bytes.len();
        let text = std::str::from_utf8(bytes)
            .map_err(|error| LensError::unparsable(file, bom + error.valid_up_to(), "a byte that is no UTF-8"))?;
        let lone = memchr::memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'));
        if let Some(at) = lone {
            return Err(LensError::unparsable(file, bom + at, "a carriage return without a line feed"));
        }
        let (root, body) = Builder::new(file, text, bom)?.document()?;
        Ok(Doc { file, text, root, body })
    }

    /// The file's line end.
    pub(super) fn line_end(&self) -> &'static str {
        crate::lens::line_end(self.file)
    }

    /// How far `offset` is from its line's start.
    pub(super) fn column(&self, offset: usize) -> usize {
        offset - line_start(self.text, offset)
    }

    /// The end of the line that holds `offset`, behind its line end.
    pub(super) fn line_end_after(&self, offset: usize) -> usize {
        offset + line_at(self.text, offset).len()
    }
}

/// Behind white space, line ends and comments.
pub(super) fn skip(text: &str, mut from: usize, limit: usize) -> usize {
    let bytes = text.as_bytes();
    while from < limit {
        match bytes[from] {
            b' ' | b'\t' | b'\r' | b'\n' => from += 1,
            b'#' => from += line_at(text, from).len(),
            _ => break,
        }
    }
    from.min(limit)
}

type Marked2<'a> = (Event<'a>, Span, Option<Span>);

/// Builds the tree from events. `cursor` is behind everything that was seen.
struct Builder<'a> {
    file: &'a [u8],
    text: &'a str,
    bom: usize,
    events: std::iter::Peekable<std::vec::IntoIter<Marked2<'a>>>,
    cursor: usize,
}

impl<'a> Builder<'a> {
    fn new(file: &'a [u8], text: &'a str, bom: usize) -> Result<Self, LensError> {
        let mut options = granit_parser::options! {
            emit_anchor_events: true,
            flow_nesting_limit: MAX_NESTING,
            block_nesting_limit: MAX_NESTING,
        };
        options.set_emit_comments(false);
        let bytes = |span: Marked| span.byte_range().unwrap_or_default();
        let mut events = Vec::new();
        for event in Parser::new_from_str_with_options(text, options) {
            match event {
                Ok((event, span)) => events.push((event, bytes(span), span.tag_span().map(bytes))),
                Err(error) if matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded) => {
                    return Err(LensError::TooLarge(format!("the YAML is nested deeper than {MAX_NESTING}")));
                }
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or_else(|| offset_of(text, error.marker().index()));
                    return Err(LensError::unparsable(file, bom + at.min(text.len()), error.info().to_string()));
                }
            }
        }
        Ok(Builder { file, text, bom, events: events.into_iter().peekable(), cursor: 0 })
    }

    fn unparsable(&self, at: usize, found: &str) -> LensError {
        LensError::unparsable(self.file, self.bom + at, found)
    }

    /// Refuses what the parser takes and YAML does not, because it would be read otherwise where it stands alone: tabs as indentation
    /// (YAML 1.2.2, 6.1), and a marker of a document behind `---`.
    fn check_start(&self, start: usize, root: &Node) -> Result<(), LensError> {
        let rest = line_at(self.text, start).trim();
        if start > 0 && ["---", "..."].into_iter().any(|marker| rest.split_whitespace().next() == Some(marker)) {
            return Err(self.unparsable(start, "a second marker on the line of `---`"));
        }
        let mut tab = None;
        walk(root, &mut |node| {
            for entry in node.entries().iter().filter(|_| node.is_block()) {
                let before = &self.text[line_start(self.text, entry.start)..entry.start];
                if before.contains('\t') && before.trim().is_empty() {
                    tab = tab.or(Some(entry.start));
                }
            }
        });
        match tab {
            Some(at) => Err(self.unparsable(at, "a tab as indentation, where YAML takes blanks alone")),
            None => Ok(()),
        }
    }

    fn document(mut self) -> Result<(Node, Span), LensError> {
        let mut found: Option<(Node, Span)> = None;
        while let Some((event, span, _)) = self.events.next() {
            if let Event::DocumentStart(explicit, _) = event {
                if found.is_some() {
                    let line = Position::at(self.file, self.bom + span.start).line;
                    return Err(LensError::Refused(format!(
                        "the file holds several YAML documents, a second one from line {line} on: which one is meant cannot be said. Files of their \
                         own can be addressed, and the lines between two markers (`mark:NAME`)"
                    )));
                }
                let start = if explicit { span.end } else { 0 };
                self.cursor = start;
                let root = self.node()?;
                self.check_start(start, &root)?;
                let end = match self.events.peek() {
                    Some((Event::DocumentEnd, span, _)) if !span.is_empty() => span.start,
                    _ => self.text.len(),
                };
                found = Some((root, start..end));
            }
        }
        let empty = Node {
            props: None,
            anchor: 0,
            anchor_span: None,
            tag: None,
            own_tag: None,
            span: self.text.len()..self.text.len(),
            kind: Kind::Scalar(String::new(), ScalarStyle::Plain),
        };
        Ok(found.unwrap_or((empty, 0..self.text.len())))
    }

    fn node(&mut self) -> Result<Node, LensError> {
        let Some((event, span, tag_span)) = self.events.next() else {
            return Err(self.unparsable(self.cursor, "the document ends too early"));
        };
        let anchor_span = match self.events.peek() {
            Some((Event::Anchor(..), span, _)) => Some(span.clone()),
            _ => None,
        };
        if anchor_span.is_some() {
            self.events.next();
        }
        let props = match (&anchor_span, &tag_span) {
            (Some(a), Some(b)) => Some(a.start.min(b.start)..a.end.max(b.end)),
            (a, b) => a.clone().or(b.clone()),
        };
        let tag = tag_span.map(|span| self.text[span].to_owned());
        let own_tag = match &event {
            Event::Scalar(.., tag) | Event::SequenceStart(.., tag) | Event::MappingStart(.., tag) => {
                tag.as_ref().and_then(|tag| tag.core_suffix()).map(str::to_owned)
            }
            _ => None,
        };
        if let Some(props) = &props {
            self.cursor = self.cursor.max(props.end);
        }
        let (span, kind, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                // What is not written has the text `~` from the parser.
                let text =
                    if style == ScalarStyle::Plain && span.is_empty() { String::new() } else { text.into_owned() };
                let span = self.scalar_span(style, span);
                (span, Kind::Scalar(text, style), anchor)
            }
            Event::Alias(id) => {
                let name = self.text[span.clone()].trim_start_matches('*').to_owned();
                (span, Kind::Alias(id, name), 0)
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let (span, items) = self.sequence(flow, span)?;
                (span, Kind::Sequence { flow, items }, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let (span, entries) = self.map(flow, span)?;
                (span, Kind::Map { flow, entries }, anchor)
            }
            _ => return Err(self.unparsable(span.start, "no node stands here")),
        };
        self.cursor = self.cursor.max(span.end);
        Ok(Node { props, anchor, anchor_span, tag, own_tag, span, kind })
    }

    /// A block scalar's span with its header, and without the indentation and blank lines behind it.
    fn scalar_span(&mut self, style: ScalarStyle, span: Span) -> Span {
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            // An empty node stands behind what was before it.
            return if span.is_empty() { self.cursor..self.cursor } else { span };
        }
        let start = skip(self.text, self.cursor, self.text.len());
        let header = line_at(self.text, start);
        let content = start + header.len();
        let indicators = header.split([' ', '\t', '\r', '\n', '#']).next().unwrap_or_default();
        let end = span.end.max(content).min(self.text.len());
        // The span reaches into the line behind.
        let end = if end < self.text.len() { line_start(self.text, end).max(content) } else { end };
        if indicators.contains('+') {
            return start..end;
        }
        let lines = self.text[content..end].split_inclusive('\n');
        let blanks = |line: &&str| line.len() - line.trim_start_matches(' ').len();
        // A line of blanks that reach beyond the text's indentation is content.
        let indentation = if indicators.bytes().any(|b| b.is_ascii_digit()) {
            0
        } else {
            lines.clone().filter(|line| !is_blank(line)).map(|line| blanks(&line)).min().unwrap_or(usize::MAX)
        };
        let dropped = |line: &&str| is_blank(line) && blanks(line) <= indentation;
        let tail: usize = lines.rev().take_while(dropped).map(str::len).sum();
        start..end - tail
    }

    fn sequence(&mut self, flow: bool, opened: Span) -> Result<(Span, Vec<Entry>), LensError> {
        let mut items = Vec::new();
        if flow {
            self.cursor = opened.end;
        }
        loop {
            if matches!(self.events.peek(), Some((Event::SequenceEnd, ..))) {
                let closed = self.events.next().map_or(0..0, |(_, span, _)| span);
                return Ok((self.extent(flow, &opened, &closed, &items), items));
            }
            let behind = if flow { None } else { Some(skip(self.text, self.cursor, self.text.len()) + 1) };
            if let Some(behind) = behind {
                self.cursor = behind;
            }
            let value = self.node()?;
            let start = behind.map_or(value.start(), |behind| behind - 1);
            if flow {
                self.comma();
            }
            items.push(Entry { key: None, explicit: false, start, behind, value });
        }
    }

    fn map(&mut self, flow: bool, opened: Span) -> Result<(Span, Vec<Entry>), LensError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = std::collections::HashSet::new();
        let braces = flow && !opened.is_empty();
        if braces {
            self.cursor = opened.end;
        }
        loop {
            if matches!(self.events.peek(), Some((Event::MappingEnd, ..))) {
                let closed = self.events.next().map_or(0..0, |(_, span, _)| span);
                return Ok((self.extent(braces, &opened, &closed, &entries), entries));
            }
            let before = skip(self.text, self.cursor, self.text.len());
            let bytes = self.text.as_bytes();
            let explicit = bytes.get(before) == Some(&b'?')
                && bytes.get(before + 1).is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            if explicit {
                self.cursor = before + 1;
            }
            let key = self.node()?;
            let colon = skip(self.text, self.cursor.max(key.end()), self.text.len());
            // A key that is not written starts at its colon.
            let start =
                if explicit { before } else { key.start().max(if key.end() > key.start() { 0 } else { colon }) };
            let behind = (bytes.get(colon) == Some(&b':')).then_some(colon + 1);
            if let Some(behind) = behind {
                self.cursor = behind;
            }
            let value = self.node()?;
            if flow {
                self.comma();
            }
            let entry = Entry { key: Some(key), explicit, start, behind, value };
            if let Some(name) = entry.name()
                && !names.insert(name.to_owned())
            {
                return Err(self.unparsable(entry.start, "duplicate key"));
            }
            entries.push(entry);
        }
    }

    fn comma(&mut self) {
        let at = skip(self.text, self.cursor, self.text.len());
        if self.text.as_bytes().get(at) == Some(&b',') {
            self.cursor = at + 1;
        }
    }

    fn extent(&mut self, brackets: bool, opened: &Span, closed: &Span, entries: &[Entry]) -> Span {
        match (entries.first(), entries.last()) {
            _ if brackets => {
                self.cursor = closed.end;
                opened.start..closed.end
            }
            (Some(first), Some(last)) => first.start..last.end(),
            _ => opened.clone(),
        }
    }
}

/// The byte of the character at `index`.
fn offset_of(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}
