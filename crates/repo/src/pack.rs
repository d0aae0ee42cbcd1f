//! Packs: encrypted blobs, one after the other, then an encrypted header that lists them (restic `doc/design.rst`, "Pack
//! Format").

use std::cell::RefCell;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::crypto::{Key, OVERHEAD};
use crate::id::Id;
use crate::storage::{Kind, Storage, StorageError};
use crate::unpacked::{FormatError, PackError, decompress};

/// A pack is closed when it is at least as large as this (bytes), like restic's by default.
pub(crate) const PACK_SIZE: usize = 16 << 20;
/// No blob that we read is longer, packed or not (bytes). restic's data blobs are at most 8 MiB, its trees can be long.
pub(crate) const MAX_BLOB: u32 = 256 << 20;
/// No header is longer (bytes): restic's own bound.
const MAX_HEADER: u32 = 16 << 20;
const LENGTH_FIELD: u64 = 4;
const LEVEL: i32 = 3;

/// What a blob holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BlobKind {
    /// Contents of files.
    Data,
    /// A folder's listing.
    Tree,
}

/// A blob in a pack, as headers and index files tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackedBlob {
    pub(crate) id: Id,
    #[serde(rename = "type")]
    pub(crate) kind: BlobKind,
    pub(crate) offset: u32,
    pub(crate) length: u32,
    /// 0: it is not compressed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) uncompressed_length: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A blob, encrypted and ready for a pack.
#[derive(Debug, Clone)]
pub(crate) struct SealedBlob {
    pub(crate) id: Id,
    pub(crate) kind: BlobKind,
    pub(crate) uncompressed_length: u32,
    pub(crate) sealed: Vec<u8>,
}

/// Compresses, where that helps, and encrypts.
pub(crate) fn seal_blob(key: &Key, kind: BlobKind, id: Id, plain: &[u8]) -> Result<SealedBlob, PackError> {
    let length = u32::try_from(plain.len()).ok().filter(|l| *l <= MAX_BLOB).ok_or(PackError::TooLarge)?;
    let compressed = compress(plain)?;
    // The header's entry is four bytes longer for a compressed blob.
    let (uncompressed_length, body) =
        if compressed.len() + 4 < plain.len() { (length, &compressed[..]) } else { (0, plain) };
    Ok(SealedBlob { id, kind, uncompressed_length, sealed: key.seal(body)? })
}

/// With one compressor a thread: making one costs more than compressing a small portion.
fn compress(plain: &[u8]) -> Result<Vec<u8>, PackError> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    let result = COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(zstd::bulk::Compressor::new(LEVEL)?);
        }
        match slot {
            Some(compressor) => compressor.compress(plain),
            None => zstd::bulk::compress(plain, LEVEL),
        }
    });
    result.map_err(PackError::Compression)
}

/// Checks the MAC, decrypts, decompresses.
pub(crate) fn open_blob(key: &Key, sealed: &[u8], uncompressed_length: u32) -> Result<Vec<u8>, FormatError> {
    let body = key.open(sealed)?;
    if uncompressed_length == 0 {
        return Ok(body);
    }
    if uncompressed_length > MAX_BLOB {
        return Err(FormatError::Other("longer than a blob may be"));
    }
    let plain = decompress(&body, uncompressed_length as usize)?;
    if plain.len() != uncompressed_length as usize {
        return Err(FormatError::Other("shorter than it should be when decompressed"));
    }
    Ok(plain)
}

/// A pack in the making. Blobs of one kind only.
#[derive(Debug, Default)]
pub(crate) struct PackBuilder {
    bytes: Vec<u8>,
    blobs: Vec<PackedBlob>,
}

/// A pack, ready to be put.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    pub(crate) id: Id,
    pub(crate) bytes: Bytes,
    pub(crate) blobs: Vec<PackedBlob>,
}

impl PackBuilder {
    pub(crate) fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a blob; where it came to lie.
    pub(crate) fn add(&mut self, blob: &SealedBlob) -> Result<PackedBlob, PackError> {
        debug_assert!(self.blobs.iter().all(|b| b.kind == blob.kind), "data and trees never share a pack");
        let to_u32 = |n: usize| u32::try_from(n).map_err(|_| PackError::TooLarge);
        let packed = PackedBlob {
            id: blob.id,
            kind: blob.kind,
            offset: to_u32(self.bytes.len())?,
            length: to_u32(blob.sealed.len())?,
            uncompressed_length: blob.uncompressed_length,
        };
        self.bytes.extend_from_slice(&blob.sealed);
        self.blobs.push(packed);
        Ok(packed)
    }

    /// Writes the header.
    pub(crate) fn finish(mut self, key: &Key) -> Result<Pack, PackError> {
        let header = key.seal(&write_header(&self.blobs))?;
        let length = u32::try_from(header.len()).ok().filter(|l| *l <= MAX_HEADER).ok_or(PackError::TooLarge)?;
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        Ok(Pack { id: Id::of(&self.bytes), bytes: self.bytes.into(), blobs: self.blobs })
    }
}

