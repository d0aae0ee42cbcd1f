//! The SQLite adapter: one writer thread that drains a queue (many changes, one transaction, at most one sync), and
//! connections of their own for reads. In WAL mode a transaction of notices is written without a sync; the next synced one
//! makes it durable, too.

mod change;
mod entry;
mod merge;
mod people;
mod read;
mod rows;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use plan::{BackedUp, Group, GroupId, JobId, MemberId, Record, Report, VersionId};
use rusqlite::Connection;
use tokio::sync::mpsc;
use wire::{MergeAnswer, v1};

use super::{
    AgentRow, Answer, Delivery, Enrol, EnrolRefused, Enrolled, Event, Hello, Invite, Link, LogRows, Queued, Refused,
    Resolve, Source, Store, StoreError, Taken,
};
use writer::{Tx, Writer};

/// How a SQLite store behaves.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Whether changes are planned: without, no job appears.
    pub plan: bool,
    /// How many changes may wait for the writer.
    pub queue: usize,
    /// How many members and versions the writer keeps in memory.
    pub cache: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        SqliteOptions { plan: true, queue: 4_096, cache: 200_000 }
    }
}

/// The store, in one SQLite database.
pub struct SqliteStore {
    path: PathBuf,
    incarnation: [u8; 16],
    writer: Writer,
    events: Mutex<Option<mpsc::Receiver<Vec<Event>>>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    reading: tokio::sync::Semaphore,
}

/// How many reads go on at once.
const READERS: usize = 4;

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be opened, is damaged, or was made by a newer program.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let (connection, incarnation) = schema::open(path)?;
        let (writer, events) = Writer::start(connection, &options)?;
        Ok(SqliteStore {
            path: path.to_owned(),
            incarnation,
            writer,
            events: Mutex::new(Some(events)),
            readers: Arc::new(Mutex::new(Vec::new())),
            reading: tokio::sync::Semaphore::new(READERS),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self.reading.acquire().await.map_err(|_| StoreError::Closed)?;
        let (path, readers) = (self.path.clone(), self.readers.clone());
        let done = tokio::task::spawn_blocking(move || {
            let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => schema::reader(&path)?,
            };
            // One transaction: what is read fits together.
            let result =
                connection.execute_batch("BEGIN").map_err(rows::failed("begin a read")).and_then(|()| run(&connection));
            connection.execute_batch("COMMIT").map_err(rows::failed("end a read"))?;
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        done.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// A synced change.
const SYNCED: bool = true;
/// A change that something else would recreate.
const LAZY: bool = false;

#[async_trait]
impl Store for SqliteStore {
    fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    fn events(&self) -> Option<mpsc::Receiver<Vec<Event>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn connected(&self, hello: Hello) -> Queued<bool> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.connected(&hello)).await
    }

    async fn report(&self, source: Source, report: Report, answer: Option<Answer>) -> Queued<Taken> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.report(source, &report, answer.as_ref())).await
    }

    async fn backed_up(&self, source: Source, done: BackedUp, answer: Option<Answer>) -> Queued<Taken> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.backed_up(source, &done, answer.as_ref())).await
    }

    async fn merged(&self, source: Source, answer: MergeAnswer) -> Queued<Taken> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.merged(source, &answer)).await
    }

    async fn sealed(&self, source: Source, versions: Vec<VersionId>, snapshot: String) -> Queued<()> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.sealed(source, &versions, &snapshot)).await
    }

    async fn sent(&self, deliveries: Vec<Delivery>) -> Queued<()> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.sent(&deliveries)).await
    }

    async fn give_up(&self, job: JobId, why: String) -> Queued<()> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.give_up(job, &why)).await
    }

    async fn link(&self, link: Link) -> Queued<Result<GroupId, Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.link(&link)).await
    }

    async fn unlink(&self, name: String, member: Option<MemberId>) -> Queued<Result<(), Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.unlink(&name, member)).await
    }

    async fn pause(&self, name: String, member: Option<MemberId>, paused: bool) -> Queued<Result<(), Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.pause(&name, member, paused)).await
    }

    async fn give_way(&self, name: String, members: Vec<MemberId>) -> Queued<Result<(), Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.give_way(&name, &members)).await
    }

    async fn recopy(&self, name: String, record: Record, snapshot: Option<String>) -> Queued<Result<(), Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.recopy(&name, &record, snapshot.clone())).await
    }

    async fn resolve(&self, resolve: Resolve) -> Queued<Result<VersionId, Refused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.resolve(&resolve)).await
    }

    async fn invite(&self, invite: Invite) -> Queued<()> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.invite(&invite)).await
    }

    async fn enrol(&self, enrol: Enrol) -> Queued<Result<Enrolled, EnrolRefused>> {
        self.writer.queue(SYNCED, move |tx: &mut Tx<'_>| tx.enrol(&enrol)).await
    }

    async fn sweep(&self) -> Queued<()> {
        self.writer.queue(LAZY, move |tx: &mut Tx<'_>| tx.sweep()).await
    }

    async fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        self.read(read::agents).await
    }

    async fn groups(&self, name: Option<String>) -> Result<Vec<Group>, StoreError> {
        self.read(move |connection| read::groups(connection, name.as_deref())).await
    }

    async fn log(&self, name: String, limit: u32) -> Result<Option<LogRows>, StoreError> {
        self.read(move |connection| read::log(connection, &name, limit)).await
    }

    async fn jobs(&self, name: Option<String>, limit: u32) -> Result<Vec<v1::JobEntry>, StoreError> {
        self.read(move |connection| read::jobs(connection, name.as_deref(), limit)).await
    }

    async fn close(&self) {
        self.writer.close().await;
    }
}
