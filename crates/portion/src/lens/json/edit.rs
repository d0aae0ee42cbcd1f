//! Planning insertions and removals: commas, lines, and the comments on a member's line, which go with it.

use super::json5::Quotes;
use super::layout::{STEP, base, indent, is_step, line_start, step};
use super::locate::{Frame, Located, Member};
use super::scan::{Dialect, Kind, Scanner};
use super::write::{Style, key as write_key};
use crate::lens::apply::is_blank;
use crate::lens::{Edit, LensError, Span, line_end};
use crate::pointer;

/// The text to insert, for the style that its place has.
pub(super) type Render<'a> = &'a dyn Fn(Style) -> Result<Vec<u8>, LensError>;

/// A file that is edited.
pub(super) struct Place<'a> {
    pub(super) file: &'a [u8],
    pub(super) dialect: Dialect,
    pub(super) located: &'a Located,
}

impl Place<'_> {
    /// The step by which the file indents: that of what stands at `portion`, or of the containers around it, innermost first.
    pub(super) fn unit(&self, portion: Option<&Span>) -> Vec<u8> {
        let shown = portion.and_then(|span| {
            let text = super::layout::dedent_lines(&self.file[span.clone()], base(self.file, span.start), self.dialect);
            step(&text, self.dialect)
        });
        if let Some(unit) = shown {
            return unit;
        }
        for frame in self.located.frames.iter().rev() {
            let outer = base(self.file, frame.span.start);
            let members = [frame.on_path.as_ref(), frame.before.as_ref(), frame.last.as_ref()];
            for member in members.into_iter().flatten().filter(|member| self.starts_line(member.start)) {
                if let Some(unit) = base(self.file, member.start).strip_prefix(outer)
                    && is_step(unit)
                {
                    return unit.to_vec();
                }
            }
        }
        STEP.to_vec()
    }

    /// Whether nothing but white space stands before `at` on its line.
    fn starts_line(&self, at: usize) -> bool {
        let start = line_start(self.file, at);
        start > 0 && start + base(self.file, at).len() == at
    }

    /// The edits that put `fragment` in the place of `span`.
    pub(super) fn replace(&self, span: &Span, fragment: &[u8]) -> Vec<Edit> {
        let text = match memchr::memchr(b'\n', fragment) {
            None => fragment.to_vec(),
            Some(_) => {
                let unit = self.unit(Some(span));
                indent(fragment, base(self.file, span.start), &unit, line_end(self.file), self.dialect)
            }
        };
        vec![Edit { span: span.clone(), text }]
    }

    /// The edits that insert a member at `path`, where nothing stands; its parents that are missing are made.
    pub(super) fn insert(&self, path: &[String], render: Render<'_>) -> Result<Vec<Edit>, LensError> {
        if let Some((depth, kind)) = self.located.blocked {
            let (at, kind) = (pointer::format(&path[..depth]), kind.name());
            let what =
                if at.is_empty() { format!("the document is a {kind}") } else { format!("at `{at}` stands a {kind}") };
            return Err(LensError::Refused(format!("{what}: nothing can be put beneath it")));
        }
        let Some((frame, parents)) = self.located.frames.split_last() else {
            return Err(LensError::Refused("the whole document stands already".to_owned()));
        };
        let token = &path[parents.len()];
        if frame.kind == Kind::Array {
            if let Some(standing) = &frame.on_path {
                return self.insert_before(frame, standing, render);
            }
            if token != "-" && pointer::index(token) != Some(frame.count) {
                let (at, count) = (pointer::format(&path[..parents.len()]), frame.count);
                return Err(LensError::Refused(format!(
                    "the array at `{at}` has {count} items: the next one is `{at}/{count}` or `{at}/-`"
                )));
            }
        }
        let style = self.style(frame, parents);
        let mut text = Vec::new();
        if frame.kind == Kind::Object {
            write_key(token, self.quotes(), &mut text);
            text.extend_from_slice(self.colon(style).as_bytes());
        }
        let like = frame.last.as_ref().filter(|_| frame.kind == Kind::Array);
        let value = wrap(&path[parents.len() + 1..], self.like(like, style), render, self.dialect, self.quotes())?;
        Ok(match &frame.last {
            Some(last) if style == Style::Lines => self.behind_line(last, text, &value),
            Some(last) => self.behind(frame, last, text, &value, style),
            None => self.fill_empty(frame, text, &value, style),
        })
    }

    /// How the keys around are written.
    fn quotes(&self) -> Quotes {
        if self.dialect != Dialect::Json5 {
            return Quotes::JSON;
        }
        let frames = self.located.frames.iter().rev().filter(|frame| frame.kind == Kind::Object);
        let shown = frames.filter_map(|frame| frame.last.as_ref()).next();
        match shown.and_then(|member| self.file.get(member.start)) {
            Some(sign @ (b'"' | b'\'')) => Quotes { keys: Some(char::from(*sign)), strings: char::from(*sign) },
            _ => Quotes::JSON5,
        }
    }

    fn indented(&self, fragment: &[u8], base: &[u8]) -> Vec<u8> {
        indent(fragment, base, &self.unit(None), line_end(self.file), self.dialect)
    }

    /// How the members of a container stand: each on its own line, or not.
    fn style(&self, frame: &Frame, parents: &[Frame]) -> Style {
        let compact = self.colon(Style::Line) == ":";
        let inline = if compact { Style::Compact } else { Style::Line };
        if let Some(last) = &frame.last {
            return if self.starts_line(last.start) { Style::Lines } else { inline };
        }
        let text = &self.file[frame.span.clone()];
        if memchr::memchr(b'\n', text).is_some() {
            return Style::Lines;
        }
        match parents.last().and_then(|parent| parent.on_path.as_ref()) {
            Some(on_path) if !self.starts_line(on_path.start) => inline,
            _ => Style::Lines,
        }
    }

    /// How a new item is written inside: on one line, if its neighbour is a container that stands on one.
    fn like(&self, neighbour: Option<&Member>, style: Style) -> Style {
        let Some(text) = neighbour.map(|member| &self.file[member.value.clone()]) else { return style };
        let is_line = matches!(text, [b'{' | b'[', _, _, ..]) && memchr::memchr(b'\n', text).is_none();
        match style {
            Style::Lines if is_line && memchr::memmem::find(text, b"\": ").is_none() && text.starts_with(b"{") => {
                Style::Compact
            }
            Style::Lines if is_line => Style::Line,
            style => style,
        }
    }

    /// What stands between a key and its value, as the nearest member shows it.
    fn colon(&self, style: Style) -> String {
        let members = self.located.frames.iter().rev().flat_map(|frame| [frame.last.as_ref(), frame.on_path.as_ref()]);
        let shown = members.flatten().map(|member| &self.file[member.colon.clone()]).find(|colon| !colon.is_empty());
        let usual = if style == Style::Compact { ":" } else { ": " };
        match shown.map(std::str::from_utf8) {
            Some(Ok(colon)) if colon.bytes().all(|b| matches!(b, b' ' | b'\t' | b':')) => colon.to_owned(),
            _ => usual.to_owned(),
        }
    }

    /// Behind the last member, on a new line.
    fn behind_line(&self, last: &Member, mut text: Vec<u8>, value: &[u8]) -> Vec<Edit> {
        let white = base(self.file, last.start);
        text.extend(self.indented(value, white));
        let mut line = [line_end(self.file).as_bytes(), white, &text].concat();
        let from = last.comma.map_or(last.value.end, |comma| comma + 1);
        let anchor = self.line_tail(from).0;
        if last.comma.is_some() {
            line.push(b',');
            return vec![Edit { span: anchor..anchor, text: line }];
        }
        let comma = Edit { span: last.value.end..last.value.end, text: b",".to_vec() };
        vec![comma, Edit { span: anchor..anchor, text: line }]
    }

    /// Behind the last member, on its line.
    fn behind(&self, frame: &Frame, last: &Member, mut text: Vec<u8>, value: &[u8], style: Style) -> Vec<Edit> {
        let at = last.comma.unwrap_or(last.value.end);
        text.extend(self.indented(value, base(self.file, at)));
        let shown = frame.second_last.as_ref().and_then(|member| member.comma);
        let gap = match shown.map(|comma| &self.file[comma + 1..last.start]) {
            Some(gap) if gap.iter().all(|b| matches!(b, b' ' | b'\t')) => gap,
            _ if style == Style::Compact => b"",
            _ => b" ",
        };
        match last.comma {
            Some(comma) => vec![Edit { span: comma + 1..comma + 1, text: [gap, &text, b","].concat() }],
            None => vec![Edit { span: last.value.end..last.value.end, text: [b",", gap, &text].concat() }],
        }
    }

    /// Into a container without members; comments in it stay before the new one.
    fn fill_empty(&self, frame: &Frame, mut text: Vec<u8>, value: &[u8], style: Style) -> Vec<Edit> {
        let close = frame.span.end - 1;
        let comments = self.trivia(frame.span.start + 1, close);
        let from = comments.last().map_or(frame.span.start + 1, |comment| comment.end);
        let outer = base(self.file, frame.span.start);
        if style != Style::Lines && comments.is_empty() {
            text.extend(self.indented(value, outer));
            return vec![Edit { span: from..close, text }];
        }
        let end = line_end(self.file).as_bytes();
        let white = [outer, &self.unit(None)].concat();
        text.extend(self.indented(value, &white));
        vec![Edit { span: from..close, text: [end, &white, &text, end, outer].concat() }]
    }

    /// Before an item of an array.
    fn insert_before(&self, frame: &Frame, standing: &Member, render: Render<'_>) -> Result<Vec<Edit>, LensError> {
        let from = self.gap_start(frame);
        let (start, starts_line) = self.lead(from, standing.start);
        let style = if starts_line { Style::Lines } else { Style::Line };
        let white = base(self.file, start);
        let mut text = self.indented(&render(self.like(Some(standing), style))?, white);
        text.push(b',');
        if starts_line {
            text.extend_from_slice(line_end(self.file).as_bytes());
            text.extend_from_slice(white);
        } else if standing.comma.is_none_or(|comma| self.file.get(comma + 1) == Some(&b' ')) {
            text.push(b' ');
        }
        Ok(vec![Edit { span: start..start, text }])
    }

    /// Where the white space and the comments start that stand before the member on the path.
    fn gap_start(&self, frame: &Frame) -> usize {
        frame
            .before
            .as_ref()
            .map_or(frame.span.start + 1, |before| before.comma.map_or(before.value.end, |comma| comma + 1))
    }

    /// The edits that remove the member on the path.
    pub(super) fn remove(&self) -> Result<Vec<Edit>, LensError> {
        let last = self.located.frames.last();
        let Some((frame, member)) = last.and_then(|frame| Some((frame, frame.on_path.as_ref()?))) else {
            return Err(LensError::Refused("it is the whole document: remove the file instead".to_owned()));
        };
        let from = self.gap_start(frame);
        let (start, starts_line) = self.line_lead(from, member.start);
        let own_line = line_start(self.file, start);
        let end = member.comma.map_or(member.value.end, |comma| comma + 1);
        let (tail, ends_line) = self.line_tail(end);
        let next_line = tail + line_end_at(self.file, tail);
        let is_white = |span: Span| self.file[span].iter().all(u8::is_ascii_whitespace);
        let cut = |span: Span| Edit { span, text: Vec::new() };
        if let Some(after) = frame.after {
            return Ok(vec![match (starts_line, ends_line) {
                (true, true) => self.cut_line(from, start, own_line..next_line),
                (false, true) => cut(start - self.white_before(from, start)..tail),
                _ => cut(start..self.white_end(end, after)),
            }]);
        }
        let close = frame.span.end - 1;
        // What stands between a last member and the bracket on the same line goes with it.
        let end = if ends_line || tail == close { tail } else { end };
        let Some(before) = &frame.before else {
            return Ok(vec![match is_white(from..start) && is_white(end..close) {
                true => cut(from..close),
                false if starts_line && ends_line => cut(self.last_line(from, close, own_line..next_line)),
                false => cut(start..end),
            }]);
        };
        let comma = before.comma.filter(|_| member.comma.is_none());
        let mut edits: Vec<Edit> = comma.map(|comma| cut(comma..comma + 1)).into_iter().collect();
        let before_comma = before.comma.map_or(before.value.end, |comma| comma + usize::from(member.comma.is_some()));
        match (starts_line, ends_line) {
            (true, true) => edits.push(cut(self.last_line(before_comma.max(from), close, own_line..next_line))),
            _ if is_white(from..start) => edits = vec![cut(before_comma..end)],
            _ => edits.push(cut(start..end)),
        }
        Ok(edits)
    }

    /// Takes a member's lines away. Comments that stay above it are set off from what follows at once: they are not about that.
    fn cut_line(&self, from: usize, start: usize, lines: Span) -> Edit {
        let (first, _) = self.lead(from, start);
        let next = self.file[lines.end..].iter().find(|b| !matches!(b, b' ' | b'\t'));
        let is_blank_next = next.is_none_or(|b| matches!(b, b'\n' | b'\r'));
        let apart = first < lines.start && !is_blank_next;
        Edit { span: lines, text: if apart { line_end(self.file).into() } else { Vec::new() } }
    }

    /// The lines of a last member, with the blank lines above that would stand before the bracket.
    fn last_line(&self, from: usize, close: usize, lines: Span) -> Span {
        let is_white = |span: Span| self.file[span].iter().all(u8::is_ascii_whitespace);
        let mut start = lines.start;
        while is_white(lines.end..close) && start > 0 {
            let above = line_start(self.file, start - 1);
            if above <= from || !is_white(above..start) {
                break;
            }
            start = above;
        }
        start..lines.end
    }

    /// The edit that takes away the comment lines directly above the member on the path.
    pub(super) fn without_comments(&self) -> Vec<Edit> {
        let last = self.located.frames.last();
        let Some((frame, member)) = last.and_then(|frame| Some((frame, frame.on_path.as_ref()?))) else {
            return Vec::new();
        };
        let from = self.gap_start(frame);
        let ((own, own_line), (first, first_line)) =
            (self.line_lead(from, member.start), self.lead(from, member.start));
        if first == own || !own_line || !first_line {
            return Vec::new();
        }
        vec![Edit { span: line_start(self.file, first)..line_start(self.file, own), text: Vec::new() }]
    }

    /// Where what belongs to the member at `start` starts: itself, a comment before it on its line, comment lines right
    /// above it. And whether that starts a line.
    fn lead(&self, from: usize, start: usize) -> (usize, bool) {
        let mut region = start;
        let starts_line = |at: usize| self.begins_line(from, at);
        for comment in self.trivia(from, start).into_iter().rev() {
            let between = memchr::memchr_iter(b'\n', &self.file[comment.end..region]).count();
            match between {
                0 => region = comment.start,
                1 if starts_line(comment.start) && starts_line(region) => region = comment.start,
                _ => break,
            }
        }
        (region, starts_line(region))
    }

    /// Where the member at `start` starts with the comments before it on its line. Comments above stay when it goes: they may be
    /// about more than it. And whether that starts a line.
    fn line_lead(&self, from: usize, start: usize) -> (usize, bool) {
        let on_line = |comment: &Span| memchr::memchr(b'\n', &self.file[comment.start..start]).is_none();
        let region = self.trivia(from, start).into_iter().find(on_line).map_or(start, |comment| comment.start);
        (region, self.begins_line(from, region))
    }

    /// Whether nothing but white space stands before `at` on its line, which starts behind `from`.
    fn begins_line(&self, from: usize, at: usize) -> bool {
        let line = line_start(self.file, at);
        line > from && self.file[line..at].iter().all(u8::is_ascii_whitespace)
    }

    /// From `at`, where the white space and the comments on this line end; and whether the line ends there.
    fn line_tail(&self, at: usize) -> (usize, bool) {
        let mut scanner = Scanner { text: self.file, at, dialect: self.dialect };
        let mut tail = at;
        loop {
            match self.file.get(scanner.at) {
                Some(b' ' | b'\t') => scanner.at += 1,
                Some(b'/') if self.dialect.has_comments() && scanner.comment().is_ok() => tail = scanner.at,
                Some(b'\n' | b'\r') | None => return (scanner.at, true),
                Some(b'}' | b']') => return (scanner.at, false),
                Some(_) => return (tail, false),
            }
        }
    }

    /// The comments between two places.
    fn trivia(&self, from: usize, to: usize) -> Vec<Span> {
        let mut out = Vec::new();
        let mut scanner = Scanner { text: &self.file[..to], at: from, dialect: self.dialect };
        while scanner.at < to {
            let start = scanner.at;
            match self.file[start] {
                b'/' if scanner.comment().is_ok() => out.push(start..scanner.at),
                _ => scanner.at += 1,
            }
        }
        out
    }

    /// How much white space stands before `at`, down to `from`.
    fn white_before(&self, from: usize, at: usize) -> usize {
        self.file[from..at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    fn white_end(&self, from: usize, to: usize) -> usize {
        from + self.file[from..to].iter().take_while(|b| b.is_ascii_whitespace()).count()
    }
}

/// How many bytes the line end at `at` has.
fn line_end_at(file: &[u8], at: usize) -> usize {
    match &file[at..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// The fragment within the objects that are still missing around it. A last `-` asks for an array.
fn wrap(
    path: &[String],
    style: Style,
    render: Render<'_>,
    dialect: Dialect,
    quotes: Quotes,
) -> Result<Vec<u8>, LensError> {
    let mut text = render(style)?;
    for (at, token) in path.iter().enumerate().rev() {
        let list = at + 1 == path.len() && token == "-";
        let (open, close) = if list { (b"[", b"]") } else { (b"{", b"}") };
        let mut key = Vec::new();
        if !list {
            write_key(token, quotes, &mut key);
            key.extend_from_slice(if style == Style::Compact { b":" } else { b": " });
        }
        text = match style {
            Style::Lines => {
                let inner = indent(&text, STEP, STEP, "\n", dialect);
                [open, &b"\n"[..], STEP, &key, &inner, b"\n", close].concat()
            }
            _ => [open, &key[..], &text, close].concat(),
        };
    }
    Ok(text)
}

/// The edits that make a blank file hold a value at `path`.
pub(super) fn fill(file: &[u8], path: &[String], render: Render<'_>, dialect: Dialect) -> Result<Vec<Edit>, LensError> {
    debug_assert!(is_blank(file));
    let from = if file.starts_with(crate::lens::BOM) { crate::lens::BOM.len() } else { 0 };
    let end = line_end(file);
    let text = wrap(path, Style::Lines, render, dialect, dialect.quotes(b""))?;
    let mut text = indent(&text, b"", STEP, end, dialect);
    text.extend_from_slice(end.as_bytes());
    Ok(vec![Edit { span: from..file.len(), text }])
}
