//! Files outside packs: encrypted JSON, compressed since version 2 (restic `doc/design.rst`, "Unpacked Data Format").

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::{Key, MacError, SealError};

/// No index, snapshot, lock or tree is larger than this when unpacked (bytes).
pub(crate) const MAX_UNPACKED: usize = 256 << 20;
const COMPRESSED: u8 = 2;
const LEVEL: i32 = 3;

/// A file's contents cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Changed, or written with another key.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// The compressed bytes make no sense, or too much of it.
    #[error("cannot be decompressed")]
    Compression(#[source] std::io::Error),
    /// Not the JSON that it should be.
    #[error("not the JSON that was expected")]
    Json(#[from] serde_json::Error),
    /// Something else.
    #[error("{0}")]
    Other(&'static str),
}

/// Encrypts `value` as JSON, compressed.
pub(crate) fn seal_json<T: Serialize>(key: &Key, value: &T) -> Result<Vec<u8>, PackError> {
    let json = serde_json::to_vec(value).map_err(|e| PackError::Compression(e.into()))?;
    let mut plain = vec![COMPRESSED];
    plain.extend(zstd::bulk::compress(&json, LEVEL).map_err(PackError::Compression)?);
    Ok(key.seal(&plain)?)
}

/// Decrypts JSON, compressed or not.
pub(crate) fn open_json<T: DeserializeOwned>(key: &Key, sealed: &[u8]) -> Result<T, FormatError> {
    let plain = key.open(sealed)?;
    match plain.first() {
        Some(b'{' | b'[') => Ok(serde_json::from_slice(&plain)?),
        Some(&COMPRESSED) => Ok(serde_json::from_slice(&decompress(&plain[1..], MAX_UNPACKED)?)?),
        _ => Err(FormatError::Other("of an encoding version that is not known")),
    }
}

/// Decompresses at most `limit` bytes; more is an error.
pub(crate) fn decompress(compressed: &[u8], limit: usize) -> Result<Vec<u8>, FormatError> {
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(compressed).map_err(FormatError::Compression)?;
    decoder.take(limit as u64 + 1).read_to_end(&mut plain).map_err(FormatError::Compression)?;
    if plain.len() > limit {
        return Err(FormatError::Other("longer than it may be when decompressed"));
    }
    Ok(plain)
}

/// Something cannot be encoded for the repository.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Encryption failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Compression failed.
    #[error("cannot compress")]
    Compression(#[source] std::io::Error),
    /// One file cannot hold that much.
    #[error("too much for one file of the repository")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        let key = Key::generate().unwrap();
        let value = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(open_json::<Vec<String>>(&key, &seal_json(&key, &value).unwrap()).unwrap(), value);
        assert_eq!(open_json::<Vec<String>>(&key, &key.seal(br#"["a","b"]"#).unwrap()).unwrap(), value);
        assert!(open_json::<Vec<String>>(&key, &key.seal(&[3, 1, 2]).unwrap()).is_err());
        assert!(open_json::<Vec<String>>(&key, &key.seal(&[]).unwrap()).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
        assert!(decompress(&bomb, 1000).is_err());
        assert_eq!(decompress(&bomb, 1 << 20).unwrap().len(), 1 << 20);
    }
}
