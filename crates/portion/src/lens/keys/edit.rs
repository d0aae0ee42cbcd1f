//! Planned edits of a file of lines.

use core::net::IpAddr;

use super::document::{Document, Entry, Fault, Section, block_name, parsed};
use super::find;
use super::grammar::{Bare, Grammar, Headers, Quoting};
use super::quoting::{self, Style};
use crate::lens::apply::splice;
use crate::lens::{Edit, LensError, Span, body, line_end};
use crate::pointer;

/// The lines of the whole file, without blank lines at both ends. A blank line that continues a value belongs to it.
pub(super) fn whole(document: &Document<'_>) -> Span {
    let file = document.file;
    let start = body::bom(file);
    let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
    let before: usize = body::lines(&file[start..]).take_while(is_blank_line).map(<[u8]>::len).sum();
    let start = start + before;
    let after: usize = body::lines_back(&file[start..]).take_while(is_blank_line).map(<[u8]>::len).sum();
    let last = document.entries.last().map_or(start, |entry| entry.lines.end);
    start..(file.len() - after).max(last)
}

/// Whether indentation counts in these lines: a value continues over several of them, in a format that keeps their blanks.
pub(super) fn is_literal(document: &Document<'_>, span: &Span) -> bool {
    let several = |entry: &Entry| {
        let inside = span.start <= entry.lines.start && entry.lines.end <= span.end;
        inside && entry.value.clone().is_some_and(|value| document.file[value].contains(&b'\n'))
    };
    match document.grammar.quoting {
        Quoting::Env => true,
        Quoting::Git => document.entries.iter().any(several),
        _ => false,
    }
}

/// The lines at `span` as a fragment.
pub(super) fn lines_taken(document: &Document<'_>, span: &Span) -> Vec<u8> {
    let lines = &document.file[span.clone()];
    let indent = if is_literal(document, span) { b"" } else { body::common_indentation(lines) };
    body::taken(lines, indent)
}

/// Plans the replacement of the lines at `span` by those of a fragment.
pub(super) fn lines_put(document: &Document<'_>, span: &Span, new: &[u8]) -> Result<Vec<Edit>, LensError> {
    let file = document.file;
    let fragment = parsed(document.grammar, new)?;
    let standing = body::common_indentation(&file[span.clone()]);
    let indent = if is_literal(&fragment, &whole(&fragment)) { b"" } else { standing };
    Ok(body::replaced(file, span, indent, new))
}

/// Plans the replacement of a section's lines.
pub(super) fn section_put(document: &Document<'_>, at: usize, new: &[u8]) -> Result<Vec<Edit>, LensError> {
    let file = document.file;
    let section = &document.sections[at];
    let fragment = section_body(document.grammar, new)?;
    let indent = match &file[section.body.clone()] {
        _ if is_literal(&fragment, &whole(&fragment)) => b"".to_vec(),
        [] => new_indent(document),
        lines => body::common_indentation(lines).to_vec(),
    };
    let mut text = new.to_vec();
    // Comments at the end, behind a blank line, would go over to a header that follows at once.
    let lines = || body::lines_back(new).map(body::content);
    let comments = lines().take_while(|line| is_comment(document.grammar, line)).count();
    let set_off = comments > 0 && lines().nth(comments).is_some_and(body::is_blank);
    if set_off && at + 1 < document.sections.len() && document.sections[at + 1].header.start == section.body.end {
        text.push(b'\n');
    }
    Ok(body::replaced(file, &section.body, &indent, &text))
}

fn is_comment(grammar: &Grammar, line: &[u8]) -> bool {
    line.trim_ascii_start().first().is_some_and(|b| grammar.comments.contains(b))
}

/// The text of a section's body, which must begin no section.
fn section_body<'a>(grammar: &'a Grammar, text: &'a [u8]) -> Result<Document<'a>, LensError> {
    let fragment = parsed(grammar, text)?;
    match fragment.sections.get(1) {
        None => Ok(fragment),
        Some(section) => Err(LensError::Refused(format!(
            "the fragment is to be the lines of a section, and begins one itself: `{}`",
            String::from_utf8_lossy(body::content(&text[section.header.clone()]))
        ))),
    }
}

