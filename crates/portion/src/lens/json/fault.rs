//! What is wrong with a text, and where.

use crate::lens::{LensError, MAX_DEPTH, Position};

/// Where and why the text is not JSON. One word wide, so that the hot paths carry it in a register.
#[derive(Debug)]
pub(super) struct Fault(Box<(usize, Why)>);

#[derive(Debug)]
pub(super) enum Why {
    /// Something else was expected; what stands there is read off the text.
    Expected(&'static str),
    /// Said in full.
    Said(String),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl Fault {
    #[cold]
    pub(super) fn new(at: usize, why: Why) -> Fault {
        Fault(Box::new((at, why)))
    }

    #[cold]
    pub(super) fn said(at: usize, why: impl Into<String>) -> Fault {
        Fault::new(at, Why::Said(why.into()))
    }

    /// The fault of a text that starts at `by` in the file.
    pub(super) fn shifted(mut self, by: usize) -> Fault {
        self.0.0 += by;
        self
    }

    /// The error, with the position in `file`.
    pub(super) fn error(self, file: &[u8]) -> LensError {
        let (at, why) = *self.0;
        match why {
            Why::Expected(what) => {
                let found = format!("expected {what}, found {}", found(file, at));
                LensError::unparsable(file, at, found)
            }
            Why::Said(found) => LensError::unparsable(file, at, found),
            Why::TooDeep => {
                let at = Position::at(file, at);
                LensError::TooLarge(format!("{at}: nested deeper than {MAX_DEPTH} levels"))
            }
        }
    }
}

/// What stands at an offset, in words.
fn found(file: &[u8], at: usize) -> String {
    let rest = &file[at.min(file.len())..];
    let Some(first) = rest.first() else {
        return "the end of the file".to_owned();
    };
    if *first == b'\n' || *first == b'\r' {
        return "the end of the line".to_owned();
    }
    if *first < 0x20 || *first == 0x7f {
        return format!("the control character U+{first:04X}");
    }
    let chunk = rest[..rest.len().min(4)].utf8_chunks().next();
    match chunk.and_then(|chunk| chunk.valid().chars().next()) {
        None => format!("the byte 0x{first:02X}, which is no UTF-8"),
        Some(c) if c.is_alphanumeric() => {
            let word: Vec<u8> =
                rest.iter().copied().take(20).take_while(|b| b.is_ascii_alphanumeric() || *b >= 0x80).collect();
            format!("`{}`", word.utf8_chunks().map(|chunk| chunk.valid()).collect::<String>())
        }
        Some(c) => format!("`{c}`"),
    }
}
