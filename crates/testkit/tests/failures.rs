//! What happens when something fails: what the user is told, that nothing is lost and nothing is written elsewhere, and that it
//! goes on by itself, without a restart, once the cause has gone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use testkit::{Cluster, Disk, Document, KINDS, Options, wait_for};

/// Recovery may take this long once the cause has gone: a member that failed looks again every five seconds.
const RECOVERY: Duration = Duration::from_secs(12);

/// Two agents; the second one's file lies in the folder `disk` among its files, and is kept the same as the first one's.
struct Pair {
    left: Document,
    right: Document,
}

fn start(unprivileged: bool) -> Cluster {
    let mut cluster = Cluster::prepare(&Options { agents: 2, namespaces: false });
    cluster.start_manager();
    cluster.enrol(0);
    cluster.start_agent(0);
    cluster.enrol(1);
    match unprivileged {
        true => cluster.start_agent_unprivileged(1),
        false => cluster.start_agent(1),
    }
    cluster
}

fn link(cluster: &Cluster) -> Pair {
    link_kinds(cluster, ["a.json", "b.toml"], [0, 1])
}

fn link_kinds(cluster: &Cluster, names: [&str; 2], kinds: [usize; 2]) -> Pair {
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let folder = b.file("disk");
    std::fs::create_dir_all(&folder).unwrap();
    let left = Document::new(a.file(names[0]), kinds[0], "anna");
    let right = Document::new(folder.join(names[1]), kinds[1], "bert");
    let address =
        |name: &str, document: &Document| format!("{name}:{}#{}", document.path.display(), document.selector());
    let (from, to) = (address("a", &left), address("b", &right));
    let mut arguments = vec!["link", "words", &from, &to, "--from", &from, "--yes"];
    arguments.extend(left.key().iter().flat_map(|key| ["--key", key]));
    cluster.ok(&cluster.manager, &arguments);
    cluster.in_sync("words");
    Pair { left, right }
}

