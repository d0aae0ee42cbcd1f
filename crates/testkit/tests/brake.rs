//! A program gone wild on one machine, with real processes: what its brake holds back stays where it is, and goes nowhere, until a person
//! has looked.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;

use testkit::{Cluster, Options, wait_for};

const GROUPS: usize = 30;
/// What the policy allows if it says nothing.
const LIMIT: usize = 20;

/// Two machines, 30 groups; the first machine's policy says `policy`, too.
fn start(policy: &str) -> Cluster {
    let mut cluster = Cluster::prepare(&Options { agents: 2, namespaces: false });
    cluster.start_manager();
    for agent in 0..2 {
        cluster.enrol(agent);
        if agent == 0 {
            let file = cluster.agents[0].home.join("agent/allow.toml");
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{text}\n{policy}")).unwrap();
        }
        cluster.start_agent(agent);
    }
    for group in 0..GROUPS {
        let (here, there) =
            (cluster.agents[0].file(&format!("{group}.env")), cluster.agents[1].file(&format!("{group}.env")));
        std::fs::write(&here, format!("OWN=a\nWORD=calm{group}\n")).unwrap();
        std::fs::write(&there, "OWN=b\n").unwrap();
        let (here, there) = (format!("a:{}#/WORD", here.display()), format!("b:{}#/WORD", there.display()));
        cluster.ok(&cluster.manager, &["link", &name(group), &here, &there, "--from", &here, "--yes", "-q"]);
    }
    cluster.in_sync("");
    cluster
}

fn name(group: usize) -> String {
    format!("g{group:02}")
}

/// One command writes into all files of the first machine.
fn sed(cluster: &Cluster, script: &str) {
    let files = (0..GROUPS).map(|group| cluster.agents[0].file(&format!("{group}.env")));
    let status = std::process::Command::new("sed").args(["-i", script]).args(files).status().unwrap();
    assert!(status.success());
}

/// The groups in which a machine's files say that.
fn say(cluster: &Cluster, agent: usize, word: &str) -> BTreeSet<usize> {
    let says = |path: &Path| std::fs::read_to_string(path).unwrap().contains(&format!("WORD={word}"));
    (0..GROUPS).filter(|group| says(&cluster.agents[agent].file(&format!("{group}.env")))).collect()
}

/// The groups of which the brake holds back what the first machine has; the others are in sync.
fn held(cluster: &Cluster) -> Option<BTreeSet<usize>> {
    let status = cluster.json(&cluster.manager, &["status"]);
    let mut held = BTreeSet::new();
    for (number, group) in status.as_array().unwrap().iter().enumerate() {
        assert_eq!(group["group"], name(number));
        let braked = |m: &serde_json::Value| m["agent"] == "a" && m["braked"] == true && m["state"] == "suspended";
        let members = group["members"].as_array().unwrap();
        match members.iter().find(|m| braked(m)) {
            Some(member) => {
                let cause = member["cause"].as_str().unwrap();
                assert!(cause.starts_with("brake: 21 groups changed within 60 s on this machine"), "{cause}");
                held.insert(number);
            }
            None if group["state"] == "in-sync" => {}
            None => return None,
        }
    }
    Some(held)
}

#[test]
fn a_program_that_writes_into_everything() {
    let mut cluster = start("");
    sed(&cluster, "s/calm/wild/");
    let waits =
        wait_for("what is too much is held back", || held(&cluster).filter(|held| held.len() == GROUPS - LIMIT));
    let went_out: BTreeSet<usize> = (0..GROUPS).filter(|group| !waits.contains(group)).collect();
    let check = |cluster: &Cluster| {
        assert_eq!(say(cluster, 1, "wild"), went_out, "what went out is what the policy allows");
        assert_eq!(say(cluster, 1, "calm"), waits, "the rest of the other machine's files is as it was");
        assert_eq!(say(cluster, 0, "wild").len(), GROUPS, "and nothing is written over what the program wrote");
    };
    check(&cluster);
    let shown = cluster.ok(&cluster.manager, &["status"]);
    assert!(shown.contains("a is braked: 10 edits held back"), "{shown}");

    // A restart, or a kill, is no way to a new budget, and the brake stays on for what comes then.
    cluster.agents[0].process.take().unwrap().kill();
    cluster.start_agent(0);
    wait_for("it is held back again", || held(&cluster).filter(|held| *held == waits));
    check(&cluster);
    sed(&cluster, "s/wild/wilder/");
    wait_for("all of it is held back now", || held(&cluster).filter(|held| held.len() == GROUPS));
    assert_eq!(say(&cluster, 1, "wilder"), BTreeSet::new());

    // One group is let go, in another the content is brought back, and nothing else follows from that.
    let (one, other) = (*waits.first().unwrap(), *waits.last().unwrap());
    let file = format!("a:{}#/WORD", cluster.agents[0].file(&format!("{one}.env")).display());
    cluster.ok(&cluster.agents[0], &["accept", &name(one), &file, "--yes"]);
    cluster.ok(&cluster.manager, &["restore", &format!("{}@head", name(other)), "--yes"]);
    wait_for("both are in sync", || held(&cluster).filter(|held| held.len() == GROUPS - 2));
    assert_eq!(say(&cluster, 1, "wilder"), BTreeSet::from([one]));
    assert!(say(&cluster, 0, "calm").contains(&other) && say(&cluster, 1, "calm").contains(&other));

    let refused = cluster.run(&cluster.manager, &["accept", "--machine", "b", "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    cluster.ok(&cluster.manager, &["accept", "--machine", "a", "--yes"]);
    cluster.in_sync("");
    let all: BTreeSet<usize> = (0..GROUPS).filter(|group| *group != other).collect();
    assert_eq!(say(&cluster, 1, "wilder"), all);
    assert_eq!(held(&cluster), Some(BTreeSet::new()));
    // Nothing is lost: what was brought back is a version, too.
    let log = cluster.json(&cluster.manager, &["log", &name(other)]);
    assert!(log.as_array().unwrap().iter().any(|version| version["branch"] == true), "{log}");
    let b = std::fs::read_to_string(cluster.agents[1].file("3.env")).unwrap();
    assert!(b.starts_with("OWN=b\n"), "{b}");
}

#[test]
fn the_policy_is_this_machines_own_and_read_as_it_is() {
    let cluster = start("[brake]\ngroups = 3\n");
    sed(&cluster, "s/calm/wild/");
    let all_but_three = |cluster: &Cluster| {
        let shown = cluster.ok(&cluster.manager, &["status"]);
        shown.contains("a is braked: 27 edits held back").then_some(())
    };
    wait_for("what is too much is held back", || all_but_three(&cluster));
    assert!(say(&cluster, 1, "wild").len() <= 3);
    let policy = cluster.agents[0].home.join("agent/allow.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("groups = 3", "groups = 0")).unwrap();
    wait_for("without a brake everything goes on", || (say(&cluster, 1, "wild").len() == GROUPS).then_some(()));
    cluster.in_sync("");
}
