//! Finding the records of one key in a large file without reading closely what stands beside them.
//!
//! Whether a byte lies in quotes is the parity of the quotes before it, as long as quotes stand only where RFC 4180 has them. That is
//! checked 64 bytes at a time, and only where there are quotes at all; the key itself is searched at memory speed, and only the records
//! in which it is found are read. What is not plain (a quote inside of an unquoted field, a quote that is never closed, a key that is empty)
//! is left to a reading of every record: its answer counts, and its errors have positions.

use memchr::memmem;
use wide::u8x16;

use super::record::{Reader, Record};

/// How many bytes are looked at together.
const BLOCK: usize = 64;
/// How many bytes are checked before the key is searched in them: they stay in the cache.
const WINDOW: usize = 16 << 10;

/// So many quotes in a block are few.
const FEW: u32 = 4;

/// What is looked for.
pub(super) struct Wanted<'a> {
    pub(super) separator: u8,
    /// Where the records begin.
    pub(super) start: usize,
    /// What the records hold as they are written, without quotes in it. Not empty.
    pub(super) needle: &'a [u8],
    /// Whether a whole field, but for its quotes, says this.
    pub(super) is_whole: bool,
}

/// Tells each record that may hold the key to `found`, in the file's order, until that says no. False if it takes a closer reading.
pub(super) fn scan(file: &[u8], wanted: &Wanted<'_>, mut found: impl FnMut(Record, &Reader<'_>) -> bool) -> bool {
    let finder = memmem::Finder::new(wanted.needle);
    let mut quotes = Quotes { file, separator: wanted.separator, inside: false, start: wanted.start };
    // The start of a record that lies before all that is still to be searched.
    let mut known = wanted.start;
    let mut from = wanted.start;
    let mut base = wanted.start;
    while base < file.len() {
        let end = (base + WINDOW).min(file.len());
        let mut counted = (base, quotes.inside);
        if !quotes.check(base, end) {
            return false;
        }
        let reach = (end + wanted.needle.len() - 1).min(file.len());
        from = from.max(base);
        while from < end {
            let Some(hit) = finder.find(&file[from..reach]) else { break };
            let hit = from + hit;
            if wanted.is_whole && !bounded(file, hit, wanted) {
                from = hit + 1;
                continue;
            }
            counted = (hit, counted.1 ^ odd(file, counted.0, hit));
            let start = record_start(file, hit, counted.1, known);
            let mut reader = Reader::new(file, wanted.separator, start);
            let Ok(Some(record)) = reader.next() else { return false };
            if !found(record, &reader) {
                return true;
            }
            known = record.next;
            from = record.next.max(hit + 1);
            if from < end {
                counted = (from, counted.1 ^ odd(file, hit, from));
            }
        }
        base = end;
    }
    !quotes.inside
}

/// What every record that says `key` holds as it is written.
pub(super) fn needle(key: &[u8]) -> &[u8] {
    key.split(|byte| *byte == b'"').max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// Where the last record starts that may go on behind `file`, which begins with one, if its quotes are plain.
pub(super) fn last_record(file: &[u8]) -> usize {
    record_start(file, file.len(), odd(file, 0, file.len()), 0)
}

/// Whether the number of quotes between two offsets is odd.
fn odd(file: &[u8], from: usize, to: usize) -> bool {
    memchr::memchr_iter(b'"', &file[from..to]).count() % 2 == 1
}

/// Whether a field can begin and end around the hit.
fn bounded(file: &[u8], hit: usize, wanted: &Wanted<'_>) -> bool {
    let before = hit == wanted.start || matches!(file[hit - 1], b'\n' | b'"') || file[hit - 1] == wanted.separator;
    let after = file.get(hit + wanted.needle.len());
    before && after.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'"') || *byte == wanted.separator)
}

/// Where the record starts that holds `at`; `inside` says whether that lies in quotes. A record starts at `known`, before it.
fn record_start(file: &[u8], at: usize, inside: bool, known: usize) -> usize {
    let (mut end, mut inside) = (at, inside);
    while let Some(line) = memchr::memrchr(b'\n', &file[known..end]) {
        let line = known + line;
        inside ^= odd(file, line, end);
        if !inside {
            return line + 1;
        }
        end = line;
    }
    known
}

/// Follows the quotes of a file, as long as they are plain.
struct Quotes<'a> {
    file: &'a [u8],
    separator: u8,
    /// Whether the next byte lies in quotes.
    inside: bool,
    start: usize,
}

