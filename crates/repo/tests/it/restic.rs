//! The restic program, as the judge of what we write, and as the writer of what we read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use repo::*;

use crate::copies::{by_hand, copy, fresh, password};

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

struct Restic {
    program: PathBuf,
    repository: String,
    cache: tempfile::TempDir,
}

impl Restic {
    fn new(program: &Path, repository: impl Into<String>) -> Self {
        Self { program: program.to_owned(), repository: repository.into(), cache: tempfile::tempdir().unwrap() }
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(&self.program)
            .args(args)
            .env("RESTIC_REPOSITORY", &self.repository)
            .env("RESTIC_PASSWORD", password().reveal())
            .env("RESTIC_CACHE_DIR", self.cache.path())
            .output()
            .unwrap()
    }

    /// Standard output of a command that must succeed.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {args:?}: {errors}", self.program.display());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Older programs know `repair index` by another name.
    fn repair_index(&self) {
        if !self.run(&["repair", "index"]).status.success() {
            self.ok(&["rebuild-index"]);
        }
    }
}

/// Every program finds the repository in order.
pub(crate) fn check(folder: &Path) {
    for program in programs() {
        Restic::new(&program, folder.to_str().unwrap()).ok(&["check", "--read-data"]);
    }
}

fn each(check: impl AsyncFn(&Path)) {
    for program in programs() {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(check(&program));
    }
}

#[test]
fn restic_accepts_what_we_write() {
    each(async |program| {
        let folder = tempfile::tempdir().unwrap();
        let repository = fresh(folder.path()).await;
        let writer = Writer::start(repository, by_hand("laptop")).unwrap();
        let long: Vec<u8> = (0..5 << 20_u32).map(|n: u32| (n.wrapping_mul(2654435761) >> 13) as u8).collect();
        for (job, content) in [("1", &b"short"[..]), ("2", &b"again ".repeat(100)), ("3", &long), ("4", b"")] {
            writer.backup(copy(job, content.to_vec())).await.unwrap();
        }
        let mut odd = copy("5 é\n\"\\", "odd");
        odd.path = "C:\\<a&b>\u{301}/\u{7f}\u{feff}😀".into();
        writer.backup(odd).await.unwrap();
        writer.seal().await.unwrap();
        writer.backup(copy("6", "second snapshot")).await.unwrap();
        writer.shutdown().await.unwrap();

        let restic = Restic::new(program, folder.path().to_str().unwrap());
        restic.ok(&["check", "--read-data"]);
        let snapshots: serde_json::Value = serde_json::from_str(&restic.ok(&["snapshots", "--json"])).unwrap();
        let snapshots = snapshots.as_array().unwrap();
        assert_eq!(snapshots.len(), 2);
        assert_eq!(snapshots[0]["tags"], serde_json::json!(["inlay"]));
        assert_eq!(snapshots[0]["paths"], serde_json::json!(["/mcp"]));
        let first = snapshots[0]["id"].as_str().unwrap();
        let portion = "/mcp/laptop/%2Fhome%2Fme%2F.claude.json#%2FmcpServers";
        assert!(restic.ok(&["ls", first]).contains(&format!("{portion}/3")));
        assert_eq!(restic.ok(&["dump", first, &format!("{portion}/1")]), "short");
        assert_eq!(restic.ok(&["dump", "latest", &format!("{portion}/6")]), "second snapshot");
        assert!(restic.ok(&["find", "6"]).contains("/6"));
        let target = tempfile::tempdir().unwrap();
        restic.ok(&["restore", first, "--target", target.path().to_str().unwrap()]);
        let restored = target.path().join(&portion[1..]);
        assert!(std::fs::read(restored.join("3")).unwrap() == long);
        assert_eq!(std::fs::read(restored.join("4")).unwrap(), b"");
        // Its own writing goes on in the same repository, and rewriting finds our trees as it would have encoded them.
        restic.ok(&["backup", "--tag", "theirs", target.path().to_str().unwrap()]);
        if restic.run(&["rewrite", "--help"]).status.success() {
            restic.ok(&["rewrite", "--exclude", "nothing-is-called-this", first]);
        }
        restic.ok(&["forget", "--keep-last", "1", "--prune", "--group-by", "tags"]);
        restic.ok(&["check", "--read-data"]);
    });
}

