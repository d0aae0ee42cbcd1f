//! Finding one path in a document, in one reading, with what edits need to know about its neighbours.

use super::fault::Fault;
use super::scan::{Dialect, Kind, Visitor, document};
use super::string::{inner, unescape};
use crate::lens::{LensError, Position, Span};
use crate::pointer;

/// A key of an object on the path.
#[derive(Debug, Clone)]
pub(super) struct Key {
    hash: u64,
    span: Span,
    escaped: bool,
}

impl Key {
    pub(super) fn new(text: &[u8], span: Span, escaped: bool) -> Key {
        let hash = match escaped {
            false => hash(&text[inner(text, &span)]),
            true => hash(unescape(text, span.clone(), true).unwrap_or_default().as_bytes()),
        };
        Key { hash, span, escaped }
    }

    /// The key's text; `None` if no text can hold it.
    pub(super) fn text(&self, file: &[u8]) -> Option<String> {
        unescape(file, self.span.clone(), self.escaped).ok()
    }
}

/// Eight bytes at a time, multiply and rotate. Equal hashes are compared, so its quality matters for speed only.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    bytes.chunks(8).fold(bytes.len() as u64, |state, chunk| {
        let word = chunk.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        (state.rotate_left(23) ^ word).wrapping_mul(FACTOR)
    })
}

/// The first key that stands for a second time, with its first place. Sorts the keys.
pub(super) fn duplicate(text: &[u8], keys: &mut [Key]) -> Option<(Key, Key)> {
    keys.sort_unstable_by_key(|key| (key.hash, key.span.start));
    let mut found: Option<(Key, Key)> = None;
    for run in keys.chunk_by(|a, b| a.hash == b.hash).filter(|run| run.len() > 1) {
        let mut named: Vec<(String, &Key)> = run.iter().filter_map(|key| Some((key.text(text)?, key))).collect();
        named.sort_by(|a, b| (&a.0, a.1.span.start).cmp(&(&b.0, b.1.span.start)));
        for pair in named.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            if found.as_ref().is_none_or(|(_, second)| pair[1].1.span.start < second.span.start) {
                found = Some((pair[0].1.clone(), pair[1].1.clone()));
            }
        }
    }
    found
}

/// The fault that a duplicate key is. `origin` is where `text` starts in the file that the user sees.
fn duplicate_fault(text: &[u8], (first, second): &(Key, Key)) -> Fault {
    let name = second.text(text).unwrap_or_default();
    let line = Position::at(text, first.span.start).line;
    Fault::said(
        second.span.start,
        format!("the key `{name}` stands here for a second time, the first is on line {line}"),
    )
}

/// A member of an object or an item of an array.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// Where it starts: at its key, or at its value.
    pub(super) start: usize,
    /// Between key and value: the colon and its white space. Empty in an array.
    pub(super) colon: Span,
    pub(super) value: Span,
    /// The comma behind it.
    pub(super) comma: Option<usize>,
}

/// A container on the path.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// From its opening bracket to behind its closing one.
    pub(super) span: Span,
    pub(super) keys: Vec<Key>,
    pub(super) count: usize,
    pub(super) before: Option<Member>,
    /// The member that the path goes through.
    pub(super) on_path: Option<Member>,
    /// Where the member behind that one starts.
    pub(super) after: Option<usize>,
    pub(super) last: Option<Member>,
    /// The member before the last.
    pub(super) second_last: Option<Member>,
    current_key: Option<Span>,
    current_is_on_path: bool,
    matched: Vec<usize>,
}

impl Frame {
    /// A container that opens at `at`.
    pub(super) fn new(kind: Kind, at: usize) -> Frame {
        Frame {
            kind,
            span: at..at,
            keys: Vec::new(),
            count: 0,
            before: None,
            on_path: None,
            after: None,
            last: None,
            second_last: None,
            current_key: None,
            current_is_on_path: false,
            matched: Vec::new(),
        }
    }
}

/// What was found.
pub(super) struct Located {
    /// The containers on the path, from the root; without the portion itself.
    pub(super) frames: Vec<Frame>,
    /// The portion.
    pub(super) target: Option<(Kind, Span)>,
    /// The path goes on through a scalar, behind this many tokens.
    pub(super) blocked: Option<(usize, Kind)>,
}

