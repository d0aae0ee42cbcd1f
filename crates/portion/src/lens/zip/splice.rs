//! The edits that give entries of an archive another content, and leave every byte of the others where its neighbours are.

use super::{Archive, DEFLATED, Entry, fault, u16_at, u32_at, u64_at};
use crate::lens::{Edit, LensError};

/// Has a data descriptor behind its data.
const DESCRIPTOR: u16 = 1 << 3;
/// Level of compression: what office programs use, too.
const LEVEL: u8 = 6;

/// How the data descriptor behind an entry is written.
struct Descriptor {
    has_signature: bool,
    is_wide: bool,
}

impl Descriptor {
    fn length(&self) -> usize {
        usize::from(self.has_signature) * 4 + 4 + if self.is_wide { 16 } else { 8 }
    }

    /// The one that says what the directory says.
    fn read(file: &[u8], entry: &Entry) -> Option<Descriptor> {
        let (at, packed) = (entry.data.end, entry.data.len() as u64);
        let forms = [(true, false), (true, true), (false, false), (false, true)];
        forms.into_iter().map(|(has_signature, is_wide)| Descriptor { has_signature, is_wide }).find(|form| {
            let has = file.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x07\x08"));
            let crc = at + usize::from(form.has_signature) * 4;
            let sizes = match form.is_wide {
                true => u64_at(file, crc + 4).zip(u64_at(file, crc + 12)),
                false => u32_at(file, crc + 4).map(u64::from).zip(u32_at(file, crc + 8).map(u64::from)),
            };
            (has || !form.has_signature) && u32_at(file, crc) == Some(entry.crc) && sizes == Some((packed, entry.size))
        })
    }

    fn write(&self, crc: u32, packed: u32, size: u32) -> Vec<u8> {
        let mut out = if self.has_signature { b"PK\x07\x08".to_vec() } else { Vec::new() };
        out.extend(crc.to_le_bytes());
        for size in [packed, size] {
            out.extend(size.to_le_bytes());
            out.extend(if self.is_wide { &[0; 4][..] } else { &[] });
        }
        out
    }
}

/// Where an entry ends, its descriptor included. `None` where that is not what the directory says.
pub(super) fn behind_descriptor(file: &[u8], entry: &Entry) -> Option<usize> {
    if entry.flags & DESCRIPTOR == 0 {
        return Some(entry.data.end);
    }
    match Descriptor::read(file, entry) {
        Some(descriptor) => Some(entry.data.end + descriptor.length()),
        // Some writers set the flag, and write the sizes into the header all the same.
        None => (local_sizes(file, entry)? == (entry.data.len() as u64, entry.size)).then_some(entry.data.end),
    }
}

/// The sizes that the local header says, in the zip64 extra field if it has that.
fn local_sizes(file: &[u8], entry: &Entry) -> Option<(u64, u64)> {
    let (packed, size) = (u32_at(file, entry.local + 18)?, u32_at(file, entry.local + 22)?);
    match local_zip64(file, entry) {
        Some(at) if packed == u32::MAX && size == u32::MAX => Some((u64_at(file, at + 8)?, u64_at(file, at)?)),
        _ => Some((packed.into(), size.into())),
    }
}

/// Where the two sizes stand in the local header's zip64 extra field.
fn local_zip64(file: &[u8], entry: &Entry) -> Option<usize> {
    let mut at = entry.local + 30 + usize::from(u16_at(file, entry.local + 26)?);
    while at + 4 <= entry.data.start {
        let (id, length) = (u16_at(file, at)?, usize::from(u16_at(file, at + 2)?));
        if id == 1 {
            return (length >= 16 && at + 4 + length <= entry.data.start).then_some(at + 4);
        }
        at += 4 + length;
    }
    None
}

