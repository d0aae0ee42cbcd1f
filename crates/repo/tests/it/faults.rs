//! What goes wrong on the way: failures of the storage, several processes, pauses.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use repo::*;

use crate::copies::{by_hand, copy, fresh, password};

/// How a put fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing is stored.
    Before,
    /// It is stored, but the answer is lost.
    After,
}

/// A storage that writes down what is put, and fails on demand.
#[derive(Debug)]
struct Faulty {
    inner: LocalStorage,
    puts: Mutex<Vec<Kind>>,
    faults: Mutex<Vec<(Kind, Fault)>>,
}

impl Faulty {
    fn fail_next(&self, kind: Kind, fault: Fault) {
        self.faults.lock().unwrap().push((kind, fault));
    }

    fn puts(&self) -> Vec<Kind> {
        std::mem::take(&mut self.puts.lock().unwrap())
    }
}

#[async_trait]
impl Storage for Faulty {
    async fn create(&self) -> Result<(), StorageError> {
        self.inner.create().await
    }

    async fn put(&self, kind: Kind, id: Id, bytes: Bytes) -> Result<(), StorageError> {
        self.puts.lock().unwrap().push(kind);
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let at = faults.iter().position(|(failing, _)| *failing == kind);
            at.map(|at| faults.remove(at).1)
        };
        if fault != Some(Fault::Before) {
            self.inner.put(kind, id, bytes).await?;
        }
        match fault {
            Some(_) => Err(StorageError::Timeout { server: "here".into(), seconds: 0 }),
            None => Ok(()),
        }
    }

    async fn get(&self, kind: Kind, id: Id) -> Result<Bytes, StorageError> {
        self.inner.get(kind, id).await
    }

    async fn get_range(&self, kind: Kind, id: Id, offset: u64, length: u64) -> Result<Bytes, StorageError> {
        self.inner.get_range(kind, id, offset, length).await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Entry>, StorageError> {
        self.inner.list(kind).await
    }

    async fn size(&self, kind: Kind, id: Id) -> Result<u64, StorageError> {
        self.inner.size(kind, id).await
    }

    async fn delete(&self, kind: Kind, id: Id) -> Result<(), StorageError> {
        self.inner.delete(kind, id).await
    }

    fn address(&self) -> String {
        self.inner.address()
    }
}

async fn faulty(folder: &Path) -> (Arc<Faulty>, Repository) {
    fresh(folder).await;
    let inner = LocalStorage::new(folder);
    let storage = Arc::new(Faulty { inner, puts: Mutex::default(), faults: Mutex::default() });
    let repository = Repository::open(storage.clone(), &password()).await.unwrap();
    (storage, repository)
}

async fn jobs_in_snapshots(folder: &Path) -> Vec<String> {
    let repository = Repository::open(Arc::new(LocalStorage::new(folder)), &password()).await.unwrap();
    let found = repository.find(&Search::default(), 10_000).await.unwrap();
    let mut jobs: Vec<String> = found.into_iter().map(|found| found.job.unwrap()).collect();
    jobs.sort();
    jobs
}

#[tokio::test]
async fn packs_then_index_then_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, repository) = faulty(folder.path()).await;
    let writer = Writer::start(repository, by_hand("laptop")).unwrap();
    writer.backup(copy("1", "one")).await.unwrap();
    let first: BTreeSet<Kind> = storage.puts().into_iter().collect();
    assert_eq!(first, BTreeSet::from([Kind::Data, Kind::Locks]), "one pack, and the lock beside it");
    writer.backup(copy("2", "two")).await.unwrap();
    assert_eq!(storage.puts(), [Kind::Data], "one put a backup");
    writer.seal().await.unwrap();
    assert_eq!(storage.puts(), [Kind::Data, Kind::Index, Kind::Snapshots]);
    writer.shutdown().await.unwrap();
    assert!(storage.puts().is_empty());
}

