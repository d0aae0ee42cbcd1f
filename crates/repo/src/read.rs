//! Reading: by location, by index, and what restic and we wrote into snapshots.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::id::Id;
use crate::index::{Index, IndexFile};
use crate::location::{BlobLocation, Location, MAX_BLOBS};
use crate::pack::{BlobKind, MAX_BLOB, open_blob};
use crate::repository::Repository;
use crate::snapshot::Snapshot;
use crate::storage::{Kind, StorageError};
use crate::tree::{Node, NodeKind, parse_tree};
use crate::unpacked::{FormatError, open_json};

/// No copy that is read is longer (bytes).
pub const MAX_CONTENT: u64 = 1 << 30;
/// Folders within folders are followed so deep.
const MAX_DEPTH: usize = 512;
/// How many files are read at once.
const AT_ONCE: usize = 8;
/// Decrypting more than this (bytes) is done on a thread where nobody waits.
const INLINE: usize = 256 << 10;

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file or blob cannot be understood, or was tampered with.
    #[error("{kind}/{id} is damaged")]
    Damaged {
        /// Its kind.
        kind: Kind,
        /// Its id.
        id: Id,
        /// How.
        source: FormatError,
    },
    /// The location is of another repository.
    #[error("the copy lies in repository {wanted}, not in {this}", wanted = wanted.short(), this = this.short())]
    OtherRepository {
        /// Where it lies.
        wanted: Id,
        /// This repository.
        this: Id,
    },
    /// No index tells of this blob.
    #[error("blob {id} is in no index")]
    NotIndexed {
        /// The blob's id.
        id: Id,
    },
    /// A blob was found, but it is another one.
    #[error("blob {id} does not have the contents that its name says")]
    WrongContents {
        /// The blob's id.
        id: Id,
    },
    /// The copy is longer than can be read at once.
    #[error("{length} bytes are more than can be read at once")]
    TooLong {
        /// Its length.
        length: u64,
    },
    /// No such file in the snapshot.
    #[error("no file {path} in snapshot {}", snapshot.short())]
    NoFile {
        /// The snapshot.
        snapshot: Id,
        /// The path.
        path: String,
    },
    /// The work was cut off because the process ends.
    #[error("interrupted")]
    Interrupted,
}

impl Repository {
    /// Reads a copy by its location: no index is needed. The MACs are checked; that this is the copy of a certain version
    /// the caller checks by the version's keyed fingerprint.
    ///
    /// # Errors
    /// Another repository's location, a missing or tampered pack.
    pub async fn read(&self, location: &Location) -> Result<Bytes, ReadError> {
        if location.repository != self.id() {
            return Err(ReadError::OtherRepository { wanted: location.repository, this: self.id() });
        }
        self.read_blobs(&location.blobs).await
    }

    /// Reads contents by the ids of their blobs, by the index, of which new files are read if need be. Each blob's SHA-256 is
    /// checked, too.
    ///
    /// # Errors
    /// [`ReadError::NotIndexed`], [`ReadError::WrongContents`], a missing or tampered pack.
    pub async fn read_by_index(&self, blobs: &[Id]) -> Result<Bytes, ReadError> {
        let locations = self.find_blobs(BlobKind::Data, blobs).await?;
        check_length(&locations)?;
        let parts =
            stream::iter(blobs.iter().copied().zip(locations).map(|(id, location)| self.read_checked(id, location)));
        let parts: Vec<Vec<u8>> = parts.buffered(AT_ONCE).try_collect().await?;
        Ok(parts.concat().into())
    }

