//! The port to the repository of secondary copies.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use plan::VersionId;
use zeroize::Zeroizing;

/// A secondary copy that is to be made.
#[derive(Debug, Clone)]
pub struct NewCopy {
    /// The version that it may become; it names the copy in snapshots.
    pub version: VersionId,
    /// The group's name.
    pub group: String,
    /// The file.
    pub path: String,
    /// The portion in it.
    pub selector: String,
    /// The shared text.
    pub content: Bytes,
}

/// A secondary copy that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCopy {
    /// Where it lies, in the repository's encoding.
    pub location: Vec<u8>,
    /// What [`Copies::recover`] needs if the process ends before the copy is sealed. It holds no contents.
    pub unsealed: Vec<u8>,
}

/// A seal: these versions' copies are in that snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The snapshot's id, in hexadecimal.
    pub snapshot: String,
    /// The versions.
    pub versions: Vec<VersionId>,
}

/// Why a copy could not be made or read, in a line for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CopyError {
    /// Why.
    pub why: String,
    /// Whether it may go better later: the network, a lock. If not, what was asked for is not there or not what it should be.
    pub transient: bool,
    /// The repository is there, and has lost this copy.
    pub lost: bool,
}

/// A repository that is open, for one agent.
pub trait Copies: Send + Sync {
    /// A key for a purpose: the same for everybody who has the repository's key, and for nobody else.
    fn key(&self, context: &str) -> Zeroizing<[u8; 32]>;
    /// Makes a copy; it is durable when this returns.
    fn store(&self, copy: NewCopy) -> BoxFuture<'_, Result<StoredCopy, CopyError>>;
    /// Reads a copy. It is authentic as to the repository; that it is a certain version's the caller checks.
    fn fetch<'a>(&'a self, location: &'a [u8]) -> BoxFuture<'a, Result<Bytes, CopyError>>;
    /// Seals what an earlier process left unsealed. Copies that are in none of the seals are lost.
    fn recover(&self, unsealed: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>>;
    /// Seals everything and ends.
    fn shut_down(&self) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>>;
}

/// Is told of each seal. It must not block.
pub type OnSeal = Arc<dyn Fn(Seal) + Send + Sync>;

/// Opens the repository. It is asked again if it could not.
pub trait OpenCopies: Send + Sync {
    /// Opens it.
    fn open(&self, on_seal: OnSeal) -> BoxFuture<'_, Result<Arc<dyn Copies>, CopyError>>;
}
