//! Copies: durable, readable, sealed once, recovered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use repo::*;

pub(crate) fn password() -> Password {
    Password::new("correct horse".into())
}

/// A fresh repository in a folder.
pub(crate) async fn fresh(folder: &std::path::Path) -> Repository {
    let storage = Arc::new(LocalStorage::new(folder));
    Repository::init(storage, &password(), Options { kdf: Kdf::CHEAP }).await.unwrap()
}

pub(crate) fn copy(job: &str, content: impl Into<Bytes>) -> Copy {
    Copy {
        group: "mcp".into(),
        agent: "laptop".into(),
        path: "/home/me/.claude.json".into(),
        selector: "/mcpServers".into(),
        job: job.into(),
        content: content.into(),
        time: jiff::Timestamp::now(),
    }
}

/// Options under which nothing is sealed unless the test says so.
pub(crate) fn by_hand(name: &str) -> WriterOptions {
    WriterOptions { seal_after: Duration::from_secs(3600), ..WriterOptions::new(name) }
}

#[tokio::test]
async fn a_copy_is_read_back_by_location_by_name_and_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    let location = writer.backup(copy("job-1", "a portion")).await.unwrap();
    assert_eq!(repository.read(&location).await.unwrap(), "a portion");
    assert!(location.encode().len() <= 75);
    let sealed = writer.seal().await.unwrap();
    assert_eq!(sealed.len(), 1);
    assert_eq!(sealed[0].jobs, ["job-1"]);
    writer.shutdown().await.unwrap();

    let reopened = Repository::open(repository.storage().clone(), &password()).await.unwrap();
    assert_eq!(reopened.id(), repository.id());
    assert_eq!(reopened.read(&location).await.unwrap(), "a portion");
    let found = reopened.find(&Search { job: Some("job-1".into()), ..Search::default() }, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].location, location);
    assert_eq!(found[0].portion, Some(("/home/me/.claude.json".into(), "/mcpServers".into())));
    let snapshot = reopened.snapshot(sealed[0].snapshot).await.unwrap();
    let path = "/mcp/laptop/%2Fhome%2Fme%2F.claude.json#%2FmcpServers/job-1";
    assert_eq!(reopened.dump(&snapshot, path).await.unwrap(), "a portion");
    let walked: Vec<String> = reopened.walk(&snapshot, 100).await.unwrap().into_iter().map(|(path, _)| path).collect();
    assert_eq!(walked.len(), 4);
    assert_eq!(walked[3], path);
}

#[tokio::test]
async fn many_at_once_share_packs_and_each_is_in_exactly_one_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let on_sealed: OnSealed = {
        let told = told.clone();
        Arc::new(move |sealed| told.lock().unwrap().push(sealed))
    };
    let options =
        WriterOptions { on_sealed: Some(on_sealed), seal_after: Duration::from_millis(20), ..by_hand("laptop") };
    let writer = Writer::start(repository.clone(), options).unwrap();
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let writer = writer.clone();
            tokio::spawn(
                async move { writer.backup(copy(&number.to_string(), format!("portion {number}"))).await.unwrap() },
            )
        })
        .collect();
    let mut locations = Vec::new();
    for task in tasks {
        locations.push(task.await.unwrap());
    }
    writer.shutdown().await.unwrap();
    for (number, location) in locations.iter().enumerate() {
        assert_eq!(repository.read(location).await.unwrap(), format!("portion {number}"));
    }
    let packs: std::collections::HashSet<Id> = locations.iter().map(|l| l.blobs[0].pack).collect();
    assert!(packs.len() < 250, "{} packs", packs.len());
    let mut jobs: Vec<usize> =
        told.lock().unwrap().iter().flat_map(|s| &s.jobs).map(|job| job.parse().unwrap()).collect();
    jobs.sort_unstable();
    assert_eq!(jobs, (0..500).collect::<Vec<_>>());
    let reopened = Repository::open(repository.storage().clone(), &password()).await.unwrap();
    assert_eq!(reopened.find(&Search::default(), 1000).await.unwrap().len(), 500);
    assert!(reopened.storage().list(Kind::Locks).await.unwrap().is_empty(), "a lock was left");
}

