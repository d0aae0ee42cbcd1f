//! The port [`Copies`] on a repository of the `repo` crate.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use plan::VersionId;
use repo::{Location, ReadError, Repository, Unsealed, WriteError, Writer, WriterOptions};
use zeroize::Zeroizing;

use crate::copies::{Copies, CopyError, NewCopy, OnSeal, OpenCopies, Seal, StoredCopy};
use crate::error_chain;

/// Opens a repository with whatever function opens it, and writes to it as one agent.
pub struct RepositoryOpener<F> {
    /// The agent's name: it marks locks and snapshots.
    pub name: String,
    /// The machine's name, as snapshots show it.
    pub host: String,
    /// Opens the repository.
    pub open: F,
}

impl<F> OpenCopies for RepositoryOpener<F>
where
    F: Fn() -> BoxFuture<'static, Result<Repository, CopyError>> + Send + Sync,
{
    fn open(&self, on_seal: OnSeal) -> BoxFuture<'_, Result<Arc<dyn Copies>, CopyError>> {
        Box::pin(async move {
            let repository = (self.open)().await?;
            let mut options = WriterOptions::new(self.name.clone());
            options.host.clone_from(&self.host);
            options.on_sealed = Some(Arc::new(move |sealed| on_seal(seal(sealed))));
            let writer = Writer::start(repository.clone(), options).map_err(written)?;
            Ok(Arc::new(RepositoryCopies { agent: self.name.clone(), repository, writer }) as Arc<dyn Copies>)
        })
    }
}

struct RepositoryCopies {
    agent: String,
    repository: Repository,
    writer: Writer,
}

impl Copies for RepositoryCopies {
    fn key(&self, context: &str) -> Zeroizing<[u8; 32]> {
        self.repository.derive_key(context)
    }

    fn store(&self, copy: NewCopy) -> BoxFuture<'_, Result<StoredCopy, CopyError>> {
        Box::pin(async move {
            let copy = repo::Copy {
                group: copy.group,
                agent: self.agent.clone(),
                path: copy.path,
                selector: copy.selector,
                job: copy.version.to_string(),
                content: copy.content,
                time: jiff::Timestamp::now(),
            };
            // The contents are not kept twice: what is journaled needs none of them.
            let described = repo::Copy { content: Bytes::new(), ..copy.clone() };
            let location = self.writer.backup(copy).await.map_err(written)?;
            let encoded = location.encode();
            let unsealed = serde_json::to_vec(&Unsealed::new(&described, location)).map_err(|error| CopyError {
                why: error.to_string(),
                transient: false,
                lost: false,
            })?;
            Ok(StoredCopy { location: encoded, unsealed })
        })
    }

    fn fetch<'a>(&'a self, location: &'a [u8]) -> BoxFuture<'a, Result<Bytes, CopyError>> {
        Box::pin(async move {
            let refused = |error| CopyError { why: error_chain(&error), transient: false, lost: false };
            let location = Location::decode(location).map_err(refused)?;
            let error = match self.repository.read(&location).await {
                Ok(content) => return Ok(content),
                Err(error) => error,
            };
            // Also a file that is missing: a repository that was moved away or is not mounted has none.
            let transient = matches!(&error, ReadError::Storage(_));
            let lost =
                matches!(&error, ReadError::Storage(error) if error.is_missing()) && self.repository.is_there().await;
            Err(CopyError { why: error_chain(&error), transient, lost })
        })
    }

    fn recover(&self, unsealed: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>> {
        Box::pin(async move {
            let mut readable = Vec::new();
            for bytes in unsealed {
                match serde_json::from_slice::<Unsealed>(&bytes) {
                    Ok(copy) => readable.push(copy),
                    Err(error) => tracing::warn!(%error, "the journal describes a copy that this program cannot read"),
                }
            }
            let recovered = self.writer.recover(readable).await.map_err(written)?;
            for lost in &recovered.lost {
                tracing::warn!(path = lost.path, job = lost.job, "a secondary copy is gone from the repository");
            }
            Ok(recovered.sealed.into_iter().map(seal).collect())
        })
    }

    fn shut_down(&self) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>> {
        Box::pin(async move {
            let sealed = self.writer.shutdown().await.map_err(written)?;
            Ok(sealed.into_iter().map(seal).collect())
        })
    }
}

fn seal(sealed: repo::Sealed) -> Seal {
    let versions = sealed.jobs.iter().filter_map(|job| job.parse::<VersionId>().ok()).collect();
    Seal { snapshot: sealed.snapshot.to_string(), versions }
}

fn written(error: WriteError) -> CopyError {
    let transient = match &error {
        WriteError::Storage(storage) => storage.is_transient(),
        WriteError::Locked(_) | WriteError::Unsealed { .. } | WriteError::Index(_) => true,
        _ => false,
    };
    CopyError { why: error_chain(&error), transient, lost: false }
}
