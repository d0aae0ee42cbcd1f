//! Finding one path in a large file without reading closely what stands beside it.
//!
//! Quotes, brackets and control characters are found 64 bytes at a time, as simdjson's first stage does (Langdale and Lemire,
//! "Parsing gigabytes of JSON per second", 2019). Only the keys of the containers on the path are compared, and only the
//! portion itself is read by the grammar. Beside it the file has to be balanced to its end, so that a half-written one is not
//! taken for a whole one. Whatever is not plain (a comment, a path that is missing or stands twice, a fault) is left to the
//! scanner that reads every byte: its answer counts, and its errors have positions.
//!
//! The file is a slice, or comes a piece at a time ([`Pieces`]), of which only the last is held.

use super::block::{BLOCK, Block, Carry, Masks};
use super::locate::{self, Located, Member, kind_at};
use super::scan::{Dialect, Kind, Scanner};
use super::source::{Source, Streamed};
use super::string::unescape;
use crate::lens::pieces::Pieces;
use crate::lens::{BOM, MAX_DEPTH, Span};
use crate::pointer;

/// More backslashes in a row than anybody writes: how many are even is not counted.
const SLASHES: usize = 64;

/// The value at `path`, with where the containers on the path and their members on it start; `None` if it takes a closer reading
/// to say.
pub(super) fn skim(file: &[u8], path: &[String]) -> Option<Located> {
    Skimmer::new(file, path).document()
}

/// The same in a file that is read a piece at a time: the value's text, behind the white space that its line begins with, on a line of
/// its own; and where it begins.
pub(super) fn skim_pieces(file: &mut Pieces<'_>, path: &[String]) -> Option<(Vec<u8>, usize)> {
    let mut streamed = Streamed { line: Some(Vec::new()), kept: None, file };
    Skimmer::new(&mut streamed, path).document()?;
    streamed.kept
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A container on the path.
struct Frame<'a> {
    object: bool,
    /// The key that is looked for.
    key: &'a str,
    /// The item that is looked for, in an array.
    index: usize,
    /// How many items have begun, in an array.
    items: usize,
    found: bool,
}

enum Next {
    /// Blocks go on from here, outside of all strings.
    From(usize),
    /// The document's value ends before this.
    End(usize),
}

struct Skimmer<'a, S> {
    source: S,
    path: &'a [String],
    /// The containers on the path that are open.
    frames: Vec<Frame<'a>>,
    /// How many containers are open; those beyond the frames lie beside the path.
    depth: usize,
    /// Where the portion stands in the file.
    target: Option<(Kind, Span)>,
    /// What is told of the frames, from the root.
    passed: Vec<locate::Frame>,
}

