//! Users' files: portions between other things. A user writes them without any lens, so that the lenses are judged by others.
//!
//! A portion says `k1 … e7` a few times: a key, and a token that tells which edit wrote it. Comments in it are `c7`, what a mapping keeps
//! private is `o7`. What stands around the portions holds tokens `o7`, too: no restore may change one.

use std::ops::Range;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Jsonc,
    Toml,
    Yaml,
    Markdown,
    Marked,
}

/// What a portion says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Content {
    /// Keys and tokens, in the order of the text.
    pub(crate) pairs: Vec<(String, String)>,
    /// A comment's token.
    pub(crate) comment: Option<String>,
    /// A private key's token.
    pub(crate) own: Option<String>,
}

/// How a member writes its portion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) kind: Kind,
    /// The group's `k1` is called `q1` here.
    pub(crate) renames: bool,
    /// The key `own` is private.
    pub(crate) has_own: bool,
    /// Lines end in CR LF.
    pub(crate) crlf: bool,
}

impl Kind {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Kind::Json => "json",
            Kind::Jsonc => "jsonc",
            Kind::Toml => "toml",
            Kind::Yaml => "yaml",
            Kind::Markdown => "md",
            Kind::Marked => "conf",
        }
    }

    /// The selector of the portion in that slot of a file.
    pub(crate) fn selector(self, slot: usize) -> String {
        match self {
            Kind::Json => format!("json:/p{slot}"),
            Kind::Jsonc => format!("jsonc:/p{slot}"),
            Kind::Toml => format!("toml:/p{slot}"),
            Kind::Yaml => format!("yaml:/p{slot}"),
            Kind::Markdown => format!("md:/Doc/P{slot}"),
            Kind::Marked => format!("mark:p{slot}"),
        }
    }

    pub(crate) fn is_structured(self) -> bool {
        !matches!(self, Kind::Markdown | Kind::Marked)
    }

    /// A file with these portions, and these tokens around them: one more than portions.
    pub(crate) fn file(self, bodies: &[Option<String>], around: &[String]) -> String {
        let first = around.first().map_or("o0", String::as_str);
        let mut out = match self {
            Kind::Json => format!("{{\n  \"t\": \"{first}\""),
            Kind::Jsonc => format!("{{\n  // {first}\n  \"t\": 1"),
            Kind::Toml => format!("# about {first}\nt = 1.50\n"),
            Kind::Yaml => format!("# about {first}\nt: 1.50\n"),
            Kind::Markdown => format!("# Doc\n\nabout {first}\n\n"),
            Kind::Marked => format!("about {first}\n"),
        };
        for (slot, body) in bodies.iter().enumerate() {
            if let Some(body) = body {
                out.push_str(&match self {
                    Kind::Json | Kind::Jsonc => format!(",\n  \"p{slot}\": {body}"),
                    Kind::Toml => format!("\n[p{slot}]\n{body}"),
                    Kind::Yaml => format!("p{slot}:{body}"),
                    Kind::Markdown => format!("## P{slot}\n{body}"),
                    Kind::Marked => format!("# inlay:begin p{slot}\n{body}# inlay:end p{slot}\n"),
                });
            }
            let token = around.get(slot + 1).map_or("o0", String::as_str);
            out.push_str(&match self {
                Kind::Json | Kind::Jsonc => format!(",\n  \"m{slot}\": [\"{token}\",  10]"),
                Kind::Toml => format!("\n[m{slot}]\nx = [\"{token}\",  10]\n"),
                Kind::Yaml => format!("m{slot}: [{token},  10]\n"),
                Kind::Markdown => format!("\n## M{slot}\n\nabout  {token}\n\n"),
                Kind::Marked => format!("about  {token}\n"),
            });
        }
        if matches!(self, Kind::Json | Kind::Jsonc) {
            out.push_str("\n}\n");
        }
        out
    }

    /// Where the portion in a slot stands, without what names it.
    pub(crate) fn locate(self, text: &str, slot: usize) -> Option<Range<usize>> {
        match self {
            Kind::Json | Kind::Jsonc => {
                let key = format!("\"p{slot}\":");
                let after = text.find(&key)? + key.len();
                let start = after + text[after..].find(|c: char| !c.is_whitespace())?;
                Some(start..start + braces(&text[start..])?)
            }
            Kind::Toml => section(text, &format!("[p{slot}]"), |line| {
                line.starts_with('[') && !line.starts_with(&format!("[p{slot}."))
            }),
            Kind::Yaml => {
                section(text, &format!("p{slot}:"), |line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
            }
            Kind::Markdown => section(text, &format!("## P{slot}"), |line| line.starts_with("## ")),
            Kind::Marked => section(text, &format!("# inlay:begin p{slot}"), |line| line.starts_with("# inlay:end")),
        }
    }

    /// Where the portion in a slot stands, with what names it.
    pub(crate) fn whole(self, text: &str, slot: usize) -> Option<Range<usize>> {
        let inner = self.locate(text, slot)?;
        let head = match self {
            Kind::Json | Kind::Jsonc => text[..inner.start].rfind(',')?,
            Kind::Toml => text[..inner.start].rfind(&format!("[p{slot}]"))?,
            Kind::Yaml => text[..inner.start].rfind(&format!("p{slot}:"))?,
            Kind::Markdown => text[..inner.start].rfind(&format!("## P{slot}"))?,
            Kind::Marked => text[..inner.start].rfind(&format!("# inlay:begin p{slot}"))?,
        };
        let tail = match self {
            Kind::Marked => text[inner.end..].find('\n').map_or(text.len(), |at| inner.end + at + 1),
            _ => inner.end,
        };
        Some(head..tail)
    }

    /// What stands around a portion, before and after: blank ends that may be its own are left out.
    pub(crate) fn around(self, text: &str, slot: usize) -> Option<(&str, &str)> {
        let range = self.locate(text, slot)?;
        let (before, after) = (&text[..range.start], &text[range.end..]);
        Some(match self {
            Kind::Json | Kind::Jsonc | Kind::Marked => (before, after),
            Kind::Toml | Kind::Yaml | Kind::Markdown => (before.trim_end(), after.trim_start()),
        })
    }
}

