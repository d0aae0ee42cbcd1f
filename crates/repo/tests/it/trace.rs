//! A put is durable: the file's bytes are synced before it is named, and the folder after.

use std::process::Command;

use bytes::Bytes;
use repo::{Id, Kind, LocalStorage, Storage};

const FOLDER: &str = "INLAY_TEST_PUT_INTO";

/// What the traced process does; not a test by itself.
#[tokio::test]
#[ignore = "run under strace by the test below"]
async fn put_one() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let bytes = Bytes::from_static(b"a pack");
    LocalStorage::new(folder).put(Kind::Data, Id::of(&bytes), bytes).await.unwrap();
}

#[tokio::test]
async fn file_synced_then_named_then_folder_synced() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    LocalStorage::new(&root).create().await.unwrap();
    let log = root.join("trace");
    let status = Command::new("strace")
        .args(["-f", "-y", "-s", "300", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "trace::put_one"])
        .env(FOLDER, &root)
        .output()
        .expect("strace must be installed for this test (Debian: apt-get install strace)");
    assert!(status.status.success(), "{status:?}");
    let trace = std::fs::read_to_string(&log).unwrap();
    let calls: Vec<&str> = trace.lines().filter(|line| line.contains(root.to_str().unwrap())).collect();
    let [sync_file, rename, sync_folder] = calls[..] else { panic!("not three calls:\n{trace}") };
    let data = format!("{}/data/", root.display());
    assert!(sync_file.contains("sync(") && sync_file.contains("/tmp/"), "{sync_file}");
    assert!(rename.contains("RENAME_NOREPLACE") && rename.contains(&data), "{rename}");
    assert!(sync_folder.contains("sync(") && sync_folder.contains(&data), "{sync_folder}");
    assert!(calls.iter().all(|call| call.ends_with("= 0")), "{calls:?}");
}