    /// Reads the index files that were not read before; how many. If one of those has gone (a prune), all are read again.
    ///
    /// # Errors
    /// The storage fails, or an index file is damaged.
    pub async fn refresh_index(&self) -> Result<usize, ReadError> {
        let _one = self.refreshing().await;
        let mut tries = 0;
        loop {
            let files: Vec<Id> = self.storage().list(Kind::Index).await?.into_iter().map(|entry| entry.id).collect();
            let unread = self.index().unread(&files);
            let fresh = unread.is_none();
            let wanted = unread.unwrap_or(files);
            let count = wanted.len();
            match self.read_index_files(wanted, fresh).await {
                // A prune replaced it between the listing and the reading.
                Err(ReadError::Storage(error)) if error.is_missing() && tries < 3 => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(count),
            }
        }
    }

    async fn read_index_files(&self, files: Vec<Id>, fresh: bool) -> Result<(), ReadError> {
        let mut replacement = fresh.then(Index::default);
        let mut read = stream::iter(files.into_iter().map(|id| async move {
            let bytes = self.storage().get(Kind::Index, id).await?;
            let file: IndexFile = open_json(self.key(), &bytes).map_err(damaged(Kind::Index, id))?;
            Ok::<_, ReadError>((id, file))
        }))
        .buffer_unordered(AT_ONCE);
        while let Some((id, file)) = read.try_next().await? {
            match &mut replacement {
                Some(index) => index.add_file(id, &file),
                None => self.index_mut().add_file(id, &file),
            }
        }
        if let Some(index) = replacement {
            *self.index_mut() = index;
        }
        Ok(())
    }