/// Reads the document, to its end, and finds the path in it.
pub(super) fn locate(file: &[u8], dialect: Dialect, path: &[String], expression: &str) -> Result<Located, LensError> {
    let mut locator = Locator {
        text: file,
        path,
        frames: Vec::with_capacity(path.len()),
        open: 0,
        depth: 0,
        target: None,
        target_start: None,
        blocked: None,
        fault: None,
        ambiguous: Vec::new(),
    };
    document(file, dialect, &mut locator).map_err(|fault| fault.error(file))?;
    if !locator.ambiguous.is_empty() {
        let lines = locator.ambiguous.iter().map(|at| Position::at(file, *at).line).collect();
        return Err(LensError::Ambiguous { selector: expression.to_owned(), lines });
    }
    if let Some(fault) = locator.fault {
        return Err(fault.error(file));
    }
    Ok(Located { frames: locator.frames, target: locator.target, blocked: locator.blocked })
}

impl Located {
    /// The error that nothing stands there, with the nearest that do.
    pub(super) fn missing(&self, file: &[u8], path: &[String], expression: &str) -> LensError {
        let parents = &path[..self.frames.len().saturating_sub(1).min(path.len())];
        let rest = path.get(self.frames.len()..).unwrap_or_default();
        let parent = pointer::format(parents);
        let Some(frame) = self.frames.last() else {
            return LensError::missing(expression, [""]);
        };
        // What is behind the missing key is taken along, so that it does not count as a difference.
        let sibling = |token: &str| {
            let mut selector = parent.clone();
            pointer::push(&mut selector, token);
            selector + &pointer::format(rest)
        };
        let strip = pointer::format(rest).len();
        let names: Vec<String> = match frame.kind {
            Kind::Object => {
                frame.keys.iter().take(2000).filter_map(|key| key.text(file)).map(|k| sibling(&k)).collect()
            }
            _ => frame.count.checked_sub(1).map(|last| sibling(&last.to_string())).into_iter().collect(),
        };
        match LensError::missing(expression, names) {
            LensError::Missing { selector, nearest } => {
                let nearest = nearest.into_iter().map(|name| name[..name.len() - strip].to_owned()).collect();
                LensError::Missing { selector, nearest }
            }
            other => other,
        }
    }
}

struct Locator<'a> {
    text: &'a [u8],
    path: &'a [String],
    frames: Vec<Frame>,
    /// How many of the frames are still open. What stands directly in the innermost is looked at; all else is passed.
    open: usize,
    depth: usize,
    target: Option<(Kind, Span)>,
    target_start: Option<(Kind, usize)>,
    blocked: Option<(usize, Kind)>,
    fault: Option<Fault>,
    ambiguous: Vec<usize>,
}

impl Locator<'_> {
    /// A value starts directly in the innermost open frame (or is the root). True if it is on the path.
    fn begins(&mut self, at: usize) -> bool {
        let Some(frame) = self.open.checked_sub(1).map(|innermost| &mut self.frames[innermost]) else {
            return true;
        };
        if frame.kind == Kind::Array {
            frame.current_is_on_path = pointer::index(&self.path[self.open - 1]) == Some(frame.count);
        }
        let (start, colon) = match frame.current_key.take() {
            Some(key) => (key.start, key.end..at),
            None => (at, at..at),
        };
        let member = Member { start, colon, value: at..at, comma: None };
        frame.count += 1;
        frame.second_last = frame.last.replace(member);
        if frame.current_is_on_path {
            frame.matched.push(start);
            if frame.on_path.is_none() {
                frame.before = frame.second_last.clone();
                return true;
            }
        } else if frame.on_path.is_some() && frame.after.is_none() {
            frame.after = Some(start);
        }
        false
    }

    /// The value that started last directly in the innermost open frame has ended.
    fn ends(&mut self, end: usize) {
        if self.open == self.path.len()
            && let Some((kind, start)) = self.target_start.take()
        {
            self.target = Some((kind, start..end));
        }
        let Some(frame) = self.open.checked_sub(1).map(|innermost| &mut self.frames[innermost]) else {
            return;
        };
        if let Some(last) = &mut frame.last {
            last.value.end = end;
        }
        if frame.current_is_on_path && frame.on_path.is_none() {
            frame.on_path = frame.last.clone();
        }
        frame.current_is_on_path = false;
    }
}