#[tokio::test]
async fn one_small_edit_takes_less_than_2_kb() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    let content =
        r#"{"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"], "env": {"TOKEN": "${TOKEN}"}, "#;
    writer.backup(copy("0198c2f0-7a3b-7c11-9f21-3c5f0f4f3b6a", content.repeat(2)[..200].to_owned())).await.unwrap();
    writer.shutdown().await.unwrap();
    let mut sizes = Vec::new();
    for kind in [Kind::Data, Kind::Index, Kind::Snapshots] {
        sizes.extend(repository.storage().list(kind).await.unwrap().into_iter().map(|entry| (kind, entry.size)));
    }
    let total: u64 = sizes.iter().map(|(_, size)| size).sum();
    assert!(total < 2048, "{total} bytes: {sizes:?}");
}

#[tokio::test]
async fn a_failed_seal_is_done_again_and_no_copy_comes_twice() {
    for kind in [Kind::Data, Kind::Index, Kind::Snapshots] {
        for fault in [Fault::Before, Fault::After] {
            let folder = tempfile::tempdir().unwrap();
            let (storage, repository) = faulty(folder.path()).await;
            let writer = Writer::start(repository, by_hand("laptop")).unwrap();
            writer.backup(copy("1", "one")).await.unwrap();
            storage.fail_next(kind, fault);
            assert!(matches!(writer.seal().await, Err(WriteError::Storage(_))), "{kind} {fault:?}");
            assert_eq!(writer.unsealed().await.unwrap().len(), 1);
            writer.backup(copy("2", "two")).await.unwrap();
            writer.shutdown().await.unwrap();
            assert_eq!(jobs_in_snapshots(folder.path()).await, ["1", "2"], "{kind} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_backup_is_in_no_snapshot() {
    for kind in [Kind::Data, Kind::Locks] {
        for fault in [Fault::Before, Fault::After] {
            let folder = tempfile::tempdir().unwrap();
            let (storage, repository) = faulty(folder.path()).await;
            let writer = Writer::start(repository, by_hand("laptop")).unwrap();
            storage.fail_next(kind, fault);
            assert!(matches!(writer.backup(copy("1", "one")).await, Err(WriteError::Storage(_))), "{kind} {fault:?}");
            writer.backup(copy("2", "one")).await.unwrap();
            writer.shutdown().await.unwrap();
            assert_eq!(jobs_in_snapshots(folder.path()).await, ["2"], "{kind} {fault:?}");
            assert!(storage.list(Kind::Locks).await.unwrap().is_empty(), "{kind} {fault:?}: a lock was left");
        }
    }
}

#[tokio::test]
async fn quiesced_writers_wait() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    writer.backup(copy("1", "one")).await.unwrap();
    assert_eq!(repository.storage().list(Kind::Locks).await.unwrap().len(), 1);
    assert_eq!(writer.quiesce().await.unwrap().len(), 1);
    assert!(repository.storage().list(Kind::Locks).await.unwrap().is_empty());
    let mut waiting = Box::pin(writer.backup(copy("2", "two")));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waiting).await.is_err(), "a paused writer wrote");
    assert!(repository.storage().list(Kind::Locks).await.unwrap().is_empty());
    writer.resume().await.unwrap();
    waiting.await.unwrap();
    writer.shutdown().await.unwrap();
    assert!(matches!(writer.backup(copy("3", "three")).await, Err(WriteError::Closed)));
    assert_eq!(jobs_in_snapshots(folder.path()).await, ["1", "2"]);
}

