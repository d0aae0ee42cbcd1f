//! Where the bytes come from in which a path is found: a slice, or a file that is read a piece at a time.

use super::layout;
use crate::lens::pieces::Pieces;
use crate::lens::{MAX_PORTION, Span};

/// Where the bytes come from. What is told by offsets means the bytes that are held.
pub(super) trait Source {
    /// What is held of the file.
    fn held(&self) -> &[u8];
    /// Where that begins in the file.
    fn offset(&self) -> usize {
        0
    }
    /// Holds more of the file. False at its end.
    fn more(&mut self) -> bool {
        false
    }
    /// Lets go of what lies well before an offset. By how much offsets are less now.
    fn pass(&mut self, _at: usize) -> usize {
        0
    }
    /// The value on the path is here.
    fn found(&mut self, _value: &Span) -> Option<()> {
        Some(())
    }
}

impl Source for &[u8] {
    #[inline(always)]
    fn held(&self) -> &[u8] {
        self
    }
}

/// A file that comes a piece at a time.
pub(super) struct Streamed<'a, 'b> {
    pub(super) file: &'a mut Pieces<'b>,
    /// The white space that the line begins with in which the held bytes begin, if that is known.
    pub(super) line: Option<Vec<u8>>,
    /// What is kept of the file when its value is found.
    pub(super) kept: Option<(Vec<u8>, usize)>,
}

impl Source for &mut Streamed<'_, '_> {
    #[inline(always)]
    fn held(&self) -> &[u8] {
        self.file.held()
    }

    #[inline(always)]
    fn offset(&self) -> usize {
        self.file.offset()
    }

    fn more(&mut self) -> bool {
        self.file.held().len() <= 2 * MAX_PORTION && self.file.more()
    }

    fn pass(&mut self, at: usize) -> usize {
        let from = at.saturating_sub(self.file.behind());
        let held = self.file.held();
        let line = match self.file.offset() {
            0 => Some(layout::line_start(held, from)),
            _ => memchr::memrchr(b'\n', &held[..from]).map(|end| end + 1),
        };
        if let Some(start) = line {
            let white = held[start..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            self.line = (start + white < held.len()).then(|| held[start..start + white].to_vec());
        }
        self.file.forget(from);
        from
    }

    fn found(&mut self, value: &Span) -> Option<()> {
        let held = self.file.held();
        let is_line = self.file.offset() == 0 || memchr::memchr(b'\n', &held[..value.start]).is_some();
        let white = if is_line { layout::base(held, value.start) } else { self.line.as_deref()? };
        let mut kept = Vec::with_capacity(1 + white.len() + value.len());
        kept.push(b'\n');
        kept.extend_from_slice(white);
        let start = kept.len();
        kept.extend_from_slice(&held[value.clone()]);
        self.kept = Some((kept, start));
        Some(())
    }
}
