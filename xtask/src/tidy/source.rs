//! Source files, with what is no code blanked out: comments, the insides of string literals, and test modules.

use std::fs;
use std::path::Path;

use crate::shell::TaskError;

/// One `.rs` file.
pub(crate) struct Source {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    /// The text with comments, literals' insides and `#[cfg(test)]` items replaced by spaces; line numbers agree.
    pub(crate) code: String,
    /// How many lines `#[cfg(test)]` items had.
    pub(crate) test_lines: usize,
}

/// A function, for its length.
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its `fn`, counted from 1.
    pub(crate) line: usize,
    /// From its `fn` to its closing brace.
    pub(crate) lines: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, test_lines) = without_tests(blanked(text));
        Source { path: path.to_owned(), code, test_lines }
    }

    /// The crate's folder name: `agent` for `crates/agent/src/step.rs`, `xtask` for `xtask/src/main.rs`.
    pub(crate) fn krate(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    /// The path below the crate's `src/`; empty for files elsewhere (tests, examples, benches).
    pub(crate) fn below_src(&self) -> &str {
        self.path.split_once("/src/").map(|(_, rest)| rest).unwrap_or_default()
    }

    /// Whether the whole file is for tests.
    pub(crate) fn is_test(&self) -> bool {
        let inside = self.below_src();
        inside.is_empty() || inside.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Whether the file was generated.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/src/gen/")
    }

    /// The line, counted from 1, of a place in [`Source::code`].
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.code.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
    }

    /// Every place where `word` stands as a whole path or identifier: `std::fs` is found in `use std::fs;` and in
    /// `std::fs::read`, not in `my_std::fs` and not in `std::fsync`.
    pub(crate) fn places(&self, word: &str) -> Vec<usize> {
        let bytes = self.code.as_bytes();
        let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        self.code
            .match_indices(word)
            .map(|(at, _)| at)
            .filter(|at| {
                let before = at.checked_sub(1).map(|i| bytes[i]);
                let after = bytes.get(at + word.len()).copied();
                let starts = !word.as_bytes().first().is_some_and(|b| part(*b)) || !before.is_some_and(part);
                let ends = !word.as_bytes().last().is_some_and(|b| part(*b)) || !after.is_some_and(part);
                starts && ends
            })
            .collect()
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for at in self.places("fn") {
            let rest = &self.code[at + 2..];
            let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(body) = rest.find(['{', ';']).filter(|i| !name.is_empty() && rest.as_bytes()[*i] == b'{') else {
                continue; // a function pointer's type, or a trait's method without a body
            };
            let start = at + 2 + body;
            let end = closing_brace(self.code.as_bytes(), start);
            let line = self.line_of(at);
            found.push(Function { name, line, lines: self.line_of(end.min(self.code.len())) - line + 1 });
        }
        found
    }
}

/// Every `.rs` file of the crates and of xtask, generated ones left out.
pub(crate) fn read_all(root: &Path) -> Result<Vec<Source>, TaskError> {
    let mut sources = Vec::new();
    for top in ["crates", "xtask"] {
        collect(root, &root.join(top), &mut sources)?;
    }
    sources.retain(|s| !s.is_generated());
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<Source>) -> Result<(), TaskError> {
    for entry in fs::read_dir(folder).map_err(TaskError::file("read", folder))? {
        let entry = entry.map_err(TaskError::file("read", folder))?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                collect(root, &path, into)?;
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).map_err(TaskError::file("read", &path))?;
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            into.push(Source::new(&relative, &text));
        }
    }
    Ok(())
}

/// Where the scanner is.
enum State {
    Code,
    LineComment,
    /// Depth.
    BlockComment(usize),
    Str,
    /// Number of `#`.
    RawStr(usize),
}

/// Comments and the insides of literals become spaces, byte for byte, line ends kept.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut state = State::Code;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (take, keep, next) = step(state, rest, at.checked_sub(1).map(|i| bytes[i]));
        for b in &rest[..take] {
            out.push(if keep || *b == b'\n' { *b } else { b' ' });
        }
        state = next;
        at += take;
    }
    // Only whole literals and comments were blanked, and the rest is as it was: valid UTF-8 stays valid.
    String::from_utf8_lossy(&out).into_owned()
}

