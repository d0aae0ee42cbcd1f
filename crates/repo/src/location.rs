//! Where a secondary copy lies.

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::pack::MAX_BLOB;

/// A copy consists of at most so many blobs.
pub const MAX_BLOBS: usize = 4096;
/// No encoded location is longer than this (bytes).
pub const MAX_LOCATION: usize = 256 << 10;
const VERSION: u8 = 1;

/// Where a secondary copy lies: enough to read it back without any index. It says nothing about the contents but their
/// length: no blob ids, which are hashes of plaintext. A manager may keep it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The repository's id, from its `config`.
    pub repository: Id,
    /// The parts, in order; none for an empty portion.
    pub blobs: Vec<BlobLocation>,
}

/// Where one part of a copy lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobLocation {
    /// The pack's id.
    pub pack: Id,
    /// First byte in the pack.
    pub offset: u32,
    /// How many bytes there, encryption included.
    pub length: u32,
    /// How many bytes after decompression; 0 if it is not compressed.
    pub uncompressed_length: u32,
}

/// The bytes are no location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the location of a secondary copy")]
pub struct LocationError;

impl Location {
    /// The contents' length in bytes.
    pub fn content_length(&self) -> u64 {
        let length = |blob: &BlobLocation| match blob.uncompressed_length {
            0 => u64::from(blob.length).saturating_sub(crate::crypto::OVERHEAD as u64),
            length => length.into(),
        };
        self.blobs.iter().map(length).sum()
    }

    /// Encodes it: version, repository, the packs once each, then the parts, numbers as LEB128. 74 bytes for a small portion.
    pub fn encode(&self) -> Vec<u8> {
        let mut packs: Vec<Id> = Vec::new();
        let mut parts = Vec::new();
        for blob in &self.blobs {
            let known = packs.iter().rposition(|pack| *pack == blob.pack);
            let number = known.unwrap_or(packs.len());
            if known.is_none() {
                packs.push(blob.pack);
            }
            for value in [number as u64, blob.offset.into(), blob.length.into(), blob.uncompressed_length.into()] {
                write_number(&mut parts, value);
            }
        }
        let mut out = vec![VERSION];
        out.extend_from_slice(self.repository.as_bytes());
        write_number(&mut out, packs.len() as u64);
        packs.iter().for_each(|pack| out.extend_from_slice(pack.as_bytes()));
        write_number(&mut out, self.blobs.len() as u64);
        out.extend_from_slice(&parts);
        out
    }

    /// Reads what [`Location::encode`] wrote.
    ///
    /// # Errors
    /// Any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, LocationError> {
        if bytes.len() > MAX_LOCATION {
            return Err(LocationError);
        }
        let (version, mut rest) = bytes.split_first().ok_or(LocationError)?;
        if *version != VERSION {
            return Err(LocationError);
        }
        let repository = read_id(&mut rest)?;
        let count = read_count(&mut rest)?;
        let packs = (0..count).map(|_| read_id(&mut rest)).collect::<Result<Vec<_>, _>>()?;
        let count = read_count(&mut rest)?;
        let mut blobs = Vec::new();
        for _ in 0..count {
            let number = read_number(&mut rest)?;
            let pack = *packs.get(number as usize).ok_or(LocationError)?;
            let (offset, length) = (read_number(&mut rest)?, read_number(&mut rest)?);
            let uncompressed_length = read_number(&mut rest)?;
            if length > MAX_BLOB || uncompressed_length > MAX_BLOB {
                return Err(LocationError);
            }
            blobs.push(BlobLocation { pack, offset, length, uncompressed_length });
        }
        let location = Self { repository, blobs };
        // One encoding for each location: none but ours is taken.
        if rest.is_empty() && location.encode() == bytes { Ok(location) } else { Err(LocationError) }
    }
}

fn write_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_number(from: &mut &[u8]) -> Result<u32, LocationError> {
    let mut value = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = from.split_first().ok_or(LocationError)?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_err(|_| LocationError);
        }
    }
    Err(LocationError)
}

fn read_count(from: &mut &[u8]) -> Result<usize, LocationError> {
    let count = read_number(from)? as usize;
    if count <= MAX_BLOBS { Ok(count) } else { Err(LocationError) }
}

fn read_id(from: &mut &[u8]) -> Result<Id, LocationError> {
    let (id, rest) = from.split_first_chunk::<32>().ok_or(LocationError)?;
    *from = rest;
    Ok(Id::new(*id))
}

impl Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.encode()))
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = hex::decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        Self::decode(&bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn blob() -> impl Strategy<Value = BlobLocation> {
        (0_u8..4, any::<u32>(), 0..MAX_BLOB, 0..MAX_BLOB).prop_map(|(pack, offset, length, uncompressed_length)| {
            BlobLocation { pack: Id::new([pack; 32]), offset, length, uncompressed_length }
        })
    }

    proptest! {
        #[test]
        fn comes_back(blobs in proptest::collection::vec(blob(), 0..50)) {
            let location = Location { repository: Id::new([7; 32]), blobs };
            let bytes = location.encode();
            prop_assert_eq!(&Location::decode(&bytes).unwrap(), &location);
            for cut in 0..bytes.len() {
                prop_assert!(Location::decode(&bytes[..cut]).is_err());
            }
        }

        #[test]
        fn any_bytes(mut bytes: Vec<u8>) {
            let _ = Location::decode(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = Location::decode(&bytes);
        }
    }

    #[test]
    fn a_small_one_is_small() {
        let blob = BlobLocation { pack: Id::new([1; 32]), offset: 0, length: 232, uncompressed_length: 0 };
        assert!(Location { repository: Id::new([2; 32]), blobs: vec![blob] }.encode().len() <= 74);
    }
}
