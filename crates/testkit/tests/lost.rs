//! What is lost, with real processes: packs of the repository, and the manager's last day.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;

use testkit::{Cluster, Document, Options, wait_for};

fn start() -> (Cluster, Document, Document) {
    let mut cluster = Cluster::prepare(&Options { agents: 2, namespaces: false });
    cluster.start_manager();
    for agent in 0..2 {
        cluster.enrol(agent);
        cluster.start_agent(agent);
    }
    let left = Document::new(cluster.agents[0].file("a.json"), 0, "anna");
    let right = Document::new(cluster.agents[1].file("b.toml"), 1, "bert");
    let (from, to) = (address("a", &left), address("b", &right));
    cluster.ok(&cluster.manager, &["link", "words", &from, &to, "--from", &from, "--yes"]);
    // Both forms are in the history.
    right.add("mine");
    arrives(&left, "mine");
    cluster.in_sync("words");
    (cluster, left, right)
}

fn address(name: &str, document: &Document) -> String {
    format!("{name}:{}#{}", document.path.display(), document.selector())
}

fn arrives(document: &Document, word: &str) {
    wait_for(&format!("{word} arrives"), || document.portion().contains(word).then_some(()));
}

fn stop(cluster: &mut Cluster) {
    for agent in 0..2 {
        cluster.agents[agent].process.take().unwrap().stop();
    }
    cluster.manager.process.take().unwrap().stop();
}

fn start_again(cluster: &mut Cluster) {
    cluster.start_manager();
    for agent in 0..2 {
        cluster.start_agent(agent);
    }
}

fn log(cluster: &Cluster) -> Vec<serde_json::Value> {
    cluster.json(&cluster.manager, &["log", "words"]).as_array().unwrap().clone()
}

/// Every pack goes; the index files go on telling of them.
fn lose_packs(cluster: &Cluster) {
    for folder in std::fs::read_dir(cluster.repository().join("data")).unwrap() {
        let folder = folder.unwrap().path();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
    }
}

/// The second machine waits for a version that is lost; what the first one does then ends that.
fn check(cluster: &mut Cluster, left: &Document, right: &Document, stopped: bool, mend: impl FnOnce(&Cluster)) {
    let to = address("b", right);
    cluster.ok(&cluster.manager, &["pause", "words", &to]);
    let before = log(cluster).len();
    left.add("unread");
    wait_for("the commit", || (log(cluster).len() > before).then_some(()));
    if stopped {
        stop(cluster);
        lose_packs(cluster);
        start_again(cluster);
    } else {
        lose_packs(cluster);
    }
    let held = right.read();
    cluster.ok(&cluster.manager, &["resume", "words", &to]);
    wait_for("the cause names what is lost", || {
        let status = cluster.json(&cluster.manager, &["status", "words"]);
        let head = status[0]["head"].as_str()?[..8].to_owned();
        let members = status[0]["members"].as_array()?.clone();
        let cause = members.iter().find(|m| m["agent"] == "b")?["cause"].as_str()?.to_owned();
        cause.contains(&format!("the repository has lost the copy of version {head}")).then_some(())
    });
    assert_eq!(right.read(), held, "nothing is written");
    let verified = cluster.run(&cluster.agents[1], &["repo", "verify"]);
    let said = String::from_utf8([verified.stdout, verified.stderr].concat()).unwrap();
    assert!(said.contains("it is in a:") && verified.status.code() == Some(1), "{said}");
    // What the other machine's file holds is an older version: it is whole again.
    assert!(said.contains("lost, and made again from a file here"), "{said}");
    mend(cluster);
    cluster.in_sync("words");
    for word in ["mine", "unread"] {
        assert!(left.portion().contains(word) && right.portion().contains(word), "{word}");
    }
    right.add("back");
    arrives(left, "back");
    cluster.in_sync("words");
}

