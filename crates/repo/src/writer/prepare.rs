//! What each caller does for itself, before the queue: cut, hash, look for an earlier copy, compress, encrypt.

use bytes::Bytes;

use super::WriteError;
use crate::chunk;
use crate::id::Id;
use crate::location::BlobLocation;
use crate::pack::{BlobKind, SealedBlob, seal_blob};
use crate::repository::Repository;
use crate::unpacked::PackError;

/// More than this (bytes) is prepared on a thread where nobody waits.
const INLINE: usize = 128 << 10;

/// A part of a copy.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) id: Id,
    /// Its contents, in case that an earlier copy turns out to have gone.
    pub(super) plain: Bytes,
    pub(super) blob: Blob,
}

/// Whether a part must be written.
#[derive(Debug)]
pub(super) enum Blob {
    /// It lies there already, as far as the index says.
    Known(BlobLocation),
    /// It is to be written.
    New(SealedBlob),
}

/// Cuts contents into parts, and prepares each.
pub(super) async fn prepare(repository: &Repository, content: &Bytes) -> Result<Vec<Part>, WriteError> {
    if content.len() <= INLINE {
        return Ok(prepare_now(repository, content)?);
    }
    let (repository, content) = (repository.clone(), content.clone());
    let done = tokio::task::spawn_blocking(move || prepare_now(&repository, &content)).await;
    Ok(done.map_err(|_| WriteError::Closed)??)
}

fn prepare_now(repository: &Repository, content: &Bytes) -> Result<Vec<Part>, PackError> {
    let parts = chunk::cut(content, repository.chunk_seed()).into_iter().map(|range| {
        let plain = content.slice(range);
        let id = Id::of(&plain);
        let known = repository.index().find_kept(BlobKind::Data, id);
        let blob = match known {
            Some(location) => Blob::Known(location),
            None => Blob::New(seal_blob(repository.key(), BlobKind::Data, id, &plain)?),
        };
        Ok(Part { id, plain, blob })
    });
    parts.collect()
}