#[tokio::test]
async fn the_lock_goes_when_all_is_sealed_and_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let told = Arc::new(tokio::sync::Notify::new());
    let notify = told.clone();
    let options = WriterOptions {
        seal_after: Duration::from_millis(10),
        keep_lock: Duration::from_millis(10),
        on_sealed: Some(Arc::new(move |_| notify.notify_one())),
        ..WriterOptions::new("laptop")
    };
    let writer = Writer::start(repository.clone(), options).unwrap();
    for job in ["1", "2"] {
        writer.backup(copy(job, job)).await.unwrap();
        told.notified().await;
        let gone = async {
            while !repository.storage().list(Kind::Locks).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the lock stays");
    }
    // Dropped without a shutdown, the writer seals all the same.
    writer.backup(copy("3", "3")).await.unwrap();
    drop(writer);
    told.notified().await;
    assert_eq!(jobs_in_snapshots(folder.path()).await, ["1", "2", "3"]);
}

const FOLDER: &str = "INLAY_TEST_WRITE_INTO";
const NAME: &str = "INLAY_TEST_WRITE_AS";
const EACH: usize = 60;

/// What each process of the test below does; not a test by itself.
#[tokio::test]
#[ignore = "run several times at once by the test below"]
async fn write_some() {
    let (Ok(folder), Ok(name)) = (std::env::var(FOLDER), std::env::var(NAME)) else { return };
    let storage = Arc::new(LocalStorage::new(folder));
    let repository = Repository::open(storage, &password()).await.unwrap();
    let options = WriterOptions { seal_count: 7, seal_after: Duration::from_millis(5), ..WriterOptions::new(&name) };
    let writer = Writer::start(repository, options).unwrap();
    writer.recover(Vec::new()).await.unwrap();
    for number in 0..EACH {
        // Half of the contents are the same in all processes.
        let content = if number % 2 == 0 { format!("shared {number}") } else { format!("{name} {number}") };
        writer.backup(copy(&format!("{name}-{number}"), content)).await.unwrap();
    }
    writer.shutdown().await.unwrap();
}

/// Writes, journals, and dies; not a test by itself.
#[tokio::test]
#[ignore = "run by the test below"]
async fn write_and_die() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let repository = Repository::open(Arc::new(LocalStorage::new(folder)), &password()).await.unwrap();
    let writer = Writer::start(repository, by_hand("laptop")).unwrap();
    let copy = copy("1", "one");
    let location = writer.backup(copy.clone()).await.unwrap();
    std::fs::write(folder.join("journal"), serde_json::to_string(&[Unsealed::new(&copy, location)]).unwrap()).unwrap();
    std::process::abort();
}

#[tokio::test]
async fn a_process_that_died_leaves_a_lock_until_its_copies_are_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "faults::write_and_die"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(!status.status.success());
    let journal: Vec<Unsealed> =
        serde_json::from_slice(&std::fs::read(folder.path().join("journal")).unwrap()).unwrap();
    let locks = || async { repository.storage().list(Kind::Locks).await.unwrap().len() };
    assert_eq!(locks().await, 1);
    // Another agent on this machine leaves it alone.
    let other = Writer::start(repository.clone(), by_hand("other")).unwrap();
    other.recover(Vec::new()).await.unwrap();
    other.shutdown().await.unwrap();
    assert_eq!(locks().await, 1);
    let again = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    assert_eq!(again.recover(journal).await.unwrap().sealed.len(), 1);
    again.shutdown().await.unwrap();
    assert_eq!(locks().await, 0);
    assert_eq!(jobs_in_snapshots(folder.path()).await, ["1"]);
}

#[tokio::test]
async fn several_processes_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fresh(folder.path()).await;
    let children: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "faults::write_some"])
                .env(FOLDER, folder.path())
                .env(NAME, name)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut expected: Vec<String> =
        ["a", "b", "c"].into_iter().flat_map(|name| (0..EACH).map(move |n| format!("{name}-{n}"))).collect();
    expected.sort();
    assert_eq!(jobs_in_snapshots(folder.path()).await, expected);
    let storage = LocalStorage::new(folder.path());
    assert!(storage.list(Kind::Locks).await.unwrap().is_empty());
    crate::restic::check(folder.path());
}