#[test]
fn packs_that_were_lost_while_nobody_ran_are_made_again_from_the_files() {
    let (mut cluster, left, right) = start();
    check(&mut cluster, &left, &right, true, |cluster| {
        let (files, versions) = (left.read(), log(cluster).len());
        let verified = cluster.run(&cluster.agents[0], &["repo", "verify"]);
        let said = String::from_utf8([verified.stdout, verified.stderr].concat()).unwrap();
        assert!(said.contains("lost, and made again from a file here"), "{said}");
        assert_eq!(left.read(), files, "the file that holds it stays as it is");
        assert_eq!(log(cluster).len(), versions);
        // A further time there is nothing to make again.
        cluster.in_sync("words");
        let verified = cluster.run(&cluster.agents[0], &["repo", "verify", "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
        let lost = told["lost"].as_array().unwrap();
        assert!(lost.iter().all(|lost| lost["head"] == false && lost["again"] == false), "{told}");
        assert_eq!(log(cluster).len(), versions);
    });
}

#[test]
fn packs_that_are_lost_while_all_run_are_made_good_by_the_next_edit() {
    let (mut cluster, left, right) = start();
    check(&mut cluster, &left, &right, false, |_| left.add("next"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The manager's folder is put back as it was yesterday. Agents know more: nothing of it is lost, and no version's id comes twice. One
/// restore was under way, to a machine that was off.
#[test]
fn a_manager_that_was_put_back_from_yesterdays_backup() {
    let (mut cluster, left, right) = start();
    let (own, kept) = (cluster.manager.home.join("manager"), cluster.root().join("yesterday"));
    let ids = |cluster: &Cluster| -> BTreeSet<String> {
        log(cluster).iter().map(|v| v["version"].as_str().unwrap().to_owned()).collect()
    };
    let known = ids(&cluster);
    cluster.manager.process.take().unwrap().stop();
    copy(&own, &kept);
    cluster.start_manager();
    left.add("today");
    arrives(&right, "today");
    right.add("there");
    arrives(&left, "there");
    cluster.in_sync("words");
    cluster.agents[1].process.take().unwrap().kill();
    let before = log(&cluster).len();
    left.add("late");
    wait_for("the commit", || (log(&cluster).len() > before).then_some(()));
    let forgotten = ids(&cluster);
    assert!(known.is_subset(&forgotten) && known.len() < forgotten.len());

    cluster.manager.process.take().unwrap().kill();
    std::fs::remove_dir_all(&own).unwrap();
    copy(&kept, &own);
    cluster.start_manager();
    // The first machine may have told of more already.
    assert!(known.is_subset(&ids(&cluster)));
    cluster.start_agent(1);
    // The manager cannot know which of two contents that it never heard of is the newer one: they are merged, or a person chooses.
    settle(&cluster, &left);
    for word in ["mine", "today", "there", "late"] {
        assert!(left.portion().contains(word) && right.portion().contains(word), "{word}");
    }
    let now: Vec<String> = log(&cluster).iter().map(|v| v["version"].as_str().unwrap().to_owned()).collect();
    let new: BTreeSet<&String> = now.iter().filter(|id| !known.contains(*id)).collect();
    assert!(!new.is_empty() && new.iter().all(|id| !forgotten.contains(*id)), "no id is used again");
    assert_eq!(now.iter().collect::<BTreeSet<_>>().len(), now.len());
    left.add("after");
    arrives(&right, "after");
    right.add("and back");
    arrives(&left, "and back");
    cluster.in_sync("words");
    let quiet = log(&cluster).len();
    cluster.in_sync("words");
    assert_eq!(log(&cluster).len(), quiet, "nothing echoes");
}

/// A machine that was off while both sides went on, and the manager restarted meanwhile: how long that was makes no difference.
#[test]
fn a_machine_that_was_away_while_both_sides_were_edited() {
    let (mut cluster, left, right) = start();
    cluster.agents[1].process.take().unwrap().stop();
    for word in 0..20 {
        left.add(&format!("l{word}x"));
        wait_for("each is a version", || (log(&cluster).len() > word + 2).then_some(()));
        right.add(&format!("r{word}x"));
    }
    cluster.manager.process.take().unwrap().stop();
    cluster.start_manager();
    let own = right.read();
    cluster.start_agent(1);
    wait_for("what meets is shown", || {
        (cluster.json(&cluster.manager, &["status", "words"])[0]["state"] == "conflict").then_some(())
    });
    assert_eq!(right.read(), own, "each file keeps what its user wrote");
    settle(&cluster, &left);
    for word in 0..20 {
        assert!(
            left.portion().contains(&format!("l{word}x")) && right.portion().contains(&format!("l{word}x")),
            "{word}"
        );
    }
    // What stood in the other file when it came back, 20 words in one edit, is a version; its snapshot is made soon.
    wait_for("what was replaced is kept", || {
        let kept = cluster.contents();
        let whole = |content: &[u8]| {
            let text = String::from_utf8_lossy(content);
            (0..20).all(|word| text.contains(&format!("r{word}x")))
        };
        kept.iter().any(|(_, content)| whole(content)).then_some(())
    });
}

/// Waits until it is in sync; where two edits do not go together, a person takes the first machine's.
fn settle(cluster: &Cluster, left: &Document) {
    wait_for("it is in sync", || {
        let state = cluster.json(&cluster.manager, &["status", "words"])[0]["state"].clone();
        if state == "conflict" {
            // It may have been merged meanwhile.
            cluster.run(&cluster.manager, &["resolve", "words", "--take", &address("a", left), "--yes"]);
        }
        (state == "in-sync").then_some(())
    });
}