#[test]
fn we_read_what_restic_writes() {
    each(async |program| {
        for compression in ["off", "auto", "max"] {
            let (folder, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let restic = Restic::new(program, folder.path().to_str().unwrap());
            restic.ok(&["init", "--repository-version", "2"]);
            let long: Vec<u8> = (0..9 << 20_u32).map(|n: u32| (n.wrapping_mul(2654435761) >> 15) as u8).collect();
            let files =
                [("plain", b"text ".repeat(200)), ("quo\"ted\\n", b"x".to_vec()), ("long", long), ("empty", vec![])];
            std::fs::create_dir(source.path().join("sub")).unwrap();
            for (name, contents) in &files {
                std::fs::write(source.path().join("sub").join(name), contents).unwrap();
            }
            std::os::unix::fs::symlink("plain", source.path().join("sub/link")).unwrap();
            restic.ok(&["backup", "--compression", compression, "--tag", "a,b", source.path().to_str().unwrap()]);

            let storage = Arc::new(LocalStorage::new(folder.path()));
            let repository = Repository::open(storage, &password()).await.unwrap();
            let snapshots = repository.snapshots().await.unwrap();
            assert_eq!(snapshots.len(), 1);
            assert_eq!(snapshots[0].tags, ["a", "b"]);
            assert!(snapshots[0].time.is_some());
            for (name, contents) in &files {
                let path = source.path().join("sub").join(name);
                let read = repository.dump(&snapshots[0], path.to_str().unwrap()).await.unwrap();
                assert!(read == contents, "{compression} {name}");
            }
            let walked = repository.walk(&snapshots[0], 1000).await.unwrap();
            let kinds: Vec<NodeKind> = walked.iter().map(|(_, node)| node.kind).collect();
            assert_eq!(kinds.iter().filter(|kind| **kind == NodeKind::File).count(), 4);
            assert_eq!(kinds.iter().filter(|kind| **kind == NodeKind::Other).count(), 1);
            // And write into it, what restic then reads.
            let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
            writer.backup(copy("1", "ours")).await.unwrap();
            writer.shutdown().await.unwrap();
            repository.change_password(&password()).await.unwrap();
            restic.ok(&["check", "--read-data"]);
        }
    });
}

#[test]
fn keys_change_hands() {
    each(async |program| {
        let folder = tempfile::tempdir().unwrap();
        let repository = fresh(folder.path()).await;
        let restic = Restic::new(program, folder.path().to_str().unwrap());
        let new = folder.path().join("new");
        std::fs::write(&new, "by restic").unwrap();
        restic.ok(&["key", "add", "--new-password-file", new.to_str().unwrap()]);
        let password = Password::new("by restic".into());
        let theirs = Repository::open(repository.storage().clone(), &password).await.unwrap();
        assert_eq!(theirs.derive_key("x"), repository.derive_key("x"));
    });
}

#[test]
fn a_crash_before_the_seal_loses_nothing() {
    each(async |program| {
        let folder = tempfile::tempdir().unwrap();
        let repository = fresh(folder.path()).await;
        let (mut journal, contents) = (Vec::new(), ["one", "two", "three"]);
        let writer = Writer::start(repository.clone(), by_hand("laptop")).unwrap();
        for content in contents {
            let copy = copy(content, content);
            let location = writer.backup(copy.clone()).await.unwrap();
            journal.push(Unsealed::new(&copy, location));
        }
        std::mem::forget(writer);
        let restic = Restic::new(program, folder.path().to_str().unwrap());
        // Even without the journal restic finds the packs, and then the blobs.
        let locks = repository.storage().list(Kind::Locks).await.unwrap();
        assert_eq!(locks.len(), 1, "unsealed packs are not protected");
        // `unlock` asks by SIGHUP whether the process of a lock lives: ours does, and goes on to.
        restic.ok(&["unlock"]);
        assert_eq!(repository.storage().list(Kind::Locks).await.unwrap(), locks);
        let prune = restic.run(&["prune"]);
        let errors = String::from_utf8_lossy(&prune.stderr);
        assert!(!prune.status.success() && errors.contains("locked"), "prune was not refused: {errors}");
        assert!(errors.contains("inlay/laptop"), "the lock does not say whose it is: {errors}");
        repository.storage().delete(Kind::Locks, locks[0].id).await.unwrap();
        restic.repair_index();
        assert_eq!(restic.ok(&["cat", "blob", &Id::of(b"two").to_string()]), "two");
        // With the journal they are sealed.
        let reopened = Repository::open(repository.storage().clone(), &password()).await.unwrap();
        let writer = Writer::start(reopened, by_hand("laptop")).unwrap();
        let recovered = writer.recover(journal).await.unwrap();
        assert_eq!(recovered.sealed.len(), 1);
        assert!(recovered.lost.is_empty());
        writer.shutdown().await.unwrap();
        restic.ok(&["check", "--read-data"]);
        assert_eq!(restic.ok(&["ls", "latest"]).matches("mcpServers/").count(), 3);
        restic.ok(&["prune"]);
        restic.ok(&["check", "--read-data"]);
    });
}

#[test]
fn an_exclusive_lock_is_respected() {
    each(async |program| {
        let folder = tempfile::tempdir().unwrap();
        let repository = fresh(folder.path()).await;
        // A lock that restic itself wrote, made exclusive by being left from a check that was stopped.
        let restic = Restic::new(program, folder.path().to_str().unwrap());
        let mut child = Command::new(&restic.program)
            .args(["check", "--read-data"])
            .env("RESTIC_REPOSITORY", &restic.repository)
            .env("RESTIC_PASSWORD", password().reveal())
            .env("RESTIC_CACHE_DIR", restic.cache.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // It has its lock for at least 200 ms.
        while repository.storage().list(Kind::Locks).await.unwrap().is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "restic ended before it could be stopped");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let options = WriterOptions { lock_wait: std::time::Duration::from_millis(300), ..by_hand("laptop") };
        let writer = Writer::start(repository.clone(), options).unwrap();
        let refused = writer.backup(copy("1", "a portion")).await;
        assert!(matches!(refused, Err(WriteError::Locked(_))), "{refused:?}");
        assert_eq!(repository.storage().list(Kind::Locks).await.unwrap().len(), 1, "our own lock was left");
        restic.ok(&["unlock"]);
        let location = writer.backup(copy("1", "a portion")).await.unwrap();
        assert_eq!(repository.read(&location).await.unwrap(), "a portion");
        writer.shutdown().await.unwrap();
        restic.ok(&["prune"]);
        restic.ok(&["check", "--read-data"]);
    });
}
