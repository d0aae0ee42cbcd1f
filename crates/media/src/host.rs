//! The repositories that are served, their quotas, and whose the locks are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use repo::{Id, Kind, LocalStorage, Storage, StorageError};
use tokio::sync::Semaphore;

use crate::error::Refusal;

/// What others write past us (an agent on this machine) is counted so often.
const RECOUNT: Duration = Duration::from_secs(600);
/// So many requests are worked on at once; more wait.
const AT_ONCE: usize = 64;

/// A repository on this machine.
#[derive(Debug, Clone)]
pub struct Hosted {
    /// Its folder.
    pub folder: PathBuf,
    /// So many bytes its files may have altogether.
    pub quota: Option<u64>,
}

/// What to serve.
#[derive(Debug, Clone)]
pub struct MediaOptions {
    /// The repositories, by the name that stands in the path.
    pub repositories: BTreeMap<String, Hosted>,
    /// A folder of our own, outside the repositories, where we note whose each lock is.
    pub state: PathBuf,
    /// No body may be longer (bytes). restic's packs are 16 MiB, or up to 128 MiB by its `--pack-size`.
    pub max_body: u64,
    /// The next piece of a body must come within this time.
    pub patience: Duration,
}

impl MediaOptions {
    /// Serves these repositories, with the defaults: bodies of up to 256 MiB, 30 s of patience.
    pub fn new(repositories: BTreeMap<String, Hosted>, state: impl Into<PathBuf>) -> Self {
        Self { repositories, state: state.into(), max_body: 256 << 20, patience: Duration::from_secs(30) }
    }
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The name cannot stand in a path.
    #[error("{name:?} cannot be a repository's name: only letters, digits, '-', '_' and '.' can stand in it")]
    Name {
        /// The name.
        name: String,
    },
    /// Our own folder cannot be made.
    #[error("cannot make {}", folder.display())]
    State {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// All that is served.
#[derive(Debug)]
pub(crate) struct Host {
    repositories: BTreeMap<String, Arc<Served>>,
    pub(crate) max_body: u64,
    pub(crate) patience: Duration,
    pub(crate) at_once: Semaphore,
}

impl Host {
    pub(crate) fn new(options: MediaOptions) -> Result<Self, MediaError> {
        let mut repositories = BTreeMap::new();
        for (name, hosted) in options.repositories {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
                return Err(MediaError::Name { name });
            }
            let owners = options.state.join("locks").join(&name);
            fs::create_dir_all(&owners).map_err(|source| MediaError::State { folder: owners.clone(), source })?;
            let storage = LocalStorage::new(hosted.folder);
            let served = Served { storage, owners, quota: hosted.quota, used: Mutex::new(Used::default()) };
            repositories.insert(name, Arc::new(served));
        }
        let max_body = options.max_body.min(repo::MAX_FILE);
        Ok(Self { repositories, max_body, patience: options.patience, at_once: Semaphore::new(AT_ONCE) })
    }

    pub(crate) fn repository(&self, name: &str) -> Result<Arc<Served>, Refusal> {
        self.repositories.get(name).cloned().ok_or(Refusal::Missing)
    }
}

/// One repository.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) storage: LocalStorage,
    owners: PathBuf,
    quota: Option<u64>,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    bytes: u64,
    counted: Option<Instant>,
}

/// Room that a write has taken from the quota; given back unless the write is done.
#[derive(Debug)]
pub(crate) struct Room {
    served: Arc<Served>,
    bytes: u64,
}

impl Served {
    /// Takes room for a write.
    pub(crate) async fn room(self: &Arc<Self>, bytes: u64) -> Result<Room, Refusal> {
        self.count().await?;
        let mut room = Room { served: self.clone(), bytes: 0 };
        room.grow(bytes)?;
        Ok(room)
    }

    /// Counts what lies there, if there is a quota and it is time.
    async fn count(&self) -> Result<(), StorageError> {
        let is_fresh = |used: &Used| used.counted.is_some_and(|at| at.elapsed() < RECOUNT);
        if self.quota.is_none() || is_fresh(&self.used()) {
            return Ok(());
        }
        let mut bytes = 0_u64;
        for kind in [Kind::Data, Kind::Index, Kind::Snapshots, Kind::Locks, Kind::Keys, Kind::Config] {
            for entry in self.storage.list(kind).await? {
                bytes = bytes.saturating_add(entry.size);
            }
        }
        *self.used() = Used { bytes, counted: Some(Instant::now()) };
        Ok(())
    }

    /// A file has gone.
    pub(crate) fn freed(&self, bytes: u64) {
        let mut used = self.used();
        used.bytes = used.bytes.saturating_sub(bytes);
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whose a lock will be. Before the lock is there, and as durably: a lock without an owner could be deleted by no agent.
    pub(crate) async fn note_owner(&self, lock: Id, owner: &str) -> Result<(), Refusal> {
        let path = self.owners.join(lock.to_string());
        let (file, folder, owner) = (path.clone(), self.owners.clone(), owner.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let mut file = fs::File::create(file)?;
            file.write_all(owner.as_bytes())?;
            file.sync_all()?;
            fs::File::open(folder)?.sync_all()
        });
        let result = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        result.map_err(|source| Refusal::Storage(StorageError::File { action: "write", path, source }))
    }

    /// Whether a lock is this caller's.
    pub(crate) async fn is_owner(&self, lock: Id, caller: &str) -> bool {
        let noted = tokio::fs::read(self.owners.join(lock.to_string())).await;
        noted.is_ok_and(|owner| owner == caller.as_bytes())
    }

    /// The lock has gone.
    pub(crate) async fn forget_owner(&self, lock: Id) {
        // What stays does no harm: the name will not come again.
        let _ = tokio::fs::remove_file(self.owners.join(lock.to_string())).await;
    }
}

impl Room {
    /// Takes more.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), Refusal> {
        let mut used = self.served.used();
        let total = used.bytes.saturating_add(bytes);
        if self.served.quota.is_some_and(|quota| total > quota) {
            return Err(Refusal::Full);
        }
        used.bytes = total;
        self.bytes += bytes;
        Ok(())
    }

    /// The write is done: what it took stays taken.
    pub(crate) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.served.freed(self.bytes);
    }
}
