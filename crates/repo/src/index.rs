//! What lies in which pack: index files, and all of them together in memory.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::location::BlobLocation;
use crate::pack::{BlobKind, PackedBlob};

/// An index file (restic `doc/design.rst`, "Indexing").
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct IndexFile {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) supersedes: Vec<Id>,
    #[serde(default)]
    pub(crate) packs: Vec<IndexPack>,
    /// Packs that a prune will delete after its grace time: rustic's field, which restic ignores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) packs_to_delete: Vec<IndexPack>,
}

/// One pack in an index file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IndexPack {
    pub(crate) id: Id,
    pub(crate) blobs: Vec<PackedBlob>,
}

/// Where one blob lies; the pack by its number, since many blobs share one.
#[derive(Debug, Clone, Copy)]
struct Slot {
    pack: u32,
    offset: u32,
    length: u32,
    uncompressed_length: u32,
}

/// All index files that were read, in memory: about 60 bytes a blob.
#[derive(Debug, Default)]
pub(crate) struct Index {
    packs: Vec<Id>,
    numbers: HashMap<Id, u32>,
    data: HashMap<Id, Slot>,
    trees: HashMap<Id, Slot>,
    /// Packs that a prune has marked, by number.
    marked: HashSet<u32>,
    /// The index files that were read.
    files: HashSet<Id>,
}

impl Index {
    /// Those of `files` that were not read yet; `None` if one that was read has gone, so that all must be read again.
    pub(crate) fn unread(&self, files: &[Id]) -> Option<Vec<Id>> {
        let unread: Vec<Id> = files.iter().filter(|id| !self.files.contains(id)).copied().collect();
        (files.len() - unread.len() == self.files.len()).then_some(unread)
    }

    /// Takes in an index file.
    pub(crate) fn add_file(&mut self, id: Id, file: &IndexFile) {
        if !self.files.insert(id) {
            return;
        }
        for pack in &file.packs {
            self.add_pack(pack.id, &pack.blobs, false);
        }
        for pack in &file.packs_to_delete {
            self.add_pack(pack.id, &pack.blobs, true);
        }
    }

    /// Takes in one pack, before or without an index file.
    pub(crate) fn add_pack(&mut self, id: Id, blobs: &[PackedBlob], marked: bool) {
        let next = u32::try_from(self.packs.len()).unwrap_or(u32::MAX);
        let pack = *self.numbers.entry(id).or_insert(next);
        if pack == next {
            self.packs.push(id);
        }
        if marked {
            self.marked.insert(pack);
        }
        for blob in blobs {
            let (offset, length) = (blob.offset, blob.length);
            let slot = Slot { pack, offset, length, uncompressed_length: blob.uncompressed_length };
            let map = if blob.kind == BlobKind::Data { &mut self.data } else { &mut self.trees };
            let old = map.get(&blob.id).copied();
            // The first stays, unless its pack is about to go.
            if old.is_none_or(|old| self.marked.contains(&old.pack) && !self.marked.contains(&pack)) {
                map.insert(blob.id, slot);
            }
        }
    }

    /// A pack turned out to be gone or damaged, whatever the index files say: nothing new may rely on it.
    pub(crate) fn distrust(&mut self, pack: Id) {
        if let Some(number) = self.numbers.get(&pack) {
            self.marked.insert(*number);
        }
    }

    /// Where a blob lies.
    pub(crate) fn find(&self, kind: BlobKind, id: Id) -> Option<BlobLocation> {
        self.slot(kind, id).and_then(|slot| self.location(slot))
    }

    /// Where a blob lies, unless its pack is marked to be deleted: only then may a new snapshot rely on it.
    pub(crate) fn find_kept(&self, kind: BlobKind, id: Id) -> Option<BlobLocation> {
        self.slot(kind, id).filter(|slot| !self.marked.contains(&slot.pack)).and_then(|slot| self.location(slot))
    }

    /// Whether any index file tells of this pack.
    pub(crate) fn has_pack(&self, id: Id) -> bool {
        self.numbers.contains_key(&id)
    }

    fn slot(&self, kind: BlobKind, id: Id) -> Option<Slot> {
        let map = if kind == BlobKind::Data { &self.data } else { &self.trees };
        map.get(&id).copied()
    }

    fn location(&self, slot: Slot) -> Option<BlobLocation> {
        let Slot { pack, offset, length, uncompressed_length } = slot;
        let pack = *self.packs.get(pack as usize)?;
        Some(BlobLocation { pack, offset, length, uncompressed_length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(id: u8) -> PackedBlob {
        PackedBlob { id: Id::new([id; 32]), kind: BlobKind::Data, offset: 0, length: 40, uncompressed_length: 0 }
    }

    #[test]
    fn a_marked_pack_gives_no_hits_but_is_read() {
        let (old, new, wanted) = (Id::new([1; 32]), Id::new([2; 32]), Id::new([9; 32]));
        let mut index = Index::default();
        index.add_pack(old, &[blob(9)], true);
        assert_eq!(index.find(BlobKind::Data, wanted).map(|l| l.pack), Some(old));
        assert_eq!(index.find_kept(BlobKind::Data, wanted), None);
        assert_eq!(index.find(BlobKind::Tree, wanted), None);
        index.add_pack(new, &[blob(9)], false);
        assert_eq!(index.find_kept(BlobKind::Data, wanted).map(|l| l.pack), Some(new));
    }

    #[test]
    fn only_new_files_are_read_and_a_vanished_one_means_all() {
        let ids: Vec<Id> = (0..3).map(|n| Id::new([n; 32])).collect();
        let mut index = Index::default();
        assert_eq!(index.unread(&ids[..2]), Some(ids[..2].to_vec()));
        index.add_file(ids[0], &IndexFile::default());
        index.add_file(ids[1], &IndexFile::default());
        assert_eq!(index.unread(&ids), Some(vec![ids[2]]));
        assert_eq!(index.unread(&ids[1..]), None);
    }
}
