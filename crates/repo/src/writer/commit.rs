//! Group commit: the one task that writes, seals and keeps the lock.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::{join, try_join_all};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::prepare::Blob;
use super::seal::{self, Pending};
use super::{Order, Request, Sealed, Unsealed, WriteError, WriterOptions};
use crate::id::Id;
use crate::location::{BlobLocation, Location};
use crate::lock;
use crate::pack::{BlobKind, PACK_SIZE, Pack, PackBuilder, PackedBlob, seal_blob};
use crate::point::point;
use crate::read::ReadError;
use crate::repository::Repository;
use crate::storage::{Kind, StorageError};

/// One batch has at most so many copies and, unless one alone has more, so many bytes.
const BATCH: usize = 400;
const BATCH_BYTES: usize = PACK_SIZE;
/// More copies than this are not left unsealed.
const MAX_UNSEALED: usize = 4096;
/// restic takes a lock for stale after 30 minutes; it refreshes its own every 5, as we do.
const REFRESH_LOCK: Duration = Duration::from_secs(300);
/// For so long after the index was read a hit in it is believed, while we hold a lock.
const TRUST_INDEX: Duration = Duration::from_secs(300);
/// So many of our own packs are remembered; hits in older ones cost a look at the index.
const OWN_PACKS: usize = 1 << 16;
const POLL_LOCK: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A pack that no index file covers yet.
#[derive(Debug, Clone)]
pub(super) struct NewPack {
    pub(super) id: Id,
    pub(super) blobs: Vec<PackedBlob>,
}

/// The lock that we hold.
#[derive(Debug)]
struct HeldLock {
    id: Id,
    refresh_at: Instant,
}

/// Owns everything that is written.
pub(super) struct Committer {
    pub(super) repository: Repository,
    pub(super) options: WriterOptions,
    /// When it began: locks of ours from before are left behind.
    pub(super) since: jiff::Timestamp,
    /// Durable copies that are in no snapshot yet, and the packs that are in no index.
    pub(super) pending: Vec<Pending>,
    pub(super) packs: Vec<NewPack>,
    first_pending: Option<Instant>,
    /// A batch whose seal failed: it is tried again as it is, so that no copy comes into two snapshots.
    failed: Option<seal::Batch>,
    sealing: Option<JoinHandle<(seal::Batch, Result<Sealed, WriteError>)>>,
    failures: u32,
    retry_at: Option<Instant>,
    lock: Option<HeldLock>,
    release_at: Option<Instant>,
    /// Others' locks that were read and are not exclusive.
    harmless: HashSet<Id>,
    /// Packs that were written under the lock that we hold: certainly there.
    own_packs: HashSet<Id>,
    index_read: Option<Instant>,
    paused: bool,
}

impl Committer {
    pub(super) fn new(repository: Repository, options: WriterOptions) -> Self {
        Self {
            repository,
            options,
            since: jiff::Timestamp::now(),
            pending: Vec::new(),
            packs: Vec::new(),
            first_pending: None,
            failed: None,
            sealing: None,
            failures: 0,
            retry_at: None,
            lock: None,
            release_at: None,
            harmless: HashSet::new(),
            own_packs: HashSet::new(),
            index_read: None,
            paused: false,
        }
    }