/// The line of a hosts file as a fragment holds it.
pub(super) fn one_line(grammar: &Grammar, text: &[u8]) -> Result<(), LensError> {
    let fragment = parsed(grammar, text)?;
    match &fragment.entries[..] {
        [Entry { key, value: Some(names), .. }]
            if body::lines(text).count() == 1 && is_address(key) && !names.is_empty() =>
        {
            Ok(())
        }
        _ => Err(LensError::Refused("the fragment is to be one line: an address and its names".to_owned())),
    }
}

/// Whether a hosts file can have it before names: an IP address, perhaps with a zone (RFC 4007, section 11).
fn is_address(key: &str) -> bool {
    key.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

/// What the entry's value says; a key without a separator as the grammar reads it, and none where it is null.
pub(super) fn value_of(document: &Document<'_>, entry: &Entry) -> Result<Option<Vec<u8>>, Fault> {
    let Some(span) = entry.value.clone() else {
        return Ok(match document.grammar.bare {
            Bare::Null => None,
            Bare::Text(text) => Some(text.as_bytes().to_vec()),
        });
    };
    let decoded = quoting::decoded(document.grammar, &document.file[span.clone()]);
    decoded.map(Some).map_err(|found| Fault::new(span.start, found))
}

/// Plans another value for an entry. `path` is for the error that names what the format cannot say.
pub(super) fn value_put(
    document: &Document<'_>,
    entry: &Entry,
    value: &[u8],
    path: &str,
) -> Result<Vec<Edit>, LensError> {
    let Document { grammar, file, .. } = document;
    if value_of(document, entry).is_ok_and(|old| old.as_deref() == Some(value)) {
        return Ok(Vec::new());
    }
    let standing = entry.value.clone().map_or(&b""[..], |span| &file[span]);
    let continuation = continuation(document, standing, value);
    let style = Style { standing, continuation, file, line_end: line_end(file).as_bytes() };
    let mut text = quoting::encoded(grammar, value, &style).map_err(|what| cannot_say(grammar, path, what))?;
    let span = match entry.value.clone() {
        Some(span) => {
            let separator = &file[entry.name.end..span.start];
            // `key =` gets the blank behind its sign that stands before it.
            let begins_here = !begins_below(&text);
            let is_apart = span.is_empty() || begins_below(standing);
            if begins_here && is_apart && separator.starts_with(b" ") && separator.ends_with(b"=") {
                text.insert(0, b' ');
            }
            span
        }
        None => {
            let separator = separators(document, entry.section).next().unwrap_or(grammar.new_line.1.as_bytes());
            text.splice(0..0, separator.iter().copied());
            entry.name.end..entry.name.end
        }
    };
    Ok(vec![Edit { span, text }])
}

/// Whether a value begins on the line below its key.
fn begins_below(value: &[u8]) -> bool {
    value.starts_with(b"\n") || value.starts_with(b"\r\n")
}

pub(super) fn cannot_say(grammar: &Grammar, path: &str, what: &str) -> LensError {
    LensError::CannotSay { format: grammar.format, path: path.to_owned(), what: what.to_owned() }
}

/// For a value of several lines, the indentation of lines that continue a value: in the standing one, else in the first one that
/// has such lines.
fn continuation<'a>(document: &'a Document<'_>, standing: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    if !value.contains(&b'\n') {
        return None;
    }
    let others = document.entries.iter().filter_map(|entry| Some(&document.file[entry.value.clone()?]));
    let is_text = |line: &&[u8]| !body::is_blank(line);
    let second = std::iter::once(standing).chain(others).find_map(|value| body::lines(value).skip(1).find(is_text))?;
    Some(body::indentation(second))
}

/// What stands between keys and values, the nearest first: in this section from its end, then elsewhere.
fn separators<'a>(document: &'a Document<'_>, section: usize) -> impl Iterator<Item = &'a [u8]> {
    let start = document.entries.partition_point(|entry| entry.section < section);
    let end = document.entries.partition_point(|entry| entry.section <= section);
    let own = document.entries[start..end].iter().rev();
    own.chain(&document.entries[..start]).chain(&document.entries[end..]).filter_map(|entry| {
        let value = entry.value.clone().filter(|value| !value.is_empty())?;
        let between = &document.file[entry.name.end..value.start];
        (!begins_below(&document.file[value]) && !between.is_empty() && !between.contains(&b'\n')).then_some(between)
    })
}

