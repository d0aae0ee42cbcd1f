//! The restic program, and our own writer, through the media agent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use repo::*;
use tokio::io::AsyncBufReadExt;

use crate::server;

fn password() -> Password {
    Password::new("correct horse".into())
}

/// The restic programs to test with: `INLAY_RESTIC`, a list of paths separated by colons, or else the one in `PATH`.
fn programs() -> Vec<PathBuf> {
    let list = std::env::var_os("INLAY_RESTIC").unwrap_or_else(|| OsString::from("restic"));
    let programs: Vec<PathBuf> = std::env::split_paths(&list).collect();
    for program in &programs {
        let found = Command::new(program).arg("version").output().is_ok_and(|output| output.status.success());
        assert!(found, "no restic program at {}: install it, or set INLAY_RESTIC", program.display());
    }
    programs
}

fn command(program: &Path, address: &str, args: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.args(args).args(["--no-cache", "--repo", address]).env("RESTIC_PASSWORD", password().reveal());
    command.kill_on_drop(true);
    command
}

async fn restic(program: &Path, address: &str, args: &[&str]) -> Output {
    command(program, address, args).output().await.unwrap()
}

/// Runs a command that must be refused. Old programs try again for many minutes: they are stopped at their first try.
async fn refused(program: &Path, address: &str, args: &[&str]) {
    let mut child = command(program, address, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    while !seen.contains("403") {
        let line = lines.next_line().await.unwrap();
        seen.push_str(&line.unwrap_or_else(|| panic!("{} {args:?} was not refused: {seen}", program.display())));
    }
    child.kill().await.unwrap();
}

async fn ok(program: &Path, address: &str, args: &[&str]) -> String {
    let output = restic(program, address, args).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {args:?}: {errors}", program.display());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn restic_and_we_write_and_read_through_it() {
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        let port = server::serve(server::router(server::options(folder.path(), None))).await;
        let (agent, operator) = (server::address("agent", port), server::address("operator", port));
        assert!(!restic(&program, &agent, &["init"]).await.status.success(), "an agent made a repository");
        ok(&program, &operator, &["init"]).await;

        // We write, restic reads.
        let storage = open_storage(&agent, None).unwrap();
        let repository = Repository::open(storage, &password()).await.unwrap();
        let seal_after = std::time::Duration::from_secs(3600);
        let options = WriterOptions { seal_after, ..WriterOptions::new("laptop") };
        let writer = Writer::start(repository.clone(), options).unwrap();
        let copy = Copy {
            group: "mcp".into(),
            agent: "laptop".into(),
            path: "/a.json".into(),
            selector: "/b".into(),
            job: "1".into(),
            content: "a portion".into(),
            time: jiff::Timestamp::now(),
        };
        let location = writer.backup(copy.clone()).await.unwrap();
        assert_eq!(repository.read(&location).await.unwrap(), "a portion");
        let long: Vec<u8> = (0..20 << 20_u32).map(|n: u32| (n.wrapping_mul(2654435761) >> 13) as u8).collect();
        let mut second = copy.clone();
        (second.job, second.content) = ("2".into(), long.clone().into());
        let location = writer.backup(second).await.unwrap();
        assert!(repository.read(&location).await.unwrap() == long);
        writer.shutdown().await.unwrap();
        assert_eq!(ok(&program, &agent, &["dump", "latest", "/mcp/laptop/%2Fa.json#%2Fb/1"]).await, "a portion");

        // restic writes, we read.
        let source = tempfile::tempdir().unwrap();
        std::fs::write(source.path().join("file"), &long).unwrap();
        ok(&program, &agent, &["backup", source.path().to_str().unwrap()]).await;
        let snapshots = repository.snapshots().await.unwrap();
        assert_eq!(snapshots.len(), 2);
        let theirs = repository.dump(&snapshots[1], source.path().join("file").to_str().unwrap()).await.unwrap();
        assert!(theirs == long);
        ok(&program, &agent, &["check", "--read-data"]).await;

        // An agent can destroy nothing, whichever way it tries.
        let count = || std::fs::read_dir(folder.path().join("zone/snapshots")).unwrap().count();
        refused(&program, &agent, &["forget", "--keep-last", "1", "--group-by", "", "--prune"]).await;
        assert_eq!(count(), 2);
        // It was killed: its lock is stale, and its own.
        ok(&program, &agent, &["unlock"]).await;
        ok(&program, &agent, &["check", "--read-data"]).await;
        // The operator may.
        ok(&program, &operator, &["forget", "--keep-last", "1", "--group-by", "", "--prune"]).await;
        assert_eq!(count(), 1);
        ok(&program, &agent, &["check", "--read-data"]).await;
        assert!(repository.storage().list(Kind::Locks).await.unwrap().is_empty(), "a lock was left");
    }
}
