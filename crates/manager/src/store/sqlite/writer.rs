//! The writer thread: it drains the queue into transactions.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plan::{AgentId, GroupId};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::super::{Event, Receipt, StoreError};
use super::SqliteOptions;
use super::entry::Entry;
use super::rows::failed;
use crate::point::point;

/// How many changes one transaction takes.
const BATCH: usize = 512;
/// How many transactions' events may wait for the dispatcher.
const EVENTS: usize = 1_024;
/// How long after a change a checkpoint is made.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(1);
/// How long a checkpoint may hold changes up.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(200);
/// From how many pages on the write-ahead log has to begin anew.
const MOST_FRAMES: i64 = 16_000;

/// One change: it is run inside a transaction (again, alone, if another change spoiled the first one), and finished when that
/// transaction is stored or has failed.
pub(super) trait Work: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    fn finish(self: Box<Self>, stored: Result<(), StoreError>);
}

struct Change<T, F> {
    run: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Change<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.result = Some((self.run)(tx)?);
        Ok(())
    }

    fn finish(self: Box<Self>, stored: Result<(), StoreError>) {
        let Change { result, reply, .. } = *self;
        // Whoever asked may have gone: the change is stored all the same.
        let _ = reply.send(stored.and_then(|()| result.ok_or(StoreError::Closed)));
    }
}

struct Item {
    synced: bool,
    work: Box<dyn Work>,
}

/// A handle to the writer thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Item>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread, and one that makes checkpoints.
    pub(super) fn start(
        connection: Connection,
        options: &SqliteOptions,
    ) -> Result<(Self, mpsc::Receiver<Vec<Event>>), StoreError> {
        let (queue, items) = mpsc::channel(options.queue.max(1));
        let (events, subscriber) = mpsc::channel(EVENTS);
        let state = State {
            connection,
            cache: Cache { entries: HashMap::new(), weight: 0, most: options.cache, clock: 0 },
            streams: HashMap::new(),
            plan: options.plan,
            made: 0,
            events,
            synced: true,
        };
        let spawned = std::thread::Builder::new().name("store".to_owned()).spawn(move || state.serve(items));
        let thread = spawned.map_err(|source| StoreError::Database {
            doing: "start its thread",
            source: std::sync::Arc::new(source),
        })?;
        Ok((Writer { queue: Mutex::new(Some(queue)), threads: Mutex::new(vec![thread]) }, subscriber))
    }

    /// Queues a change; waits as long as the queue is full.
    pub(super) async fn queue<T: Send + 'static>(
        &self,
        synced: bool,
        run: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receipt<T>, StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or(StoreError::Closed)?;
        let (reply, receipt) = Receipt::new();
        let work = Box::new(Change { run, result: None, reply });
        queue.send(Item { synced, work }).await.map_err(|_| StoreError::Closed)?;
        Ok(receipt)
    }

    /// Stores what is queued, and ends the thread.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Groups that the writer keeps in memory: exactly what the database says, and bounded.
pub(super) struct Cache {
    entries: HashMap<GroupId, Box<Entry>>,
    weight: usize,
    most: usize,
    clock: u64,
}

impl Cache {
    /// Takes an entry out; a change that fails leaves it out.
    pub(super) fn take(&mut self, group: GroupId) -> Option<Box<Entry>> {
        let entry = self.entries.remove(&group)?;
        self.weight = self.weight.saturating_sub(entry.weight);
        Some(entry)
    }

    /// Puts an entry back after its changes were written.
    pub(super) fn put(&mut self, mut entry: Box<Entry>) {
        self.clock += 1;
        entry.used = self.clock;
        entry.weight = entry.group.members.len() + entry.group.versions.len() + 8;
        self.weight += entry.weight;
        self.entries.insert(entry.group.id, entry);
        if self.weight > self.most {
            self.shrink();
        }
    }

    /// Forgets what was used longest ago, down to half.
    fn shrink(&mut self) {
        let mut all: Vec<(u64, GroupId)> = self.entries.iter().map(|(id, entry)| (entry.used, *id)).collect();
        all.sort_unstable();
        for (_, id) in all {
            if self.weight <= self.most / 2 {
                break;
            }
            self.take(id);
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.weight = 0;
    }
}

/// One transaction, as its changes see it.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) cache: &'a mut Cache,
    /// The current stream of each agent that was looked at.
    pub(super) streams: &'a mut HashMap<AgentId, Option<[u8; 16]>>,
    /// Whether changes are planned.
    pub(super) plan: bool,
    /// How many jobs were made since old ones were forgotten.
    pub(super) made: &'a mut u32,
    pub(super) events: Vec<Event>,
    /// The manager's clock, in microseconds since 1970.
    pub(super) now: u64,
}