impl<'a, S: Source> Skimmer<'a, S> {
    fn new(source: S, path: &'a [String]) -> Skimmer<'a, S> {
        Skimmer { source, path, frames: Vec::with_capacity(path.len()), depth: 0, target: None, passed: Vec::new() }
    }

    /// Reads the document.
    fn document(mut self) -> Option<Located> {
        if self.path.is_empty() {
            return None;
        }
        while self.source.held().len() < BOM.len() && self.source.more() {}
        let start = if self.source.held().starts_with(BOM) { BOM.len() } else { 0 };
        let start = self.behind_space(start);
        let mut at = self.enter(start)?;
        loop {
            match self.blocks(at)? {
                Next::From(behind) => at = behind,
                Next::End(end) => {
                    let rest = self.behind_space(end);
                    let is_all = rest == self.source.held().len();
                    return is_all.then_some(Located { frames: self.passed, target: self.target, blocked: None });
                }
            }
        }
    }

    /// Where something else than white space stands, from `at` on.
    fn behind_space(&mut self, mut at: usize) -> usize {
        loop {
            let held = self.source.held();
            while held.get(at).is_some_and(|byte| is_space(*byte)) {
                at += 1;
            }
            if at < held.len() || !self.source.more() {
                return at;
            }
        }
    }

    /// Goes into the container on the path that starts at `at`. Where the blocks go on.
    fn enter(&mut self, at: usize) -> Option<usize> {
        let object = match self.source.held().get(at)? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let kind = if object { Kind::Object } else { Kind::Array };
        self.passed.push(locate::Frame::new(kind, self.source.offset() + at));
        let key = self.path.get(self.frames.len())?;
        let index = if object { 0 } else { pointer::index(key)? };
        self.frames.push(Frame { object, key, index, items: 0, found: false });
        self.depth += 1;
        let first = self.behind_space(at + 1);
        if object || self.source.held().get(first) == Some(&b']') { Some(at + 1) } else { self.item(at + 1) }
    }

    /// An item of the array begins behind `at`. Where the blocks go on.
    fn item(&mut self, at: usize) -> Option<usize> {
        let frame = self.frames.last_mut()?;
        frame.items += 1;
        if frame.items != frame.index.checked_add(1)? {
            return Some(at);
        }
        let member = self.behind_space(at);
        self.child(member, at)
    }

    /// The value on the path begins behind `at`, and its member at `member`. Where the blocks go on.
    fn child(&mut self, member: usize, at: usize) -> Option<usize> {
        let frame = self.frames.last_mut()?;
        if std::mem::replace(&mut frame.found, true) {
            return None;
        }
        let start = self.behind_space(at);
        let member = self.source.offset() + member;
        self.passed.last_mut()?.on_path = Some(Member { start: member, ..Member::default() });
        if self.frames.len() < self.path.len() {
            return self.enter(start);
        }
        let end = loop {
            let held = self.source.held();
            let mut scanner = Scanner { text: held, at: start, dialect: Dialect::Json };
            let is_whole = scanner.value(&mut ()).is_ok();
            // A number that ends where the held bytes do may go on.
            if is_whole && scanner.at < held.len() {
                break scanner.at;
            }
            let end = scanner.at;
            if !self.source.more() {
                break is_whole.then_some(end)?;
            }
        };
        let offset = self.source.offset();
        self.target = Some((kind_at(self.source.held(), start)?, offset + start..offset + end));
        self.source.found(&(start..end))?;
        Some(end)
    }

    /// Block after block, up to where something on the path begins, or to the end.
    fn blocks(&mut self, from: usize) -> Option<Next> {
        let mut carry = Carry::default();
        let mut last_backslash = None;
        let mut padded = [b' '; BLOCK];
        let mut base = from;
        loop {
            let held = self.source.held();
            let rest = held.get(base..).unwrap_or_default();
            let bytes = match rest.first_chunk::<BLOCK>() {
                Some(bytes) => bytes,
                None => {
                    let fewer = self.source.pass(base);
                    base -= fewer;
                    last_backslash = last_backslash.and_then(|at: usize| at.checked_sub(fewer));
                    if self.source.more() {
                        continue;
                    }
                    // The file ends before the value does if nothing is left.
                    let rest = self.source.held().get(base..).filter(|rest| !rest.is_empty())?;
                    padded[..rest.len()].copy_from_slice(rest);
                    &padded
                }
            };
            let block = Block::new(bytes);
            let masks = block.masks(&mut carry)?;
            if masks.backslashes != 0 {
                last_backslash = Some(base + 63 - masks.backslashes.leading_zeros() as usize);
            }
            if let Some(next) = self.block(&block, &masks, base, last_backslash)? {
                return Some(next);
            }
            base += BLOCK;
        }
    }

    #[inline(always)]
    fn block(
        &mut self,
        block: &Block,
        masks: &Masks,
        base: usize,
        last_backslash: Option<usize>,
    ) -> Option<Option<Next>> {
        let mut rest = u64::MAX;
        loop {
            if self.depth > self.frames.len() {
                match self.pass(masks, rest)? {
                    Some(behind) => rest = behind,
                    None => return Some(None),
                }
            }
            let object = self.frames.last()?.object;
            let marks = block.equal(if object { b':' } else { b',' }) & !masks.strings;
            let mut marks = (marks | masks.opens | masks.closes) & rest;
            loop {
                if marks == 0 {
                    return Some(None);
                }
                let bit = marks.trailing_zeros();
                marks &= marks - 1;
                let at = base + bit as usize;
                match self.source.held()[at] {
                    b':' => {
                        if let Some(member) = self.key(at, last_backslash)? {
                            return self.child(member, at + 1).map(|at| Some(Next::From(at)));
                        }
                    }
                    b',' => {
                        let behind = self.item(at + 1)?;
                        if behind != at + 1 {
                            return Some(Some(Next::From(behind)));
                        }
                    }
                    b'{' | b'[' => {
                        self.depth += 1;
                        rest = above(rest, bit);
                        break;
                    }
                    close => {
                        let frame = self.frames.pop()?;
                        if (close == b'}') != frame.object || !frame.found {
                            return None;
                        }
                        self.depth -= 1;
                        if self.frames.is_empty() {
                            return Some(Some(Next::End(at + 1)));
                        }
                        rest = above(rest, bit);
                        break;
                    }
                }
            }
        }
    }

    /// Passes over what lies beside the path. The bits behind its end; `None` if it does not end here.
    #[inline(always)]
    fn pass(&mut self, masks: &Masks, rest: u64) -> Option<Option<u64>> {
        let (opens, closes) = (masks.opens & rest, masks.closes & rest);
        let (more, fewer) = (opens.count_ones() as usize, closes.count_ones() as usize);
        if fewer < self.depth - self.frames.len() {
            self.depth = self.depth + more - fewer;
            return if self.depth > MAX_DEPTH { None } else { Some(None) };
        }
        let mut marks = opens | closes;
        while marks != 0 {
            let bit = marks.trailing_zeros();
            marks &= marks - 1;
            if opens >> bit & 1 == 1 {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == self.frames.len() {
                    return Some(Some(above(rest, bit)));
                }
            }
        }
        if self.depth > MAX_DEPTH { None } else { Some(None) }
    }

    /// Where the key before the colon at `at` starts, if it is the one that is looked for.
    #[inline(always)]
    fn key(&self, at: usize, last_backslash: Option<usize>) -> Option<Option<usize>> {
        let key = self.frames.last()?.key.as_bytes();
        let held = self.source.held();
        let mut end = at;
        while end > 0 && is_space(held[end - 1]) {
            end -= 1;
        }
        // A character takes at most six bytes for each of its own, `\u0041`.
        let longest = 6 * key.len() + 2;
        if self.source.offset() > 0 && end <= longest + SLASHES {
            return None;
        }
        if last_backslash.is_some_and(|last| last + longest + 1 >= end) {
            return self.escaped_key(end, longest);
        }
        let before = &held[..end];
        let is_it = before.len() >= key.len() + 2
            && before.ends_with(b"\"")
            && before[before.len() - key.len() - 2] == b'"'
            && before[before.len() - key.len() - 1..before.len() - 1] == *key;
        Some(is_it.then(|| end - key.len() - 2))
    }

    /// The same where a backslash stands in the key, or near it.
    #[inline(never)]
    fn escaped_key(&self, end: usize, longest: usize) -> Option<Option<usize>> {
        let frame = self.frames.last()?;
        let held = self.source.held();
        if end == 0 || held[end - 1] != b'"' {
            return None;
        }
        let mut start = end - 1;
        while start > 0 && end - start <= longest {
            start -= 1;
            if held[start] != b'"' {
                continue;
            }
            let slashes = held[..start].iter().rev().take_while(|byte| **byte == b'\\').count();
            if slashes >= SLASHES {
                return None;
            }
            if slashes % 2 == 0 {
                let escaped = memchr::memchr(b'\\', &held[start..end]).is_some();
                let text = unescape(held, start..end, escaped).ok()?;
                return Some((text == frame.key).then_some(start));
            }
        }
        Some(None)
    }
}

/// The bits above one.
fn above(bits: u64, bit: u32) -> u64 {
    bits & !(u64::MAX >> (63 - bit))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::layout;
    use super::*;

    /// What is found is what a reading of every byte finds, if that finds no fault beside the path. Returns whether it was found.
    fn check(file: &[u8], pointer: &str) -> bool {
        let path = pointer::tokens(pointer).unwrap();
        let found = skim(file, &path);
        let mut source = file;
        let streamed = skim_pieces(&mut Pieces::new(&mut source, 64, 512), &path);
        if let Some((text, start)) = streamed {
            let (_, span) = found.as_ref().and_then(|found| found.target.clone()).unwrap();
            assert_eq!(text[start..], file[span.clone()], "{}", String::from_utf8_lossy(file));
            assert_eq!(layout::base(&text, start), layout::base(file, span.start), "{}", String::from_utf8_lossy(file));
        } else if path.iter().all(|key| key.len() < 64) {
            assert!(found.as_ref().is_none_or(|found| found.target.is_none()), "{}", String::from_utf8_lossy(file));
        }
        let Some(found) = found else { return false };
        let starts = |located: &Located| -> Vec<(usize, Option<usize>)> {
            let frames = located.frames.iter();
            frames.map(|frame| (frame.span.start, frame.on_path.as_ref().map(|member| member.start))).collect()
        };
        if let Ok(full) = locate::locate(file, Dialect::Json, &path, pointer) {
            assert_eq!(full.target, found.target, "{}", String::from_utf8_lossy(file));
            assert_eq!(starts(&full), starts(&found), "{}", String::from_utf8_lossy(file));
        }
        true
    }

    #[test]
    fn what_is_plain_is_found() {
        let long = format!("{{\"x\":\"{}\",\"a\":[{{}},[[]],{{\"b\" : 7}} ]}}", "y{[".repeat(40));
        let deep = format!("{{\"x\":{}1{},\"a\":true}}", "[".repeat(100), "]".repeat(100));
        for (file, pointer) in [
            ("{\"a\":1}", "/a"),
            ("\u{feff} { \"b\" : {\"a\":2}, \"a\" : {\"a\":[1]} }\n", "/a"),
            ("{\"b\":{\"a\":2},\"a\":{\"a\":[1]}}", "/a/a/0"),
            ("[[1,2],[3,{\"x\":\"]}\\\"\"}],4]", "/1/1/x"),
            ("[[1,2],[3,{\"x\":5}],4]", "/2"),
            ("[ 1 ]", "/0"),
            ("{\"\\u0061\":1,\"b\\\\\":2}", "/a"),
            ("{\"x\":\"\\\\\",\"b\\\\\":2}", "/b\\"),
            ("{\"x\":\"\\\\\\\\\\\\\",\"b\":2}", "/b"),
            ("{\"\":{\"\":0}}", "//"),
            (long.as_str(), "/a/2/b"),
            (deep.as_str(), "/a"),
        ] {
            assert!(check(file.as_bytes(), pointer), "{file} {pointer}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_a_closer_reading() {
        for (file, pointer) in [
            ("{\"a\":1", "/a"),
            ("{\"a\":1}}", "/a"),
            ("{\"a\":1} x", "/a"),
            ("{\"a\":1]", "/a"),
            ("{\"a\":1,\"a\":2}", "/a"),
            ("{\"a\":1,\"\\u0061\":2}", "/a"),
            ("{\"a\":1,\"b\":\"\0\"}", "/a"),
            ("{\"a\":1,\"b\":\"", "/a"),
            ("{\"a\":1,\"b\":\"\n\"}", "/a"),
            ("{\"a\":1} // \"", "/a"),
            ("{\"b\":1}", "/a"),
            ("{\"a\":1}", "/a/b"),
            ("{\"a\":1}", ""),
            ("[1]", "/-"),
            ("[1]", "/1"),
            ("[]", "/0"),
            ("{\"a\":tru}", "/a"),
            ("7", "/a"),
            ("", "/a"),
        ] {
            assert!(skim(file.as_bytes(), &pointer::tokens(pointer).unwrap()).is_none(), "{file} {pointer}");
        }
    }

    proptest! {
        #[test]
        fn it_never_contradicts_a_reading_of_every_byte(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"a\":", "\"b\":", "1", "null", " ", "\n", "\"\\\\\"", "\"\\u0061\":",
                "{\"a\":[1,{\"b\":2}]}", "\"{[\\\"\"", "                                                            ",
            ]), 0..40),
            pointer in prop::sample::select(vec!["/a", "/b", "/0", "/1/a", "/a/0", "/a/b", "/a/1/b", "/b/a/1"]),
        ) {
            check(parts.concat().as_bytes(), pointer);
        }

        #[test]
        fn it_finds_what_stands_in_any_sound_document(
            values in prop::collection::vec(prop::sample::select(vec![
                "1", "\"x\"", "\"\\\\\"", "\"\\\"]\"", "[]", "{}", "[[1],[2]]", "{\"a\":{\"b\":[]}}", "\"                                                     \"",
            ]), 1..30),
            at in any::<prop::sample::Index>(),
            space in prop::sample::select(vec!["", " ", "\n\t"]),
        ) {
            let at = at.index(values.len());
            let members: Vec<String> = values.iter().enumerate().map(|(n, v)| format!("\"k{n}\"{space}:{space}{v}")).collect();
            let object = format!("{{{}}}", members.join(&format!(",{space}")));
            let found = check(object.as_bytes(), &format!("/k{at}"));
            prop_assert!(found);
            let array = format!("[{space}{}]", values.join(&format!("{space},")));
            let found = check(array.as_bytes(), &format!("/{at}"));
            prop_assert!(found);
        }
    }
}
