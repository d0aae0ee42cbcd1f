//! LaTeX: `\part` to `\subparagraph`, starred or not, at the start of a line; not in comments and verbatim environments, nor in the preamble.

use super::{Heading, Headings, LensError, Markup, line_at, squeezed};
use crate::lens::Format;
use crate::selector::Scheme;

pub(super) struct Latex;

/// The commands of the levels from 1 on.
const COMMANDS: [&str; 7] = ["part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"];

/// Environments in which nothing is a command.
const VERBATIM: &[&str] =
    &["verbatim", "verbatim*", "Verbatim", "lstlisting", "minted", "comment", "alltt", "filecontents", "filecontents*"];

/// The level of a line's command, and the rest behind its name and star.
fn command(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches([' ', '\t']).strip_prefix('\\')?;
    let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let level = COMMANDS.iter().position(|command| *command == &rest[..length])? + 1;
    let rest = &rest[length..];
    Some((level, rest.strip_prefix('*').unwrap_or(rest)))
}

/// So long the arguments of a heading may be, and the name of an environment, in bytes.
const MAX_TITLE: usize = 8 << 10;
const MAX_NAME: usize = 80;

/// The environment that a command on this line begins or ends.
fn environment<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let name = text.strip_prefix(word)?.trim_start_matches([' ', '\t']).strip_prefix('{')?;
    let end = name.bytes().take(MAX_NAME).position(|b| b == b'}')?;
    Some(&name[..end])
}

/// Whether an environment ends in a text.
fn ends(text: &str, name: &str) -> bool {
    text.contains(&format!("\\end{{{name}}}"))
}

/// The line without its comment.
fn uncommented(line: &str) -> &str {
    let mut escaped = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'%' if !escaped => return &line[..at],
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    line
}

/// Where the group ends that opens at `at`, behind its bracket; not further than the next blank line.
fn group(text: &str, at: usize, open: u8, close: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(at + MAX_TITLE);
    let (mut depth, mut braces) = (0_usize, 0_usize);
    let mut at = at;
    while at < limit {
        match bytes[at] {
            b'\\' => at += 1,
            b'%' => at = line_at(text, at).1 - 1,
            b'\n' if line_at(text, at + 1).0.trim().is_empty() => return None,
            byte if byte == open && braces == 0 => depth += 1,
            byte if byte == close && braces == 0 => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'{' => braces += 1,
            b'}' => braces = braces.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The title's group, and where its lines end, of the heading whose arguments begin at `at`.
fn title(text: &str, at: usize) -> Option<(&str, usize)> {
    let skip = |at: usize| at + text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
    let mut at = skip(at);
    if text[at..].starts_with('[') {
        at = skip(group(text, at, b'[', b']')?);
    }
    if !text[at..].starts_with('{') {
        return None;
    }
    let end = group(text, at, b'{', b'}')?;
    let inside = &text[at + 1..end - 1];
    Some((inside, line_at(text, end).1))
}

/// A title without its labels, with single blanks.
fn name(title: &str) -> String {
    let mut out = String::new();
    let mut rest = title;
    while let Some((before, behind)) = rest.split_once("\\label{") {
        out.push_str(before);
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    squeezed(&out)
}

/// The environments that a text begins (and does not end) or ends (and did not begin).
fn unclosed(text: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut verbatim: Option<&str> = None;
    for line in text.lines() {
        if let Some(name) = verbatim {
            verbatim = Some(name).filter(|name| !ends(line, name));
            continue;
        }
        let mut rest = uncommented(line);
        while let Some(at) = rest.find('\\') {
            rest = &rest[at..];
            if let Some(name) = environment(rest, "\\begin") {
                if VERBATIM.contains(&name) {
                    verbatim = Some(name).filter(|name| !ends(rest, name));
                    break;
                }
                open.push(format!("\\begin{{{name}}}"));
            } else if let Some(name) = environment(rest, "\\end") {
                if open.last().is_some_and(|last| *last == format!("\\begin{{{name}}}")) {
                    open.pop();
                } else {
                    open.push(format!("\\end{{{name}}}"));
                }
            }
            // A backslash may stand before another.
            let step = rest[1..].chars().next().map_or(0, char::len_utf8);
            rest = &rest[1 + step..];
        }
    }
    open
}

impl Markup for Latex {
    fn scheme(&self) -> Scheme {
        Scheme::Tex
    }

    fn format(&self) -> Format {
        Format::Tex
    }

    fn headings(&self, text: &str, start: usize) -> Result<Headings, LensError> {
        let mut headings: Vec<Heading> = Vec::new();
        let mut verbatim: Option<&str> = None;
        let mut limit = text.len();
        let mut at = start;
        while at < text.len() {
            let (line, end) = line_at(text, at);
            let here = std::mem::replace(&mut at, end);
            if let Some(name) = verbatim {
                verbatim = Some(name).filter(|name| !ends(line, name));
                continue;
            }
            let code = uncommented(line);
            // The last one that begins on the line is what goes on, if it does not end there.
            let mut begun = code.rmatch_indices("\\begin").filter_map(|(at, _)| {
                let name = environment(&code[at..], "\\begin").filter(|name| VERBATIM.contains(name))?;
                Some((at, name))
            });
            verbatim = begun.next().filter(|(at, name)| !ends(&code[*at..], name)).map(|(_, name)| name);
            let command_line = code.trim();
            if environment(command_line, "\\begin") == Some("document") {
                // What stands before it is the preamble.
                headings.clear();
            } else if environment(command_line, "\\end") == Some("document") {
                limit = here;
                break;
            }
            let Some((level, rest)) = command(code) else { continue };
            let arguments = here + code.len() - rest.len();
            if let Some((inside, end)) = title(text, arguments) {
                let name = name(inside);
                headings.push(Heading {
                    level,
                    name,
                    span: here..end,
                    title: here..end,
                    underlined: false,
                    parent: None,
                });
                at = end;
            }
        }
        Ok(Headings { headings, limit })
    }

    fn normal(&self, title: &str, heading: &Heading, level: usize) -> Option<String> {
        let command = COMMANDS.get(level - 1)?;
        let start = title.find('\\')?;
        let rest = &title[start + 1 + COMMANDS.get(heading.level - 1)?.len()..];
        let mut out = format!("{}\\{command}", &title[..start]);
        super::push_lines(&mut out, rest);
        Some(out)
    }

    fn titled(&self, name: &str) -> String {
        format!("\\part{{{name}}}\n")
    }

    fn open(&self, text: &str) -> Vec<String> {
        unclosed(text)
    }

    fn rule(&self) -> &'static str {
        "a section's fragment begins with its heading at level 1, `\\part{Name}`, whatever its level in the file"
    }
}