impl Tx<'_> {
    /// The manager's clock, in milliseconds since 1970.
    pub(super) fn now_ms(&self) -> u64 {
        self.now / 1_000
    }
}

/// The clock, in microseconds since 1970.
pub(super) fn micros() -> u64 {
    jiff::Timestamp::now().as_microsecond().try_into().unwrap_or(0)
}

struct State {
    connection: Connection,
    cache: Cache,
    streams: HashMap<AgentId, Option<[u8; 16]>>,
    plan: bool,
    made: u32,
    events: mpsc::Sender<Vec<Event>>,
    /// Whether the connection syncs its transactions.
    synced: bool,
}

impl State {
    fn serve(mut self, mut items: mpsc::Receiver<Item>) {
        let (changed, changes) = sync_channel(1);
        let path = self.connection.path().map(str::to_owned);
        std::thread::scope(|scope| {
            scope.spawn(move || checkpoints(path.as_deref(), &changes));
            while let Some(first) = items.blocking_recv() {
                let mut batch = vec![first];
                while batch.len() < BATCH
                    && let Ok(item) = items.try_recv()
                {
                    batch.push(item);
                }
                self.store(batch);
                // If one is waiting already, that is enough.
                let _ = changed.try_send(());
            }
            drop(changed);
        });
        // Everything into the database itself: its file alone is then a backup of it.
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log stays");
        }
    }

    fn store(&mut self, mut batch: Vec<Item>) {
        match self.transaction(&mut batch) {
            Ok(events) => {
                // Whoever waits hears first: an agent's acknowledgement is under way before what follows from it.
                batch.into_iter().for_each(|item| item.work.finish(Ok(())));
                point("transaction: answered");
                // The dispatcher never waits for the writer, so this ends. Without one there is nobody to tell.
                if !events.is_empty() {
                    let _ = self.events.blocking_send(events);
                }
            }
            Err(error) if batch.len() == 1 => {
                tracing::error!(error = %described(&error), "a change is not stored");
                batch.into_iter().for_each(|item| item.work.finish(Err(error.clone())));
            }
            // One of them spoiled the transaction: each by itself, so that only that one fails.
            Err(_) => batch.into_iter().for_each(|item| self.store(vec![item])),
        }
    }

    fn transaction(&mut self, batch: &mut [Item]) -> Result<Vec<Event>, StoreError> {
        let synced = batch.iter().any(|item| item.synced);
        self.run(batch, synced).inspect_err(|_| {
            self.cache.clear();
            self.streams.clear();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a transaction cannot be taken back");
            }
        })
    }

    fn run(&mut self, batch: &mut [Item], synced: bool) -> Result<Vec<Event>, StoreError> {
        if synced != self.synced {
            let pragma = if synced { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.connection.execute_batch(pragma).map_err(failed("choose how it syncs"))?;
            self.synced = synced;
        }
        self.command("BEGIN IMMEDIATE", "begin a transaction")?;
        let mut tx = Tx {
            connection: &self.connection,
            cache: &mut self.cache,
            streams: &mut self.streams,
            plan: self.plan,
            made: &mut self.made,
            events: Vec::new(),
            now: micros(),
        };
        for item in batch {
            item.work.run(&mut tx)?;
        }
        let events = tx.events;
        point("transaction: run");
        self.command("COMMIT", "commit")?;
        point("transaction: durable");
        Ok(events)
    }

    fn command(&self, sql: &'static str, doing: &'static str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        statement.execute([]).map(|_| ()).map_err(failed(doing))
    }
}

fn described(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Copies the write-ahead log back into the database while changes go on: a second after the first of them, so that an idle
/// manager does nothing.
fn checkpoints(path: Option<&str>, changes: &Receiver<()>) {
    let Some(path) = path else { return };
    let opened = Connection::open(path).and_then(|c| c.busy_timeout(CHECKPOINT_WAIT).map(|()| c));
    let connection = match opened {
        Ok(connection) => connection,
        Err(error) => return tracing::error!(%error, "no checkpoints are made"),
    };
    while changes.recv().is_ok() {
        let until = Instant::now() + CHECKPOINT_AFTER;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if changes.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
        let frames: rusqlite::Result<i64> =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
        point("checkpoint: made");
        if frames.as_ref().is_ok_and(|frames| *frames > MOST_FRAMES) {
            // Waits until nobody reads the log, so that it begins anew.
            if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())) {
                tracing::debug!(%error, "a checkpoint has to wait");
            }
        } else if let Err(error) = frames {
            tracing::debug!(%error, "a checkpoint has to wait");
        }
    }
}
