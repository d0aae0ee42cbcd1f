//! What happened, in lines for a person; its hash tells whether two runs were the same.

use std::fmt;

/// The lines of a run.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    lines: Option<Vec<String>>,
    hash: u64,
    buffer: String,
}

impl Story {
    /// A story of which only the hash is kept, or all.
    pub(crate) fn new(keep: bool) -> Story {
        Story { lines: keep.then(Vec::new), hash: 0xcbf2_9ce4_8422_2325, buffer: String::new() }
    }

    /// One line. `now` is the simulated time in milliseconds.
    pub(crate) fn tell(&mut self, now: u64, what: fmt::Arguments<'_>) {
        use fmt::Write;
        self.buffer.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.buffer, "{:>4}.{:03}  {what}", now / 1000, now % 1000);
        // FNV-1a: no secret, only a fingerprint that is the same everywhere.
        for byte in self.buffer.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(self.buffer.clone());
        }
    }

    /// Equal for equal runs.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// All lines, if they were kept.
    pub(crate) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}
