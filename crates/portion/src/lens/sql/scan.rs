//! A script as what stands in it, in its order: statements, comments, and what only separates them. One pass, in any dialect.
//!
//! A statement ends with `;`, or with what `DELIMITER` says. Routines hold `;` themselves: between `BEGIN` and `END`; up to the next `GO`
//! or `/` on a line of its own, in files that have such lines; or in a string, as PostgreSQL has them.

use super::header::{self, Header};
use crate::lens::{LensError, Span, body};

/// What stands in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Statement(Option<Header>),
    Comment,
    /// `GO`, `DELIMITER //`, `\connect x`: a line for the program that runs the script. Or a `;` without a statement.
    Separator,
}

/// One of them, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) what: What,
    pub(super) span: Span,
}

/// The parts of a statement's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A name in quotes.
    Quoted,
    Text,
    Sign(u8),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// A statement is known by so many of its first tokens.
const MAX_HEAD: usize = 64;

/// By which rules a script was read.
#[derive(Debug)]
pub(super) enum Dialect {
    Standard,
    /// By MySQL's, as names in backticks or `DELIMITER` tell.
    Mysql,
    /// By MySQL's, as by the standard's it is not sound, for this reason.
    PerhapsMysql(LensError),
}

/// Every piece of the script.
///
/// # Errors
/// [`LensError::Unparsable`] where a string, a name or a comment does not end.
pub(super) fn pieces(file: &[u8]) -> Result<(Vec<Piece>, Dialect), LensError> {
    let standard = Scanner::run(file, false);
    if let Ok((pieces, false)) = standard {
        return Ok((pieces, Dialect::Standard));
    }
    match (standard, Scanner::run(file, true)) {
        (Ok(_), Ok((pieces, _))) | (Err(_), Ok((pieces, true))) => Ok((pieces, Dialect::Mysql)),
        (Err(error), Ok((pieces, false))) => Ok((pieces, Dialect::PerhapsMysql(error))),
        (Ok((pieces, _)), Err(_)) => Ok((pieces, Dialect::Standard)),
        (Err(error), Err(_)) => Err(error),
    }
}

/// A statement that has begun.
#[derive(Default)]
struct Pending {
    start: usize,
    end: usize,
    head: Vec<Token>,
    /// Comments behind its last token.
    behind: Vec<Span>,
    parentheses: usize,
    /// Blocks that are open: `BEGIN`, `CASE`.
    blocks: usize,
    had_block: bool,
    /// `END` was the last word.
    is_end: bool,
    /// Declarations without a block around.
    declares: bool,
    /// Whether behind `AS` stand statements or declarations that are not in a block; `None` before it.
    has_body: Option<bool>,
    /// The last word, outside of parentheses, was this `AS`.
    is_as: bool,
    header: Option<Option<Header>>,
}

/// What ends a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Delimiter,
    /// A line that separates.
    Line,
    File,
}

struct Scanner<'a> {
    file: &'a [u8],
    at: usize,
    /// As MySQL reads it: `#` begins a comment, and a backslash in a string stands before a sign.
    is_mysql: bool,
    looks_like_mysql: bool,
    /// Whether the file has lines `GO`, or `/`, of which the next one ends a routine.
    has_go: bool,
    has_slash: bool,
    delimiter: &'a [u8],
    pending: Option<Pending>,
    pieces: Vec<Piece>,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@') || byte >= 0x80
}

fn is_go(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.get(..2).is_some_and(|word| word.eq_ignore_ascii_case(b"go"))
        && line[2..].iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'\t'))
        && line.get(2).is_none_or(u8::is_ascii_whitespace)
}

/// Whether a line ends everything before it.
pub(super) fn ends_batch(line: &[u8]) -> bool {
    is_go(line) || is_slash(line)
}

fn is_slash(line: &[u8]) -> bool {
    line.trim_ascii() == b"/"
}

impl<'a> Scanner<'a> {
    fn run(file: &'a [u8], is_mysql: bool) -> Result<(Vec<Piece>, bool), LensError> {
        let has = |is: fn(&[u8]) -> bool| body::lines(file).any(is);
        let mut scanner = Scanner {
            file,
            at: body::bom(file),
            is_mysql,
            looks_like_mysql: false,
            has_go: has(is_go),
            has_slash: has(is_slash),
            delimiter: b";",
            pending: None,
            pieces: Vec::new(),
        };
        while scanner.step()? {}
        scanner.finish(End::File);
        Ok((scanner.pieces, scanner.looks_like_mysql))
    }

