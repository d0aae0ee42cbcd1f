//! Org mode: a headline is stars at the start of a line and a blank, wherever it stands: a star in a block is escaped by a comma there
//! (Org syntax, "Headings").

use super::{Heading, Headings, LensError, Markup, line_at, squeezed};
use crate::lens::Format;
use crate::selector::Scheme;

pub(super) struct Org;

/// The keywords of a headline that Org knows where the file names none.
const KEYWORDS: &[&str] = &["TODO", "DONE"];

/// The headline's text behind its stars.
fn headline(line: &str) -> Option<(usize, &str)> {
    let stars = line.bytes().take_while(|b| *b == b'*').count();
    let rest = &line[stars..];
    (stars > 0 && rest.starts_with([' ', '\t'])).then_some((stars, rest))
}

/// The keywords that `#+TODO:` lines name.
fn keywords(text: &str) -> Vec<&str> {
    let mut keywords: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("#+")) {
        let Some((name, words)) = line.split_once(':') else { continue };
        if ["#+TODO", "#+SEQ_TODO", "#+TYP_TODO"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let words = words.split_whitespace().filter(|word| *word != "|");
            keywords.extend(words.map(|word| word.split('(').next().unwrap_or(word)));
        }
    }
    if keywords.is_empty() { KEYWORDS.to_vec() } else { keywords }
}

/// A headline without its keyword, priority and tags.
fn name(rest: &str, keywords: &[&str]) -> String {
    let mut text = rest.trim();
    let first = text.split_whitespace().next().unwrap_or_default();
    if keywords.contains(&first) {
        text = text[first.len()..].trim_start();
    }
    if let Some(rest) = text.strip_prefix("[#")
        && let Some((priority, rest)) = rest.split_once(']')
        && !priority.is_empty()
        && priority.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        text = rest.trim_start();
    }
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let is_tag = |tag: &str| !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || "_@#%".contains(c));
    let tags = last.strip_prefix(':').and_then(|tags| tags.strip_suffix(':'));
    if tags.is_some_and(|tags| tags.split(':').all(is_tag)) {
        text = text[..text.len() - last.len()].trim_end();
    }
    squeezed(text)
}

impl Markup for Org {
    fn scheme(&self) -> Scheme {
        Scheme::Org
    }

    fn format(&self) -> Format {
        Format::Org
    }

    fn headings(&self, text: &str, start: usize) -> Result<Headings, LensError> {
        let keywords = keywords(&text[start..]);
        let mut headings = Vec::new();
        let mut at = start;
        while at < text.len() {
            let (line, end) = line_at(text, at);
            if let Some((level, rest)) = headline(line) {
                let name = name(rest, &keywords);
                headings.push(Heading { level, name, span: at..end, title: at..end, underlined: false, parent: None });
            }
            at = end;
        }
        Ok(Headings { headings, limit: text.len() })
    }

    fn normal(&self, title: &str, _: &Heading, level: usize) -> Option<String> {
        let line = title.trim_end_matches(['\r', '\n']);
        let (_, rest) = headline(line)?;
        Some(format!("{}{rest}\n", "*".repeat(level)))
    }

    fn titled(&self, name: &str) -> String {
        format!("* {name}\n")
    }

    fn rule(&self) -> &'static str {
        "a section's fragment begins with its heading at level 1, `* Name`, whatever its level in the file"
    }
}
