//! Writing secondary copies: durable at once, sealed into a snapshot soon after.
//!
//! **Group commit**: all copies that wait go into one data pack, and are acknowledged when that pack is durable; while it is
//! being written the next ones gather. **Seal**: every second, every 400 copies, and at shutdown, one tree pack, one index file
//! and one snapshot, in this order, cover what was acknowledged since. From the first unsealed pack until then, and up to 30 s
//! longer, a standard non-exclusive lock keeps `restic prune` away.

mod commit;
mod prepare;
mod recover;
mod seal;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::id::Id;
use crate::location::Location;
use crate::lock::{Holder, LockError};
use crate::os;
use crate::read::ReadError;
use crate::repository::Repository;
use crate::storage::StorageError;
use crate::unpacked::PackError;

/// So many backups wait at most; more wait outside.
const QUEUE: usize = 1024;
/// Contents of backups that wait take at most so much memory (bytes), plus their encrypted form.
const WAITING: usize = 256 << 20;

/// One secondary copy to be made.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The group's name or id, as the first folder in snapshots shows it.
    pub group: String,
    /// The agent's name.
    pub agent: String,
    /// The file's path there.
    pub path: String,
    /// The portion's selector in the file.
    pub selector: String,
    /// The job's id, which makes the copy's name unique.
    pub job: String,
    /// The fragment.
    pub content: Bytes,
    /// When the fragment was read.
    pub time: jiff::Timestamp,
}

/// A copy that is durable but perhaps in no snapshot yet: what an agent journals before it reports the location, and gives to
/// [`Writer::recover`] at the next start. It holds no contents and no hash of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsealed {
    /// As in [`Copy`].
    pub group: String,
    /// As in [`Copy`].
    pub agent: String,
    /// As in [`Copy`].
    pub path: String,
    /// As in [`Copy`].
    pub selector: String,
    /// As in [`Copy`].
    pub job: String,
    /// As in [`Copy`].
    pub time: jiff::Timestamp,
    /// Where it lies.
    pub location: Location,
}

impl Unsealed {
    /// The copy that [`Writer::backup`] gave this location.
    pub fn new(copy: &Copy, location: Location) -> Self {
        Self {
            group: copy.group.clone(),
            agent: copy.agent.clone(),
            path: copy.path.clone(),
            selector: copy.selector.clone(),
            job: copy.job.clone(),
            time: copy.time,
            location,
        }
    }
}

/// A seal: these jobs' copies are in this snapshot now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The snapshot's id.
    pub snapshot: Id,
    /// The jobs.
    pub jobs: Vec<String>,
}

/// What became of the copies that an earlier process had not sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// In which snapshots they are now: new ones, and older ones whose seal had only not been noted.
    pub sealed: Vec<Sealed>,
    /// Copies whose packs have gone or are damaged: those must be backed up again.
    pub lost: Vec<Unsealed>,
}

/// Is told of each seal. It must not block.
pub type OnSealed = Arc<dyn Fn(Sealed) + Send + Sync>;

/// How to write.
#[derive(Clone)]
pub struct WriterOptions {
    /// The agent's name. It marks the locks, so that an agent removes its own after a crash: one writer a name and machine.
    pub name: String,
    /// The host that snapshots show.
    pub host: String,
    /// Tags of the snapshots; `inlay` by default.
    pub tags: Vec<String>,
    /// Is told of each seal.
    pub on_sealed: Option<OnSealed>,
    /// Seal so long after the first unsealed copy.
    pub seal_after: Duration,
    /// Seal when there are so many unsealed copies.
    pub seal_count: usize,
    /// Keep the lock so long after the last seal.
    pub keep_lock: Duration,
    /// Wait so long for somebody's exclusive lock to go.
    pub lock_wait: Duration,
    /// No copy may be longer (bytes).
    pub max_content: usize,
}

impl WriterOptions {
    /// The defaults, for the agent `name` on this machine.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            host: os::hostname(),
            tags: vec!["inlay".into()],
            on_sealed: None,
            seal_after: Duration::from_secs(1),
            seal_count: 400,
            keep_lock: Duration::from_secs(30),
            lock_wait: Duration::from_secs(30),
            max_content: 64 << 20,
        }
    }
}

impl fmt::Debug for WriterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterOptions").field("name", &self.name).field("host", &self.host).finish_non_exhaustive()
    }
}

/// Why a copy is not durable, or a seal not done. One failure can be that of many backups.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The storage failed.
    #[error(transparent)]
    Storage(Arc<StorageError>),
    /// The index cannot be read.
    #[error("cannot look for earlier copies")]
    Index(#[source] Arc<ReadError>),
    /// Something cannot be encoded.
    #[error(transparent)]
    Encode(Arc<PackError>),
    /// Somebody has the repository for himself, such as `restic prune`.
    #[error("the repository is locked exclusively by {0}; `restic unlock` removes the lock of a process that has died")]
    Locked(Holder),
    /// The portion is too long.
    #[error("{length} bytes are more than the {limit} that a portion may have")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing can be sealed for a long time; no more is taken.
    #[error("{count} copies wait to be sealed, and sealing fails")]
    Unsealed {
        /// How many.
        count: usize,
    },
    /// Only format 2 is written.
    #[error("a repository of format {version} is not written; `restic migrate upgrade_repo_v2` upgrades it")]
    Version {
        /// The repository's format.
        version: u32,
    },
    /// The writer was shut down.
    #[error("the writer has been shut down")]
    Closed,
}