/// What `inlay status` shows once it shows a cause of agent `agent`: that member's state and cause, and the advice.
fn told(cluster: &Cluster, agent: &str, cause: &str) -> String {
    wait_for(&format!("status says: {cause}"), || {
        let shown = cluster.run(&cluster.manager, &["status", "words"]);
        let shown = String::from_utf8([shown.stdout, shown.stderr].concat()).unwrap();
        let root = std::fs::canonicalize(cluster.root()).unwrap();
        let shown =
            shown.replace(&root.display().to_string(), "ROOT").replace(&cluster.root().display().to_string(), "ROOT");
        let lines: Vec<&str> = shown.lines().collect();
        let member = lines.iter().position(|line| line.contains(&format!("  {agent}:")))?;
        let found = lines.get(member + 1)?.trim();
        let state = lines[member].split_whitespace().next()?;
        let advice = lines.last()?.trim();
        found.contains(cause).then(|| format!("{state}: {found}\n{advice}\n"))
    })
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

/// One failure on the second agent's side: an edit is made on the first while it lasts.
fn check(
    cluster: &Cluster,
    pair: &Pair,
    fail: impl FnOnce(),
    cause: &str,
    expected: expect_test::Expect,
    mend: impl FnOnce(),
) {
    let Pair { left, right } = pair;
    let folder = right.path.parent().unwrap();
    let (before, rest, held) = (right.read(), right.rest(), names(folder));
    fail();
    left.add("during");
    expected.assert_eq(&told(cluster, "b", cause));
    left.add("later");
    mend();
    let mended = Instant::now();
    cluster.in_sync("words");
    let took = mended.elapsed();
    assert!(took < RECOVERY, "it took {took:?}");
    assert_ne!(right.read(), before);
    for word in ["during", "later"] {
        assert!(right.portion().contains(word), "{word} arrives");
    }
    assert_eq!(right.rest(), rest, "the rest is its user's own");
    right.add("back");
    wait_for("an edit arrives on the other side", || left.portion().contains("back").then_some(()));
    cluster.in_sync("words");
    // What was displaced goes a few seconds later.
    wait_for("nothing remains beside the file", || (names(folder) == held).then_some(()));
    println!("in sync after {took:?}");
}

#[test]
fn a_full_disk() {
    let cluster = start(false);
    let disk = Disk::memory(&cluster.agents[1].file("disk"), "size=128k");
    let pair = link(&cluster);
    let expected = expect_test::expect![[r#"
        suspended: disk full: beside the file there is no room for its new contents (or no inode); make room
        → put the cause right, and it goes on by itself
    "#]];
    check(&cluster, &pair, || disk.fill(), "disk full", expected, || disk.empty());
}

/// A file that is open in an office program: nothing is written over it, and its own edits arrive all the same.
#[test]
fn a_file_that_is_open_in_an_office_program() {
    let cluster = start(false);
    let pair = link(&cluster);
    let lock = pair.right.path.with_file_name(".~lock.b.toml#");
    let expected = expect_test::expect![[r#"
        suspended: locked by an application: it is open in an office program, which would write its own state over ours; close it there (its lock is .~lock.b.toml#, to be removed if no program has the file open)
        → put the cause right, and it goes on by itself
    "#]];
    let open = || std::fs::write(&lock, ",bert,host,;").unwrap();
    check(&cluster, &pair, open, "locked by an application", expected, || std::fs::remove_file(&lock).unwrap());
}

/// Another program's transaction on a database: one that lets others read, and one that does not.
#[test]
fn a_database_that_is_locked() {
    let cluster = start(false);
    let pair = link_kinds(&cluster, ["a.db", "b.db"], [KINDS - 1; 2]);
    for begin in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let sql = format!("BEGIN; DELETE FROM words; INSERT INTO words (word) VALUES ('{begin}'); COMMIT");
        pair.left.open().execute_batch(&sql).unwrap();
        cluster.in_sync("words");
        let other = pair.right.open();
        let expected = expect_test::expect![[r#"
            suspended: locked by an application: the database is busy
            → put the cause right, and it goes on by itself
        "#]];
        let lock = || other.execute_batch(begin).unwrap();
        check(&cluster, &pair, lock, "locked by an application", expected, || other.execute_batch("COMMIT").unwrap());
    }
}

#[test]
fn no_inodes_left() {
    let cluster = start(false);
    let disk = Disk::memory(&cluster.agents[1].file("disk"), "size=1m,nr_inodes=24");
    let pair = link(&cluster);
    let expected = expect_test::expect![[r#"
        suspended: disk full: beside the file there is no room for its new contents (or no inode); make room
        → put the cause right, and it goes on by itself
    "#]];
    check(&cluster, &pair, || disk.fill_with_files(), "disk full", expected, || disk.empty());
}

#[test]
fn a_file_system_that_became_read_only() {
    let cluster = start(false);
    let disk = Disk::memory(&cluster.agents[1].file("disk"), "size=1m");
    let pair = link(&cluster);
    let expected = expect_test::expect![[r#"
        suspended: the file's disk is read-only; make it writable
        → put the cause right, and it goes on by itself
    "#]];
    check(&cluster, &pair, || disk.read_only(true), "read-only", expected, || disk.read_only(false));
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn permission_to_write_the_folder_that_was_lost() {
    let cluster = start(true);
    let pair = link(&cluster);
    let folder = cluster.agents[1].file("disk");
    let expected = expect_test::expect![[r#"
        suspended: the agent may not write in the file's folder, or not replace the file; give it the right
        → put the cause right, and it goes on by itself
    "#]];
    check(&cluster, &pair, || set_mode(&folder, 0o500), "may not write", expected, || set_mode(&folder, 0o700));
}

#[test]
fn permission_to_read_the_file_that_was_lost() {
    let cluster = start(true);
    let pair = link(&cluster);
    let file = pair.right.path.clone();
    let expected = expect_test::expect![[r#"
        suspended: the agent may not read the file; give it the right
        → put the cause right, and it goes on by itself
    "#]];
    check(&cluster, &pair, || set_mode(&file, 0o000), "may not read", expected, || set_mode(&file, 0o644));
}

#[test]
fn a_folder_that_was_moved_away_and_back() {
    let cluster = start(false);
    let pair = link(&cluster);
    let (folder, away) = (cluster.agents[1].file("disk"), cluster.agents[1].file("away"));
    let expected = expect_test::expect![[r#"
        suspended: the file's folder is missing
        → put the cause right, and it goes on by itself
    "#]];
    let fail = || std::fs::rename(&folder, &away).unwrap();
    check(&cluster, &pair, fail, "folder", expected, || std::fs::rename(&away, &folder).unwrap());
}

#[test]
fn a_disk_that_was_unmounted_and_mounted_again() {
    let cluster = start(false);
    let b = &cluster.agents[1];
    let disk = Disk::folder(&b.file("elsewhere"), &b.file("disk"));
    let pair = link(&cluster);
    let expected = expect_test::expect![[r#"
        suspended: the file is missing
        → it goes on by itself when it is there again; `inlay restore words@head` makes it anew; `inlay unlink words b:ROOT/b/files/disk/b.toml#toml:/shared` takes it out
    "#]];
    check(&cluster, &pair, || disk.unmount(), "missing", expected, || disk.mount());
}

/// A program that writes the file in place, and is in the middle of it when a version arrives.
#[test]
fn a_file_that_is_half_written() {
    let cluster = start(false);
    let pair = link(&cluster);
    let whole = pair.right.read();
    let write = |bytes: &[u8]| std::fs::write(&pair.right.path, bytes).unwrap();
    let half = whole.len() / 2;
    let expected = expect_test::expect![[r#"
        suspended: unparsable at 3:6: unclosed table, expected `]`
        → put the cause right, and it goes on by itself
    "#]];
    let fail = || write(&whole[..half]);
    let mend = || {
        assert_eq!(pair.right.read(), whole[..half], "nobody writes into it");
        write(&whole);
    };
    check(&cluster, &pair, fail, "unparsable", expected, mend);
}

/// The agent's own home: without its journal it may say nothing and write nothing.
#[test]
fn no_room_for_the_agents_own_journal() {
    let mut cluster = Cluster::prepare(&Options { agents: 2, namespaces: false });
    let disk = Disk::memory(&cluster.agents[1].home.join("agent"), "size=256k");
    cluster.start_manager();
    for agent in 0..2 {
        cluster.enrol(agent);
        cluster.start_agent(agent);
    }
    let pair = link(&cluster);
    // What room its last block has is used up before anything fails.
    disk.fill();
    let mut words = Vec::new();
    let mut add = |document: &Document| {
        words.push(format!("word{}", words.len()));
        document.add(words.last().unwrap());
    };
    let full = || cluster.ok(&cluster.manager, &["status", "words", "--json"]).contains("disk full");
    wait_for("the journal is full", || {
        add(&pair.left);
        std::thread::sleep(Duration::from_millis(50));
        full().then_some(())
    });
    let expected = expect_test::expect![[r#"
        suspended: disk full: the agent has no room for its own journal, and does nothing without it; make room in its home
        → put the cause right, and it goes on by itself
    "#]];
    expected.assert_eq(&told(&cluster, "b", "disk full"));
    // Edits on both sides, and what it can remember nothing of is overwritten by nothing.
    add(&pair.left);
    pair.right.add("unremembered");
    told(&cluster, "b", "disk full");
    assert!(!pair.left.portion().contains("unremembered") && pair.right.portion().contains("unremembered"));
    disk.empty();
    let mended = Instant::now();
    let from = format!("b:{}#{}", pair.right.path.display(), pair.right.selector());
    wait_for("it goes on, whatever becomes of two edits that met", || {
        let status = cluster.json(&cluster.manager, &["status", "words"]);
        if status[0]["state"] == "conflict" {
            assert!(pair.right.portion().contains("unremembered"));
            // It may have been merged meanwhile.
            cluster.run(&cluster.manager, &["resolve", "words", "--take", &from, "--yes"]);
        }
        (status[0]["state"] == "in-sync").then_some(())
    });
    println!("in sync after {:?}", mended.elapsed());
    assert!(mended.elapsed() < RECOVERY, "it took {:?}", mended.elapsed());
    assert!(pair.left.portion().contains("unremembered"));
    let kept = || -> String {
        cluster.contents().iter().map(|(_, content)| String::from_utf8_lossy(content).into_owned()).collect()
    };
    wait_for("every word is in a snapshot", || {
        let kept = kept();
        words.iter().all(|word| kept.contains(&format!("\"{word}\""))).then_some(())
    });
}

fn without_ids(text: &str) -> String {
    text.split_inclusive(' ')
        .map(|word| if word.len() > 60 && word.contains('/') { "KIND/ID: " } else { word })
        .collect()
}

/// What happens to the repository while an edit waits to be copied; and while a copy waits to be read.
fn check_repository(
    cluster: &Cluster,
    pair: &Pair,
    fail: impl Fn(),
    written: (&str, expect_test::Expect),
    read: Option<(&str, expect_test::Expect)>,
    mend: impl Fn(),
) {
    let Pair { left, right } = pair;
    fail();
    left.add("during");
    written.1.assert_eq(&without_ids(&told(cluster, "a", written.0)));
    left.add("later");
    mend();
    let mended = Instant::now();
    cluster.in_sync("words");
    println!("in sync after {:?}", mended.elapsed());
    assert!(mended.elapsed() < RECOVERY, "it took {:?}", mended.elapsed());
    assert!(right.portion().contains("during") && right.portion().contains("later"));
    if let Some((cause, expected)) = read {
        let address = format!("b:{}#{}", right.path.display(), right.selector());
        cluster.ok(&cluster.manager, &["pause", "words", &address]);
        let versions = || cluster.json(&cluster.manager, &["log", "words"]).as_array().unwrap().len();
        let before = versions();
        left.add("unread");
        wait_for("the commit", || (versions() > before).then_some(()));
        fail();
        cluster.ok(&cluster.manager, &["resume", "words", &address]);
        expected.assert_eq(&without_ids(&told(cluster, "b", cause)));
        mend();
        let mended = Instant::now();
        cluster.in_sync("words");
        println!("in sync after {:?}", mended.elapsed());
        assert!(mended.elapsed() < RECOVERY, "it took {:?}", mended.elapsed());
        assert!(right.portion().contains("unread"));
    }
    right.add("back");
    wait_for("an edit arrives on the other side", || left.portion().contains("back").then_some(()));
    wait_for("every version is in a snapshot", || {
        let log = cluster.json(&cluster.manager, &["log", "words"]);
        log.as_array()?.iter().all(|version| version["snapshot"].is_string()).then_some(())
    });
}

#[test]
fn a_repository_that_was_moved_away() {
    let cluster = start(false);
    let pair = link(&cluster);
    let (folder, away) = (cluster.repository(), cluster.manager.home.join("away"));
    check_repository(
        &cluster,
        &pair,
        || std::fs::rename(&folder, &away).unwrap(),
        (
            "repository",
            expect_test::expect![[r#"
                suspended: the repository cannot be used: the repository's server refused to write KIND/ID: it failed, and its log says why (HTTP status 500)
                → put the cause right, and it goes on by itself
            "#]],
        ),
        Some((
            "repository",
            expect_test::expect![[r#"
                suspended: the repository cannot be used: no such file in the repository: KIND/ID: put the cause right, and it goes on by itself
            "#]],
        )),
        || std::fs::rename(&away, &folder).unwrap(),
    );
}

#[test]
fn a_repository_whose_disk_is_full() {
    let mut cluster = Cluster::prepare(&Options { agents: 2, namespaces: false });
    let repository = cluster.repository();
    let away = cluster.manager.home.join("made");
    std::fs::rename(&repository, &away).unwrap();
    let disk = Disk::memory(&repository, "size=8m");
    let copied =
        std::process::Command::new("cp").args(["-a", &format!("{}/.", away.display())]).arg(&repository).status();
    assert!(copied.unwrap().success());
    cluster.start_manager();
    for agent in 0..2 {
        cluster.enrol(agent);
        cluster.start_agent(agent);
    }
    let pair = link(&cluster);
    check_repository(
        &cluster,
        &pair,
        || disk.fill(),
        (
            "repository",
            expect_test::expect![[r#"
                suspended: the repository cannot be used: the repository's server refused to write KIND/ID: its disk or its quota is full (HTTP status 507)
                → put the cause right, and it goes on by itself
            "#]],
        ),
        None,
        || disk.empty(),
    );
}

#[test]
fn a_database_that_another_process_locks() {
    let cluster = start(false);
    let pair = link(&cluster);
    let database = cluster.manager.home.join("manager").join("manager.db");
    assert!(database.is_file());
    let other = rusqlite::Connection::open(&database).unwrap();
    // Longer than the manager waits for a lock.
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    pair.left.add("during");
    let log = || std::fs::read_to_string(cluster.root().join("manager.log")).unwrap();
    wait_for("the manager gives up waiting", || log().contains("locked").then_some(()));
    assert!(!pair.right.portion().contains("during"));
    // Reads go on meanwhile.
    cluster.ok(&cluster.manager, &["status", "words"]);
    other.execute_batch("COMMIT").unwrap();
    let mended = Instant::now();
    wait_for("the edit arrives", || pair.right.portion().contains("during").then_some(()));
    cluster.in_sync("words");
    assert!(mended.elapsed() < RECOVERY, "it took {:?}", mended.elapsed());
    println!("in sync after {:?}", mended.elapsed());
}
