//! Parsing, with bounds: no input decides how long it takes.

use std::cell::Cell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use super::language::Language;
use crate::lens::LensError;

/// The largest file, in bytes.
const LARGEST: usize = 16 << 20;
/// The parser is handed so many bytes at a time, so that it shows how much it reads.
const CHUNK: usize = 4 << 10;
/// So many times may each chunk be read, and so many more of all: what has to look ahead to the end of the file again and again
/// is given up.
const READS: (usize, usize) = (100, 10_000);
/// So many hundreds of steps may each byte take, and so many of all. A sound file takes less than two steps a byte.
const STEPS: (usize, usize) = (1, 20_000);

/// The syntax tree of a text.
///
/// # Errors
/// [`LensError::TooLarge`] for a text that is, or that takes too long.
pub(super) fn parsed(language: &Language, text: &[u8]) -> Result<Tree, LensError> {
    if text.len() > LARGEST {
        let (is, most) = (text.len() >> 20, LARGEST >> 20);
        return Err(LensError::TooLarge(format!("the file has {is} MiB; source code may have {most} MiB")));
    }
    let mut parser = Parser::new();
    let unfit = |error| LensError::Refused(format!("the grammar of {} cannot be used: {error}", language.name));
    parser.set_language(&(language.grammar)()).map_err(unfit)?;
    let (reads, steps) = (Cell::new(0), Cell::new(0));
    let most = (READS.0 * text.len() / CHUNK + READS.1, STEPS.0 * text.len() + STEPS.1);
    let is_over = || reads.get() > most.0 || steps.get() > most.1;
    let mut read = |at: usize, _| {
        reads.set(reads.get() + 1);
        let start = at.min(text.len());
        let end = if is_over() { start } else { text.len().min(start + CHUNK) };
        &text[start..end]
    };
    let mut progress = |_: &ParseState| {
        steps.set(steps.get() + 1);
        if is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let tree = parser.parse_with_options(&mut read, None, Some(ParseOptions::new().progress_callback(&mut progress)));
    tree.filter(|_| !is_over()).ok_or_else(|| {
        LensError::TooLarge(format!("the file takes too long to read as {}: is it another language?", language.name))
    })
}
