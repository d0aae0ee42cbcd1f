//! A large file, read once from its beginning to its end, of which only a piece is held.

use std::io::{self, Read};

/// So much is read at once, in bytes: it stays in the processor's cache.
const PIECE: usize = 256 << 10;
/// So much that has been passed is held, in bytes, for what is read backwards: keys, the beginning of a line.
const BEHIND: usize = 32 << 10;

/// A file that is being read.
pub struct Pieces<'a> {
    source: &'a mut dyn Read,
    piece: usize,
    behind: usize,
    held: Vec<u8>,
    offset: usize,
    ended: bool,
    failed: Option<io::Error>,
}

impl<'a> Pieces<'a> {
    /// Reads so many bytes at once, and holds so many that have been passed.
    pub(super) fn new(source: &'a mut dyn Read, piece: usize, behind: usize) -> Pieces<'a> {
        Pieces { source, piece, behind, held: Vec::new(), offset: 0, ended: false, failed: None }
    }

    /// In the usual sizes.
    pub(super) fn of(source: &'a mut dyn Read) -> Pieces<'a> {
        Pieces::new(source, PIECE, BEHIND)
    }

    /// What is held of the file.
    #[inline(always)]
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Where that begins in the file.
    #[inline(always)]
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// How much that has been passed is to be held.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    /// Holds another piece, or twice as much if what is held is more than that. False at the file's end, or where it cannot be read.
    pub(super) fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let had = self.held.len();
        let wanted = self.piece.max(had);
        self.held.resize(had + wanted, 0);
        let mut filled = had;
        while filled < self.held.len() {
            match self.source.read(&mut self.held[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                    break;
                }
            }
        }
        self.held.truncate(filled);
        filled > had
    }

    /// Lets go of the first bytes that are held.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.held.drain(..bytes);
        self.offset += bytes;
    }

    /// The error that ended the reading, if one did.
    pub(super) fn failed(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// What a reading in pieces of this size tells is what the whole file tells. Whether it told anything.
#[cfg(test)]
pub(super) fn agrees(lens: &dyn super::Lens, file: &[u8], expression: &str, piece: usize) -> bool {
    let mut source = file;
    let mut pieces = Pieces::new(&mut source, piece, 0);
    pieces.more();
    let told = lens.get_from(&mut pieces, expression);
    if let Some(told) = &told {
        assert_eq!(lens.get(file, expression).as_ref(), Ok(told), "{}", String::from_utf8_lossy(file));
    }
    told.is_some()
}