    fn rest(&self) -> &'a [u8] {
        &self.file[self.at..]
    }

    /// The rest of the line, without its end.
    fn line(&self) -> &'a [u8] {
        body::lines(self.rest()).next().map(body::content).unwrap_or_default()
    }

    fn is_line_start(&self) -> bool {
        let first = body::bom(self.file);
        let blanks = self.file[first..self.at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at - blanks == first || self.file[self.at - blanks - 1] == b'\n'
    }

    fn unparsable<T>(&self, what: &str) -> Result<T, LensError> {
        Err(LensError::unparsable(self.file, self.at, format!("{what} that begins here does not end")))
    }

    /// Takes what stands at this place; false at the end.
    fn step(&mut self) -> Result<bool, LensError> {
        self.at += self.rest().iter().take_while(|b| b.is_ascii_whitespace()).count();
        let Some(first) = self.rest().first().copied() else { return Ok(false) };
        if self.is_line_start() && self.separator() {
            return Ok(true);
        }
        if let Some(end) = self.comment()? {
            let span = self.at..end;
            match &mut self.pending {
                Some(pending) => pending.behind.push(span),
                None => self.pieces.push(Piece { what: What::Comment, span }),
            }
            self.at = end;
            return Ok(true);
        }
        if self.rest().starts_with(self.delimiter) {
            self.delimited();
            return Ok(true);
        }
        let (kind, end) = self.token(first)?;
        self.take(kind, end);
        Ok(true)
    }

    /// A line that separates, as a whole.
    fn separator(&mut self) -> bool {
        let line = self.line();
        let ends_routines = self.has_go && is_go(line) || self.has_slash && is_slash(line);
        let word = &line[..line.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len())];
        let begins = self.pending.is_none();
        let is_delimiter = begins && word.eq_ignore_ascii_case(b"delimiter");
        // Commands of psql and of sqlite3.
        let is_command = begins
            && match line {
                [b'\\', ..] => true,
                [b'.', letter, ..] => letter.is_ascii_alphabetic(),
                _ => false,
            };
        if !ends_routines && !is_delimiter && !is_command {
            return false;
        }
        if is_delimiter {
            self.looks_like_mysql = true;
            let new = line[word.len()..].trim_ascii();
            self.delimiter = if new.is_empty() { b";" } else { new };
        }
        self.finish(End::Line);
        let span = self.at..self.at + line.trim_ascii_end().len();
        self.at = span.end;
        self.pieces.push(Piece { what: What::Separator, span });
        true
    }

    /// The end of the comment that begins here.
    fn comment(&self) -> Result<Option<usize>, LensError> {
        let line = || self.at + self.line().trim_ascii_end().len();
        match self.rest() {
            [b'-', b'-', ..] => Ok(Some(line())),
            [b'#', ..] if self.is_mysql => Ok(Some(line())),
            [b'/', b'*', rest @ ..] => {
                let (mut depth, mut at) = (1, 0);
                while let Some(next) = memchr::memchr2(b'*', b'/', &rest[at..]) {
                    at += next;
                    match &rest[at..] {
                        [b'*', b'/', ..] if depth == 1 => return Ok(Some(self.at + 2 + at + 2)),
                        [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
                        // In the standard they are nested.
                        [b'/', b'*', ..] if !self.is_mysql => (depth, at) = (depth + 1, at + 2),
                        _ => at += 1,
                    }
                }
                self.unparsable("the comment")
            }
            _ => Ok(None),
        }
    }

    /// What begins here, and its end.
    fn token(&mut self, first: u8) -> Result<(Kind, usize), LensError> {
        let rest = self.rest();
        match first {
            b'\'' => Ok((Kind::Text, self.quoted(first, self.is_mysql || self.is_escaped())?)),
            b'"' => Ok((Kind::Quoted, self.quoted(first, self.is_mysql)?)),
            b'`' => {
                self.looks_like_mysql = true;
                Ok((Kind::Quoted, self.quoted(first, false)?))
            }
            b'$' if self.delimiter == b";" && !self.is_mysql => {
                let tag = rest[1..].iter().take_while(|b| is_word(**b) && **b != b'$').count();
                let is_tag = rest.get(tag + 1) == Some(&b'$') && !rest[1..].first().is_some_and(u8::is_ascii_digit);
                if !is_tag {
                    return Ok(self.word());
                }
                let (tag, text) = rest.split_at(tag + 2);
                match memchr::memmem::find(text, tag) {
                    Some(end) => Ok((Kind::Text, self.at + tag.len() + end + tag.len())),
                    None => self.unparsable("the text"),
                }
            }
            _ if is_word(first) => Ok(self.word()),
            _ => Ok((Kind::Sign(first), self.at + 1)),
        }
    }

    fn word(&self) -> (Kind, usize) {
        let rest = self.rest();
        let is_end = |at: usize| at > 0 && rest[at..].starts_with(self.delimiter);
        let length = (0..rest.len()).take_while(|at| is_word(rest[*at]) && !is_end(*at)).count();
        (Kind::Word, self.at + length.max(1))
    }

    /// `E'it\'s'`.
    fn is_escaped(&self) -> bool {
        match &self.file[..self.at] {
            [.., before, b'e' | b'E'] => !is_word(*before),
            _ => false,
        }
    }

    /// The end of a string or a name, in which the quote stands twice for itself.
    fn quoted(&self, quote: u8, has_escapes: bool) -> Result<usize, LensError> {
        let mut at = self.at + 1;
        loop {
            let Some(next) = memchr::memchr2(quote, b'\\', &self.file[at..]) else {
                return self.unparsable(if quote == b'\'' { "the string" } else { "the name" });
            };
            at += next + 1;
            match self.file[at - 1] {
                b'\\' if has_escapes => at = (at + 1).min(self.file.len()),
                b'\\' => {}
                _ if self.file.get(at) == Some(&quote) => at += 1,
                _ => return Ok(at),
            }
        }
    }

    /// Adds a token to the statement.
    fn take(&mut self, kind: Kind, end: usize) {
        let span = self.at..end;
        let word = if kind == Kind::Word { &self.file[span.clone()] } else { b"".as_slice() };
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let pending = self.pending.get_or_insert_with(|| Pending { start: span.start, ..Pending::default() });
        pending.behind.clear();
        pending.end = end;
        self.at = end;
        match kind {
            Kind::Sign(b'(') => pending.parentheses += 1,
            Kind::Sign(b')') => pending.parentheses = pending.parentheses.saturating_sub(1),
            _ => {}
        }
        if std::mem::take(&mut pending.is_as) {
            // `E'…'` is a text.
            pending.has_body = Some(kind == Kind::Word && !is("begin") && !is("e"));
        } else if pending.has_body.is_none() && pending.parentheses == 0 && (is("as") || is("is")) {
            // `REFERENCING NEW TABLE AS x`.
            let last = pending.head.last().map(|token| &self.file[token.span.clone()]).unwrap_or_default();
            pending.is_as =
                !["table", "row", "new", "old"].iter().any(|name| last.eq_ignore_ascii_case(name.as_bytes()));
        }
        let was_end = std::mem::take(&mut pending.is_end);
        if pending.head.len() < MAX_HEAD {
            pending.head.push(Token { kind, span });
        }
        if was_end {
            // `END IF` ends no block that was counted.
            if ["if", "loop", "while", "repeat", "for"].iter().any(|name| is(name)) {
                return;
            }
            pending.blocks = pending.blocks.saturating_sub(1);
            if is("case") {
                return;
            }
        }
        let opens = is("begin") || is("case");
        if opens || is("end") || is("declare") {
            let header = pending.header(self.file);
            if header.is_some_and(Header::is_routine) {
                match () {
                    () if opens => {
                        pending.blocks += 1;
                        pending.had_block = true;
                    }
                    () if is("end") => pending.is_end = true,
                    // Declarations before the block end with `;`, too.
                    () if pending.blocks == 0 => pending.declares = true,
                    () => {}
                }
            }
        }
    }

    /// At a delimiter: the end of the statement, or of one within it.
    fn delimited(&mut self) {
        let end = self.at + self.delimiter.len();
        let is_plain = self.delimiter == b";";
        let goes_on = self.has_go || self.has_slash;
        let Some(pending) = &mut self.pending else {
            self.pieces.push(Piece { what: What::Separator, span: self.at..end });
            self.at = end;
            return;
        };
        if std::mem::take(&mut pending.is_end) {
            pending.blocks = pending.blocks.saturating_sub(1);
        }
        let (is_routine, is_package, is_rule) = match pending.header(self.file) {
            Some(header) if is_plain => (header.is_routine(), header.is_package(), header.kind == "rule"),
            _ => (false, false, false),
        };
        let is_long = goes_on && (is_package || pending.had_block || pending.is_open());
        let is_within = is_routine && (pending.blocks > 0 || is_long) || is_rule && pending.parentheses > 0;
        if is_within {
            pending.behind.clear();
            pending.end = end;
            self.at = end;
            return;
        }
        let is_copy = header::is_copy(self.file, &pending.head);
        self.at = end;
        pending.end = end;
        if is_copy {
            self.skip_data();
        }
        self.finish(End::Delimiter);
    }

    /// `COPY … FROM stdin;` is followed by lines of data, up to `\.`.
    fn skip_data(&mut self) {
        let mut at = self.at;
        for line in body::lines(self.rest()) {
            if body::content(line) == b"\\." {
                self.at = at + 2;
                if let Some(pending) = &mut self.pending {
                    pending.end = self.at;
                }
                return;
            }
            at += line.len();
        }
    }

    /// Ends the statement that has begun.
    fn finish(&mut self, end: End) {
        let Some(mut pending) = self.pending.take() else { return };
        let mut header = pending.header(self.file).cloned();
        if let Some(header) = header.as_mut().filter(|header| header.is_routine() && self.delimiter == b";") {
            let blocks = pending.blocks.saturating_sub(usize::from(pending.is_end));
            header.is_unclear = match end {
                End::Line => false,
                End::File => blocks > 0 && !self.has_go && !self.has_slash,
                End::Delimiter => header.is_package() || !pending.had_block && pending.is_open(),
            };
        }
        self.pieces.push(Piece { what: What::Statement(header), span: pending.start..pending.end });
        self.pieces.extend(pending.behind.into_iter().map(|span| Piece { what: What::Comment, span }));
    }
}

impl Pending {
    /// Whether a `;` may be one of many that it holds.
    fn is_open(&self) -> bool {
        self.declares || self.has_body == Some(true)
    }

    /// What it declares: looked at once.
    fn header(&mut self, file: &[u8]) -> Option<&Header> {
        self.header.get_or_insert_with(|| header::of(file, &self.head)).as_ref()
    }
}