/// The indentation of new lines in a section that has none.
fn new_indent(document: &Document<'_>) -> Vec<u8> {
    let in_sections = document.entries.iter().find(|e| e.section > 0 && !document.sections[e.section].key_on_header);
    match in_sections {
        Some(entry) => body::indentation(&document.file[entry.lines.clone()]).to_vec(),
        None if document.grammar.headers == Headers::None => Vec::new(),
        None => document.grammar.new_line.0.as_bytes().to_vec(),
    }
}

/// A new entry, as a line with LF, in the style of `neighbour`.
pub(super) fn entry_line(
    document: &Document<'_>,
    section: Option<usize>,
    neighbour: Option<&Entry>,
    key: &str,
    value: &[u8],
    path: &str,
) -> Result<Vec<u8>, LensError> {
    let Document { grammar, file, .. } = document;
    if grammar.quoting == Quoting::Names && !is_address(key) {
        return Err(cannot_say(grammar, path, "a name that is no address"));
    }
    let standing = neighbour.and_then(|entry| entry.value.clone()).map_or(&b""[..], |span| &file[span]);
    let follows =
        matches!(grammar.quoting, Quoting::Env | Quoting::Git) && matches!(standing.first(), Some(b'"' | b'\''));
    let standing = match (follows && !standing.contains(&b'\n'), grammar.quoting) {
        // What the neighbour has expanded is its own affair.
        (true, Quoting::Env) => &standing[..1],
        (true, _) => standing,
        (false, _) => b"",
    };
    let continuation = continuation(document, b"", value);
    let style = Style { standing, continuation, file, line_end: b"\n" };
    let raw = quoting::encoded(grammar, value, &style).map_err(|what| cannot_say(grammar, path, what))?;
    let before = match neighbour {
        Some(entry) if !document.sections[entry.section].key_on_header => {
            file[entry.lines.start..entry.name.start].to_vec()
        }
        None if section == Some(0) => Vec::new(),
        _ => new_indent(document),
    };
    let separator = separators(document, section.unwrap_or(0)).next().unwrap_or(grammar.new_line.1.as_bytes());
    let name = match grammar.quoting {
        Quoting::Java => quoting::java_encoded(key.as_bytes(), true, file),
        _ => key.as_bytes().to_vec(),
    };
    let line = [&before[..], &name, separator, &raw, b"\n"].concat();
    let reread = parsed(grammar, &line).ok().filter(|read| read.sections.len() == 1 && read.entries.len() == 1);
    let reread = reread.as_ref().and_then(|read| read.entries.first().map(|entry| (read, entry)));
    match reread {
        Some((read, entry)) if entry.key == key && entry.lines.end == line.len() => {
            if value_of(read, entry).is_ok_and(|read| read.as_deref() == Some(value)) {
                return Ok(line);
            }
            Err(cannot_say(grammar, path, "this text"))
        }
        _ if key.contains('=') => Err(cannot_say(grammar, path, "a key that holds `=`")),
        _ => Err(cannot_say(grammar, path, "a key of this name")),
    }
}

/// A header, as a line with LF.
fn header(grammar: &Grammar, path: &[String]) -> Result<Vec<u8>, LensError> {
    let line = match (grammar.headers, path) {
        (Headers::Brackets | Headers::Git, [name]) => format!("[{name}]\n"),
        (Headers::Git, [name, sub]) => {
            format!("[{name} \"{}\"]\n", sub.replace('\\', "\\\\").replace('"', "\\\""))
        }
        (Headers::Ssh, [name]) => format!("{name}\n"),
        _ => return Err(cannot_say(grammar, &pointer::format(path), "a section here")),
    };
    let reread = parsed(grammar, line.as_bytes()).ok();
    let told = reread.as_ref().and_then(|read| match &read.sections[..] {
        [_, only] if !only.key_on_header => Some(&only.path),
        _ => None,
    });
    if told.is_some_and(|told| told == path) {
        return Ok(line.into_bytes());
    }
    Err(cannot_say(grammar, &pointer::format(path), "a section of this name"))
}

