//! Zip archives (PKWARE's APPNOTE.TXT 6.3.10), as far as office documents are such: one entry is read, and one is replaced.
//!
//! An archive is read by its central directory. What programs read differently is refused: entries that overlap, names that stand
//! twice or differ between an entry and the directory, encryption, several disks, bytes before the first entry that move the offsets.
//! The size of an entry is known and bounded before its decompression starts.

mod splice;

use std::collections::HashSet;

use super::{LensError, Position, Span};

/// An entry's largest size when it is decompressed, in bytes.
const MAX_PART: u64 = 256 << 20;
/// From this size on an entry may not be more than [`MAX_RATIO`] times as large as its compressed form.
const SMALL_PART: u64 = 16 << 20;
const MAX_RATIO: u64 = 200;
/// The most entries.
const MAX_ENTRIES: u64 = 100_000;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive's entries, in the directory's order.
pub(super) struct Archive<'a> {
    file: &'a [u8],
    entries: Vec<Entry>,
    /// Where the directory begins.
    directory: usize,
    /// Where the end record begins.
    end: usize,
    /// Where the zip64 end record begins, in an archive that has one.
    end64: Option<usize>,
}

/// One entry, as the directory tells it.
pub(super) struct Entry {
    pub(super) name: String,
    /// Where its record stands in the directory.
    record: usize,
    /// Where its local header stands.
    local: usize,
    data: Span,
    /// Behind its data and the descriptor, if it has one.
    end: usize,
    method: u16,
    flags: u16,
    crc: u32,
    size: u64,
    /// Whether the directory says a size or an offset of it in the zip64 extra field.
    is_zip64: bool,
}

