//! Many edits at random moments on both sides, in network namespaces; and the same with `kill -9` in a loop.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use testkit::{Cluster, Document, KINDS, Options, Random, wait_for};

struct Group {
    name: String,
    documents: [Document; 2],
}

fn groups(cluster: &Cluster, count: usize) -> Vec<Group> {
    (0..count)
        .map(|n| {
            let name = format!("g{n}");
            // Values travel between the first four formats, texts between the others.
            let (left, right) = match n % KINDS {
                kind @ 0..4 => (kind, (n / 2) % 4),
                kind => (kind, 4 + n % 2),
            };
            let documents = [(0, left), (1, right)].map(|(agent, kind)| {
                Document::new(cluster.agents[agent].file(&format!("{name}-{kind}")), kind, &format!("owner{agent}"))
            });
            let addresses: Vec<String> = documents
                .iter()
                .zip(&cluster.agents)
                .map(|(document, agent)| format!("{}:{}#{}", agent.name, document.path.display(), document.selector()))
                .collect();
            let arguments = ["link", &name, &addresses[0], &addresses[1], "--from", &addresses[0], "--yes", "-q"];
            cluster.ok(&cluster.manager, &arguments);
            Group { name, documents }
        })
        .collect()
}

/// Somebody adds a word on one of the sides: mostly each at an end of its own, which goes together, otherwise at the other's.
fn edit(group: &Group, random: &mut Random, word: &str) {
    let side = random.below(2);
    group.documents[side].insert(word, (side == 0) == random.chance(80));
}

/// Ends every conflict, as a person would; returns how many there were.
fn resolve_all(cluster: &Cluster, random: &mut Random) -> usize {
    let status = cluster.json(&cluster.manager, &["status"]);
    let mut resolved = 0;
    for group in status.as_array().unwrap().iter().filter(|g| g["state"] == "conflict") {
        let members = group["members"].as_array().unwrap();
        let version = members[random.below(members.len())]["version"].as_str().unwrap();
        let name = group["group"].as_str().unwrap();
        let output = cluster.run(&cluster.manager, &["resolve", name, "--take", version, "--yes"]);
        resolved += usize::from(output.status.success());
    }
    resolved
}

/// Waits until everything is in sync, ending conflicts on the way.
fn settle(cluster: &Cluster, random: &mut Random) -> usize {
    let start = Instant::now();
    let mut resolved = 0;
    loop {
        resolved += resolve_all(cluster, random);
        if cluster.run(&cluster.manager, &["status", "--wait=5", "-q"]).status.success() {
            return resolved;
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "not in sync: {}{}",
            cluster.ok(&cluster.manager, &["status"]),
            cluster.logs()
        );
    }
}

fn check(cluster: &Cluster, groups: &[Group], words: &[(usize, String)]) {
    for group in groups {
        let [left, right] = &group.documents;
        let (left_words, right_words) = (words_of(&left.portion()), words_of(&right.portion()));
        assert_eq!(left_words, right_words, "{}", group.name);
        assert!(left.rest().contains("owner0") && right.rest().contains("owner1"));
    }
    // The last copies are in a snapshot once their writers have sealed them.
    wait_for("every word is in a snapshot", || {
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (_, content) in cluster.contents() {
            kept.extend(words_of(&String::from_utf8(content).unwrap()));
        }
        let lost: Vec<&(usize, String)> = words.iter().filter(|(_, word)| !kept.contains(word)).collect();
        if !lost.is_empty() {
            println!("not in a snapshot: {lost:?}");
        }
        lost.is_empty().then_some(())
    });
}

fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| w.starts_with("word"))
        .filter(|w| *w != "words")
        .map(str::to_owned)
        .collect()
}

/// A version for each edit at the most, and for each join, merge and resolve: nothing echoes.
///
/// Returns how many versions there are, and how many of these are merges.
fn no_echo(cluster: &Cluster, groups: &[Group], words: &[(usize, String)], resolved: usize) -> (usize, usize) {
    let versions: Vec<serde_json::Value> = groups
        .iter()
        .flat_map(|g| cluster.json(&cluster.manager, &["log", &g.name]).as_array().unwrap().clone())
        .collect();
    let merges = versions.iter().filter(|version| version["kind"] == "merge").count();
    let (versions, most) = (versions.len(), words.len() + 2 * groups.len() + resolved + merges);
    assert!(versions <= most, "{versions} versions for {} edits, {merges} merges, {resolved} resolutions", words.len());
    (versions, merges)
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
        edit(&groups[group], &mut random, &word);
        words.push((group, word));
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
    let (versions, merges) = no_echo(&cluster, &groups, &words, resolved);
    println!("1000 edits, {versions} versions, {merges} merges, {resolved} conflicts ended");
    assert!(versions >= 500, "most edits are versions of their own");
    // How many edits meet depends on the machine; most that do go together.
    assert!(merges >= 5 && merges > resolved / 2, "{merges} merges, {resolved} conflicts");
}

#[test]
fn two_hundred_kills_lose_nothing() {
    let mut random = Random::from_environment();
    let mut cluster = Cluster::start(&Options { agents: 2, namespaces: false });
    let groups = groups(&cluster, 6);
    cluster.in_sync("");
    let mut words = Vec::new();
    let mut resolved = 0;
    for kill in 0..200 {
        for _ in 0..random.below(4) {
            let group = random.below(groups.len());
            let word = format!("word{}", words.len());
            edit(&groups[group], &mut random, &word);
            words.push((group, word));
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
    let (_, merges) = no_echo(&cluster, &groups, &words, resolved);
    println!("200 kills, {} edits, {merges} merges, {resolved} conflicts ended", words.len());
    // The lock of a writer that was killed is stale; restic knows that by itself.
    for agent in &mut cluster.agents {
        agent.process.take().unwrap().stop();
    }
    cluster.restic_check();
}
