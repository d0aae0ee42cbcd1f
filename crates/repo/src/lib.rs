//! Secondary copies, in the restic repository format, version 2.
//!
//! A [`Repository`] is opened with a [`Password`] over a [`Storage`]: a folder, or restic's REST protocol. It reads by
//! [`Location`] (no index needed), by index, and whatever restic itself wrote. A [`Writer`] makes copies.

mod chunk;
mod crypto;
mod find;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gostring;
mod id;
mod index;
mod keyfile;
mod kit;
mod location;
mod lock;
mod names;
mod os;
mod pack;
mod password;
mod point;
mod polynomial;
mod read;
mod repository;
mod snapshot;
mod storage;
mod tree;
mod unpacked;
mod writer;

pub use crypto::{MacError, SealError};
pub use find::{Found, Search};
pub use id::{Id, IdError};
pub use keyfile::{Kdf, KeyFileError, MAX_KEYS};
pub use location::{BlobLocation, Location, LocationError, MAX_BLOBS, MAX_LOCATION};
pub use lock::{Holder, LockError};
pub use names::{decode_name, encode_name};
pub use password::Password;
#[cfg(feature = "faults")]
#[doc(hidden)]
pub use point::at_points;
pub use read::{MAX_CONTENT, ReadError};
pub use repository::{OpenError, Options, Repository};
pub use snapshot::Snapshot;
pub use storage::{Entry, Incoming, Kind, LocalStorage, MAX_FILE, RestStorage, Storage, StorageError, open_storage};
pub use tree::{Node, NodeKind};
pub use unpacked::{FormatError, PackError};
pub use writer::{Copy, OnSealed, Recovered, Sealed, Unsealed, WriteError, Writer, WriterOptions};
