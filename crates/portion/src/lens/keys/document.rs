//! A file of lines, read: its sections and entries as spans.

use std::cell::OnceCell;

use super::find::Index;
use super::grammar::{Grammar, Headers, Quoting, Separator};
use super::quoting;
use crate::lens::{BOM, LensError, Span, body, mark};

/// A file, read. Sections and entries stand in the file's order.
pub(super) struct Document<'a> {
    pub(super) grammar: &'a Grammar,
    pub(super) file: &'a [u8],
    /// The first one is what stands before the first header: its path is empty, and so is its header.
    pub(super) sections: Vec<Section>,
    pub(super) entries: Vec<Entry>,
    /// Filled by who plans many edits.
    pub(super) index: OnceCell<Index>,
}

pub(super) struct Section {
    /// Its names, as the expression has them.
    pub(super) path: Vec<String>,
    /// The header's whole line, with its line end.
    pub(super) header: Span,
    /// Its lines without the header, without blank lines at both ends and without the comments of the next header.
    pub(super) body: Span,
    /// Where the comments begin that belong to the next header, or that header; or the end of the file.
    pub(super) end: usize,
    /// A key stands on the header's own line, as git allows.
    pub(super) key_on_header: bool,
}

pub(super) struct Entry {
    /// Its section's index.
    pub(super) section: usize,
    /// The key, without escapes.
    pub(super) key: String,
    /// The key as it is written.
    pub(super) name: Span,
    /// The value as it is written, with quotes and continuation lines. `None` without a separator.
    pub(super) value: Option<Span>,
    /// Its whole lines, with their line ends (on a header's line: what stands behind the header).
    pub(super) lines: Span,
}

impl Document<'_> {
    /// The fault as an error.
    pub(super) fn unparsable(&self, fault: Fault) -> LensError {
        LensError::unparsable(self.file, fault.at, fault.found)
    }
}

/// Why a file does not parse: at which byte, and what stands there.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) found: String,
}

impl Fault {
    pub(super) fn new(at: usize, found: impl Into<String>) -> Fault {
        Fault { at, found: found.into() }
    }
}

/// Reads `file`.
pub(super) fn parsed<'a>(grammar: &'a Grammar, file: &'a [u8]) -> Result<Document<'a>, LensError> {
    let unparsable = |fault: Fault| LensError::unparsable(file, fault.at, fault.found);
    if let Some(at) = memchr::memchr(0, file) {
        return Err(unparsable(Fault::new(at, "a NUL byte: this is no text file")));
    }
    let start = body::bom(file);
    let first =
        Section { path: Vec::new(), header: start..start, body: start..start, end: start, key_on_header: false };
    let mut reader = Reader { grammar, file, sections: vec![first], entries: Vec::new(), last: start };
    let mut at = start;
    while at < file.len() {
        at = reader.line(at).map_err(unparsable)?;
    }
    reader.close(file.len());
    Ok(Document { grammar, file, sections: reader.sections, entries: reader.entries, index: OnceCell::new() })
}

/// The content of the line that begins at `at`, and where the next one begins.
pub(super) fn line_at(file: &[u8], at: usize) -> (Span, usize) {
    let next = memchr::memchr(b'\n', &file[at..]).map_or(file.len(), |end| at + end + 1);
    (at..at + body::content(&file[at..next]).len(), next)
}

/// `at`, moved over blanks.
pub(super) fn skip_blanks(file: &[u8], at: usize, end: usize) -> usize {
    at + file[at..end].iter().take_while(|b| is_blank(**b)).count()
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0c)
}

/// `end`, moved back over blanks.
pub(super) fn trim_end(file: &[u8], start: usize, end: usize) -> usize {
    end - file[start..end].iter().rev().take_while(|b| is_blank(**b) || **b == b'\r').count()
}

struct Reader<'a> {
    grammar: &'a Grammar,
    file: &'a [u8],
    sections: Vec<Section>,
    entries: Vec<Entry>,
    /// The end of the last header or entry.
    last: usize,
}

