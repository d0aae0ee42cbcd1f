//! What may change in a zip archive: the content of a few entries, and no other byte but where they stand.

use std::collections::BTreeMap;

/// An edit of one portion changes its part, and perhaps the workbook's and a table's.
const PARTS: usize = 3;

pub(crate) fn is_one(file: &[u8]) -> bool {
    file.starts_with(b"PK\x03\x04")
}

/// An entry's bytes, and what its record says.
type Entry = (Vec<u8>, Vec<u8>);

/// Every entry's bytes from its header to its data's end, by name; and what its record says beside sizes, checksum and place.
fn entries(file: &[u8]) -> Option<BTreeMap<Vec<u8>, Entry>> {
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?)));
    let word = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?) as usize);
    let end = file.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let mut at = word(end + 16)?;
    let mut all = BTreeMap::new();
    for _ in 0..half(end + 10)? {
        let behind = at + 46 + half(at + 28)? + half(at + 30)? + half(at + 32)?;
        let name = file.get(at + 46..at + 46 + half(at + 28)?)?.to_vec();
        let local = word(at + 42)?;
        let data = local + 30 + half(local + 26)? + half(local + 28)?;
        let record = [file.get(at..at + 16)?, file.get(at + 28..at + 42)?, file.get(at + 46..behind)?].concat();
        all.insert(name, (file.get(local..data + word(at + 20)?)?.to_vec(), record));
        at = behind;
    }
    Some(all)
}

pub(crate) fn frame(before: &[u8], after: &[u8]) -> Result<(), String> {
    let (Some(old), Some(new)) = (entries(before), entries(after)) else {
        return Err("no archive any more".to_owned());
    };
    if !old.keys().eq(new.keys()) {
        return Err("the archive has other entries".to_owned());
    }
    if let Some((name, _)) = old.iter().find(|(name, (_, record))| new[*name].1 != *record) {
        return Err(format!("the record of {} changed", String::from_utf8_lossy(name)));
    }
    let changed = old.iter().filter(|(name, (bytes, _))| new[*name].0 != *bytes).count();
    if changed > PARTS { Err(format!("{changed} entries changed")) } else { Ok(()) }
}
