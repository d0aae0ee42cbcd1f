//! AsciiDoc: `== Title` lines, and titles that are underlined, where a block may begin; not in delimited blocks
//! (AsciiDoc Language, "Sections" and "Delimited blocks"; underlined titles as Asciidoctor reads them).

use super::{Heading, Headings, LensError, Markup, line_at, squeezed};
use crate::lens::Format;
use crate::selector::Scheme;

pub(super) struct AsciiDoc;

/// The deepest level: `======`.
const DEEPEST: usize = 6;

/// What underlines titles of the levels from 1 on.
const UNDERLINES: &str = "=-~^+";

/// The level and the text of a title on one line.
fn title(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'=').count();
    let rest = &line[level..];
    if level == 0 || level > DEEPEST || !rest.starts_with([' ', '\t']) || rest.trim().is_empty() {
        return None;
    }
    let text = rest.trim();
    // The signs may stand behind it, too.
    let closed = text.strip_suffix(&line[..level]).filter(|text| text.ends_with([' ', '\t'])).map(str::trim_end);
    Some((level, closed.unwrap_or(text)))
}

/// Whether `line` is a run of one sign, and how long.
fn run(line: &str) -> Option<(char, usize)> {
    let line = line.trim_end();
    let first = line.chars().next()?;
    line.chars().all(|c| c == first).then(|| (first, line.chars().count()))
}

/// The level of a title that `underline` stands below.
fn underlined(line: &str, underline: &str) -> Option<usize> {
    let (sign, length) = run(underline)?;
    let level = UNDERLINES.find(sign)? + 1;
    let width = line.trim_end().chars().count();
    // Written on one line it would not be what it is: white space at its start is not part of such a title.
    let is_text = line.chars().any(char::is_alphanumeric)
        && !line.starts_with(|c: char| c.is_whitespace() || matches!(c, '.' | '[' | '/' | '*' | '-'));
    (is_text && length >= 2 && width.abs_diff(length) <= 1).then_some(level)
}

/// A delimiter of a block: of which kind, and whether blocks within it are looked for.
fn delimiter(line: &str) -> Option<(&str, bool)> {
    let line = line.trim_end();
    if line.starts_with("```")
        || line.ends_with("===") && matches!(line.as_bytes(), [b'|' | b',' | b':' | b'!', b'=', ..])
    {
        return Some((if line.starts_with("```") { "```" } else { line }, false));
    }
    match run(line)? {
        ('-', 2) => Some((line, true)),
        ('-' | '.' | '+' | '/', 4..) => Some((line, false)),
        ('=' | '*' | '_', 4..) => Some((line, true)),
        _ => None,
    }
}

/// A line of attributes, an anchor, a block's title: it belongs to what stands below.
fn is_attached(line: &str) -> bool {
    let line = line.trim_end();
    (line.starts_with('[') && line.ends_with(']') && line.len() > 2)
        || (line.starts_with('.') && line[1..].starts_with(|c: char| !matches!(c, '.' | ' ' | '\t')))
}

/// Whether a line is of attributes, or an anchor, whatever stands above it.
fn ends_paragraph(line: &str) -> bool {
    let inside = line.strip_prefix('[');
    inside.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "_,.#\"'%[".contains(c)))
}

/// A comment, an attribute of the document, a directive: it is no text.
fn is_neutral(line: &str) -> bool {
    let is_directive =
        ["ifdef::", "ifndef::", "ifeval::", "endif::", "include::"].iter().any(|it| line.starts_with(it));
    let is_attribute = line.strip_prefix(':').and_then(|rest| rest.split_once(':')).is_some_and(|(name, value)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'!'))
            && (value.is_empty() || value.starts_with(' '))
    });
    (line.starts_with("//") && !line.starts_with("///")) || is_directive || is_attribute
}

/// Whether an attribute makes a heading that begins no section.
fn is_discrete(line: &str) -> bool {
    let inside = line.trim().trim_start_matches('[');
    inside.starts_with("discrete") || inside.starts_with("float")
}

impl Markup for AsciiDoc {
    fn scheme(&self) -> Scheme {
        Scheme::Adoc
    }

    fn format(&self) -> Format {
        Format::Adoc
    }

    fn headings(&self, text: &str, start: usize) -> Result<Headings, LensError> {
        let mut headings: Vec<Heading> = Vec::new();
        // The delimiters that are open, and whether the innermost takes everything as it is.
        let mut open: Vec<&str> = Vec::new();
        let mut literal = false;
        let mut in_paragraph = false;
        // Where the lines begin that are attached to the next block.
        let mut attached: Option<usize> = None;
        let mut discrete = false;
        let mut at = start;
        while at < text.len() {
            let (line, end) = line_at(text, at);
            let here = std::mem::replace(&mut at, end);
            if let Some(last) = open.last()
                && (line.trim_end() == *last || (*last == "```" && line.trim_end() == "```"))
            {
                open.pop();
                (literal, in_paragraph) = (false, false);
                (attached, discrete) = (None, false);
                continue;
            }
            if literal {
                continue;
            }
            if line.trim().is_empty() {
                in_paragraph = false;
                // Blank lines below an anchor part it from nothing.
                continue;
            }
            if !in_paragraph && is_neutral(line) {
                continue;
            }
            if is_attached(line) && (!in_paragraph || ends_paragraph(line)) {
                // Attributes and anchors of the next block end a paragraph.
                in_paragraph = false;
                attached.get_or_insert(here);
                discrete |= is_discrete(line);
                continue;
            }
            let first = attached.take().unwrap_or(here);
            let is_discrete = std::mem::take(&mut discrete);
            if open.is_empty() && !in_paragraph && !is_discrete {
                let (next, after) = line_at(text, end);
                let found = match title(line) {
                    Some((level, name)) => Some((level, name, end, false)),
                    None if end < text.len() => underlined(line, next).map(|level| (level, line, after, true)),
                    None => None,
                };
                if let Some((level, name, end, underlined)) = found {
                    let name = squeezed(name);
                    headings.push(Heading {
                        level,
                        name,
                        span: first..end,
                        title: here..end,
                        underlined,
                        parent: None,
                    });
                    at = end;
                    continue;
                }
            }
            match delimiter(line) {
                Some((mark, nests)) => {
                    open.push(mark);
                    (literal, in_paragraph) = (!nests, false);
                }
                // A heading that begins no section is no text either.
                None => in_paragraph = !(is_discrete && title(line).is_some()),
            }
        }
        Ok(Headings { headings, limit: text.len() })
    }

    fn normal(&self, lines: &str, heading: &Heading, level: usize) -> Option<String> {
        if level > DEEPEST {
            return None;
        }
        let line = lines.lines().next()?.trim_end();
        let text = if heading.underlined { line } else { title(line)?.1 };
        // A sign at the end would be taken for a closing one.
        let signs = "=".repeat(level);
        Some(if text.ends_with('=') { format!("{signs} {text} {signs}\n") } else { format!("{signs} {text}\n") })
    }

    fn titled(&self, name: &str) -> String {
        format!("= {name}\n")
    }

    fn rule(&self) -> &'static str {
        "a section's fragment begins with its heading at level 1, `= Name`, whatever its level in the file (anchors and attributes may \
         stand above it)"
    }
}
