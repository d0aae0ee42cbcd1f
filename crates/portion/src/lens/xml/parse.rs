//! XML 1.0 (fifth edition) as a processor must check it that does not validate: what is read here is well-formed.
//!
//! Nothing is expanded: a reference to an entity that the document type declares is only noted, so that no file can make more of itself
//! than it is. Declarations in a document type are passed over by their quotes and brackets; attributes that it gives by default are
//! not there. A prefix without its namespace is left to the file.

use super::tree::{Element, NONE, Node, Tree};
use crate::lens::office::xml::is_sayable;
use crate::lens::{LensError, MAX_DEPTH};

/// Where, and what.
struct Fault(usize, String);

type Parsed<T> = Result<T, Fault>;

/// Parses a whole file.
///
/// # Errors
/// [`LensError::Unparsable`] for what is not well-formed, no UTF-8, or XML 1.1; [`LensError::TooLarge`] for elements that are nested too deeply.
pub(super) fn parse(file: &[u8]) -> Result<Tree<'_>, LensError> {
    let text = std::str::from_utf8(file).map_err(|error| {
        LensError::unparsable(file, error.valid_up_to(), "expected UTF-8 text, which XML in this program has to be")
    })?;
    if file.len() >= NONE as usize {
        return Err(LensError::TooLarge("the file has 4 GiB or more".to_owned()));
    }
    let mut scan = Scan { text, at: 0, stack: Vec::new(), too_deep: false, tree: Tree::new(text) };
    match scan.document() {
        Ok(()) => Ok(scan.tree),
        Err(_) if scan.too_deep => {
            Err(LensError::TooLarge(format!("elements are nested deeper than {MAX_DEPTH} levels")))
        }
        Err(Fault(at, found)) => Err(LensError::unparsable(file, at, found)),
    }
}

/// Parses a fragment: one element, and nothing beside it.
pub(super) fn fragment(text: &[u8]) -> Result<Tree<'_>, LensError> {
    let tree = parse(text)?;
    let span = tree.span(tree.root());
    if span.start > 0 || span.end < text.len() {
        let at = if span.start > 0 { 0 } else { span.end };
        return Err(LensError::unparsable(text, at, "a fragment is one element, and nothing beside it"));
    }
    Ok(tree)
}

pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_name_start(c: char) -> bool {
    matches!(c, ':' | 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

pub(super) fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The length of the name that a text begins with, in bytes.
pub(super) fn name_len(text: &str) -> usize {
    match text.chars().next() {
        Some(first) if is_name_start(first) => text.find(|c| !is_name_char(c)).unwrap_or(text.len()),
        _ => 0,
    }
}

/// Whether all of a text is one name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && name_len(text) == text.len()
}

/// What a character reference means, without its `&` and `;`.
pub(super) fn character(reference: &str) -> Option<char> {
    let digits = reference.strip_prefix('#')?;
    let number = match digits.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    char::from_u32(number).filter(|c| is_sayable(*c))
}

/// What an entity means that every document has.
pub(super) fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The open elements, with the last child of each.
    stack: Vec<(Node, Option<Node>)>,
    too_deep: bool,
    tree: Tree<'t>,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault<T>(&self, found: impl Into<String>) -> Parsed<T> {
        Err(Fault(self.at, found.into()))
    }

    /// What stands here, for a message.
    fn here(&self) -> String {
        match self.rest().chars().next() {
            Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
            Some(c) => format!("`{c}`"),
            None => "the end of the file".to_owned(),
        }
    }

    fn white(&mut self) -> bool {
        let from = self.at;
        self.at += self.rest().bytes().take_while(|b| is_white(*b)).count();
        self.at > from
    }

    fn name(&mut self, what: &str) -> Parsed<&'t str> {
        let rest = self.rest();
        match name_len(rest) {
            0 => self.fault(format!("expected {what}, found {}", self.here())),
            len => {
                self.at += len;
                Ok(&rest[..len])
            }
        }
    }

    fn expect(&mut self, sign: &str, whose: &str) -> Parsed<()> {
        if !self.rest().starts_with(sign) {
            return self.fault(format!("expected `{sign}` {whose}, found {}", self.here()));
        }
        self.at += sign.len();
        Ok(())
    }

    /// Passes over `open`, and everything up to and with `close`.
    fn through(&mut self, open: &str, close: &str, what: &str) -> Parsed<&'t str> {
        let from = self.at + open.len();
        match self.text[from..].find(close) {
            Some(len) => {
                self.at = from + len + close.len();
                Ok(&self.text[from..from + len])
            }
            None => self.fault(format!("{what} that is not closed by `{close}`")),
        }
    }

    fn document(&mut self) -> Parsed<()> {
        if let Some((at, c)) = self.text.char_indices().find(|(_, c)| !is_sayable(*c)) {
            return Err(Fault(at, format!("the character U+{:04X}, which XML cannot hold", u32::from(c))));
        }
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        if self.rest().starts_with("<?xml") && self.rest().as_bytes().get(5).is_some_and(|b| is_white(*b)) {
            self.declaration()?;
        }
        loop {
            self.white();
            let rest = self.rest();
            match rest {
                "" if self.tree.is_empty() => return self.fault("expected an element, found the end of the file"),
                "" => return Ok(()),
                _ if rest.starts_with("<!--") => self.comment()?,
                _ if rest.starts_with("<?") => self.instruction()?,
                _ if rest.starts_with("<!DOCTYPE") => self.document_type()?,
                _ if rest.starts_with('<') && self.tree.is_empty() => self.root()?,
                _ if self.tree.is_empty() => return self.fault(format!("expected an element, found {}", self.here())),
                _ if rest.starts_with("</") => return self.fault("an end tag without its start tag"),
                _ if rest.starts_with('<') => return self.fault("a second root: a document has one"),
                _ => return self.fault(format!("{} behind the root's end", self.here())),
            }
        }
    }

    fn declaration(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += "<?xml".len();
        let mut seen = 0;
        loop {
            let white = self.white();
            if self.rest().starts_with("?>") {
                self.at += 2;
                break;
            }
            if !white {
                return self.fault(format!("expected `?>`, found {}", self.here()));
            }
            let key_at = self.at;
            let key = self.name("`?>`")?;
            let order = ["version", "encoding", "standalone"].iter().position(|known| *known == key);
            self.white();
            self.expect("=", &format!("behind `{key}`"))?;
            self.white();
            let quote = match self.peek() {
                Some(b'"') => "\"",
                Some(b'\'') => "'",
                _ => return self.fault(format!("expected a quote, found {}", self.here())),
            };
            let value_at = self.at;
            let value = self.through(quote, quote, "a quote")?;
            match order {
                Some(0) if seen == 0 && value == "1.0" => seen = 1,
                Some(0) if seen == 0 => return Err(Fault(value_at, format!("XML {value}; this program reads 1.0"))),
                Some(1) if seen == 1 => {
                    seen = 2;
                    if !["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| value.eq_ignore_ascii_case(known)) {
                        let found = format!(
                            "the file says that it is {value}, which only `bytes:` can address; convert it to UTF-8"
                        );
                        return Err(Fault(value_at, found));
                    }
                }
                Some(2) if (1..3).contains(&seen) && matches!(value, "yes" | "no") => seen = 3,
                _ => return Err(Fault(key_at, format!("`{key}` has no place here in the XML declaration"))),
            }
        }
        if seen == 0 { Err(Fault(start, "an XML declaration without a version".to_owned())) } else { Ok(()) }
    }

    fn comment(&mut self) -> Parsed<()> {
        let start = self.at;
        let inside = self.through("<!--", "-->", "a comment")?;
        match inside.find("--") {
            Some(at) => Err(Fault(start + 4 + at, "`--` inside of a comment".to_owned())),
            None if inside.ends_with('-') => Err(Fault(self.at - 4, "`--` inside of a comment".to_owned())),
            None => Ok(()),
        }
    }

    fn instruction(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 2;
        let target = self.name("the target of a processing instruction")?;
        if target.eq_ignore_ascii_case("xml") {
            return Err(Fault(start, "an XML declaration that is not at the start of the file".to_owned()));
        }
        if !self.rest().starts_with("?>") && !self.peek().is_some_and(is_white) {
            return self.fault(format!("expected a blank or `?>`, found {}", self.here()));
        }
        self.through("", "?>", "a processing instruction").map(drop)
    }

    fn document_type(&mut self) -> Parsed<()> {
        if self.tree.has_doctype {
            return self.fault("a second document type");
        }
        if !self.tree.is_empty() {
            return self.fault("a document type behind the root");
        }
        self.tree.has_doctype = true;
        self.at += "<!DOCTYPE".len();
        if !self.white() {
            return self.fault(format!("expected a blank, found {}", self.here()));
        }
        self.name("the root's name")?;
        let mut inside = false;
        loop {
            self.white();
            let rest = self.rest();
            match self.peek() {
                None => return self.fault("a document type that is not closed by `>`"),
                Some(b'"') => drop(self.through("\"", "\"", "a quote")?),
                Some(b'\'') => drop(self.through("'", "'", "a quote")?),
                Some(b'[') if !inside => (inside, self.at) = (true, self.at + 1),
                Some(b']') if inside => {
                    self.at += 1;
                    self.white();
                    return self.expect(">", "behind the document type");
                }
                Some(b'>') if !inside => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'<') if inside && rest.starts_with("<!--") => self.comment()?,
                Some(b'<') if inside && rest.starts_with("<?") => self.instruction()?,
                Some(b'<') if inside && rest.starts_with("<!") => self.markup_declaration()?,
                Some(b'%') if inside => {
                    self.at += 1;
                    self.name("a parameter entity's name")?;
                    self.expect(";", "behind a parameter entity")?;
                }
                _ if !inside && name_len(rest) > 0 => drop(self.name("a word")?),
                _ => return self.fault(format!("{} in a document type", self.here())),
            }
        }
    }

    /// `<!ENTITY …>` and the like.
    fn markup_declaration(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 2;
        self.name("a declaration's name")?;
        loop {
            self.at += self.rest().find(['"', '\'', '>', '<']).unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'"') => drop(self.through("\"", "\"", "a quote")?),
                Some(b'\'') => drop(self.through("'", "'", "a quote")?),
                Some(b'>') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Fault(start, "a declaration that is not closed by `>`".to_owned())),
            }
        }
    }

    /// The root, with all that it holds.
    fn root(&mut self) -> Parsed<()> {
        self.start_tag()?;
        while !self.stack.is_empty() {
            let rest = self.rest();
            match rest.as_bytes() {
                [] => {
                    let open = self.stack.last().map(|(node, _)| self.tree.span(*node).start).unwrap_or_default();
                    let name = self.stack.last().map(|(node, _)| self.tree.name(*node)).unwrap_or_default();
                    return Err(Fault(open, format!("`<{name}>` is not closed")));
                }
                [b'<', b'!', b'-', b'-', ..] => self.comment()?,
                [b'<', b'!', ..] if rest.starts_with("<![CDATA[") => {
                    self.through("<![CDATA[", "]]>", "a CDATA section")?;
                    self.mark_text();
                }
                [b'<', b'?', ..] => self.instruction()?,
                [b'<', b'/', ..] => self.end_tag()?,
                [b'<', ..] => self.start_tag()?,
                _ => self.characters()?,
            }
        }
        Ok(())
    }

    fn mark_text(&mut self) {
        if let Some((node, _)) = self.stack.last() {
            self.tree.element_mut(*node).has_text = true;
        }
    }

    fn characters(&mut self) -> Parsed<()> {
        let rest = self.rest();
        let len = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        let (start, raw) = (self.at, &rest[..len]);
        if let Some(at) = raw.find("]]>") {
            return Err(Fault(start + at, "`]]>` in text; write `]]&gt;`".to_owned()));
        }
        self.references(start, raw)?;
        if !raw.bytes().all(is_white) {
            self.mark_text();
        }
        self.at = start + len;
        Ok(())
    }

    /// Checks the references in text or in an attribute, and notes those that only the document type knows.
    fn references(&mut self, start: usize, raw: &str) -> Parsed<()> {
        let mut from = 0;
        while let Some(at) = memchr::memchr(b'&', &raw.as_bytes()[from..]).map(|at| from + at) {
            let rest = &raw[at + 1..];
            let len = match rest.as_bytes().first() {
                Some(b'#') => 1 + rest[1..].bytes().take_while(u8::is_ascii_alphanumeric).count(),
                _ => name_len(rest),
            };
            let name = &rest[..len];
            let closed = rest[len..].starts_with(';');
            if !closed || len == 0 {
                return Err(Fault(start + at, "`&` without a reference; write `&amp;`".to_owned()));
            }
            if name.starts_with('#') {
                if character(name).is_none() {
                    return Err(Fault(start + at, format!("`&{name};` is no character of XML")));
                }
            } else if predefined(name).is_none() {
                if !self.tree.has_doctype {
                    return Err(Fault(start + at, format!("the entity `&{name};`, which nothing declares")));
                }
                self.tree.foreign.push((start + at) as u32);
            }
            from = at + 1 + len + 1;
        }
        Ok(())
    }

    fn start_tag(&mut self) -> Parsed<()> {
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep = true;
            return self.fault("too deep");
        }
        let start = self.at;
        self.at += 1;
        self.name("an element's name")?;
        let name_end = self.at;
        let mut names: Vec<&str> = Vec::new();
        let closed = loop {
            let white = self.white();
            match self.rest().as_bytes() {
                [b'>', ..] => break false,
                [b'/', b'>', ..] => break true,
                [] => return Err(Fault(start, "a tag that is not closed by `>`".to_owned())),
                _ if !white => return self.fault(format!("expected a blank, `>` or `/>`, found {}", self.here())),
                _ => {}
            }
            let at = self.at;
            let name = self.name("an attribute, `>` or `/>`")?;
            if names.len() < 16 && names.contains(&name) {
                return Err(Fault(at, format!("the attribute `{name}` stands here twice")));
            }
            names.push(name);
            self.white();
            self.expect("=", &format!("behind the attribute `{name}`"))?;
            self.white();
            let quote = match self.peek() {
                Some(b'"') => "\"",
                Some(b'\'') => "'",
                _ => return self.fault(format!("expected the value of `{name}` in quotes, found {}", self.here())),
            };
            let value_at = self.at + 1;
            let value = self.through(quote, quote, "a value")?;
            if let Some(at) = value.find('<') {
                return Err(Fault(value_at + at, "`<` in an attribute; write `&lt;`".to_owned()));
            }
            let foreign = self.tree.foreign.len();
            self.references(value_at, value)?;
            if self.tree.foreign.len() > foreign && (name == "xmlns" || name.starts_with("xmlns:")) {
                return Err(Fault(
                    value_at,
                    "a namespace by an entity, which this program does not resolve".to_owned(),
                ));
            }
        };
        if names.len() >= 16 {
            let mut sorted = names;
            sorted.sort_unstable();
            if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Fault(start, format!("the attribute `{}` stands here twice", twice[0])));
            }
        }
        self.at += if closed { 2 } else { 1 };
        let (at, end) = (self.at, self.at as u32);
        let parent = self.stack.last().map(|(node, _)| *node);
        let node = self.tree.push(Element {
            start: start as u32,
            name_end: name_end as u32,
            opened: end,
            closing: end,
            end,
            parent: parent.map_or(NONE, |Node(parent)| parent),
            first: NONE,
            next: NONE,
            has_text: false,
        });
        if let Some((parent, last)) = self.stack.last_mut() {
            match *last {
                None => self.tree.element_mut(*parent).first = node.0,
                Some(last) => self.tree.element_mut(last).next = node.0,
            }
            *last = Some(node);
        }
        if !closed {
            self.stack.push((node, None));
        }
        self.at = at;
        Ok(())
    }

    fn end_tag(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 2;
        let name = self.name("the name of an end tag")?;
        let Some((node, _)) = self.stack.pop() else { return self.fault("an end tag without its start tag") };
        let open = self.tree.name(node);
        if open != name {
            return Err(Fault(start, format!("`</{name}>` where `<{open}>` is to be closed")));
        }
        self.white();
        self.expect(">", "behind an end tag's name")?;
        let end = self.at as u32;
        let element = self.tree.element_mut(node);
        (element.closing, element.end) = (start as u32, end);
        Ok(())
    }
}