/// How long the JSON value is that stands at the start.
fn braces(text: &str) -> Option<usize> {
    if !text.starts_with(['{', '[']) {
        return text.find([',', '\n', '\r', '}']);
    }
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// From behind the line that starts with `head` to the first that `ends`.
fn section(text: &str, head: &str, ends: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let mut at = 0;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        match start {
            None if line.trim_end() == head || (head.ends_with(':') && line.starts_with(head)) => {
                start = Some(at + if head.ends_with(':') { head.len() } else { line.len() });
            }
            Some(start) if ends(line) => return Some(start..at),
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| start..at)
}

impl Style {
    /// The portion's text, as [`Kind::file`] wants it.
    pub(crate) fn body(&self, content: &Content) -> String {
        let name = |key: &str| if self.renames && key == "k1" { "q1".to_owned() } else { key.to_owned() };
        let mut pairs: Vec<(String, &str)> = content.pairs.iter().map(|(k, v)| (name(k), v.as_str())).collect();
        if let Some(own) = &content.own {
            pairs.push(("own".to_owned(), own));
        }
        let comment = content.comment.as_deref();
        let line = |before: &str, after: &str| comment.map(|c| format!("{before}{c}{after}")).unwrap_or_default();
        match self.kind {
            Kind::Json | Kind::Jsonc if pairs.is_empty() => "{}".to_owned(),
            Kind::Json => {
                let members: Vec<String> = pairs.iter().map(|(k, v)| format!("    \"{k}\": \"{v}\"")).collect();
                format!("{{\n{}\n  }}", members.join(",\n"))
            }
            Kind::Jsonc => {
                let members: Vec<String> = pairs.iter().map(|(k, v)| format!("    \"{k}\": \"{v}\"")).collect();
                format!("{{\n{}{}\n  }}", line("    // ", "\n"), members.join(",\n"))
            }
            Kind::Toml => {
                let members: String = pairs.iter().map(|(k, v)| format!("{k} = \"{v}\"\n")).collect();
                format!("{}{members}", line("# ", "\n"))
            }
            Kind::Yaml if pairs.is_empty() => " {}\n".to_owned(),
            Kind::Yaml => {
                let members: String = pairs.iter().map(|(k, v)| format!("  {k}: {v}\n")).collect();
                format!("\n{}{members}", line("  # ", "\n"))
            }
            Kind::Markdown => {
                let members: String = pairs.iter().map(|(k, v)| format!("{k} is {v}.\n\n")).collect();
                format!("\n{}{members}", line("<!-- ", " -->\n\n"))
            }
            Kind::Marked => {
                let members: String = pairs.iter().map(|(k, v)| format!("{k} is {v}\n")).collect();
                format!("{}{members}", line("; ", "\n"))
            }
        }
    }

    /// What a portion's text says, however it is written.
    pub(crate) fn read(&self, text: &str) -> Content {
        let mut content = Content::default();
        let mut key = None;
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let Some((first, number)) = word.split_at_checked(1) else { continue };
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            match first {
                "k" => key = Some(word.to_owned()),
                "q" => key = Some(format!("k{number}")),
                "e" | "x" => content.pairs.extend(key.take().map(|key| (key, word.to_owned()))),
                "c" => content.comment = Some(word.to_owned()),
                "o" if self.has_own => content.own = Some(word.to_owned()),
                _ => {}
            }
        }
        content
    }
}

