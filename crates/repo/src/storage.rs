//! The storage port: files that are written once, named by kind and id. Adapters: a folder, restic's REST protocol.

mod connect;
mod local;
mod rest;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::id::Id;
pub use local::{Incoming, LocalStorage};
pub use rest::RestStorage;

/// No file in a repository is larger than this (bytes); longer answers are refused before they are read.
pub const MAX_FILE: u64 = 512 << 20;

/// The kinds of files that a repository has (restic `doc/design.rst`, "Repository Layout").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The one file `config`. It has no id: any is accepted and none looked at.
    Config,
    /// Keys, wrapped by passwords.
    Keys,
    /// Packs.
    Data,
    /// Index files.
    Index,
    /// Snapshots.
    Snapshots,
    /// Locks.
    Locks,
}

impl Kind {
    /// Those that are folders of many files: all but `Config`.
    pub const FOLDERS: [Self; 5] = [Self::Keys, Self::Data, Self::Index, Self::Snapshots, Self::Locks];

    /// The folder's name, and the word in a REST path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Keys => "keys",
            Self::Data => "data",
            Self::Index => "index",
            Self::Snapshots => "snapshots",
            Self::Locks => "locks",
        }
    }

    /// The folder of that name.
    pub fn folder(name: &str) -> Option<Self> {
        Self::FOLDERS.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The file's name.
    pub id: Id,
    /// Its size in bytes.
    pub size: u64,
}

/// What a storage could not do.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Nothing of that name.
    #[error("no such file in the repository: {kind}/{id}")]
    Missing {
        /// Its kind.
        kind: Kind,
        /// Its name.
        id: Id,
    },
    /// A file is never overwritten.
    #[error("already in the repository: {kind}/{id}")]
    Exists {
        /// Its kind.
        kind: Kind,
        /// Its name.
        id: Id,
    },
    /// The range does not lie in the file.
    #[error("bytes {offset} to {} are not all in {kind}/{id}", offset.saturating_add(*length))]
    Range {
        /// Its kind.
        kind: Kind,
        /// Its name.
        id: Id,
        /// First byte that was asked for.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server cannot be reached, or broke off.
    #[error("cannot reach the repository's server at {server}")]
    Network {
        /// Host and port.
        server: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server did not answer in time.
    #[error("the repository's server at {server} did not answer within {seconds} s")]
    Timeout {
        /// Host and port.
        server: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The server does not allow it.
    #[error("the repository's server refused to {action} {kind}/{id}: {} (HTTP status {status})", meaning(*status))]
    Refused {
        /// What was tried.
        action: &'static str,
        /// Its kind.
        kind: Kind,
        /// Its name.
        id: Id,
        /// Its answer.
        status: u16,
    },
    /// The server's answer makes no sense.
    #[error("the repository's server answered {action} with something unexpected: {what}")]
    Answer {
        /// What was tried.
        action: &'static str,
        /// What was wrong.
        what: String,
    },
    /// No storage can be had from this address.
    #[error("not a repository address: {address}: {why}")]
    Address {
        /// The address, without its password.
        address: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What a server's refusal means.
fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => "it is not allowed",
        429 => "it is asked too much",
        507 => "its disk or its quota is full",
        500..=599 => "it failed, and its log says why",
        _ => "it does not know that",
    }
}

impl StorageError {
    /// Nothing of that name is there, which some callers take for an answer.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// Trying the same again later may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Refused { status, .. } => matches!(status, 429 | 500..=599) && *status != 507,
            _ => false,
        }
    }
}

/// Where a repository's files lie. Every file is written whole or not at all, and never again.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// Makes what must be there before the first file is put. Does no harm to a repository that exists.
    async fn create(&self) -> Result<(), StorageError>;

    /// Stores a file. When this returns the file is durable, its name included.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is one of that name; it is left alone.
    async fn put(&self, kind: Kind, id: Id, bytes: Bytes) -> Result<(), StorageError>;

    /// Reads a whole file, at most [`MAX_FILE`] bytes.
    async fn get(&self, kind: Kind, id: Id) -> Result<Bytes, StorageError>;

    /// Reads `length` bytes from `offset`, all of them or none.
    async fn get_range(&self, kind: Kind, id: Id, offset: u64, length: u64) -> Result<Bytes, StorageError>;

    /// All files of a kind, sorted by id. `Config` gives one line with an id of zeroes, or none.
    async fn list(&self, kind: Kind) -> Result<Vec<Entry>, StorageError>;

    /// The size of a file, in bytes.
    async fn size(&self, kind: Kind, id: Id) -> Result<u64, StorageError>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`StorageError::Missing`] if there is none.
    async fn delete(&self, kind: Kind, id: Id) -> Result<(), StorageError>;

    /// The address that the restic program takes for `-r`, without a password.
    fn address(&self) -> String;
}

/// Opens a storage by its address: a path or `file:///path`, `rest:https://host:port/path/` or `https://…` (with `tls`, the
/// caller's trust and client certificate), and `rest:http://…` for loopback only.
///
/// # Errors
/// [`StorageError::Address`] if the address cannot be read, or TLS is needed and `tls` is `None`.
pub fn open_storage(address: &str, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Arc<dyn Storage>, StorageError> {
    let web = address.strip_prefix("rest:").unwrap_or(address);
    if web.starts_with("https://") || web.starts_with("http://") {
        return Ok(Arc::new(RestStorage::new(web, tls)?));
    }
    let path = address.strip_prefix("file://").unwrap_or(address);
    let unknown = path.split_once("://").is_some() || address.starts_with("rest:");
    if path.is_empty() || unknown {
        let why = "expected a path, file://, or rest:https://".into();
        return Err(StorageError::Address { address: without_password(address), why });
    }
    Ok(Arc::new(LocalStorage::new(path)))
}

/// The address with `user:password@` left out.
fn without_password(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(start), Some(end)) if start + 3 <= end => format!("{}{}", &address[..start + 3], &address[end + 1..]),
        _ => address.to_owned(),
    }
}