impl Reader<'_> {
    /// Reads what begins with the line at `at`; tells where the next line begins.
    fn line(&mut self, at: usize) -> Result<usize, Fault> {
        let (content, next) = line_at(self.file, at);
        let first = skip_blanks(self.file, at, content.end);
        if body::is_blank(&self.file[first..content.end]) || self.is_comment(first) {
            return Ok(next);
        }
        if self.file[first..].starts_with(BOM) {
            return Err(Fault::new(first, "a byte order mark in the middle of the file"));
        }
        match self.grammar.headers {
            Headers::Brackets | Headers::Git if self.file[first] == b'[' => self.bracket_header(first, content, next),
            Headers::Ssh if self.is_block(first, content.end) => {
                let end = comment_start(self.file, first, content.end);
                self.open(vec![block_name(&self.file[first..end])], at..next);
                Ok(next)
            }
            _ => self.entry(at, first, content.end),
        }
    }

    fn is_comment(&self, first: usize) -> bool {
        self.file.get(first).is_some_and(|b| self.grammar.comments.contains(b))
    }

    fn bracket_header(&mut self, first: usize, content: Span, next: usize) -> Result<usize, Fault> {
        if self.grammar.headers == Headers::Git {
            let (path, end) = quoting::git_header(self.file, first, content.end)?;
            let rest = skip_blanks(self.file, end, content.end);
            if rest == content.end || self.is_comment(rest) {
                self.open(path, content.start..next);
                return Ok(next);
            }
            self.open(path, content.start..end);
            let next = self.entry(end, rest, content.end)?;
            let (section, entry) = (self.sections.last_mut(), self.entries.last_mut());
            if let (Some(section), Some(entry)) = (section, entry) {
                section.header.end = next;
                section.key_on_header = true;
                entry.lines.end = entry.lines.start + body::content(&self.file[entry.lines.clone()]).len();
            }
            return Ok(next);
        }
        let line = &self.file[first..content.end];
        let close = memchr::memrchr(b']', line).ok_or_else(|| Fault::new(first, "a section's header without `]`"))?;
        let name = &line[1..close];
        if name.is_empty() {
            return Err(Fault::new(first, "a section without a name"));
        }
        self.open(vec![String::from_utf8_lossy(name).into_owned()], content.start..next);
        Ok(next)
    }

    fn is_block(&self, first: usize, end: usize) -> bool {
        let word = self.file[first..end].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let keyword = &self.file[first..first + word];
        let after = self.file[first + word..end].first();
        (keyword.eq_ignore_ascii_case(b"host") || keyword.eq_ignore_ascii_case(b"match"))
            && after.is_some_and(|b| is_blank(*b) || *b == b'=')
    }

    /// Ends the section that is being read at `header`, and begins another.
    fn open(&mut self, path: Vec<String>, header: Span) {
        self.close(header.start);
        self.last = header.end;
        let (end, body) = (header.end, header.end..header.end);
        self.sections.push(Section { path, header, body, end, key_on_header: false });
    }

    fn close(&mut self, at: usize) {
        let Some(section) = self.sections.last_mut() else { return };
        let behind = &self.file[self.last..at];
        let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
        let length = |lines: Vec<&[u8]>| lines.iter().map(|line| line.len()).sum::<usize>();
        let mut end = at;
        if at < self.file.len() {
            let lines: Vec<&[u8]> = body::lines(behind).collect();
            let comments = lines.iter().rev().take_while(|line| !is_blank_line(line)).count();
            if comments < lines.len() {
                end -= length(lines[lines.len() - comments..].to_vec());
            }
        }
        section.end = end;
        let start = section.header.end;
        let blank_before = length(body::lines(&self.file[start..end]).take_while(is_blank_line).collect());
        let start = start + blank_before;
        let read = self.last.max(start);
        // What continues the last value is no blank line.
        let blank = |text: &[u8]| {
            let from = (read - start).min(text.len());
            body::lines_back(&text[from..]).take_while(is_blank_line).map(<[u8]>::len).sum()
        };
        let end = (start + mark::without_others(&self.file[start..end.max(read)], blank)).max(read);
        section.body = if start < end { start..end } else { section.header.end..section.header.end };
    }

    /// Reads the entry whose key begins at `first`.
    fn entry(&mut self, start: usize, first: usize, end: usize) -> Result<usize, Fault> {
        let Key { name, value, key } = self.key(first, end)?;
        let section = self.sections.len() - 1;
        let (value, next) = match value {
            Some(from) => {
                let (span, next) = quoting::scanned(self.grammar, self.file, start, from)?;
                (Some(span), next)
            }
            None => {
                let (_, next) = line_at(self.file, name.end);
                if self.grammar.quoting == Quoting::Indented {
                    let (_, behind) = quoting::scanned(self.grammar, self.file, start, name.end)?;
                    if behind > next {
                        return Err(Fault::new(next, "lines that continue a key without a value"));
                    }
                }
                (None, next)
            }
        };
        self.last = next;
        self.entries.push(Entry { section, key, name, value, lines: start..next });
        Ok(next)
    }

    fn key(&self, first: usize, end: usize) -> Result<Key, Fault> {
        let file = self.file;
        let plain = |name: Span, value: Option<usize>| {
            let key = String::from_utf8_lossy(&file[name.clone()]).into_owned();
            Ok(Key { name, value, key })
        };
        match self.grammar.separator {
            Separator::Sign(signs) => {
                let sign = file[first..end].iter().position(|b| signs.contains(b)).map(|at| first + at);
                let name = first..trim_end(file, first, sign.unwrap_or(end));
                if name.is_empty() {
                    return Err(Fault::new(first, "no key stands before the separator"));
                }
                plain(name, sign.map(|at| skip_blanks(file, at + 1, end)))
            }
            Separator::Name(signs) => {
                let first = match file[first..end].strip_prefix(b"export") {
                    Some([blank, ..]) if self.grammar.quoting == Quoting::Env && is_blank(*blank) => {
                        skip_blanks(file, first + b"export".len(), end)
                    }
                    _ => first,
                };
                let length =
                    file[first..end].iter().take_while(|b| b.is_ascii_alphanumeric() || signs.contains(b)).count();
                let name = first..first + length;
                if !file[name.clone()].first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
                    return Err(Fault::new(first, "expected a key, which begins with a letter"));
                }
                let after = skip_blanks(file, name.end, end);
                if after < end && file[after] == b'=' {
                    return plain(name, Some(skip_blanks(file, after + 1, end)));
                }
                let comment = self.grammar.quoting == Quoting::Env && self.is_comment(after) && after > name.end;
                if after < end && !comment {
                    return Err(Fault::new(after, "expected `=` after the key"));
                }
                plain(name, None)
            }
            Separator::Blank(signs) => self.key_before_blank(first, end, signs),
        }
    }

    fn key_before_blank(&self, first: usize, end: usize, signs: &[u8]) -> Result<Key, Fault> {
        let file = self.file;
        let java = self.grammar.quoting == Quoting::Java;
        let mut at = first;
        while at < end && !is_blank(file[at]) && !signs.contains(&file[at]) {
            match file[at] {
                b'\\' if java && at + 1 == end => return Err(Fault::new(at, "a key that continues on the next line")),
                b'\\' if java => at += 2,
                b'#' if self.grammar.quoting == Quoting::Names => break,
                b'"' if self.grammar.quoting == Quoting::Ssh => break,
                _ => at += 1,
            }
        }
        let name = first..at.min(end);
        if name.is_empty() && !java {
            return Err(Fault::new(first, "expected a key"));
        }
        let key = if java { quoting::java_decoded(&file[name.clone()]) } else { Ok(file[name.clone()].to_vec()) };
        let key = key.map_err(|found| Fault::new(first, found))?;
        let mut value = skip_blanks(file, name.end, end);
        let sign = value < end && signs.contains(&file[value]);
        if sign {
            value = skip_blanks(file, value + 1, end);
        }
        let bare = value == end && !sign;
        let comment = self.grammar.quoting == Quoting::Names && file.get(value) == Some(&b'#');
        let value = (!bare && !comment).then_some(value);
        Ok(Key { name, value, key: String::from_utf8_lossy(&key).into_owned() })
    }
}

