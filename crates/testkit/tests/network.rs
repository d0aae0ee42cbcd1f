//! Links that are cut, silent, deaf or disturbed, between agents in network namespaces: agents notice, come back and catch up within
//! seconds, and edits on both sides meanwhile are in sync afterwards or a conflict that is shown.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use testkit::{Cluster, Document, Options, Random, wait_for};

/// How soon a half-open connection has to be noticed: the keepalive's interval and answer, and some room.
const NOTICED: Duration = Duration::from_secs(20);
/// How soon everything has to be in order once the link is back.
const CAUGHT_UP: Duration = Duration::from_secs(10);

struct Pair {
    cluster: Cluster,
    left: Document,
    right: Document,
    words: Vec<String>,
}

impl Pair {
    fn start() -> Pair {
        let cluster = Cluster::start(&Options { agents: 2, namespaces: true });
        let left = Document::new(cluster.agents[0].file("a.json"), 0, "anna");
        let right = Document::new(cluster.agents[1].file("b.toml"), 1, "bert");
        let address =
            |name: &str, document: &Document| format!("{name}:{}#{}", document.path.display(), document.selector());
        let (from, to) = (address("a", &left), address("b", &right));
        cluster.ok(&cluster.manager, &["link", "words", &from, &to, "--from", &from, "--yes"]);
        cluster.in_sync("words");
        Pair { cluster, left, right, words: Vec::new() }
    }

    /// Adds a word on the left (0) or on the right (1).
    fn add(&mut self, side: usize) -> String {
        let word = format!("word{}", self.words.len());
        [&self.left, &self.right][side].add(&word);
        self.words.push(word.clone());
        word
    }

    fn online(&self, agent: &str) -> bool {
        let agents = self.cluster.json(&self.cluster.manager, &["agents"]);
        agents.as_array().unwrap().iter().any(|a| a["agent"] == agent && a["online"] == true)
    }

    fn state(&self) -> String {
        self.cluster.json(&self.cluster.manager, &["status", "words"])[0]["state"].as_str().unwrap().to_owned()
    }

    /// Waits until the group is in sync, ending conflicts as a person would, and checks that no word is lost.
    fn check(self, since: Instant, within: Duration) {
        let mut conflicts = 0;
        let first = wait_for("in sync, or a conflict", || {
            let state = self.state();
            ["in-sync", "conflict"].contains(&state.as_str()).then_some(state)
        });
        let took = since.elapsed();
        println!("{first} after {took:?}");
        assert!(took < within, "{first} after {took:?}{}", self.cluster.logs());
        wait_for("in sync", || {
            let status = self.cluster.json(&self.cluster.manager, &["status", "words"]);
            if status[0]["state"] == "conflict" {
                let version = status[0]["members"][0]["version"].as_str()?.to_owned();
                // It may have been merged meanwhile.
                let arguments = ["resolve", "words", "--take", &version, "--yes"];
                conflicts += usize::from(self.cluster.run(&self.cluster.manager, &arguments).status.success());
            }
            // The manager may not have heard of the last edits yet.
            (status[0]["state"] == "in-sync" && words(&self.left) == words(&self.right)).then_some(())
        });
        println!("{conflicts} conflicts ended");
        assert!(self.left.rest().contains("anna") && self.right.rest().contains("bert"));
        wait_for("every word is in a snapshot", || {
            let kept: String =
                self.cluster.contents().iter().map(|c| String::from_utf8_lossy(&c.1).into_owned()).collect();
            self.words.iter().all(|word| kept.contains(&format!("\"{word}\""))).then_some(())
        });
    }
}

fn words(document: &Document) -> Vec<String> {
    document
        .portion()
        .split('"')
        .filter(|part| part.starts_with("word") && !part.starts_with("words"))
        .map(str::to_owned)
        .collect()
}

/// A cut of a few seconds, shorter than any keepalive: the connection itself survives it.
#[test]
fn a_short_cut_during_edits() {
    let mut pair = Pair::start();
    pair.add(0);
    pair.cluster.network.link(2, false);
    for _ in 0..3 {
        pair.add(0);
        pair.add(1);
    }
    let (left, right) = (words(&pair.left), words(&pair.right));
    std::thread::sleep(Duration::from_secs(3));
    assert!(left != right && words(&pair.right) == right, "nothing passes a cut");
    pair.cluster.network.link(2, true);
    pair.check(Instant::now(), CAUGHT_UP);
}

/// The cable is out: nobody is told, and both ends must notice by themselves.
#[test]
fn a_half_open_connection_is_noticed() {
    let mut pair = Pair::start();
    pair.cluster.network.plug(2, false);
    let cut = Instant::now();
    pair.add(1);
    wait_for("the manager notices", || (!pair.online("b")).then_some(()));
    println!("the manager noticed after {:?}", cut.elapsed());
    assert!(cut.elapsed() < NOTICED);
    assert_eq!(pair.state(), "offline");
    pair.add(0);
    let log = pair.cluster.root().join("b.log");
    wait_for("the agent notices", || {
        std::fs::read_to_string(&log).unwrap().contains("no stream to the manager").then_some(())
    });
    println!("the agent noticed after {:?}", cut.elapsed());
    assert!(cut.elapsed() < NOTICED);
    pair.cluster.network.plug(2, true);
    pair.check(Instant::now(), CAUGHT_UP);
}

/// The manager hears the agent, and the agent hears nothing.
#[test]
fn a_link_that_works_in_one_direction() {
    let mut pair = Pair::start();
    pair.cluster.network.lose(0, 2, true);
    let cut = Instant::now();
    pair.add(0);
    pair.add(1);
    let log = pair.cluster.root().join("b.log");
    wait_for("the agent notices", || {
        std::fs::read_to_string(&log).unwrap().contains("no stream to the manager").then_some(())
    });
    println!("the agent noticed after {:?}", cut.elapsed());
    assert!(cut.elapsed() < NOTICED);
    pair.cluster.network.lose(0, 2, false);
    pair.check(Instant::now(), CAUGHT_UP);
}

/// Cuts of some tens of milliseconds all the time; and where the kernel can, packets late and out of order.
#[test]
fn a_bad_link() {
    let mut random = Random::from_environment();
    let mut pair = Pair::start();
    let disturbed = (0..3).map(|machine| pair.cluster.network.disturb(machine)).filter(|done| *done).count();
    if disturbed == 0 {
        println!("this kernel has no netem: packets are lost, but not late and not out of order");
    }
    for _ in 0..40 {
        pair.cluster.network.plug(1 + random.below(2), false);
        pair.add(random.below(2));
        std::thread::sleep(Duration::from_millis(random.below(60) as u64));
        (1..3).for_each(|machine| pair.cluster.network.plug(machine, true));
        std::thread::sleep(Duration::from_millis(random.below(60) as u64));
    }
    pair.check(Instant::now(), CAUGHT_UP);
}