/// An archive that cannot be read.
pub(super) fn fault(found: impl Into<String>) -> LensError {
    LensError::Unparsable { at: Position { line: 1, column: 1 }, found: found.into() }
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(file.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(file.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(file.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// What the end record, or the one of zip64 beside it, says.
struct End {
    entries: u64,
    size: u64,
    offset: u64,
    at: usize,
    at64: Option<usize>,
}

impl End {
    fn read(file: &[u8]) -> Result<End, LensError> {
        let at = found_end(file)?;
        let cut = || fault("the archive's end is cut off");
        let half = |offset: usize| u16_at(file, at + offset).ok_or_else(cut);
        let word = |offset: usize| u32_at(file, at + offset).ok_or_else(cut);
        if half(4)? != half(6)? || (half(4)? != 0 && half(4)? != 0xFFFF) || half(8)? != half(10)? {
            return Err(fault("the archive is one of several disks"));
        }
        let mut end =
            End { entries: half(10)?.into(), size: word(12)?.into(), offset: word(16)?.into(), at, at64: None };
        let locator = at.checked_sub(20).filter(|at| file[*at..].starts_with(b"PK\x06\x07"));
        if let Some(locator) = locator {
            let wrong = || fault("the archive's zip64 end is not where it is said to be");
            let at64 = u64_at(file, locator + 8).and_then(|at| usize::try_from(at).ok()).ok_or_else(wrong)?;
            let is_there = file.get(at64..).is_some_and(|rest| rest.starts_with(b"PK\x06\x06"));
            let length = u64_at(file, at64 + 4).filter(|_| is_there).ok_or_else(wrong)?;
            if length.checked_add(12 + at64 as u64) != Some(locator as u64) {
                return Err(wrong());
            }
            end.entries = u64_at(file, at64 + 32).ok_or_else(wrong)?;
            end.size = u64_at(file, at64 + 40).ok_or_else(wrong)?;
            end.offset = u64_at(file, at64 + 48).ok_or_else(wrong)?;
            end.at64 = Some(at64);
        }
        Ok(end)
    }
}

/// Where the end record stands: its comment goes to the end of the file.
fn found_end(file: &[u8]) -> Result<usize, LensError> {
    let from = file.len().saturating_sub(22 + 0xFFFF);
    let fits = |at: &usize| u16_at(file, at + 20).is_some_and(|comment| at + 22 + usize::from(comment) == file.len());
    let mut ends = memchr::memmem::find_iter(&file[from..], b"PK\x05\x06").map(|at| from + at).filter(fits);
    let at = ends.next().ok_or_else(|| {
        if file.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
            fault("the file is encrypted or of an old binary format; save it without a password, in the format of its name")
        } else {
            fault("the file is no zip archive, or is cut off")
        }
    })?;
    match ends.next() {
        None => Ok(at),
        Some(_) => Err(fault("the archive has two ends: its comment looks like one")),
    }
}

impl<'a> Archive<'a> {
    /// Reads the directory and checks every entry's header against it.
    pub(super) fn read(file: &'a [u8]) -> Result<Archive<'a>, LensError> {
        let end = End::read(file)?;
        if end.entries > MAX_ENTRIES {
            return Err(LensError::TooLarge(format!(
                "the archive has {} entries; at most {MAX_ENTRIES} are read",
                end.entries
            )));
        }
        let directory = usize::try_from(end.offset).ok().filter(|at| *at <= file.len());
        let directory = directory.ok_or_else(|| fault("the archive's directory is not where it is said to be"))?;
        let behind = end.at64.unwrap_or(end.at);
        if end.size.checked_add(end.offset) != Some(behind as u64) {
            return Err(fault(
                "the archive's directory does not reach to its end; other bytes stand before or behind it",
            ));
        }
        let mut archive = Archive { file, entries: Vec::new(), directory, end: end.at, end64: end.at64 };
        let mut at = directory;
        for _ in 0..end.entries {
            let (entry, next) = archive.entry(at, behind)?;
            archive.entries.push(entry);
            at = next;
        }
        if at != behind {
            return Err(fault("the archive's directory holds more than its entries"));
        }
        archive.check()?;
        Ok(archive)
    }

    /// The entry whose record stands at `at`, and where the next one stands.
    fn entry(&self, at: usize, behind: usize) -> Result<(Entry, usize), LensError> {
        let cut = || fault("the archive's directory is cut off");
        let file = &self.file[..behind];
        if !file.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
            return Err(cut());
        }
        let half = |offset: usize| u16_at(file, at + offset).ok_or_else(cut);
        let word = |offset: usize| u32_at(file, at + offset).ok_or_else(cut);
        let (names, extras, comments) = (half(28)?, half(30)?, half(32)?);
        let name = at + 46..at + 46 + usize::from(names);
        let extra = name.end..name.end + usize::from(extras);
        let next = extra.end + usize::from(comments);
        let bytes = file.get(name.clone()).filter(|_| next <= file.len()).ok_or_else(cut)?;
        // Some writers separate by backslashes.
        let name = String::from_utf8_lossy(bytes).replace('\\', "/");
        let (flags, method) = (half(8)?, half(10)?);
        if flags & 0x2041 != 0 {
            return Err(fault(format!("`{name}` is encrypted")));
        }
        let disk = half(34)?;
        if disk != 0 && disk != 0xFFFF {
            return Err(fault("the archive is one of several disks"));
        }
        let mut wide = zip64(&file[extra]);
        let mut is_zip64 = false;
        let mut wider = |narrow: u32| -> Result<u64, LensError> {
            if narrow != u32::MAX {
                return Ok(narrow.into());
            }
            is_zip64 = true;
            wide.next().ok_or_else(|| fault(format!("`{name}` lacks its zip64 sizes")))
        };
        let size = wider(word(24)?)?;
        let packed = wider(word(20)?)?;
        let local = wider(word(42)?)?;
        let entry =
            Entry { name, record: at, local: 0, data: 0..0, end: 0, method, flags, crc: word(16)?, size, is_zip64 };
        Ok((self.located(entry, bytes, packed, local)?, next))
    }

    /// The entry with where its header and data stand.
    fn located(&self, entry: Entry, name: &[u8], packed: u64, local: u64) -> Result<Entry, LensError> {
        let wrong = |what: &str| fault(format!("`{}`: {what}", entry.name));
        let file = &self.file[..self.directory];
        let local =
            usize::try_from(local).ok().filter(|at| file.get(*at..).is_some_and(|r| r.starts_with(b"PK\x03\x04")));
        let local = local.ok_or_else(|| wrong("its header is not where the directory says"))?;
        let cut = || wrong("its header is cut off");
        let names = usize::from(u16_at(file, local + 26).ok_or_else(cut)?);
        let extras = usize::from(u16_at(file, local + 28).ok_or_else(cut)?);
        let start = local + 30 + names + extras;
        if file.get(local + 30..local + 30 + names) != Some(name) || u16_at(file, local + 8) != Some(entry.method) {
            return Err(wrong("its header and the directory differ"));
        }
        let end =
            usize::try_from(packed).ok().and_then(|packed| start.checked_add(packed)).filter(|end| *end <= file.len());
        let end = end.ok_or_else(|| wrong("it reaches over the directory"))?;
        let mut entry = Entry { local, data: start..end, end, ..entry };
        match splice::behind_descriptor(file, &entry) {
            Some(end) => entry.end = end,
            None => return Err(fault(format!("`{}`: its data descriptor differs from the directory", entry.name))),
        }
        Ok(entry)
    }

    /// No two entries share a byte, and none has another's name.
    fn check(&self) -> Result<(), LensError> {
        let mut names = HashSet::new();
        let mut spans: Vec<(usize, usize)> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            if !names.insert(entry.name.to_ascii_lowercase()) {
                return Err(fault(format!("`{}` stands twice in the archive", entry.name)));
            }
            spans.push((entry.local, entry.end));
        }
        spans.sort_unstable();
        if spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            return Err(fault("entries of the archive overlap"));
        }
        Ok(())
    }

    /// The entry of that name; office programs overlook the case.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// An entry's content.
    ///
    /// # Errors
    /// [`LensError::TooLarge`] before anything is decompressed; [`LensError::Unparsable`] where the content is damaged.
    pub(super) fn content(&self, entry: &Entry) -> Result<Vec<u8>, LensError> {
        let packed = entry.data.len() as u64;
        if entry.size > MAX_PART || (entry.size > SMALL_PART && entry.size / MAX_RATIO > packed) {
            let mib = entry.size >> 20;
            return Err(LensError::TooLarge(format!("`{}` has {mib} MiB out of {packed} bytes: too much", entry.name)));
        }
        let damaged = || fault(format!("`{}` is damaged", entry.name));
        let size = usize::try_from(entry.size).map_err(|_| damaged())?;
        let data = &self.file[entry.data.clone()];
        let content = match entry.method {
            STORED => data.to_vec(),
            DEFLATED => miniz_oxide::inflate::decompress_to_vec_with_limit(data, size).map_err(|_| damaged())?,
            other => {
                return Err(fault(format!("`{}` is compressed by method {other}, which is not known", entry.name)));
            }
        };
        if content.len() != size || crc32fast::hash(&content) != entry.crc {
            return Err(damaged());
        }
        Ok(content)
    }
}

/// The fields of the zip64 extra field, in their order; none where there is no such field.
fn zip64(mut extra: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut found: &[u8] = &[];
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some(body) = extra.get(4..4 + usize::from(length)) else { break };
        if id == 1 {
            found = body;
            break;
        }
        extra = &extra[4 + usize::from(length)..];
    }
    found.chunks_exact(8).filter_map(|chunk| u64_at(chunk, 0))
}