impl From<StorageError> for WriteError {
    fn from(error: StorageError) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<PackError> for WriteError {
    fn from(error: PackError) -> Self {
        Self::Encode(Arc::new(error))
    }
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(error) => error.into(),
            error => Self::Index(Arc::new(error)),
        }
    }
}

impl From<LockError> for WriteError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Storage(error) => error.into(),
            LockError::Pack(error) => error.into(),
        }
    }
}

/// Writes secondary copies. Cheap to clone; all clones share one queue. After the last clone is dropped the rest is sealed in the
/// background; better is [`Writer::shutdown`], which waits for it.
#[derive(Debug, Clone)]
pub struct Writer {
    repository: Repository,
    requests: mpsc::Sender<Request>,
    orders: mpsc::Sender<Order>,
    waiting: Arc<Semaphore>,
    max_content: usize,
}

/// A copy on its way into a pack.
#[derive(Debug)]
struct Request {
    copy: Copy,
    parts: Vec<prepare::Part>,
    reply: oneshot::Sender<Result<Location, WriteError>>,
    _memory: tokio::sync::OwnedSemaphorePermit,
}

/// What else a writer is told to do.
#[derive(Debug)]
enum Order {
    Seal(oneshot::Sender<Result<Vec<Sealed>, WriteError>>),
    Quiesce(oneshot::Sender<Result<Vec<Sealed>, WriteError>>),
    Resume,
    Unsealed(oneshot::Sender<Vec<Unsealed>>),
    Recover(Vec<Unsealed>, oneshot::Sender<Result<Recovered, WriteError>>),
    Shutdown(oneshot::Sender<Result<Vec<Sealed>, WriteError>>),
}

impl Writer {
    /// Starts a writer, within a tokio runtime. It loads the index in the background, for deduplication.
    ///
    /// # Errors
    /// [`WriteError::Version`] if the repository is of format 1.
    pub fn start(repository: Repository, options: WriterOptions) -> Result<Self, WriteError> {
        if repository.version() != 2 {
            return Err(WriteError::Version { version: repository.version() });
        }
        os::survive_hangup();
        let (requests, incoming) = mpsc::channel(QUEUE);
        let (orders, ordered) = mpsc::channel(16);
        let max_content = options.max_content;
        let loading = repository.clone();
        tokio::spawn(async move {
            if let Err(error) = loading.refresh_index().await {
                tracing::warn!(%error, "the index cannot be read: earlier copies are not recognised");
            }
        });
        tokio::spawn(commit::Committer::new(repository.clone(), options).run(incoming, ordered));
        Ok(Self { repository, requests, orders, waiting: Arc::new(Semaphore::new(WAITING)), max_content })
    }

    /// Makes a copy. When this returns the copy is durable, and will be in exactly one snapshot: journal
    /// [`Unsealed::new`] before telling anybody. The same contents as an earlier copy take no new room.
    ///
    /// # Errors
    /// The copy is not durable, and will be in no snapshot.
    pub async fn backup(&self, copy: Copy) -> Result<Location, WriteError> {
        let length = copy.content.len();
        if length > self.max_content {
            return Err(WriteError::TooLong { length, limit: self.max_content });
        }
        let permits = u32::try_from(length.clamp(1, WAITING)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.waiting).acquire_many_owned(permits).await.map_err(|_| WriteError::Closed)?;
        let parts = prepare::prepare(&self.repository, &copy.content).await?;
        let (reply, answer) = oneshot::channel();
        let request = Request { copy, parts, reply, _memory: memory };
        self.requests.send(request).await.map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Seals now what was acknowledged.
    ///
    /// # Errors
    /// Something is still unsealed, and will be tried again.
    pub async fn seal(&self) -> Result<Vec<Sealed>, WriteError> {
        self.order(Order::Seal).await?
    }

    /// Seals everything, gives the lock back, and takes no copy (they wait) until [`Writer::resume`].
    ///
    /// # Errors
    /// Something is still unsealed; nothing is paused.
    pub async fn quiesce(&self) -> Result<Vec<Sealed>, WriteError> {
        self.order(Order::Quiesce).await?
    }

    /// Ends what [`Writer::quiesce`] began.
    ///
    /// # Errors
    /// The writer was shut down.
    pub async fn resume(&self) -> Result<(), WriteError> {
        self.orders.send(Order::Resume).await.map_err(|_| WriteError::Closed)
    }

    /// The copies that are durable but in no snapshot yet.
    ///
    /// # Errors
    /// The writer was shut down.
    pub async fn unsealed(&self) -> Result<Vec<Unsealed>, WriteError> {
        self.order(Order::Unsealed).await
    }

    /// Seals what an earlier process of this agent had not, from the agent's journal; call it once after each start, also with
    /// nothing, for it removes the locks that a crash left behind.
    ///
    /// # Errors
    /// The storage fails; the journal must be kept.
    pub async fn recover(&self, unsealed: Vec<Unsealed>) -> Result<Recovered, WriteError> {
        self.order(|reply| Order::Recover(unsealed, reply)).await?
    }

    /// Writes what waits, seals, gives the lock back, and ends.
    ///
    /// # Errors
    /// Something is unsealed: the agent's journal has it.
    pub async fn shutdown(&self) -> Result<Vec<Sealed>, WriteError> {
        self.order(Order::Shutdown).await?
    }

    /// The repository that it writes to.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)
    }
}