/// Plans a new entry: before the entry that `before` names, or behind the last of its kind, or at the end of its section, which is made
/// if it is missing.
pub(super) fn entry_insert(
    document: &Document<'_>,
    path: &[String],
    before: Option<usize>,
    value: &[u8],
) -> Result<Vec<Edit>, LensError> {
    let file = document.file;
    let pointer = pointer::format(path);
    let Some((key, section_path)) = path.split_last() else {
        return Err(LensError::Refused("a whole file cannot be inserted".to_owned()));
    };
    let Some(section) = find::sections(document, section_path).last().copied() else {
        let line = entry_line(document, None, None, key, value, &pointer)?;
        return section_insert(document, section_path, &line[body::indentation(&line).len()..]);
    };
    let same = before.or_else(|| find::entries(document, path).last().copied());
    let last = document.entries.partition_point(|entry| entry.section <= section).checked_sub(1);
    let last = last.filter(|at| document.entries[*at].section == section);
    let neighbour = same.or(last).map(|at| &document.entries[at]);
    let mut line = entry_line(document, Some(section), neighbour, key, value, &pointer)?;
    let at = match (before, neighbour) {
        (Some(_), Some(entry)) => entry.lines.start,
        (None, Some(entry)) if entry.lines.end < file.len() && !file[..entry.lines.end].ends_with(b"\n") => {
            document.sections[entry.section].header.end
        }
        (None, Some(entry)) => entry.lines.end,
        (_, None) if section > 0 => document.sections[section].header.end,
        (_, None) => {
            // What stands before the first header.
            if document.sections.len() > 1 {
                line.push(b'\n');
            }
            document.sections[0].end
        }
    };
    Ok(body::replaced(file, &(at..at), b"", &line))
}

/// Plans a new section with the lines of a fragment.
pub(super) fn section_insert(document: &Document<'_>, path: &[String], new: &[u8]) -> Result<Vec<Edit>, LensError> {
    let Document { grammar, file, sections, .. } = document;
    let path: Vec<String> = match (grammar.headers, path) {
        (Headers::Ssh, [name]) => vec![block_name(name.as_bytes())],
        _ => path.to_vec(),
    };
    let mut text = header(grammar, &path)?;
    let fragment = section_body(grammar, new)?;
    let indent = if is_literal(&fragment, &whole(&fragment)) { Vec::new() } else { new_indent(document) };
    for line in body::lines(new) {
        if line != b"\n" {
            text.extend_from_slice(&indent);
        }
        text.extend_from_slice(line);
    }
    let blank = sets_sections_off(document);
    let last_of_group =
        sections.iter().rposition(|s| grammar.headers == Headers::Git && s.path.first() == path.first());
    let catch_all = sections.iter().position(|s| grammar.headers == Headers::Ssh && is_catch_all(s));
    let at = match (last_of_group, catch_all) {
        (Some(group), _) if group + 1 < sections.len() => sections[group].body.end.max(sections[group].header.end),
        (_, Some(all)) => sections[all - 1].end,
        _ => file.len(),
    };
    let before = &file[whole(document).start.min(at)..at];
    let set_off = body::lines_back(before).next().is_none_or(|line| body::is_blank(body::content(line)));
    if blank && !set_off {
        text.insert(0, b'\n');
    }
    if blank && catch_all.is_some() && at < file.len() {
        text.push(b'\n');
    }
    Ok(body::replaced(file, &(at..at), b"", &text))
}

/// Whether blank lines stand before headers.
fn sets_sections_off(document: &Document<'_>) -> bool {
    let pairs = document.sections.windows(2).skip(1);
    let gaps: Vec<bool> = pairs.map(|pair| pair[0].body.end < pair[1].header.start).collect();
    if gaps.is_empty() { document.grammar.blank_before_section } else { gaps.contains(&true) }
}

fn is_catch_all(section: &Section) -> bool {
    section.path.first().is_some_and(|name| name == "Host *" || name.eq_ignore_ascii_case("match all"))
}

