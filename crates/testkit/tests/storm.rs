//! Many edits at random moments on both sides, in network namespaces; and the same with `kill -9` in a loop.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use testkit::words::{Group, check_files, groups, no_echo, resolve_all, settle, wait_for_snapshots};
use testkit::{Cluster, KINDS, Options, Random};

fn check(cluster: &Cluster, groups: &[Group], words: &[String]) {
    check_files(groups);
    wait_for_snapshots(cluster, words.iter().map(String::as_str));
}

#[test]
fn a_thousand_edits_on_both_sides_of_twenty_groups_arrive() {
    let mut random = Random::from_environment();
    let cluster = Cluster::start(&Options { agents: 2, namespaces: true });
    let groups = groups(&cluster, 20);
    cluster.in_sync("");
    let mut words = Vec::new();
    let mut resolved = 0;
    for n in 0..1_000 {
        let group = random.below(groups.len());
        let word = format!("word{n}");
        groups[group].edit(&mut random, &word);
        words.push(word);
        // Random moments: bursts, and gaps in which things arrive.
        if random.chance(70) {
            std::thread::sleep(Duration::from_millis(random.below(40) as u64));
        }
        if n % 100 == 99 {
            resolved += resolve_all(&cluster, &mut random);
        }
    }
    resolved += settle(&cluster, &mut random);
    check(&cluster, &groups, &words);
    let (versions, merges) = no_echo(&cluster, &groups, words.len(), resolved);
    println!("1000 edits, {versions} versions, {merges} merges, {resolved} conflicts ended");
    assert!(versions >= 500, "most edits are versions of their own");
    // How many edits meet depends on the machine; most that do go together.
    assert!(merges >= 5 && merges > resolved / 2, "{merges} merges, {resolved} conflicts");
}

#[test]
fn two_hundred_kills_lose_nothing() {
    let mut random = Random::from_environment();
    let mut cluster = Cluster::start(&Options { agents: 2, namespaces: false });
    let groups = groups(&cluster, KINDS);
    cluster.in_sync("");
    let mut words = Vec::new();
    let mut resolved = 0;
    for kill in 0..200 {
        for _ in 0..random.below(4) {
            let group = random.below(groups.len());
            let word = format!("word{}", words.len());
            groups[group].edit(&mut random, &word);
            words.push(word);
            std::thread::sleep(Duration::from_millis(random.below(8) as u64));
        }
        match random.below(3) {
            0 => {
                cluster.manager.process.take().unwrap().kill();
                cluster.start_manager();
            }
            agent => {
                cluster.agents[agent - 1].process.take().unwrap().kill();
                cluster.start_agent(agent - 1);
            }
        }
        if kill % 50 == 49 {
            resolved += resolve_all(&cluster, &mut random);
        }
    }
    resolved += settle(&cluster, &mut random);
    check(&cluster, &groups, &words);
    let (_, merges) = no_echo(&cluster, &groups, words.len(), resolved);
    println!("200 kills, {} edits, {merges} merges, {resolved} conflicts ended", words.len());
    // The lock of a writer that was killed is stale; restic knows that by itself.
    for agent in &mut cluster.agents {
        agent.process.take().unwrap().stop();
    }
    cluster.restic_check();
}
