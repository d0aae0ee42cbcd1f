//! Directives of an nginx configuration: words, `;`, braces, quotes and comments, as ngx_conf_file.c reads them.

use crate::lens::{LensError, MAX_DEPTH, Position, Span, body};

/// A directive, with its block if it has one.
pub(super) struct Directive {
    pub(super) name: String,
    /// As they are written, quotes included.
    pub(super) parameters: Vec<String>,
    /// From its name to behind its `;` or `}`.
    pub(super) span: Span,
    /// From behind the blanks that follow the name to before the blanks that `;` or `{` stands behind.
    pub(super) arguments: Span,
    /// What stands between the braces.
    pub(super) block: Option<Span>,
    /// Its block is in another language.
    pub(super) is_opaque: bool,
    /// The index of the block that it stands in.
    pub(super) parent: Option<usize>,
}

/// A file, read. Directives stand in the order in which they begin.
pub(super) struct File<'a> {
    pub(super) text: &'a [u8],
    pub(super) directives: Vec<Directive>,
    /// The directives of each block, and of the file at the end.
    children: Vec<Vec<usize>>,
}

impl File<'_> {
    /// The directives of a block, or of the file.
    pub(super) fn within(&self, parent: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        self.children[parent.unwrap_or(self.directives.len())].iter().copied()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where the word ends that begins at `at`: quotes enclose all of one, elsewhere a backslash escapes a sign, and `${` begins a variable.
fn word_end(text: &[u8], at: usize) -> Result<usize, (usize, &'static str)> {
    let quote = text[at];
    let mut end = at;
    if matches!(quote, b'"' | b'\'') {
        end += 1;
        while end < text.len() {
            match text[end] {
                b'\\' => end += 1,
                byte if byte == quote => {
                    let behind = text.get(end + 1).copied();
                    return match behind {
                        None | Some(b';' | b'{' | b')') => Ok(end + 1),
                        Some(byte) if is_blank(byte) => Ok(end + 1),
                        Some(_) => Err((end + 1, "expected a blank, `;` or `{` behind a closing quote")),
                    };
                }
                _ => {}
            }
            end += 1;
        }
        return Err((at, "a quote without its closing quote"));
    }
    let mut variable = false;
    while end < text.len() {
        match text[end] {
            b'\\' => end += 1,
            b'{' if end > at && text[end - 1] == b'$' => variable = true,
            b'}' if variable => variable = false,
            b';' | b'{' => break,
            byte if is_blank(byte) => break,
            _ => {}
        }
        end += 1;
    }
    Ok(end.min(text.len()))
}

/// Where the brace stands that closes a block of Lua: braces in quotes and comments are not counted.
fn lua_end(text: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut at) = (1_usize, from);
    while at < text.len() {
        match text[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'-' if text.get(at + 1) == Some(&b'-') => {
                at = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len);
            }
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < text.len() && text[at] != quote && text[at] != b'\n' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Reads a file.
pub(super) fn parsed(text: &[u8]) -> Result<File<'_>, LensError> {
    std::str::from_utf8(text)
        .map_err(|error| LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"))?;
    let fault = |at: usize, found: &str| LensError::unparsable(text, at, found);
    let mut directives: Vec<Directive> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    // The words of the directive that is being read.
    let mut words: Vec<Span> = Vec::new();
    let mut at = body::bom(text);
    while at < text.len() {
        match text[at] {
            byte if is_blank(byte) => at += 1,
            b'#' => at = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len),
            sign @ (b';' | b'{') => {
                let (Some(first), Some(last)) = (words.first().cloned(), words.last().cloned()) else {
                    return Err(fault(at, "expected the name of a directive"));
                };
                let word = |span: &Span| String::from_utf8_lossy(&text[span.clone()]).into_owned();
                let start = words.get(1).map_or(first.end, |second| second.start);
                let mut directive = Directive {
                    name: word(&first),
                    parameters: words[1..].iter().map(word).collect(),
                    span: first.start..at + 1,
                    arguments: start..last.end.max(start),
                    block: None,
                    is_opaque: false,
                    parent: open.last().copied(),
                };
                words.clear();
                at += 1;
                if sign == b'{' {
                    directive.block = Some(at..at);
                    if directive.name.ends_with(super::LUA) {
                        let end = lua_end(text, at).ok_or_else(|| fault(first.start, "a block without its `}`"))?;
                        directive.block = Some(at..end);
                        directive.is_opaque = true;
                        at = end + 1;
                        directive.span.end = at;
                    } else {
                        if open.len() == MAX_DEPTH {
                            let at = Position::at(text, at);
                            return Err(LensError::TooLarge(format!("{at}: nested deeper than {MAX_DEPTH} levels")));
                        }
                        open.push(directives.len());
                    }
                }
                directives.push(directive);
            }
            b'}' => {
                if !words.is_empty() {
                    return Err(fault(at, "expected `;` before `}`"));
                }
                let Some(block) = open.pop().map(|block| &mut directives[block]) else {
                    return Err(fault(at, "a `}` without its `{`"));
                };
                block.block = block.block.take().map(|span| span.start..at);
                block.span.end = at + 1;
                at += 1;
            }
            _ => {
                let end = word_end(text, at).map_err(|(at, found)| fault(at, found))?;
                words.push(at..end);
                at = end;
            }
        }
    }
    if let Some(first) = words.first() {
        return Err(fault(first.start, "a directive without its `;`"));
    }
    if let Some(block) = open.last() {
        return Err(fault(directives[*block].span.start, "a block without its `}`"));
    }
    let mut children: Vec<Vec<usize>> = (0..=directives.len()).map(|_| Vec::new()).collect();
    for (at, directive) in directives.iter().enumerate() {
        children[directive.parent.unwrap_or(directives.len())].push(at);
    }
    Ok(File { text, directives, children })
}
