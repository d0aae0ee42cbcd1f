//! What is synced: commits, many at a time with one sync; notices not. The system calls of a worker (this program, run again)
//! are looked at with strace; without one the test says so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod suite;

use std::process::Command;

use manager::store::{SqliteOptions, SqliteStore, Store};
use plan::Join;

const WORKER: &str = "worker";
const NOTICES: usize = 60;
const COMMITS: usize = 20;
const AT_ONCE: usize = 300;

/// Not a test by itself: what strace looks at. Marks say which phase begins.
#[test]
#[ignore = "it is run by the test below"]
fn worker() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("manager.db"), SqliteOptions::default()).unwrap();
        let one = suite::connect(&store, 1).await;
        let id = suite::member_id(1);
        let member = suite::member(id, suite::agent(1), "json", Join::Offer);
        suite::link(&store, 1, true, vec![member]).await.unwrap();
        eprintln!("MARK notices");
        for generation in 0..NOTICES as u64 {
            store.report(one, suite::report(id, generation + 1, None), None).await.unwrap().await.unwrap();
        }
        eprintln!("MARK commits");
        let done = |number: usize| {
            let mut version = [0; 16];
            version[..8].copy_from_slice(&number.to_be_bytes());
            let content = ("json", number as u8, number as u8);
            let record =
                suite::record(suite::group_id(1), id, 1_000 + number as u64, plan::VersionId(version), content);
            suite::backed_up(record)
        };
        for number in 0..COMMITS {
            store.backed_up(one, done(number), None).await.unwrap().await.unwrap();
        }
        eprintln!("MARK at-once");
        let mut receipts = Vec::new();
        for number in 0..AT_ONCE {
            receipts.push(store.backed_up(one, done(COMMITS + number), None).await.unwrap());
        }
        for receipt in receipts {
            receipt.await.unwrap();
        }
        eprintln!("MARK end");
        store.close().await;
    });
}

#[test]
fn a_commit_is_synced_once_and_a_notice_not() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("not tested: there is no strace here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let ran = Command::new("strace")
        .args(["-f", "-y", "-s", "40", "-e", "trace=fsync,fdatasync,write", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args([WORKER, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("MARK end"), "{said}");
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (mut phase, mut syncs) = ("", std::collections::BTreeMap::new());
    for line in trace.lines() {
        for mark in ["notices", "commits", "at-once", "end"] {
            if line.contains("write(") && line.contains(&format!("MARK {mark}")) {
                phase = mark;
            }
        }
        if line.contains("sync(") && line.contains("manager.db") && !line.contains("resumed") {
            *syncs.entry(phase).or_insert(0_usize) += 1;
        }
    }
    let count = |phase: &str| syncs.get(phase).copied().unwrap_or(0);
    // A checkpoint of the other thread may fall into each phase: two syncs.
    assert!(count("notices") <= 2, "{syncs:?}");
    assert!((COMMITS..=COMMITS + 2).contains(&count("commits")), "{syncs:?}");
    assert!((1..=AT_ONCE / 10).contains(&count("at-once")), "{syncs:?}");
    println!("{syncs:?}");
}