impl Quotes<'_> {
    /// Reads on to `end`. False if a quote stands where RFC 4180 has none.
    fn check(&mut self, from: usize, end: usize) -> bool {
        let mut base = from;
        while base < end {
            // Where there are none, there is nothing to check.
            match memchr::memchr(b'"', &self.file[base..end]) {
                None => return true,
                Some(first) => base += first / BLOCK * BLOCK,
            }
            let mut quiet = 0;
            while base < end && quiet < 8 {
                let stop = (base + BLOCK).min(end);
                match self.block(base, stop) {
                    Some(true) => quiet = 0,
                    Some(false) => quiet += 1,
                    None => return false,
                }
                base = stop;
            }
        }
        true
    }

    /// Whether there are quotes in the block; `None` if one of them stands where it should not.
    #[inline(always)]
    fn block(&mut self, base: usize, end: usize) -> Option<bool> {
        let mut padded = [b' '; BLOCK];
        let bytes = match self.file[base..end].first_chunk::<BLOCK>() {
            Some(bytes) => bytes,
            None => {
                padded[..end - base].copy_from_slice(&self.file[base..end]);
                &padded
            }
        };
        let mut lanes = [u8x16::splat(0); 4];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<16>().0) {
            *lane = u8x16::new(*bytes);
        }
        let quotes = equal(&lanes, b'"');
        if quotes == 0 {
            return Some(false);
        }
        if quotes.count_ones() <= FEW {
            return self.one_by_one(base, quotes).then_some(true);
        }
        let strings = parity(quotes) ^ if self.inside { u64::MAX } else { 0 };
        let (opening, closing) = (quotes & strings, quotes & !strings);
        let lines = equal(&lanes, b'\n');
        let ends = quotes | lines | equal(&lanes, self.separator);
        let before = ends << 1 | u64::from(base == self.start || self.ends_field(base - 1));
        if opening & !before != 0 {
            return None;
        }
        // A block that is cut short ends with the window: what follows is in the file all the same.
        let last = 1 << (end - base - 1);
        let mut after = (ends >> 1) & (last - 1);
        let mut returns = (equal(&lanes, b'\r') & (lines >> 1) & (last - 1)) >> 1;
        if closing & !(after | returns) != 0 {
            // The bytes at the end of the block look beyond it.
            if closing & last != 0 && self.is_end(end) {
                after |= last;
            }
            let second = last >> 1;
            if closing & second != 0 && self.is_end(end - 1) {
                returns |= second;
            }
            if closing & !(after | returns) != 0 {
                return None;
            }
        }
        self.inside = strings & last != 0;
        Some(true)
    }

    /// Where there are few quotes, they are looked at one by one. False if one stands where it should not.
    #[inline(always)]
    fn one_by_one(&mut self, base: usize, mut quotes: u64) -> bool {
        while quotes != 0 {
            let at = base + quotes.trailing_zeros() as usize;
            quotes &= quotes - 1;
            self.inside = !self.inside;
            let is_plain = match self.inside {
                true => at == self.start || self.ends_field(at - 1),
                false => self.is_end(at + 1),
            };
            if !is_plain {
                return false;
            }
        }
        true
    }

    /// Whether a field can begin behind the byte at `at`.
    #[inline(always)]
    fn ends_field(&self, at: usize) -> bool {
        matches!(self.file[at], b'\n' | b'"') || self.file[at] == self.separator
    }

    /// Whether a field can end before `at`.
    #[inline(always)]
    fn is_end(&self, at: usize) -> bool {
        match &self.file[at..] {
            [] | [b'\n' | b'"', ..] | [b'\r', b'\n', ..] => true,
            [byte, ..] => *byte == self.separator,
        }
    }
}

#[inline(always)]
fn equal(lanes: &[u8x16; 4], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    let [a, b, c, d] = *lanes;
    let bits = |bytes: u8x16| u64::from(bytes.simd_eq(wanted).to_bitmask());
    bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48
}

/// Each bit is the parity of the bits up to it.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read_all(file: &[u8], separator: u8) -> Option<Vec<Record>> {
        let mut reader = Reader::new(file, separator, 0);
        let mut records = Vec::new();
        while let Some(record) = reader.next().ok()? {
            let span = record.start..record.next;
            if memmem::find(&file[span], b"k1").is_some() {
                records.push(record);
            }
        }
        Some(records)
    }

    /// What is found is what a reading of every record finds. Whether it was plain enough.
    fn check(file: &[u8], separator: u8) -> bool {
        let mut found = Vec::new();
        let wanted = Wanted { separator, start: 0, needle: b"k1", is_whole: false };
        let is_plain = scan(file, &wanted, |record, _| {
            found.push(record);
            true
        });
        if is_plain {
            assert_eq!(Some(found), read_all(file, separator), "{}", String::from_utf8_lossy(file));
        }
        is_plain
    }

    #[test]
    fn plain_files_are_scanned_and_odd_ones_are_not() {
        let long = format!("{}\n\"{}k1\n\"\nk1", "a,\"b\"\n".repeat(20_000), "x\n,\"\"".repeat(20_000));
        for (file, is_plain) in [
            ("a,b\nk1,2\n", true),
            ("k1", true),
            ("\"k1\"", true),
            ("\"k1\"\r\n\"\"\r\n", true),
            ("a\n\"x\nk1\n\"\"\n\",k1\nk1\n", true),
            (long.as_str(), true),
            ("a\n5\" k1\n", false),
            ("\"a\" ,k1\n", false),
            ("\"a\"\rk1\n", false),
            ("\"a\nk1", false),
            ("a,\"\"b\nk1\n", false),
        ] {
            assert_eq!(check(file.as_bytes(), b','), is_plain, "{file}");
        }
    }

    proptest! {
        #[test]
        fn it_never_contradicts_a_reading_of_every_record(
            parts in prop::collection::vec(prop::sample::select(vec![
                "\"", "\"\"", ",", ";", "\n", "\r\n", "\r", "k1", "a", "\"k1\"", "\"k\n1k1\"", "\"x\"\"k1\"", ",\"", "\"\n", "\"\r\n",
                "                                                            ", "\"                                                   \"",
            ]), 0..60),
            separator in prop::sample::select(vec![b',', b';']),
        ) {
            check(parts.concat().as_bytes(), separator);
        }

        #[test]
        fn sound_files_are_plain(
            fields in prop::collection::vec(prop::sample::select(vec![
                "\"\"", "k1", "", "\"k1\"", "\"a\nk1\r\"", "\"\"\"k1\"", "x x", "\"                                                            \"",
            ]), 1..60),
            ends in prop::collection::vec(prop::sample::select(vec![",", "\n", "\r\n"]), 60),
        ) {
            let text: String = fields.iter().zip(ends).flat_map(|(field, end)| [*field, end]).collect();
            let is_plain = check(text.as_bytes(), b',');
            prop_assert!(is_plain);
        }
    }
}