impl Visitor for Locator<'_> {
    #[inline]
    fn open(&mut self, kind: Kind, at: usize) {
        if self.depth == self.open && self.begins(at) {
            if self.open == self.path.len() {
                self.target_start = Some((kind, at));
            } else {
                self.open += 1;
                self.frames.push(Frame::new(kind, at));
            }
        }
        self.depth += 1;
    }

    #[inline]
    fn key(&mut self, span: Span, escaped: bool) {
        if self.depth != self.open {
            return;
        }
        let Some(frame) = self.open.checked_sub(1).map(|innermost| &mut self.frames[innermost]) else {
            return;
        };
        let key = Key::new(self.text, span.clone(), escaped);
        let wanted = &self.path[self.open - 1];
        frame.current_is_on_path = match escaped {
            false => &self.text[inner(self.text, &span)] == wanted.as_bytes(),
            true => key.text(self.text).as_ref() == Some(wanted),
        };
        frame.keys.push(key);
        frame.current_key = Some(span);
    }

    #[inline]
    fn scalar(&mut self, kind: Kind, span: Span, _escaped: bool) {
        if self.depth != self.open {
            return;
        }
        if self.begins(span.start) {
            if self.open == self.path.len() {
                self.target_start = Some((kind, span.start));
            } else {
                self.blocked = Some((self.open, kind));
            }
        }
        self.ends(span.end);
    }

    #[inline]
    fn comma(&mut self, at: usize) {
        if self.depth != self.open {
            return;
        }
        let Some(frame) = self.open.checked_sub(1).map(|innermost| &mut self.frames[innermost]) else {
            return;
        };
        if let Some(last) = &mut frame.last {
            last.comma = Some(at);
        }
        if let (Some(on_path), None) = (&mut frame.on_path, frame.after)
            && on_path.comma.is_none()
        {
            on_path.comma = Some(at);
        }
    }

    #[inline]
    fn close(&mut self, end: usize) {
        if self.depth == self.open {
            // The innermost frame itself ends.
            self.open -= 1;
            let frame = &mut self.frames[self.open];
            frame.span.end = end;
            if frame.matched.len() > 1 {
                self.ambiguous = std::mem::take(&mut frame.matched);
            } else if let Some(pair) = duplicate(self.text, &mut frame.keys) {
                self.fault = Some(duplicate_fault(self.text, &pair));
            }
            frame.keys.sort_unstable_by_key(|key| key.span.start);
        }
        self.depth -= 1;
        if self.depth == self.open {
            self.ends(end);
        }
    }
}

/// The kind of the value that starts at `at`.
pub(super) fn kind_at(text: &[u8], at: usize) -> Option<Kind> {
    Some(match text.get(at)? {
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b'"' | b'\'' => Kind::String,
        b't' => Kind::True,
        b'f' => Kind::False,
        b'n' => Kind::Null,
        _ => Kind::Number,
    })
}

/// Checks what the grammar leaves open, in all that the text holds: no object has a key twice, and every string is text.
pub(super) fn inspect(text: &[u8], dialect: Dialect) -> Result<(), Fault> {
    match inspected(text, dialect, 1)?.into_iter().next() {
        Some(first) => Err(first),
        None => Ok(()),
    }
}

/// The most faults that are told of one text.
const MAX_FAULTS: usize = 1000;

/// Everything that [`inspect`] would refuse, one for each object and string, at most [`MAX_FAULTS`].
pub(super) fn faults(text: &[u8], dialect: Dialect) -> Result<Vec<Fault>, Fault> {
    inspected(text, dialect, MAX_FAULTS)
}

fn inspected(text: &[u8], dialect: Dialect, most: usize) -> Result<Vec<Fault>, Fault> {
    let mut inspector = Inspector { text, keys: Vec::new(), opened: Vec::new(), faults: Vec::new(), most };
    document(text, dialect, &mut inspector)?;
    Ok(inspector.faults)
}

struct Inspector<'a> {
    text: &'a [u8],
    keys: Vec<Key>,
    opened: Vec<usize>,
    faults: Vec<Fault>,
    most: usize,
}

impl Visitor for Inspector<'_> {
    fn open(&mut self, _kind: Kind, _at: usize) {
        self.opened.push(self.keys.len());
    }
    fn key(&mut self, span: Span, escaped: bool) {
        self.scalar(Kind::String, span.clone(), escaped);
        self.keys.push(Key::new(self.text, span, escaped));
    }
    fn scalar(&mut self, kind: Kind, span: Span, escaped: bool) {
        if kind == Kind::String
            && escaped
            && self.faults.len() < self.most
            && let Err(fault) = unescape(self.text, span, true)
        {
            self.faults.push(fault);
        }
    }
    fn close(&mut self, _end: usize) {
        let from = self.opened.pop().unwrap_or(0);
        if self.faults.len() < self.most
            && let Some(pair) = duplicate(self.text, &mut self.keys[from..])
        {
            self.faults.push(duplicate_fault(self.text, &pair));
        }
        self.keys.truncate(from);
    }
}
