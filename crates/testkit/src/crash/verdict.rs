//! What has to be true after crashes: promises 1 to 5, and nothing left beside the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::rounds::{Crashes, Totals};
use crate::process::wait_for;
use crate::words::{self, words_of};

/// A displaced file is kept for two seconds, and deleted a second later at most.
const TIDY: Duration = Duration::from_secs(20);

/// What was so at the beginning.
pub(super) struct Verdict {
    /// What stands around the portions, by group and side.
    rests: Vec<[String; 2]>,
}

impl Verdict {
    pub(super) fn begin(crashes: &Crashes) -> Verdict {
        Verdict { rests: rests(crashes) }
    }

    /// Waits until everything is in sync, and checks.
    pub(super) fn check(&self, crashes: &mut Crashes) {
        crashes.resolved += words::settle(&crashes.cluster, &mut crashes.random);
        words::check_files(&crashes.groups);
        assert_eq!(rests(crashes), self.rests, "somebody wrote around the portions");
        no_word_lost(crashes);
        let (versions, merges) =
            words::no_echo(&crashes.cluster, &crashes.groups, crashes.words.len(), crashes.resolved);
        crashes.totals.versions = (versions, merges, crashes.resolved);
        nothing_left_beside(crashes);
    }

    /// The last checks; the cluster ends.
    pub(super) fn end(&self, mut crashes: Crashes) -> Totals {
        let before = jobs(&crashes);
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(jobs(&crashes), before, "a quiet system makes no jobs and no versions");
        for agent in &mut crashes.cluster.agents {
            agent.process.take().unwrap().stop();
        }
        crashes.cluster.restic_check();
        crashes.totals.words = crashes.words.len();
        crashes.totals.reached = crashes.reached();
        crashes.totals.clone()
    }
}

fn rests(crashes: &Crashes) -> Vec<[String; 2]> {
    crashes.groups.iter().map(|group| [&group.documents[0], &group.documents[1]].map(|d| d.rest())).collect()
}

fn jobs(crashes: &Crashes) -> Vec<serde_json::Value> {
    let lists = |name: &str| ["jobs", "log"].map(|list| crashes.cluster.json(&crashes.cluster.manager, &[list, name]));
    // A seal may still come.
    let jobs_and_versions = |[jobs, log]: [serde_json::Value; 2]| {
        let ids = log.as_array().unwrap().iter().map(|version| version["version"].clone()).collect();
        [jobs, serde_json::Value::Array(ids)]
    };
    crashes.groups.iter().flat_map(|group| jobs_and_versions(lists(&group.name))).collect()
}

/// Every word is in a version that can be shown: in a snapshot, or (where a power cut took the note that it was not sealed yet) where
/// its version says that it lies.
fn no_word_lost(crashes: &mut Crashes) {
    let mut lost = Vec::new();
    for _ in 0..3 {
        lost = words_not_in_snapshots(crashes);
        if lost.is_empty() {
            return;
        }
        // The last copies are sealed within a second.
        std::thread::sleep(Duration::from_millis(700));
    }
    let mut shown = BTreeSet::new();
    for group in &crashes.groups {
        let log = crashes.cluster.json(&crashes.cluster.manager, &["log", &group.name]);
        for version in log.as_array().unwrap().iter().filter(|version| version["snapshot"].is_null()) {
            let name = format!("{}@{}", group.name, version["version"].as_str().unwrap());
            shown.extend(words_of(&crashes.cluster.ok(&crashes.cluster.manager, &["show", &name])));
        }
    }
    lost.retain(|word| !shown.contains(word));
    assert!(lost.is_empty(), "in no version: {lost:?}{}", crashes.cluster.logs());
}

fn words_not_in_snapshots(crashes: &Crashes) -> Vec<String> {
    let kept: BTreeSet<String> = crashes
        .cluster
        .contents()
        .iter()
        .flat_map(|(_, content)| words_of(&String::from_utf8_lossy(content)))
        .collect();
    crashes.words.iter().filter(|word| !kept.contains(*word)).cloned().collect()
}

/// No temporary file stays beside the files, and nothing is kept aside: nobody wrote to a file that was open.
fn nothing_left_beside(crashes: &Crashes) {
    let folders: Vec<PathBuf> = crashes.cluster.agents.iter().map(|agent| agent.files.clone()).collect();
    let start = Instant::now();
    let left = wait_for("what is left beside the files stays", || {
        let left: Vec<PathBuf> = folders.iter().flat_map(|folder| beside(folder)).collect();
        let some = !left.is_empty();
        (!some || start.elapsed() > TIDY).then_some(left)
    });
    assert!(left.is_empty(), "left: {left:?}{}", crashes.cluster.logs());
}

fn beside(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.to_string_lossy().contains(".inlay-")).collect()
}