struct Key {
    name: Span,
    /// Where the value begins, if a separator stands behind the key.
    value: Option<usize>,
    key: String,
}

/// Where a comment begins on an ssh_config line: `#` behind a blank, outside quotes. Otherwise the line's end; without blanks before it.
pub(super) fn comment_start(file: &[u8], first: usize, end: usize) -> usize {
    let mut quoted = false;
    for at in first..end {
        match file[at] {
            b'"' => quoted = !quoted,
            b'#' if !quoted && (at == first || is_blank(file[at - 1])) => return trim_end(file, first, at),
            _ => {}
        }
    }
    trim_end(file, first, end)
}

/// A `Host` or `Match` line with single blanks, and its keyword in its usual spelling.
pub(super) fn block_name(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let words = line.splitn(2, [' ', '\t', '\u{c}', '=']).collect::<Vec<_>>();
    let keyword = match words.first() {
        Some(word) if word.eq_ignore_ascii_case("host") => "Host",
        Some(word) if word.eq_ignore_ascii_case("match") => "Match",
        word => word.copied().unwrap_or(""),
    };
    let rest = words.get(1).copied().unwrap_or("").trim_start_matches(['=', ' ', '\t', '\u{c}']);
    let patterns = rest.split([' ', '\t', '\u{c}']).filter(|word| !word.is_empty());
    std::iter::once(keyword).chain(patterns).collect::<Vec<_>>().join(" ")
}
