//! One suite for all adapters of the storage port.

use std::sync::Arc;

use bytes::Bytes;
use repo::*;

use crate::server;

/// What every storage does. The caller may do everything.
async fn check(storage: Arc<dyn Storage>) {
    let none = Id::new([0; 32]);
    storage.create().await.unwrap();
    storage.create().await.unwrap();
    for kind in Kind::FOLDERS {
        assert!(storage.list(kind).await.unwrap().is_empty(), "{kind}");
    }

    // The config: one, without an id.
    assert!(storage.get(Kind::Config, none).await.unwrap_err().is_missing());
    assert!(storage.list(Kind::Config).await.unwrap().is_empty());
    storage.put(Kind::Config, none, Bytes::from_static(b"config")).await.unwrap();
    let again = storage.put(Kind::Config, none, Bytes::from_static(b"other")).await;
    assert!(matches!(again, Err(StorageError::Exists { .. })), "{again:?}");
    assert_eq!(storage.get(Kind::Config, none).await.unwrap(), "config");
    assert_eq!(storage.list(Kind::Config).await.unwrap().len(), 1);

    for kind in Kind::FOLDERS {
        for length in [0_usize, 1, 300, (1 << 20) - 1, 1 << 20, (5 << 20) + 3] {
            let bytes: Bytes = (0..length).map(|n| (n * 7 + kind as usize) as u8).collect::<Vec<u8>>().into();
            let id = Id::of(&bytes);
            let size = length as u64;
            assert!(storage.size(kind, id).await.unwrap_err().is_missing());
            assert!(storage.get(kind, id).await.unwrap_err().is_missing());
            assert!(storage.get_range(kind, id, 0, 1).await.unwrap_err().is_missing());
            assert!(storage.delete(kind, id).await.unwrap_err().is_missing());
            storage.put(kind, id, bytes.clone()).await.unwrap();
            let again = storage.put(kind, id, bytes.clone()).await;
            assert!(matches!(again, Err(StorageError::Exists { .. })), "{kind} {length}: {again:?}");
            assert_eq!(storage.size(kind, id).await.unwrap(), size);
            assert!(storage.get(kind, id).await.unwrap() == bytes);
            assert_eq!(storage.list(kind).await.unwrap(), [Entry { id, size }]);
            for (offset, count) in [(0, size), (0, size.min(10)), (size / 2, size - size / 2), (size, 0)] {
                let read = storage.get_range(kind, id, offset, count).await.unwrap();
                assert!(read == bytes.slice(offset as usize..(offset + count) as usize), "{kind} {length} {offset}");
            }
            for (offset, count) in [(0, size + 1), (size, 1), (size + 1, 0), (u64::MAX, 1), (1, u64::MAX)] {
                let read = storage.get_range(kind, id, offset, count).await;
                assert!(matches!(read, Err(StorageError::Range { .. })), "{kind} {length} {offset}+{count}: {read:?}");
            }
            storage.delete(kind, id).await.unwrap();
            assert!(storage.list(kind).await.unwrap().is_empty());
        }
    }

    // Many, sorted; and at once, of which one wins.
    let mut ids: Vec<Id> = (0..50_u8).map(|n| Id::of(&[n])).collect();
    let puts = (0..50_u8).map(|n| storage.put(Kind::Data, ids[n as usize], Bytes::copy_from_slice(&[n])));
    futures::future::try_join_all(puts).await.unwrap();
    ids.sort_unstable();
    let listed: Vec<Id> = storage.list(Kind::Data).await.unwrap().into_iter().map(|entry| entry.id).collect();
    assert_eq!(listed, ids);
    let bytes = Bytes::from_static(b"all want this name");
    let puts = (0..8).map(|_| storage.put(Kind::Index, Id::of(&bytes), bytes.clone()));
    let won = futures::future::join_all(puts).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(LocalStorage::new(folder.path().join("repository")))).await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("repository/tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_media_agent() {
    let folder = tempfile::tempdir().unwrap();
    let port = server::serve(server::router(server::options(folder.path(), Some(100 << 20)))).await;
    check(open_storage(&server::address("operator", port), None).unwrap()).await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("zone/tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_media_agent_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (port, tls) = server::serve_tls(server::options(folder.path(), None), "operator").await;
    let address = format!("rest:https://localhost:{port}/media/zone/");
    check(open_storage(&address, Some(tls.clone())).unwrap()).await;

    // Without a certificate, or without our CA, nothing.
    let (_, stranger) = server::serve_tls(server::options(&folder.path().join("other"), None), "operator").await;
    let storage = open_storage(&address, Some(stranger)).unwrap();
    assert!(matches!(storage.list(Kind::Data).await, Err(StorageError::Network { .. })));
}

#[tokio::test]
async fn a_server_that_is_away() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let storage = open_storage(&server::address("agent", port), None).unwrap();
    let error = storage.list(Kind::Data).await.unwrap_err();
    assert!(matches!(error, StorageError::Network { .. }) && error.is_transient());
}