fn write_header(blobs: &[PackedBlob]) -> Vec<u8> {
    let mut header = Vec::with_capacity(blobs.len() * 41);
    for blob in blobs {
        let compressed = blob.uncompressed_length != 0;
        let kind = match blob.kind {
            BlobKind::Data => 0,
            BlobKind::Tree => 1,
        };
        header.push(kind | u8::from(compressed) << 1);
        header.extend_from_slice(&blob.length.to_le_bytes());
        if compressed {
            header.extend_from_slice(&blob.uncompressed_length.to_le_bytes());
        }
        header.extend_from_slice(blob.id.as_bytes());
    }
    header
}

/// Reads a decrypted header of a pack whose blobs take `room` bytes.
fn parse_header(mut header: &[u8], room: u64) -> Result<Vec<PackedBlob>, FormatError> {
    fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], FormatError> {
        let (head, rest) =
            from.split_first_chunk::<N>().ok_or(FormatError::Other("a pack header that is cut short"))?;
        *from = rest;
        Ok(*head)
    }
    let mut blobs = Vec::with_capacity(header.len() / 37);
    let mut offset = 0_u32;
    while !header.is_empty() {
        let [kind] = take::<1>(&mut header)?;
        let length = u32::from_le_bytes(take(&mut header)?);
        let uncompressed_length = if kind & 2 == 0 { 0 } else { u32::from_le_bytes(take(&mut header)?) };
        let kind = match kind {
            0 | 2 => BlobKind::Data,
            1 | 3 => BlobKind::Tree,
            _ => return Err(FormatError::Other("a pack header with a blob of unknown type")),
        };
        blobs.push(PackedBlob { id: Id::new(take(&mut header)?), kind, offset, length, uncompressed_length });
        offset =
            offset.checked_add(length).ok_or(FormatError::Other("a pack header whose lengths add up to too much"))?;
    }
    if u64::from(offset) != room {
        return Err(FormatError::Other("a pack header whose lengths do not fit the pack"));
    }
    Ok(blobs)
}

/// A pack's header cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// The blobs of a stored pack, from its header.
pub(crate) async fn read_header(storage: &dyn Storage, key: &Key, id: Id) -> Result<Vec<PackedBlob>, HeaderError> {
    let size = storage.size(Kind::Data, id).await?;
    // One read gets the headers of most of our packs.
    let guess = size.min(4096);
    let tail = storage.get_range(Kind::Data, id, size - guess, guess).await?;
    let length = header_length(&tail, size)?;
    let whole = u64::from(length) + LENGTH_FIELD;
    let tail = if whole <= guess { tail } else { storage.get_range(Kind::Data, id, size - whole, whole).await? };
    let start = tail.len() - whole as usize;
    let header = key.open(&tail[start..start + length as usize]).map_err(FormatError::from)?;
    Ok(parse_header(&header, size - whole)?)
}

fn header_length(tail: &[u8], size: u64) -> Result<u32, FormatError> {
    let field = tail.last_chunk::<4>().ok_or(FormatError::Other("a pack that is too short"))?;
    let length = u32::from_le_bytes(*field);
    let fits = u64::from(length) + LENGTH_FIELD <= size;
    if !fits || length > MAX_HEADER || (length as usize) < OVERHEAD {
        return Err(FormatError::Other("a pack with a header of impossible length"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn key() -> Key {
        Key::from_bytes(&[9; 64])
    }

    proptest! {
        #[test]
        fn blobs_come_back(plains: Vec<Vec<u8>>) {
            let mut builder = PackBuilder::default();
            let mut placed = Vec::new();
            for plain in &plains {
                let blob = seal_blob(&key(), BlobKind::Data, Id::of(plain), plain).unwrap();
                placed.push(builder.add(&blob).unwrap());
            }
            let room = builder.len() as u64;
            let pack = builder.finish(&key()).unwrap();
            prop_assert_eq!(pack.id, Id::of(&pack.bytes));
            let length = header_length(&pack.bytes, pack.bytes.len() as u64).unwrap() as usize;
            let header = key().open(&pack.bytes[pack.bytes.len() - 4 - length..pack.bytes.len() - 4]).unwrap();
            prop_assert_eq!(&parse_header(&header, room).unwrap(), &placed);
            for (blob, plain) in placed.iter().zip(&plains) {
                let sealed = &pack.bytes[blob.offset as usize..(blob.offset + blob.length) as usize];
                prop_assert_eq!(&open_blob(&key(), sealed, blob.uncompressed_length).unwrap(), plain);
            }
        }

        #[test]
        fn any_bytes_as_a_header(header: Vec<u8>, room: u64) {
            let _ = parse_header(&header, room);
            let _ = header_length(&header, room);
        }
    }

    #[test]
    fn incompressible_contents_stay_as_they_are() {
        let random: Vec<u8> = (0..200_u32).flat_map(|i| Id::of(&i.to_le_bytes()).as_bytes()[..8].to_vec()).collect();
        assert_eq!(seal_blob(&key(), BlobKind::Data, Id::of(&random), &random).unwrap().uncompressed_length, 0);
        let text = b"the same again and ".repeat(50);
        let blob = seal_blob(&key(), BlobKind::Data, Id::of(&text), &text).unwrap();
        assert_eq!(blob.uncompressed_length as usize, text.len());
        assert!(blob.sealed.len() < 100);
    }
}