/// How many bytes to take from `rest`, whether they stay, and the state after them.
fn step(state: State, rest: &[u8], before: Option<u8>) -> (usize, bool, State) {
    match state {
        State::Code => code_step(rest, before),
        State::LineComment if rest[0] == b'\n' => (1, true, State::Code),
        State::LineComment => (1, false, State::LineComment),
        State::BlockComment(depth) if rest.starts_with(b"*/") => {
            (2, false, if depth == 1 { State::Code } else { State::BlockComment(depth - 1) })
        }
        State::BlockComment(depth) if rest.starts_with(b"/*") => (2, false, State::BlockComment(depth + 1)),
        State::BlockComment(depth) => (1, false, State::BlockComment(depth)),
        State::Str if rest[0] == b'\\' => (rest.len().min(2), false, State::Str),
        State::Str if rest[0] == b'"' => (1, true, State::Code),
        State::Str => (1, false, State::Str),
        State::RawStr(hashes)
            if rest[0] == b'"' && rest.len() > hashes && rest[1..=hashes].iter().all(|b| *b == b'#') =>
        {
            (1 + hashes, true, State::Code)
        }
        State::RawStr(hashes) => (1, false, State::RawStr(hashes)),
    }
}

fn code_step(rest: &[u8], before: Option<u8>) -> (usize, bool, State) {
    let word_before = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    match rest {
        [b'/', b'/', ..] => (2, false, State::LineComment),
        [b'/', b'*', ..] => (2, false, State::BlockComment(1)),
        [b'"', ..] => (1, true, State::Str),
        [b'r', after @ ..] if !word_before || before == Some(b'b') => {
            let hashes = after.iter().take_while(|b| **b == b'#').count();
            if after.get(hashes) == Some(&b'"') {
                (hashes + 2, true, State::RawStr(hashes))
            } else {
                (1, true, State::Code)
            }
        }
        // A character literal, told from a lifetime by its closing quote.
        [b'\'', b'\\', ..] => {
            let end = rest.iter().skip(3).position(|b| *b == b'\'').map_or(1, |i| i + 4);
            (end.min(rest.len()), false, State::Code)
        }
        [b'\'', ..] => {
            let text = &rest[1..rest.len().min(6)];
            match text.iter().position(|b| *b == b'\'') {
                Some(i) if i > 0 && std::str::from_utf8(&text[..i]).is_ok_and(|s| s.chars().count() == 1) => {
                    (i + 2, false, State::Code)
                }
                _ => (1, true, State::Code),
            }
        }
        _ => (1, true, State::Code),
    }
}

/// Blanks every item that `#[cfg(test)]` stands before; tells how many lines they had.
fn without_tests(code: String) -> (String, usize) {
    const MARK: &str = "#[cfg(test)]";
    let mut bytes = code.into_bytes();
    let mut lines = 0;
    let mut from = 0;
    while let Some(found) = find(&bytes[from..], MARK.as_bytes()) {
        let start = from + found;
        let body = bytes[start + MARK.len()..].iter().position(|b| *b == b'{' || *b == b';');
        let end = match body.map(|i| start + MARK.len() + i) {
            Some(open) if bytes[open] == b'{' => closing_brace(&bytes, open),
            Some(semicolon) => semicolon,
            None => bytes.len() - 1,
        };
        let end = end.min(bytes.len() - 1);
        for b in &mut bytes[start..=end] {
            if *b == b'\n' {
                lines += 1;
            } else {
                *b = b' ';
            }
        }
        lines += 1;
        from = end + 1;
    }
    (String::from_utf8_lossy(&bytes).into_owned(), lines)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

/// The place of the brace that closes the one at `open`; the last place where none does.
fn closing_brace(code: &[u8], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, b) in code.iter().enumerate().skip(open) {
        match b {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    code.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str) {
        let source = Source::new("crates/a/src/lib.rs", text);
        let squeezed = source.code.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed, code, "of {text}");
        assert_eq!(source.code.len(), text.len());
    }

    #[test]
    fn only_code_is_left() {
        check("use a; // std::fs\nb /* x /* y */ z */ c", "use a; b c");
        check("let s = \"std::fs \\\" x\"; d", "let s = \" \"; d");
        check("let s = r#\"std::fs \" x\"#; d", "let s = r#\" \"#; d");
        check("let c = '\"'; let d = '\\''; let e: &'a str; f('{')", "let c = ; let d = ; let e: &'a str; f( )");
        check("let b = br\"x\"; forr\"y\"", "let b = br\" \"; forr\" \"");
        check("a\n#[cfg(test)]\nmod tests { fn f() { \"}\" } }\nb", "a b");
        check("#[cfg(test)]\nmod tests;\nb", "b");
    }

    #[test]
    fn words_are_whole() {
        let source = Source::new("crates/a/src/lib.rs", "use std::fs; my_std::fs; std::fsync; x.std::fs::read()");
        assert_eq!(source.places("std::fs").len(), 2);
    }
}