    /// Works until it is told to shut down, or all writers are dropped.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, mut orders: mpsc::Receiver<Order>) {
        let mut batch = Vec::new();
        loop {
            let timer = self.next_timer();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Shutdown(reply)) => {
                        requests.close();
                        while let Some(request) = requests.recv().await {
                            batch.push(request);
                            fill(&mut batch, &mut requests);
                            self.commit(std::mem::take(&mut batch)).await;
                        }
                        let _ = reply.send(self.finish().await);
                        return;
                    }
                    Some(order) => self.obey(order).await,
                    None => {
                        // All writers are dropped; what waits is still answered for.
                        while let Some(request) = requests.recv().await {
                            self.commit(vec![request]).await;
                        }
                        if let Err(error) = self.finish().await {
                            tracing::warn!(%error, "not everything could be sealed; the journal has the rest");
                        }
                        return;
                    }
                },
                done = wait_for(&mut self.sealing), if self.sealing.is_some() => self.sealed(done),
                request = requests.recv(), if !self.paused => if let Some(request) = request {
                    batch.push(request);
                    fill(&mut batch, &mut requests);
                    self.commit(std::mem::take(&mut batch)).await;
                },
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => {}
            }
            self.on_time().await;
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Seal(reply) => {
                let _ = reply.send(self.seal_all().await);
            }
            Order::Quiesce(reply) => {
                let result = self.finish().await;
                self.paused = result.is_ok();
                let _ = reply.send(result);
            }
            Order::Resume => self.paused = false,
            Order::Unsealed(reply) => {
                // What is being sealed is unsealed until that has ended.
                if let Some(handle) = self.sealing.take() {
                    self.sealed(handle.await);
                }
                let failed = self.failed.iter().flat_map(|batch| &batch.copies);
                let _ = reply.send(failed.chain(&self.pending).map(|pending| pending.copy.clone()).collect());
            }
            Order::Recover(unsealed, reply) => {
                let _ = reply.send(self.recover(unsealed).await);
            }
            // Handled where the queue is at hand.
            Order::Shutdown(_) => {}
        }
    }

    /// Seals all, and gives the lock back.
    async fn finish(&mut self) -> Result<Vec<Sealed>, WriteError> {
        let sealed = self.seal_all().await?;
        self.release_lock().await?;
        Ok(sealed)
    }

    // ---- writing ----

    /// Makes a batch durable, and answers for each of its copies.
    async fn commit(&mut self, batch: Vec<Request>) {
        match self.try_commit(&batch).await {
            Ok(locations) => {
                self.first_pending.get_or_insert_with(Instant::now);
                for (request, (location, content)) in batch.into_iter().zip(locations) {
                    let copy = Unsealed::new(&request.copy, location.clone());
                    self.pending.push(Pending { copy, content });
                    // Whoever asked may have gone; the copy is there all the same.
                    let _ = request.reply.send(Ok(location));
                }
            }
            Err(error) => {
                for request in batch {
                    let _ = request.reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn try_commit(&mut self, batch: &[Request]) -> Result<Vec<(Location, Vec<Id>)>, WriteError> {
        let count = self.pending.len() + self.failed.as_ref().map_or(0, |batch| batch.copies.len());
        if count >= MAX_UNSEALED {
            return Err(WriteError::Unsealed { count });
        }
        // Hits in the index are sure only under a lock, and after a look at the index since.
        if batch.iter().flat_map(|request| &request.parts).any(|part| self.is_doubtful(&part.blob)) {
            self.ensure_lock().await?;
            self.repository.refresh_index().await?;
            self.index_read = Some(Instant::now());
        }
        self.check_hits(batch).await?;
        let (locations, packs) = self.pack(batch)?;
        point("pack: made");
        self.put_packs(&packs).await?;
        point("pack: durable");
        for Pack { id, blobs, .. } in packs {
            self.repository.index_mut().add_pack(id, &blobs, false);
            if self.own_packs.len() >= OWN_PACKS {
                self.own_packs.clear();
            }
            self.own_packs.insert(id);
            self.packs.push(NewPack { id, blobs });
        }
        Ok(locations)
    }

    /// An index may tell of a pack that the storage has lost: what a new copy is to rely on is read first, unless it was written just now.
    async fn check_hits(&self, batch: &[Request]) -> Result<(), WriteError> {
        for part in batch.iter().flat_map(|request| &request.parts) {
            let Some(location) = self.known(part.id).filter(|location| !self.own_packs.contains(&location.pack)) else {
                continue;
            };
            match self.repository.read_checked(part.id, location).await {
                Ok(_) => {}
                Err(ReadError::Storage(error)) if !error.is_missing() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(pack = %location.pack, %error, "an earlier copy is lost: its content is written again");
                    self.repository.index_mut().distrust(location.pack);
                }
            }
        }
        Ok(())
    }

    fn is_doubtful(&self, blob: &Blob) -> bool {
        match blob {
            Blob::New(_) => false,
            Blob::Known(location) => {
                let fresh = self.lock.is_some() && self.index_read.is_some_and(|at| at.elapsed() < TRUST_INDEX);
                let own = self.lock.is_some() && self.own_packs.contains(&location.pack);
                !(fresh || own)
            }
        }
    }

    /// Lays the new parts of a batch into packs; where each copy's parts lie, and their ids.
    #[allow(clippy::type_complexity, reason = "two lists that belong together, used once")]
    fn pack(&self, batch: &[Request]) -> Result<(Vec<(Location, Vec<Id>)>, Vec<Pack>), WriteError> {
        let key = self.repository.key();
        let mut packs = Vec::new();
        let mut builder = PackBuilder::default();
        // Places in packs that have no id yet: the pack's number, and the blob there.
        let mut placed: HashMap<Id, (usize, PackedBlob)> = HashMap::new();
        for part in batch.iter().flat_map(|request| &request.parts) {
            if placed.contains_key(&part.id) || self.known(part.id).is_some() {
                continue;
            }
            let blob = match &part.blob {
                Blob::New(sealed) => builder.add(sealed)?,
                // The earlier copy has gone.
                Blob::Known(_) => builder.add(&seal_blob(key, BlobKind::Data, part.id, &part.plain)?)?,
            };
            placed.insert(part.id, (packs.len(), blob));
            if builder.len() >= PACK_SIZE {
                packs.push(std::mem::take(&mut builder).finish(key)?);
            }
        }
        if !builder.is_empty() {
            packs.push(builder.finish(key)?);
        }
        let locate = |id: Id| -> Result<BlobLocation, WriteError> {
            if let Some((number, blob)) = placed.get(&id) {
                let pack = packs.get(*number).map_or(id, |pack: &Pack| pack.id);
                let PackedBlob { offset, length, uncompressed_length, .. } = *blob;
                return Ok(BlobLocation { pack, offset, length, uncompressed_length });
            }
            self.known(id).ok_or_else(|| crate::read::ReadError::NotIndexed { id }.into())
        };
        let mut locations = Vec::with_capacity(batch.len());
        for request in batch {
            let ids: Vec<Id> = request.parts.iter().map(|part| part.id).collect();
            let blobs = ids.iter().map(|id| locate(*id)).collect::<Result<_, _>>()?;
            locations.push((Location { repository: self.repository.id(), blobs }, ids));
        }
        Ok((locations, packs))
    }

    fn known(&self, id: Id) -> Option<BlobLocation> {
        self.repository.index().find_kept(BlobKind::Data, id)
    }

    /// Puts packs, and beside the first the lock. Durable, and safe from `restic prune`, when this returns.
    async fn put_packs(&mut self, packs: &[Pack]) -> Result<(), WriteError> {
        let deadline = Instant::now() + self.options.lock_wait;
        loop {
            if self.lock.is_some() {
                return Ok(put_all(&self.repository, packs).await?);
            }
            let locking = lock::write(&self.repository, &self.options.name);
            let (put, locked) = join(put_all(&self.repository, packs), locking).await;
            point("pack: beside its lock");
            self.hold(locked?);
            if self.is_ours(deadline).await? {
                return Ok(put?);
            }
        }
    }

    // ---- the lock ----

    fn hold(&mut self, id: Id) {
        self.lock = Some(HeldLock { id, refresh_at: Instant::now() + REFRESH_LOCK });
        self.own_packs.clear();
        self.index_read = None;
    }

    /// Takes a lock, if none is held.
    pub(super) async fn ensure_lock(&mut self) -> Result<(), WriteError> {
        let deadline = Instant::now() + self.options.lock_wait;
        while self.lock.is_none() {
            let id = lock::write(&self.repository, &self.options.name).await?;
            self.hold(id);
            self.is_ours(deadline).await?;
        }
        Ok(())
    }

    /// After our lock was written: whether nobody holds an exclusive one. If somebody does, ours is taken back, and this
    /// waits until the other has gone. Both sides write first and look afterwards, so that at least one sees the other; what we
    /// wrote while another held his lock he may have deleted, so it is put again.
    async fn is_ours(&mut self, deadline: Instant) -> Result<bool, WriteError> {
        let Some(HeldLock { id, .. }) = self.lock else { return Ok(false) };
        let Some(holder) = lock::exclusive_holder(&self.repository, id, &mut self.harmless).await? else {
            return Ok(true);
        };
        self.release_lock().await?;
        let mut holder = holder;
        loop {
            if Instant::now() >= deadline {
                return Err(WriteError::Locked(holder));
            }
            sleep(POLL_LOCK).await;
            match lock::exclusive_holder(&self.repository, id, &mut self.harmless).await? {
                Some(still) => holder = still,
                None => return Ok(false),
            }
        }
    }

    async fn release_lock(&mut self) -> Result<(), WriteError> {
        self.release_at = None;
        if let Some(held) = self.lock.take() {
            point("lock: given back");
            lock::remove(&self.repository, held.id).await?;
            point("lock: removed");
        }
        Ok(())
    }

    async fn refresh_lock(&mut self) -> Result<(), WriteError> {
        let id = lock::write(&self.repository, &self.options.name).await?;
        if let Some(old) = self.lock.replace(HeldLock { id, refresh_at: Instant::now() + REFRESH_LOCK }) {
            lock::remove(&self.repository, old.id).await?;
        }
        Ok(())
    }

    // ---- time ----

    fn next_timer(&self) -> Option<Instant> {
        let due = self.first_pending.map(|at| at + self.options.seal_after);
        let seal = self.retry_at.or(due).filter(|_| self.sealing.is_none());
        [seal, self.lock.as_ref().map(|lock| lock.refresh_at), self.release_at].into_iter().flatten().min()
    }

    /// Does what is due.
    async fn on_time(&mut self) {
        let now = Instant::now();
        let old = self.first_pending.is_some_and(|at| now >= at + self.options.seal_after);
        let due = match self.retry_at {
            Some(at) => now >= at,
            None => old || self.pending.len() >= self.options.seal_count,
        };
        if due && self.sealing.is_none() {
            self.start_sealing();
        }
        if self.lock.as_ref().is_some_and(|lock| now >= lock.refresh_at)
            && let Err(error) = self.refresh_lock().await
        {
            tracing::warn!(%error, "the repository's lock cannot be refreshed");
            if let Some(lock) = &mut self.lock {
                lock.refresh_at = now + REFRESH_LOCK / 10;
            }
        }
        // The lock is needed for as long as anything is unsealed, and kept a little longer.
        if self.lock.is_none() || !self.is_all_sealed() {
            self.release_at = None;
        } else if self.release_at.is_none() {
            self.release_at = Some(now + self.options.keep_lock);
        }
        if self.release_at.is_some_and(|at| now >= at)
            && let Err(error) = self.release_lock().await
        {
            tracing::warn!(%error, "the repository's lock cannot be removed");
        }
    }

    // ---- sealing ----

    fn is_all_sealed(&self) -> bool {
        self.pending.is_empty() && self.failed.is_none() && self.sealing.is_none()
    }

    fn start_sealing(&mut self) {
        let batch = self.failed.take().unwrap_or_else(|| {
            let count = self.pending.len().min(self.options.seal_count.max(1));
            let copies: Vec<Pending> = self.pending.drain(..count).collect();
            self.first_pending = (!self.pending.is_empty()).then(Instant::now);
            seal::Batch::new(copies, std::mem::take(&mut self.packs))
        });
        let (repository, options) = (self.repository.clone(), self.options.clone());
        self.sealing = Some(tokio::spawn(async move {
            let mut batch = batch;
            let result = seal::seal(&repository, &options, &mut batch).await;
            (batch, result)
        }));
    }

    fn sealed(&mut self, done: Result<(seal::Batch, Result<Sealed, WriteError>), tokio::task::JoinError>) {
        let now = Instant::now();
        match done {
            Ok((_, Ok(sealed))) => {
                self.failures = 0;
                self.retry_at = None;
                if let Some(tell) = &self.options.on_sealed {
                    tell(sealed);
                }
            }
            Ok((batch, Err(error))) => {
                tracing::warn!(%error, copies = batch.copies.len(), "cannot seal; trying again");
                self.failed = Some(batch);
                self.failures = self.failures.saturating_add(1);
                self.retry_at = Some(now + LONGEST_BACKOFF.min(Duration::from_secs(1 << self.failures.min(5))));
            }
            Err(error) => tracing::error!(%error, "a seal was cut off; the journal has its copies"),
        }
    }

    /// Seals until nothing is unsealed.
    pub(super) async fn seal_all(&mut self) -> Result<Vec<Sealed>, WriteError> {
        if let Some(handle) = self.sealing.take() {
            self.sealed(handle.await);
        }
        let mut all = Vec::new();
        while !self.is_all_sealed() {
            self.start_sealing();
            let Some(handle) = self.sealing.take() else { break };
            let done = handle.await;
            let result = match &done {
                Ok((_, result)) => result.clone(),
                Err(_) => Err(WriteError::Closed),
            };
            self.sealed(done);
            self.retry_at = self.retry_at.filter(|_| result.is_err());
            all.push(result?);
        }
        Ok(all)
    }
}

/// Takes what else waits, up to one batch.
fn fill(batch: &mut Vec<Request>, requests: &mut mpsc::Receiver<Request>) {
    let size = |request: &Request| request.copy.content.len();
    let mut bytes: usize = batch.iter().map(size).sum();
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Ok(request) = requests.try_recv() else { return };
        bytes += size(&request);
        batch.push(request);
    }
}

async fn put_all(repository: &Repository, packs: &[Pack]) -> Result<(), StorageError> {
    let put = |pack: &Pack| {
        let (storage, id, bytes) = (repository.storage().clone(), pack.id, pack.bytes.clone());
        async move {
            match storage.put(Kind::Data, id, bytes).await {
                // From our own first try: a pack's name is the hash of bytes with random parts.
                Err(StorageError::Exists { .. }) => Ok(()),
                other => other,
            }
        }
    };
    try_join_all(packs.iter().map(put)).await.map(|_| ())
}

async fn wait_for<T>(handle: &mut Option<JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match handle {
        Some(running) => {
            let done = running.await;
            *handle = None;
            done
        }
        None => std::future::pending().await,
    }
}
