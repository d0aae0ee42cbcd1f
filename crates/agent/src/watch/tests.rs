#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A real watcher on real folders. Each test waits for what it is told, and never for a time to pass.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::*;

struct Files {
    _folder: tempfile::TempDir,
    root: PathBuf,
    watch: Watch,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    Files { _folder: folder, root, watch: Watch::start() }
}

impl Files {
    fn add(&mut self, name: &str) -> PathBuf {
        let path = self.root.join(name);
        self.watch.add(&path);
        path
    }

    /// Waits for a file to be told of.
    async fn hears(&mut self, path: &Path) {
        let wait = async {
            loop {
                match self.watch.next().await {
                    Touched::File(told, _) if told == path => return,
                    Touched::File(..) => {}
                    Touched::Everything => panic!("events were lost"),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("not told of {path:?}"));
    }

    /// Hears of `marker`, which is written now, and of nothing else before.
    async fn hears_nothing_before(&mut self, marker: &Path) {
        fs::write(marker, "marker").unwrap();
        let told = tokio::time::timeout(Duration::from_secs(10), self.watch.next()).await.unwrap();
        assert!(matches!(&told, Touched::File(path, _) if path == marker), "{told:?}");
    }
}

#[tokio::test]
async fn every_way_of_writing_is_heard() {
    let mut files = files();
    let path = files.add("a.json");
    fs::write(&path, "1").unwrap();
    files.hears(&path).await;

    fs::write(files.root.join("beside"), "2").unwrap();
    fs::rename(files.root.join("beside"), &path).unwrap();
    files.hears(&path).await;

    let mut open = OpenOptions::new().append(true).open(&path).unwrap();
    open.write_all(b"3").unwrap();
    open.sync_all().unwrap();
    files.hears(&path).await;
    drop(open);
    files.hears(&path).await;

    fs::write(files.root.join("other"), "4").unwrap();
    fs::hard_link(files.root.join("other"), files.root.join("link")).unwrap();
    rustix::fs::renameat_with(
        rustix::fs::CWD,
        files.root.join("link"),
        rustix::fs::CWD,
        &path,
        rustix::fs::RenameFlags::EXCHANGE,
    )
    .unwrap();
    files.hears(&path).await;

    fs::remove_file(&path).unwrap();
    files.hears(&path).await;
}

#[tokio::test]
async fn only_what_is_asked_for_is_heard() {
    let mut files = files();
    let (path, marker) = (files.add("a.json"), files.add("marker"));
    fs::write(&marker, "").unwrap();
    files.hears(&marker).await;
    fs::write(files.root.join("b.json"), "1").unwrap();
    fs::read(&marker).unwrap();
    let _ = fs::read(&path);
    files.hears_nothing_before(&marker).await;
    fs::write(&path, "1").unwrap();
    files.hears(&path).await;
    files.watch.remove(&path);
    fs::write(&path, "2").unwrap();
    files.hears_nothing_before(&marker).await;
}

#[tokio::test]
async fn a_folder_may_go_and_come_back() {
    let mut files = files();
    fs::create_dir(files.root.join("sub")).unwrap();
    let path = files.add("sub/a.json");
    for round in 0..3 {
        fs::write(&path, "1").unwrap();
        files.hears(&path).await;
        if round == 1 {
            fs::rename(files.root.join("sub"), files.root.join("moved")).unwrap();
        } else {
            fs::remove_dir_all(files.root.join("sub")).unwrap();
        }
        files.hears(&path).await;
        fs::create_dir(files.root.join("sub")).unwrap();
        while !files.watch.folders[&files.root.join("sub")].watched {
            tokio::time::timeout(Duration::from_millis(20), files.watch.next()).await.ok();
            files.watch.mend();
        }
        files.hears(&path).await;
    }
}

/// A folder above was moved, or a disk was mounted: another folder stands at the path, and nothing was heard of that.
#[tokio::test]
async fn another_folder_may_come_to_stand_there() {
    let mut files = files();
    fs::create_dir_all(files.root.join("up/sub")).unwrap();
    let path = files.add("up/sub/a.json");
    fs::write(&path, "1").unwrap();
    files.hears(&path).await;
    fs::rename(files.root.join("up"), files.root.join("away")).unwrap();
    fs::create_dir_all(files.root.join("up/sub")).unwrap();
    files.watch.mend();
    files.hears(&path).await;
    fs::write(&path, "2").unwrap();
    files.hears(&path).await;
}

#[tokio::test]
async fn a_folder_may_be_missing_at_first() {
    let mut files = files();
    let path = files.add("sub/a.json");
    files.watch.mend();
    fs::create_dir(files.root.join("sub")).unwrap();
    files.watch.mend();
    files.hears(&path).await;
    fs::write(&path, "1").unwrap();
    files.hears(&path).await;
}

#[tokio::test]
async fn a_file_system_that_is_silent_is_polled() {
    let mut files = files();
    let path = files.add("a.json");
    assert!(files.watch.polled().is_empty());
    // As if the probe had not been heard of.
    let device = os::file_system(&files.root).unwrap().0;
    files.watch.probes.insert(files.root.join("never"), (device, Instant::now()));
    files.watch.expire(Instant::now());
    assert_eq!(files.watch.polled(), [path]);
}

#[tokio::test]
async fn the_probe_is_heard_and_leaves_nothing() {
    let mut files = files();
    let path = files.add("a.json");
    assert_eq!(files.watch.probes.len(), 1);
    fs::write(&path, "1").unwrap();
    files.hears(&path).await;
    assert!(files.watch.probes.is_empty() && files.watch.polled().is_empty());
    assert_eq!(fs::read_dir(&files.root).unwrap().count(), 1);
}

#[tokio::test]
async fn lost_events_are_said() {
    let mut files = files();
    let path = files.add("a.json");
    for _ in 0..QUEUE + 10 {
        fs::write(&path, "1").unwrap();
    }
    let told = tokio::time::timeout(Duration::from_secs(10), async {
        while files.watch.next().await != Touched::Everything {}
    });
    told.await.unwrap();
}

#[test]
fn what_is_watched_of_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(root.join("dotfiles")).unwrap();
    fs::write(root.join("dotfiles/c"), "").unwrap();
    std::os::unix::fs::symlink("dotfiles/c", root.join("c")).unwrap();
    for (path, points) in [
        ("dotfiles/c", &["dotfiles/c"][..]),
        ("c", &["dotfiles/c", "c"]),
        ("dotfiles/../c", &["dotfiles/c", "c"]),
        ("dotfiles/new", &["dotfiles/new"]),
        ("no/folder", &["no/folder"]),
    ] {
        let expected: Vec<PathBuf> = points.iter().map(|point| root.join(point)).collect();
        assert_eq!(Watch::points(&root.join(path)), expected, "{path}");
    }
}