/// Plans the removal of a section: the comments that belong to its header, the header, its lines, and the blank lines that set it off.
pub(super) fn section_remove(document: &Document<'_>, at: usize) -> Vec<Edit> {
    let file = document.file;
    let section = &document.sections[at];
    let start = document.sections[at.saturating_sub(1)].end.min(section.header.start);
    let end = section.body.end.max(section.header.end);
    let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
    let before: usize =
        body::lines_back(&file[body::bom(file)..start]).take_while(is_blank_line).map(<[u8]>::len).sum();
    let behind: usize = body::lines(&file[end..]).take_while(is_blank_line).map(<[u8]>::len).sum();
    if end + behind == file.len() {
        // Blank lines at the end of the file stay there.
        return body::removed(file, &(start - before..end));
    }
    // What stands above and below stays apart.
    let apart = before > 0 || start == body::bom(file);
    body::removed(file, &(start..if apart { end + behind } else { end }))
}

/// How a path of tokens is to be read where nothing stands: the entry's path, and its ordinal among equal keys. `None` if it is too
/// long.
pub(super) fn new_path<'a>(document: &Document<'_>, tokens: &'a [String]) -> Option<(&'a [String], Option<usize>)> {
    let depth = match document.grammar.headers {
        Headers::None => 1,
        Headers::Brackets | Headers::Ssh => 2,
        Headers::Git => 3,
    };
    if let Some((last, parents)) = tokens.split_last()
        && let Some(ordinal) = pointer::index(last)
        && (tokens.len() == depth + 1 || !find::entries(document, parents).is_empty())
    {
        return Some((parents, Some(ordinal)));
    }
    (tokens.len() <= depth).then_some((tokens, None))
}

/// The plan, if it changes nothing beside its portion: no other entry, and no section but `section`. `is_free` tells the
/// entries (by index) that may change. A line that is moved behind another may continue its value, a comment may go over to
/// another section.
pub(super) fn guarded(
    document: &Document<'_>,
    section: Option<usize>,
    is_free: impl Fn(usize) -> bool,
    edits: Vec<Edit>,
) -> Result<Vec<Edit>, LensError> {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Ok(edits) };
    let written = splice(document.file, &edits)?;
    // The error's place is one in a file that will not be.
    let after = parsed(document.grammar, &written)
        .map_err(|error| LensError::Refused(format!("after the edit, the file could not be read any more: {error}")))?;
    let says = |document: &Document<'_>, entry: &Entry| {
        let value = entry.value.clone().map(|value| document.file[value].to_vec());
        (document.sections[entry.section].path.clone(), entry.key.clone(), value)
    };
    let holds = |document: &Document<'_>, section: &Section| {
        (section.path.clone(), body::taken(&document.file[section.body.clone()], b""))
    };
    let ends = |section: &Section| section.body.end.max(section.header.end);
    let is_other = |at: &usize| Some(*at) != section;
    let (old, new) = (&document.entries, &after.entries);
    let is_before = |at: &usize| !is_free(*at) && old[*at].lines.end <= first.span.start;
    let is_behind = |at: &usize| !is_free(*at) && old[*at].lines.start >= last.span.end;
    let before = (0..old.len()).take_while(is_before).count();
    let behind = (before..old.len()).rev().take_while(is_behind).count();
    let (sections, new_sections) = (&document.sections, &after.sections);
    let above = (0..sections.len()).take_while(|at| is_other(at) && ends(&sections[*at]) <= first.span.start).count();
    let below = (0..sections.len()).rev();
    let below = below.take_while(|at| is_other(at) && sections[*at].header.start >= last.span.end && *at > 0).count();
    let stays = before + behind <= new.len()
        && above + below <= new_sections.len()
        && old.iter().zip(new).take(before).all(|(a, b)| says(document, a) == says(&after, b))
        && old.iter().rev().zip(new.iter().rev()).take(behind).all(|(a, b)| says(document, a) == says(&after, b))
        && sections.iter().zip(new_sections).take(above).all(|(a, b)| holds(document, a) == holds(&after, b))
        && sections
            .iter()
            .rev()
            .zip(new_sections.iter().rev())
            .take(below)
            .all(|(a, b)| holds(document, a) == holds(&after, b));
    if stays {
        return Ok(edits);
    }
    Err(LensError::Refused(
        "another portion would change: a line would continue the value above it, or go over to another section"
            .to_owned(),
    ))
}
