//! A repository in a folder, laid out as restic's local backend does it.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Entry, Kind, MAX_FILE, Storage, StorageError};
use crate::id::Id;
use crate::os;
use crate::point::point;

/// A folder. A put writes a temporary file in `tmp/`, syncs it, renames it into place without overwriting, and syncs the
/// folder: two syncs, the least with which a name never stands for half a file.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    root: Arc<Path>,
}

impl LocalStorage {
    /// The repository in the folder `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into().into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Begins a file whose bytes come piece by piece. Nothing is visible before [`Incoming::commit`].
    ///
    /// # Errors
    /// The file system refuses.
    pub fn incoming(&self) -> Result<Incoming, StorageError> {
        let (path, file) = temporary(&self.root)?;
        Ok(Incoming { storage: self.clone(), path: Some(path), file, size: 0 })
    }

    fn path(&self, kind: Kind, id: Id) -> PathBuf {
        let name = id.to_string();
        match kind {
            Kind::Config => self.root.join("config"),
            Kind::Data => self.root.join("data").join(&name[..2]).join(name),
            _ => self.root.join(kind.name()).join(name),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || work(&this)).await {
            Ok(result) => result,
            Err(source) => Err(failed("work in", &self.root, io::Error::other(source))),
        }
    }

    /// Names a finished, synced temporary file, and makes the name durable.
    fn name(&self, temporary: &Path, kind: Kind, id: Id) -> Result<(), StorageError> {
        let path = self.path(kind, id);
        let folder = path.parent().unwrap_or(&self.root);
        match os::rename_new(temporary, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && kind == Kind::Data => {
                // restic makes all 256 folders beforehand; others make them as they go.
                os::create_private_folders(folder).map_err(|e| failed("create", folder, e))?;
                let data = self.root.join("data");
                os::sync_folder(&data).map_err(|e| failed("sync", &data, e))?;
                os::rename_new(temporary, &path)
            }
            other => other,
        }
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StorageError::Exists { kind, id },
            _ => failed("name", &path, error),
        })?;
        point("storage: named");
        os::sync_folder(folder).map_err(|e| failed("sync", folder, e))?;
        point("storage: durable");
        Ok(())
    }

    fn open(&self, kind: Kind, id: Id) -> Result<(fs::File, u64), StorageError> {
        let path = self.path(kind, id);
        let read = || -> io::Result<(fs::File, u64)> {
            let file = fs::File::open(&path)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        };
        read().map_err(|error| missing_or(error, "open", &path, kind, id))
    }
}

/// A file on its way into a [`LocalStorage`]. Dropped without a commit, it leaves nothing behind. Its methods block.
#[derive(Debug)]
pub struct Incoming {
    storage: LocalStorage,
    path: Option<PathBuf>,
    file: fs::File,
    size: u64,
}