#[tokio::test]
async fn the_same_contents_take_no_new_room() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    let first = writer.backup(copy("1", "the same")).await.unwrap();
    let second = writer.backup(copy("2", "the same")).await.unwrap();
    assert_eq!(first, second);
    writer.shutdown().await.unwrap();
    let other = Repository::open(repository.storage().clone(), &password()).await.unwrap();
    other.refresh_index().await.unwrap();
    let writer = Writer::start(other, by_hand("desktop")).unwrap();
    assert_eq!(writer.backup(copy("3", "the same")).await.unwrap(), first);
    writer.shutdown().await.unwrap();
    let search = Search { group: Some("mcp".into()), ..Search::default() };
    assert_eq!(repository.find(&search, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_hit_in_a_pack_that_has_gone_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer =
        Writer::start(repository.clone(), WriterOptions { keep_lock: Duration::ZERO, ..by_hand("laptop") }).unwrap();
    let first = writer.backup(copy("1", "the same")).await.unwrap();
    writer.quiesce().await.unwrap();
    // Somebody forgets and prunes all while no lock is held.
    let storage = repository.storage();
    for kind in [Kind::Snapshots, Kind::Index, Kind::Data] {
        for entry in storage.list(kind).await.unwrap() {
            storage.delete(kind, entry.id).await.unwrap();
        }
    }
    writer.resume().await.unwrap();
    let second = writer.backup(copy("2", "the same")).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(repository.read(&second).await.unwrap(), "the same");
    writer.shutdown().await.unwrap();
}

/// The storage lost a pack, or damaged it, and the index files still tell of it: a new copy of the same content must not rely on it.
#[tokio::test]
async fn a_hit_in_a_pack_that_was_lost_or_damaged_is_written_again() {
    type Spoil = fn(&std::path::Path);
    let spoils: [(&str, Spoil); 3] = [
        ("lost", |pack| std::fs::remove_file(pack).unwrap()),
        ("cut off", |pack| std::fs::write(pack, b"").unwrap()),
        ("damaged", |pack| {
            let mut bytes = std::fs::read(pack).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 1);
            std::fs::write(pack, bytes).unwrap();
        }),
    ];
    for (what, spoil) in spoils {
        let folder = tempfile::tempdir().unwrap();
        let repository = fresh(folder.path()).await;
        let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
        let first = writer.backup(copy("1", "the same")).await.unwrap();
        let other = writer.backup(copy("2", "another")).await.unwrap();
        writer.shutdown().await.unwrap();
        let name = first.blobs[0].pack.to_string();
        let pack = folder.path().join("data").join(&name[..2]).join(&name);
        #[allow(clippy::permissions_set_readonly_false, reason = "it is gone with the test")]
        if let Ok(meta) = std::fs::metadata(&pack) {
            let mut mode = meta.permissions();
            mode.set_readonly(false);
            std::fs::set_permissions(&pack, mode).unwrap();
        }
        spoil(&pack);
        // Another process, which has only the index files.
        let repository = Repository::open(repository.storage().clone(), &password()).await.unwrap();
        let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
        let second = writer.backup(copy("3", "the same")).await.unwrap();
        assert_ne!(first, second, "{what}");
        assert_eq!(repository.read(&second).await.unwrap(), "the same", "{what}");
        assert_eq!(
            writer.backup(copy("4", "another")).await.unwrap(),
            other,
            "{what}: what is whole is no second time there"
        );
        writer.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn empty_and_long_contents() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let options = WriterOptions { max_content: 40 << 20, ..by_hand("laptop") };
    let writer = Writer::start(repository.clone(), options).unwrap();
    let long: Bytes =
        (0..33 << 20_u32).map(|n: u32| (n.wrapping_mul(2654435761) >> 11) as u8).collect::<Vec<u8>>().into();
    let location = writer.backup(copy("long", long.clone())).await.unwrap();
    assert!(location.blobs.len() > 8);
    assert_eq!(location.content_length(), long.len() as u64);
    assert!(repository.read(&location).await.unwrap() == long);
    let empty = writer.backup(copy("empty", "")).await.unwrap();
    assert_eq!(repository.read(&empty).await.unwrap(), "");
    let too_long = writer.backup(copy("too long", vec![0; (40 << 20) + 1])).await;
    assert!(matches!(too_long, Err(WriteError::TooLong { .. })));
    writer.shutdown().await.unwrap();
    assert_eq!(repository.find(&Search::default(), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_crash_left_is_sealed_once() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let mut journal = Vec::new();
    {
        let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
        for (job, content) in [("1", "one"), ("2", "two"), ("3", "one")] {
            let copy = copy(job, content);
            let location = writer.backup(copy.clone()).await.unwrap();
            journal.push(Unsealed::new(&copy, location));
        }
        assert_eq!(writer.unsealed().await.unwrap(), journal);
        // The crash: its runtime goes away with the writer still in it.
        std::mem::forget(writer);
    }
    let text = serde_json::to_string(&journal).unwrap();
    let journal: Vec<Unsealed> = serde_json::from_str(&text).unwrap();
    assert!(!text.contains(&Id::of(b"one").to_string()), "the journal holds a hash of plaintext");

    let reopened = Repository::open(repository.storage().clone(), &password()).await.unwrap();
    let writer = Writer::start(reopened.clone(), by_hand("laptop")).unwrap();
    let mut gone = journal[0].clone();
    gone.job = "gone".into();
    gone.location.blobs[0].pack = Id::new([7; 32]);
    let mut all = journal.clone();
    all.push(gone.clone());
    let recovered = writer.recover(all).await.unwrap();
    assert_eq!(recovered.lost, [gone]);
    assert_eq!(recovered.sealed.iter().flat_map(|s| &s.jobs).collect::<Vec<_>>(), ["1", "2", "3"]);
    // And again, as if the second process had died before it noted that.
    let again = writer.recover(journal).await.unwrap();
    assert_eq!(again.sealed.iter().map(|s| s.snapshot).collect::<Vec<_>>(), [recovered.sealed[0].snapshot]);
    assert_eq!(reopened.find(&Search::default(), 10).await.unwrap().len(), 3);
    writer.shutdown().await.unwrap();
}

#[tokio::test]
async fn tampered_packs_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
    let location = writer.backup(copy("1", "a portion")).await.unwrap();
    let blob = location.blobs[0];
    let name = blob.pack.to_string();
    let path = folder.path().join("data").join(&name[..2]).join(&name);
    let good = std::fs::read(&path).unwrap();
    for at in 0..blob.length as usize {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(matches!(repository.read(&location).await, Err(ReadError::Damaged { .. })), "byte {at}");
    }
    std::fs::write(&path, &good[..10]).unwrap();
    assert!(matches!(repository.read(&location).await, Err(ReadError::Storage(StorageError::Range { .. }))));
    std::fs::write(&path, &good).unwrap();
    let mut elsewhere = location.clone();
    elsewhere.repository = Id::new([1; 32]);
    assert!(matches!(repository.read(&elsewhere).await, Err(ReadError::OtherRepository { .. })));
    let mut shifted = location.clone();
    shifted.blobs[0].offset += 1;
    assert!(repository.read(&shifted).await.is_err());
    let mut huge = location;
    huge.blobs[0].uncompressed_length = u32::MAX;
    assert!(matches!(repository.read(&huge).await, Err(ReadError::TooLong { .. })));
    writer.shutdown().await.unwrap();
}

/// Everything can be awaited in a task of its own; that this compiles is the test.
#[allow(dead_code, reason = "never called")]
fn all_is_send(repository: &Repository, writer: &Writer, location: &Location, snapshot: &Snapshot, copy: Copy) {
    fn check(_: impl Send) {}
    check(repository.read(location));
    check(repository.read_by_index(&[]));
    check(repository.refresh_index());
    check(repository.snapshots());
    check(repository.walk(snapshot, 1));
    check(repository.dump(snapshot, ""));
    check(writer.backup(copy));
    check(writer.recover(vec![]));
    check(writer.shutdown());
}

#[tokio::test]
async fn passwords() {
    let folder = tempfile::tempdir().unwrap();
    let repository = fresh(folder.path()).await;
    let storage = repository.storage().clone();
    let open = |text: &str| {
        let (storage, password) = (storage.clone(), Password::new(text.into()));
        async move { Repository::open(storage, &password).await }
    };
    assert!(matches!(open("wrong").await, Err(OpenError::WrongPassword { .. })));
    let again = Repository::init(storage.clone(), &password(), Options { kdf: Kdf::CHEAP }).await;
    assert!(matches!(again, Err(OpenError::Exists { .. })));
    let second = repository.add_key(&Password::new("second".into())).await.unwrap();
    let by_second = open("second").await.unwrap();
    assert_eq!(by_second.derive_key("a"), repository.derive_key("a"));
    assert_ne!(by_second.derive_key("a"), repository.derive_key("b"));
    assert!(matches!(by_second.remove_key(second).await, Err(OpenError::KeyInUse)));
    repository.change_password(&Password::new("third".into())).await.unwrap();
    assert!(matches!(open("correct horse").await, Err(OpenError::WrongPassword { .. })));
    open("third").await.unwrap();
    repository.remove_key(second).await.unwrap();
    assert!(matches!(open("second").await, Err(OpenError::WrongPassword { .. })));
    for number in 1..MAX_KEYS {
        repository.add_key(&Password::new(number.to_string())).await.unwrap();
    }
    assert!(matches!(repository.add_key(&password()).await, Err(OpenError::TooManyKeys)));
    open("19").await.unwrap();
    let kit = repository.recovery_kit(&Password::new("third".into()));
    assert!(
        kit.contains("third") && kit.contains(&folder.path().display().to_string()) && kit.contains("restic restore")
    );
    let nowhere = Arc::new(LocalStorage::new(folder.path().join("nowhere")));
    assert!(matches!(Repository::open(nowhere, &password()).await, Err(OpenError::Absent { .. })));
}
