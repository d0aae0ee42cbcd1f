//! What the fuzz targets reach beside the public interface: a repository under a key that they know, so that what they make up is
//! read as if a holder of the key had written it.

use std::sync::Arc;

use bytes::Bytes;

use crate::crypto::Key;
use crate::id::Id;
use crate::lock;
use crate::pack;
use crate::repository::{OpenError, Repository};
use crate::storage::Storage;

fn key() -> Key {
    Key::from_bytes(&[9; 64])
}

/// The repository over `storage` with this `config`, which is not encrypted. Nothing else is read yet.
///
/// # Errors
/// Those of [`Repository::open`].
pub fn repository(storage: Arc<dyn Storage>, config: &[u8]) -> Result<Repository, OpenError> {
    Repository::with_key(storage, key(), &Bytes::from(seal(config)), Id::new([0; 32]))
}

/// Encrypts as a holder of the key does; nothing, if the system gives no random numbers.
pub fn seal(plain: &[u8]) -> Vec<u8> {
    key().seal(plain).unwrap_or_default()
}

/// The blobs that a pack's header names: id, offset, length, length when decompressed. `None` if it cannot be read.
pub async fn pack_header(repository: &Repository, pack: Id) -> Option<Vec<(Id, u32, u32, u32)>> {
    let blobs = pack::read_header(repository.storage().as_ref(), repository.key(), pack).await.ok()?;
    Some(blobs.iter().map(|blob| (blob.id, blob.offset, blob.length, blob.uncompressed_length)).collect())
}

/// How many locks can be read.
pub async fn locks(repository: &Repository) -> usize {
    lock::all(repository).await.map_or(0, |locks| locks.iter().filter(|(_, lock)| lock.is_ok()).count())
}