impl Incoming {
    /// Appends bytes.
    ///
    /// # Errors
    /// The file system refuses, or the file would be larger than [`MAX_FILE`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        if self.size > MAX_FILE {
            return Err(failed("write", path, io::Error::from(io::ErrorKind::FileTooLarge)));
        }
        self.file.write_all(bytes).map_err(|e| failed("write", path, e))
    }

    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes it durable under its name.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is one of that name, or the file system refuses.
    pub fn commit(mut self, kind: Kind, id: Id) -> Result<(), StorageError> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        point("storage: written");
        self.file.sync_all().map_err(|e| failed("sync", &path, e))?;
        point("storage: synced");
        self.storage.name(&path, kind, id)?;
        self.path = None;
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn create(&self) -> Result<(), StorageError> {
        self.blocking(|this| {
            for folder in Kind::FOLDERS.map(Kind::name).into_iter().chain(["tmp"]) {
                let path = this.root.join(folder);
                os::create_private_folders(&path).map_err(|e| failed("create", &path, e))?;
            }
            let data = this.root.join("data");
            for number in 0..=255_u8 {
                let path = data.join(hex::encode([number]));
                os::create_private_folders(&path).map_err(|e| failed("create", &path, e))?;
            }
            os::sync_folder(&data).map_err(|e| failed("sync", &data, e))?;
            os::sync_folder(&this.root).map_err(|e| failed("sync", &this.root, e))?;
            match this.root.parent() {
                Some(above) if !above.as_os_str().is_empty() => {
                    os::sync_folder(above).map_err(|e| failed("sync", above, e))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn put(&self, kind: Kind, id: Id, bytes: Bytes) -> Result<(), StorageError> {
        self.blocking(move |this| {
            let mut incoming = this.incoming()?;
            incoming.write(&bytes)?;
            incoming.commit(kind, id)
        })
        .await
    }

    async fn get(&self, kind: Kind, id: Id) -> Result<Bytes, StorageError> {
        self.blocking(move |this| {
            let (file, size) = this.open(kind, id)?;
            if size > MAX_FILE {
                return Err(StorageError::Range { kind, id, offset: 0, length: size });
            }
            let mut bytes = Vec::with_capacity(size as usize);
            file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|e| failed("read", &this.path(kind, id), e))?;
            Ok(bytes.into())
        })
        .await
    }

    async fn get_range(&self, kind: Kind, id: Id, offset: u64, length: u64) -> Result<Bytes, StorageError> {
        self.blocking(move |this| {
            let (mut file, size) = this.open(kind, id)?;
            if length > MAX_FILE || offset.checked_add(length).is_none_or(|end| end > size) {
                return Err(StorageError::Range { kind, id, offset, length });
            }
            let mut bytes = vec![0; length as usize];
            file.seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|e| failed("read", &this.path(kind, id), e))?;
            Ok(bytes.into())
        })
        .await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Entry>, StorageError> {
        self.blocking(move |this| {
            let mut entries = Vec::new();
            match kind {
                Kind::Config => {
                    let id = Id::new([0; 32]);
                    match this.open(kind, id) {
                        Ok((_, size)) => entries.push(Entry { id, size }),
                        Err(error) if error.is_missing() => {}
                        Err(error) => return Err(error),
                    }
                }
                Kind::Data => {
                    let data = this.root.join("data");
                    for folder in read_folder(&data)? {
                        if folder.file_type().is_ok_and(|t| t.is_dir()) {
                            list_files(&folder.path(), &mut entries)?;
                        }
                    }
                }
                _ => list_files(&this.root.join(kind.name()), &mut entries)?,
            }
            entries.sort_unstable();
            Ok(entries)
        })
        .await
    }

    async fn size(&self, kind: Kind, id: Id) -> Result<u64, StorageError> {
        self.blocking(move |this| {
            let path = this.path(kind, id);
            fs::metadata(&path).map(|m| m.len()).map_err(|e| missing_or(e, "look at", &path, kind, id))
        })
        .await
    }

    async fn delete(&self, kind: Kind, id: Id) -> Result<(), StorageError> {
        self.blocking(move |this| {
            let path = this.path(kind, id);
            fs::remove_file(&path).map_err(|e| missing_or(e, "delete", &path, kind, id))?;
            // A lock that comes back with the power would be nobody's.
            let folder = path.parent().unwrap_or(&this.root);
            os::sync_folder(folder).map_err(|e| failed("sync", folder, e))
        })
        .await
    }

    fn address(&self) -> String {
        self.root.display().to_string()
    }
}

/// A new empty file in `tmp/`.
fn temporary(root: &Path) -> Result<(PathBuf, fs::File), StorageError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = root.join("tmp");
    let mut tries = 0;
    loop {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|e| failed("name a file in", &folder, io::Error::other(e)))?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}-{}", std::process::id(), hex::encode(random)));
        match os::create_private(&path) {
            Ok(file) => return Ok((path, file)),
            // Repositories that others made need not have the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries == 0 && root.is_dir() => {
                tries += 1;
                os::create_private_folders(&folder).map_err(|e| failed("create", &folder, e))?;
            }
            Err(error) => return Err(failed("create", &path, error)),
        }
    }
}

fn read_folder(folder: &Path) -> Result<Vec<fs::DirEntry>, StorageError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| failed("list", folder, e))?,
    };
    entries.collect::<io::Result<_>>().map_err(|e| failed("list", folder, e))
}

/// The files that have an id for a name; all else (others' temporary files) is no part of the repository.
fn list_files(folder: &Path, entries: &mut Vec<Entry>) -> Result<(), StorageError> {
    for entry in read_folder(folder)? {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<Id>().ok()) else { continue };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => entries.push(Entry { id, size: metadata.len() }),
            Ok(_) => {}
            // Deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("look at", &entry.path(), error)),
        }
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StorageError {
    StorageError::File { action, path: path.to_owned(), source }
}

fn missing_or(error: io::Error, action: &'static str, path: &Path, kind: Kind, id: Id) -> StorageError {
    match error.kind() {
        io::ErrorKind::NotFound => StorageError::Missing { kind, id },
        _ => failed(action, path, error),
    }
}