impl Content {
    /// What it says to the group, in a form that tells nothing of how it is written, and that [`Style::read`] reads.
    pub(crate) fn said(&self) -> String {
        if self.pairs.is_empty() {
            // Where nothing stands a comment may belong to what is around.
            return String::new();
        }
        let pairs: String = self.pairs.iter().map(|(key, token)| format!(" {key} {token}")).collect();
        self.comment.clone().unwrap_or_default() + &pairs
    }
}

impl Style {
    /// What the portion in a slot says, if it is there.
    pub(crate) fn said(&self, text: &str, slot: usize) -> Option<String> {
        let range = self.kind.locate(text, slot)?;
        Some(self.read(&text[range]).said())
    }
}

/// Every private or outer token in a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.strip_prefix('o').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_writes_is_found_and_read() {
        for kind in [Kind::Json, Kind::Jsonc, Kind::Toml, Kind::Yaml, Kind::Markdown, Kind::Marked] {
            let style = Style { kind, renames: kind.is_structured(), has_own: false, crlf: false };
            let one = Content {
                pairs: vec![("k1".into(), "e1".into()), ("k3".into(), "e2".into())],
                comment: (kind != Kind::Json).then(|| "c4".into()),
                own: None,
            };
            let bodies = [Some(style.body(&one)), Some(style.body(&Content::default()))];
            let around = ["o1".into(), "o2".into(), "o3".into()];
            let text = kind.file(&bodies, &around);
            assert_eq!(style.read(&text[kind.locate(&text, 0).unwrap()]), one, "{kind:?}\n{text}");
            assert_eq!(style.read(&text[kind.locate(&text, 1).unwrap()]), Content::default(), "{kind:?}\n{text}");
            let (before, after) = kind.around(&text, 0).unwrap();
            assert!(tokens(before) == ["o1"] && tokens(after) == ["o2", "o3"], "{kind:?}\n{text}");
            let selector: portion::Selector = kind.selector(0).parse().unwrap();
            let found = portion::get(selector.scheme.unwrap(), text.as_bytes(), &selector.expression).unwrap();
            assert_eq!(style.read(&String::from_utf8(found.text).unwrap()), one, "{kind:?}\n{text}");
        }
    }
}