impl Archive<'_> {
    /// The edits that give these entries these contents. What does not change is left out; an entry keeps its method, its
    /// date and its name.
    ///
    /// # Errors
    /// [`LensError::Refused`] for archives beyond 4 GiB.
    pub(in crate::lens) fn replace(&self, contents: &[(&Entry, Vec<u8>)]) -> Result<Vec<Edit>, LensError> {
        let mut edits = Vec::new();
        // How far what stands behind an entry's end moves.
        let mut moves: Vec<(usize, i64)> = Vec::new();
        for (entry, content) in contents {
            if entry.is_zip64 {
                return Err(LensError::Refused(format!("`{}` is written for archives beyond 4 GiB", entry.name)));
            }
            let (new, grown) = self.replaced(entry, content)?;
            edits.extend(new);
            moves.push((entry.end, grown));
        }
        let moved = |at: usize| moves.iter().filter(|(end, _)| at >= *end).map(|(_, grown)| grown).sum::<i64>();
        let mut shift = |at: usize, old: u64, by: i64, wide: bool| -> Result<(), LensError> {
            let new = old.checked_add_signed(by).filter(|new| wide || *new < u64::from(u32::MAX));
            let new = new.ok_or_else(|| LensError::Refused("the archive would grow beyond 4 GiB".to_owned()))?;
            let text = new.to_le_bytes()[..if wide { 8 } else { 4 }].to_vec();
            edits.push(Edit { span: at..at + text.len(), text });
            Ok(())
        };
        for entry in &self.entries {
            let by = moved(entry.local);
            if by == 0 {
                continue;
            }
            match u32_at(self.file, entry.record + 42) {
                Some(offset) if offset != u32::MAX => shift(entry.record + 42, offset.into(), by, false)?,
                _ => return Err(LensError::Refused(format!("`{}` is written for archives beyond 4 GiB", entry.name))),
            }
        }
        let by = moved(self.directory);
        if by != 0 {
            match u32_at(self.file, self.end + 16) {
                Some(u32::MAX) => {}
                Some(offset) => shift(self.end + 16, offset.into(), by, false)?,
                None => return Err(fault("the archive's end is cut off")),
            }
            if let Some(at) = self.end64 {
                shift(at + 48, self.directory as u64, by, true)?;
                let locator = self.end - 20;
                shift(locator + 8, at as u64, by, true)?;
            }
        }
        edits.sort_by_key(|edit| edit.span.start);
        Ok(edits)
    }

    /// The edits of one entry and of its record, and by how much it grows.
    fn replaced(&self, entry: &Entry, content: &[u8]) -> Result<(Vec<Edit>, i64), LensError> {
        let data = match entry.method {
            DEFLATED => miniz_oxide::deflate::compress_to_vec(content, LEVEL),
            _ => content.to_vec(),
        };
        let large = |_| LensError::TooLarge(format!("`{}` would have more than 4 GiB", entry.name));
        let crc = crc32fast::hash(content);
        let packed = u32::try_from(data.len()).map_err(large)?;
        let size = u32::try_from(content.len()).map_err(large)?;
        let fields = [crc.to_le_bytes(), packed.to_le_bytes(), size.to_le_bytes()].concat();
        let mut edits = Vec::new();
        let descriptor = (entry.end > entry.data.end).then(|| Descriptor::read(self.file, entry)).flatten();
        let local = entry.local + 14;
        match (&descriptor, local_zip64(self.file, entry)) {
            // The header says nothing, or what does not count.
            (Some(_), _) if local_sizes(self.file, entry) != Some((entry.data.len() as u64, entry.size)) => {}
            (_, Some(at)) if u32_at(self.file, local + 4) == Some(u32::MAX) => {
                edits.push(Edit { span: local..local + 4, text: crc.to_le_bytes().to_vec() });
                let sizes = [u64::from(size).to_le_bytes(), u64::from(packed).to_le_bytes()].concat();
                edits.push(Edit { span: at..at + 16, text: sizes });
            }
            _ => edits.push(Edit { span: local..local + 12, text: fields.clone() }),
        }
        edits.push(Edit { span: entry.data.clone(), text: data });
        if let Some(descriptor) = descriptor {
            let text = descriptor.write(crc, packed, size);
            edits.push(Edit { span: entry.data.end..entry.end, text });
        }
        edits.push(Edit { span: entry.record + 16..entry.record + 28, text: fields });
        let grown = i64::from(packed) - i64::try_from(entry.data.len()).unwrap_or(i64::MAX);
        Ok((edits, grown))
    }
}
