//! Groups of two files to which people add words, each word once: so that an edit can be told from every other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::editor::{Document, KINDS};
use crate::process::wait_for;
use crate::random::Random;

/// A group of two members, one on each of the first two agents.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its files: the first agent's, the second one's.
    pub documents: [Document; 2],
}

/// Makes and links groups, of every kind of file.
pub fn groups(cluster: &Cluster, count: usize) -> Vec<Group> {
    (0..count)
        .map(|n| {
            let name = format!("g{n}");
            // Values travel between the first four formats, texts between the two others, rows between databases.
            let (left, right) = match n % KINDS {
                kind @ 0..4 => (kind, (n / 2) % 4),
                kind @ 4..6 => (kind, 4 + n % 2),
                kind => (kind, kind),
            };
            let documents = [(0, left), (1, right)].map(|(agent, kind)| {
                Document::new(cluster.agents[agent].file(&format!("{name}-{kind}")), kind, &format!("owner{agent}"))
            });
            let addresses: Vec<String> = documents
                .iter()
                .zip(&cluster.agents)
                .map(|(document, agent)| format!("{}:{}#{}", agent.name, document.path.display(), document.selector()))
                .collect();
            let mut arguments =
                vec!["link", &name, &addresses[0], &addresses[1], "--from", &addresses[0], "--yes", "-q"];
            arguments.extend(documents[0].key().iter().flat_map(|key| ["--key", key]));
            cluster.ok(&cluster.manager, &arguments);
            Group { name, documents }
        })
        .collect()
}

impl Group {
    /// Somebody adds a word on one of the sides: mostly each at an end of its own, which goes together, otherwise at the other's.
    pub fn edit(&self, random: &mut Random, word: &str) {
        let side = random.below(2);
        self.edit_on(side, random, word);
    }

    /// The same, on this side.
    pub fn edit_on(&self, side: usize, random: &mut Random, word: &str) {
        self.documents[side].insert(word, (side == 0) == random.chance(80));
    }
}

/// Ends every conflict, as a person would; returns how many there were.
pub fn resolve_all(cluster: &Cluster, random: &mut Random) -> usize {
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

/// Waits until everything is in sync, ending conflicts on the way; returns how many.
pub fn settle(cluster: &Cluster, random: &mut Random) -> usize {
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

/// Promises 1 and 3: both files of each group say the same, and the rest of each is its owner's.
pub fn check_files(groups: &[Group]) {
    for group in groups {
        let [left, right] = &group.documents;
        let (left_words, right_words) = (words_of(&left.portion()), words_of(&right.portion()));
        assert_eq!(left_words, right_words, "{}", group.name);
        assert!(left.rest().contains("owner0") && right.rest().contains("owner1"));
    }
}

/// Promise 2: each of these words is in a snapshot, once their writers have sealed them.
pub fn wait_for_snapshots<'a>(cluster: &Cluster, words: impl Iterator<Item = &'a str> + Clone) {
    wait_for("every word is in a snapshot", || {
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (_, content) in cluster.contents() {
            kept.extend(words_of(&String::from_utf8(content).unwrap()));
        }
        let lost: Vec<&str> = words.clone().filter(|word| !kept.contains(*word)).collect();
        if !lost.is_empty() {
            println!("not in a snapshot: {lost:?}");
        }
        lost.is_empty().then_some(())
    });
}

/// The words that a text holds.
pub fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| w.starts_with("word"))
        .filter(|w| *w != "words")
        .map(str::to_owned)
        .collect()
}

/// Promise 4: a version for each edit at the most, and for each join, merge and resolve: nothing echoes.
///
/// Returns how many versions there are, and how many of these are merges.
pub fn no_echo(cluster: &Cluster, groups: &[Group], words: usize, resolved: usize) -> (usize, usize) {
    let versions: Vec<serde_json::Value> = groups
        .iter()
        .flat_map(|g| cluster.json(&cluster.manager, &["log", &g.name]).as_array().unwrap().clone())
        .collect();
    let merges = versions.iter().filter(|version| version["kind"] == "merge").count();
    let (versions, most) = (versions.len(), words + 2 * groups.len() + resolved + merges);
    assert!(versions <= most, "{versions} versions for {words} edits, {merges} merges, {resolved} resolutions");
    (versions, merges)
}