    /// All snapshots, oldest first.
    ///
    /// # Errors
    /// The storage fails, or a snapshot is damaged.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, ReadError> {
        let files = self.storage().list(Kind::Snapshots).await?;
        let read = stream::iter(files.into_iter().map(|entry| self.snapshot_if_there(entry.id)));
        let read: Vec<Option<Snapshot>> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        let mut snapshots: Vec<Snapshot> = read.into_iter().flatten().collect();
        snapshots.sort_by_key(|snapshot| (snapshot.time, snapshot.id));
        Ok(snapshots)
    }

    async fn snapshot_if_there(&self, id: Id) -> Result<Option<Snapshot>, ReadError> {
        match self.snapshot(id).await {
            // Forgotten since the listing.
            Err(ReadError::Storage(error)) if error.is_missing() => Ok(None),
            other => other.map(Some),
        }
    }

    /// One snapshot.
    ///
    /// # Errors
    /// The storage fails, or the snapshot is damaged.
    pub async fn snapshot(&self, id: Id) -> Result<Snapshot, ReadError> {
        let bytes = self.storage().get(Kind::Snapshots, id).await?;
        let json = open_json(self.key(), &bytes).map_err(damaged(Kind::Snapshots, id))?;
        Ok(Snapshot::new(id, json))
    }

    /// The entries of a folder: of a snapshot's `tree`, or of a node's `subtree`.
    ///
    /// # Errors
    /// The tree is in no index, or damaged.
    pub async fn tree(&self, tree: Id) -> Result<Vec<Node>, ReadError> {
        let locations = self.find_blobs(BlobKind::Tree, &[tree]).await?;
        let location = locations.first().ok_or(ReadError::NotIndexed { id: tree })?;
        let json = self.read_checked(tree, *location).await?;
        parse_tree(&json).map_err(damaged(Kind::Data, location.pack))
    }

    /// All files and folders of a snapshot, with their paths, in order; at most `limit`.
    ///
    /// # Errors
    /// A tree cannot be read.
    pub async fn walk(&self, snapshot: &Snapshot, limit: usize) -> Result<Vec<(String, Node)>, ReadError> {
        let mut found = Vec::new();
        // Folders still to be read, deepest last, with what of them is left.
        let mut open = vec![(String::new(), self.tree(snapshot.tree).await?.into_iter())];
        while let Some((prefix, nodes)) = open.last_mut() {
            let Some(node) = nodes.next() else {
                open.pop();
                continue;
            };
            let path = format!("{prefix}/{}", node.name);
            let subtree = node.subtree.filter(|_| node.kind == NodeKind::Folder);
            found.push((path.clone(), node));
            if found.len() >= limit {
                break;
            }
            if let Some(subtree) = subtree
                && open.len() < MAX_DEPTH
            {
                open.push((path, self.tree(subtree).await?.into_iter()));
            }
        }
        Ok(found)
    }

    /// The contents of the file at `path` (`/a/b`) in a snapshot.
    ///
    /// # Errors
    /// [`ReadError::NoFile`], or something on the way cannot be read.
    pub async fn dump(&self, snapshot: &Snapshot, path: &str) -> Result<Bytes, ReadError> {
        let missing = || ReadError::NoFile { snapshot: snapshot.id, path: path.to_owned() };
        let mut tree = Some(snapshot.tree);
        let mut file = None;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let nodes = self.tree(tree.ok_or_else(missing)?).await?;
            let node = nodes.into_iter().find(|node| node.name == name).ok_or_else(missing)?;
            tree = node.subtree;
            file = Some(node);
        }
        let file = file.filter(|node| node.kind == NodeKind::File).ok_or_else(missing)?;
        self.read_by_index(&file.content).await
    }

    async fn find_blobs(&self, kind: BlobKind, ids: &[Id]) -> Result<Vec<BlobLocation>, ReadError> {
        let find = || {
            let index = self.index();
            ids.iter().map(|id| index.find(kind, *id).ok_or(ReadError::NotIndexed { id: *id })).collect()
        };
        match find() {
            Err(ReadError::NotIndexed { .. }) => {
                self.refresh_index().await?;
                find()
            }
            other => other,
        }
    }

    async fn read_blobs(&self, blobs: &[BlobLocation]) -> Result<Bytes, ReadError> {
        check_length(blobs)?;
        if let [blob] = blobs {
            return Ok(self.read_blob(*blob).await?.into());
        }
        let mut parts = stream::iter(blobs.iter().copied().map(|blob| self.read_blob(blob))).buffered(AT_ONCE);
        let mut contents = BytesMut::new();
        while let Some(part) = parts.try_next().await? {
            contents.extend_from_slice(&part);
        }
        Ok(contents.freeze())
    }

    async fn read_blob(&self, blob: BlobLocation) -> Result<Vec<u8>, ReadError> {
        let sealed = self.storage().get_range(Kind::Data, blob.pack, blob.offset.into(), blob.length.into()).await?;
        let opened = if sealed.len().max(blob.uncompressed_length as usize) <= INLINE {
            open_blob(self.key(), &sealed, blob.uncompressed_length)
        } else {
            let this = self.clone();
            tokio::task::spawn_blocking(move || open_blob(this.key(), &sealed, blob.uncompressed_length))
                .await
                .map_err(|_| ReadError::Interrupted)?
        };
        opened.map_err(damaged(Kind::Data, blob.pack))
    }

    /// Reads a blob, and checks that it is the one.
    pub(crate) async fn read_checked(&self, id: Id, location: BlobLocation) -> Result<Vec<u8>, ReadError> {
        let plain = self.read_blob(location).await?;
        if Id::of(&plain) == id { Ok(plain) } else { Err(ReadError::WrongContents { id }) }
    }
}

/// Lengths come from outside: they are checked before anything is read.
fn check_length(blobs: &[BlobLocation]) -> Result<(), ReadError> {
    let length: u64 = blobs.iter().map(|blob| u64::from(blob.length.max(blob.uncompressed_length))).sum();
    let longest = blobs.iter().map(|blob| blob.length.max(blob.uncompressed_length)).max().unwrap_or(0);
    if length > MAX_CONTENT || longest > MAX_BLOB || blobs.len() > MAX_BLOBS {
        return Err(ReadError::TooLong { length });
    }
    Ok(())
}

fn damaged(kind: Kind, id: Id) -> impl FnOnce(FormatError) -> ReadError {
    move |source| ReadError::Damaged { kind, id, source }
}
