//! The promises of the main job, on real processes: each test says which.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use serde_json::Value;
use testkit::{Cluster, Document, KINDS, Machine, Options, wait_for};

fn two_agents() -> Cluster {
    Cluster::start(&Options { agents: 2, namespaces: false })
}

fn address(machine: &Machine, document: &Document) -> String {
    format!("{}:{}#{}", machine.name, document.path.display(), document.selector())
}

/// Links documents of two agents; the first one's content begins.
fn link(cluster: &Cluster, name: &str, documents: &[(&Machine, &Document)]) {
    let addresses: Vec<String> = documents.iter().map(|(machine, document)| address(machine, document)).collect();
    let mut arguments = vec!["link", name];
    arguments.extend(addresses.iter().map(String::as_str));
    arguments.extend(["--from", &addresses[0], "--yes"]);
    arguments.extend(documents[0].1.key().iter().flat_map(|key| ["--key", key]));
    cluster.ok(&cluster.manager, &arguments);
    cluster.in_sync(name);
}

fn jobs(cluster: &Cluster, name: &str) -> Vec<Value> {
    let mut jobs = cluster.json(&cluster.manager, &["jobs", name]).as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["made_at"].as_u64());
    jobs
}

/// Causality: notice, backup instruction, copy durable, restore instruction, splice, in that order, for each edit.
#[test]
fn the_log_shows_cause_and_effect_for_each_edit() {
    let cluster = two_agents();
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let left = Document::new(a.file("a.json"), 0, "anna");
    let right = Document::new(b.file("b.toml"), 1, "bert");
    link(&cluster, "words", &[(a, &left), (b, &right)]);
    let before = jobs(&cluster, "words").len();
    for round in 0..6 {
        let editor = if round % 2 == 0 { &left } else { &right };
        let word = format!("word{round}");
        editor.add(&word);
        wait_for("the word is in both files", || {
            (left.portion().contains(&word) && right.portion().contains(&word)).then_some(())
        });
        cluster.in_sync("words");
    }
    let jobs = jobs(&cluster, "words").split_off(before);
    assert_eq!(jobs.len(), 12, "a backup and a restore for each edit: {jobs:#?}");
    for pair in jobs.chunks(2) {
        let (backup, restore) = (&pair[0], &pair[1]);
        assert_eq!((backup["kind"].as_str(), restore["kind"].as_str()), (Some("backup"), Some("restore")), "{pair:#?}");
        let order: Vec<u64> = ["noticed_at", "made_at", "sent_at", "done_at"]
            .iter()
            .map(|time| backup[time].as_u64().unwrap())
            .chain(["made_at", "sent_at", "done_at"].iter().map(|time| restore[time].as_u64().unwrap()))
            .collect();
        assert!(order[0] > 0 && order.is_sorted(), "{order:?} {pair:#?}");
    }
}

/// Causality: with the dispatcher stopped, no copy and no restore appear.
#[test]
fn without_the_dispatcher_nothing_is_copied_or_restored() {
    let mut cluster = two_agents();
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let left = Document::new(a.file("a.json"), 0, "anna");
    let right = Document::new(b.file("b.toml"), 1, "bert");
    link(&cluster, "words", &[(a, &left), (b, &right)]);
    wait_for("every version is in a snapshot", || {
        let log = cluster.json(&cluster.manager, &["log", "words"]);
        log.as_array()?.iter().all(|version| version["snapshot"].is_string()).then_some(())
    });
    cluster.manager.process.take().unwrap().stop();
    cluster.start_manager_with(&["manager", "run", "--no-dispatch"]);
    let copies = cluster.contents().len();
    left.add("unheard");
    let status = wait_for("the notice is stored", || {
        let status = cluster.json(&cluster.manager, &["status", "words"]);
        status[0]["members"].as_array()?.iter().any(|m| m["state"] == "changed").then_some(status)
    });
    assert_ne!(status[0]["state"], "in-sync");
    assert_eq!(cluster.contents().len(), copies);
    assert!(!right.portion().contains("unheard"));
    // It was the dispatcher that was missing, and nothing else.
    cluster.manager.process.take().unwrap().stop();
    cluster.start_manager();
    wait_for("the word arrives", || right.portion().contains("unheard").then_some(()));
}

/// The rest stays unsynchronised: other parts of both files are edited during the run; they still differ afterwards, each
/// as its user left it, byte for byte, and no version results.
#[test]
fn what_lies_outside_the_portion_stays_its_users_own() {
    let cluster = two_agents();
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    for kind in 0..KINDS {
        let name = format!("g{kind}");
        let left = Document::new(a.file(&format!("left{kind}")), kind, "anna");
        let right = Document::new(b.file(&format!("right{kind}")), kind, "bert");
        link(&cluster, &name, &[(a, &left), (b, &right)]);
        left.add("one");
        wait_for("one arrives", || right.portion().contains("one").then_some(()));
        left.write_around("anna", "annabel");
        right.write_around("bert", "bertold");
        right.add("two");
        wait_for("two arrives", || left.portion().contains("two").then_some(()));
        cluster.in_sync(&name);
        let versions = cluster.json(&cluster.manager, &["log", &name]).as_array().unwrap().len();
        let (rest_left, rest_right) = (left.rest(), right.rest());
        left.write_around("annabel", "annabella");
        right.write_around("bertold", "bertoldo");
        cluster.in_sync(&name);
        assert_eq!(left.rest(), rest_left.replace("annabel", "annabella"), "kind {kind}");
        assert_eq!(right.rest(), rest_right.replace("bertold", "bertoldo"), "kind {kind}");
        assert_ne!(left.read(), right.read());
        assert!(rest_left.contains("annabel") && rest_right.contains("bertold"));
        assert_eq!(
            cluster.json(&cluster.manager, &["log", &name]).as_array().unwrap().len(),
            versions,
            "an echo, kind {kind}"
        );
    }
}

/// The copy alone: the source agent is stopped after the commit, and the target, offline until then, still gets the portion.
#[test]
fn the_copy_is_enough_when_its_source_is_gone() {
    let mut cluster = two_agents();
    let left = Document::new(cluster.agents[0].file("a.yaml"), 2, "anna");
    let right = Document::new(cluster.agents[1].file("b.toml"), 1, "bert");
    link(&cluster, "words", &[(&cluster.agents[0], &left), (&cluster.agents[1], &right)]);
    cluster.agents[1].process.take().unwrap().stop();
    let versions = || cluster.json(&cluster.manager, &["log", "words"]).as_array().unwrap().len();
    let before = versions();
    left.add("testament");
    wait_for("the commit", || (versions() > before).then_some(()));
    cluster.agents[0].process.take().unwrap().kill();
    std::fs::remove_dir_all(&cluster.agents[0].files).unwrap();
    cluster.start_agent(1);
    wait_for("the word arrives", || right.portion().contains("testament").then_some(()));
}

/// Two files of one group, before, as the person at each edits it, and afterwards.
struct Pair {
    name: &'static str,
    left: [&'static str; 5],
    right: [&'static str; 5],
}

const JSONC: [&str; 3] = [
    "{\n  // the port\n  \"a\": {\n    \"port\": 1, // ours\n    \"host\": \"x\"\n  }\n}\n",
    "{\n  // the port\n  \"a\": {\n    \"port\": 2, // ours\n    \"host\": \"x\"\n  }\n}\n",
    "{\n  // the port\n  \"a\": {\n    \"port\": 2, // ours\n    \"host\": \"y\"\n  }\n}\n",
];
const TOML: [&str; 3] = [
    "# mine\n[a]\nport = 1\nhost = \"x\" # theirs\n",
    "# mine\n[a]\nport = 1\nhost = \"y\" # theirs\n",
    "# mine\n[a]\nport = 2\nhost = \"y\" # theirs\n",
];

/// Two edits that do not touch each other, made while neither machine hears of the other: nobody has to do anything, both
/// are in both files, with both files' comments.
#[test]
fn edits_of_different_keys_are_merged() {
    let mut cluster = two_agents();
    let jsonc_other = JSONC[0].replace("\"x\"", "\"y\"");
    let pairs = [
        Pair {
            name: "formats",
            left: ["a.jsonc", "jsonc:/a", JSONC[0], JSONC[1], JSONC[2]],
            right: ["b.toml", "toml:/a", TOML[0], TOML[1], TOML[2]],
        },
        Pair {
            name: "texts",
            left: ["c.jsonc", "jsonc:/a", JSONC[0], JSONC[1], JSONC[2]],
            right: ["d.jsonc", "jsonc:/a", JSONC[0], jsonc_other.leak(), JSONC[2]],
        },
    ];
    for pair in &pairs {
        let addresses = [(0, &pair.left), (1, &pair.right)].map(|(agent, [file, selector, before, ..])| {
            cluster.agents[agent].write(file, before);
            cluster.agents[agent].address(file, selector)
        });
        let arguments = ["link", pair.name, &addresses[0], &addresses[1], "--from", &addresses[0], "--yes", "-q"];
        cluster.ok(&cluster.manager, &arguments);
        cluster.in_sync(pair.name);
    }
    let log =
        |cluster: &Cluster, name: &str| cluster.json(&cluster.manager, &["log", name]).as_array().unwrap().clone();
    let before: Vec<usize> = pairs.iter().map(|pair| log(&cluster, pair.name).len()).collect();
    cluster.manager.process.take().unwrap().stop();
    for Pair { left, right, .. } in &pairs {
        cluster.agents[0].write(left[0], left[3]);
        cluster.agents[1].write(right[0], right[3]);
    }
    cluster.start_manager();
    for (pair, before) in pairs.iter().zip(before) {
        let is_merged = || {
            let texts = [cluster.agents[0].read(pair.left[0]), cluster.agents[1].read(pair.right[0])];
            (texts == [pair.left[4], pair.right[4]]).then_some(())
        };
        wait_for("both edits are in both files", is_merged);
        cluster.in_sync(pair.name);
        let log = log(&cluster, pair.name);
        assert_eq!(log.len(), before + 3, "two edits and a merge: {log:#?}");
        assert_eq!((log[0]["kind"].as_str(), log[0]["head"].as_bool()), (Some("merge"), Some(true)), "{log:#?}");
        let parents = log[0]["parents"].as_array().unwrap();
        assert_eq!(parents.len(), 2);
        assert!(parents.contains(&log[1]["version"]) && parents.contains(&log[2]["version"]), "{log:#?}");
        assert!(log[..3].iter().all(|version| version["branch"] == false), "{log:#?}");
        let table = cluster.ok(&cluster.manager, &["log", pair.name]);
        assert!(table.contains("merge"), "{table}");
    }
}

/// Two edits of one key: the group waits, says why, and each file keeps what its user wrote, until a person chooses.
#[test]
fn edits_of_one_key_wait_for_a_person() {
    let mut cluster = two_agents();
    let places = [(0, "a.jsonc", "jsonc:/a", JSONC[0]), (1, "b.toml", "toml:/a", TOML[0])];
    let addresses = places.map(|(agent, file, selector, text)| {
        cluster.agents[agent].write(file, text);
        cluster.agents[agent].address(file, selector)
    });
    cluster.ok(&cluster.manager, &["link", "g", &addresses[0], &addresses[1], "--from", &addresses[0], "--yes", "-q"]);
    cluster.in_sync("g");
    cluster.manager.process.take().unwrap().stop();
    cluster.agents[0].write("a.jsonc", JSONC[1]);
    let theirs = TOML[1].replace("port = 1", "port = 3");
    cluster.agents[1].write("b.toml", &theirs);
    cluster.start_manager();
    let (cause, clashes) = wait_for("the conflict is seen", || {
        let status = cluster.json(&cluster.manager, &["status", "g"]);
        let waits = status[0]["members"].as_array()?.iter().find(|m| m["state"] == "conflict")?.clone();
        let cause = waits["cause"].as_str().unwrap().to_owned();
        (status[0]["state"] == "conflict").then(|| (cause, waits["clashes"].clone()))
    });
    // The manager knows no more than the kind; who has the repository's key is told what it is.
    assert_eq!(clashes, serde_json::json!(["`/port`: changed on both sides"]));
    assert!(cluster.ok(&cluster.manager, &["status", "g"]).contains("- `/port`: changed on both sides"));
    each_file(&cluster.manager.home.join("manager"), &mut |path, bytes| {
        assert!(!has(bytes, b"/port"), "{} tells what clashes", path.display());
    });
    assert!(cause.starts_with("the same thing was changed here and elsewhere; `inlay resolve g`"), "{cause}");
    assert_eq!(cluster.agents[0].read("a.jsonc"), JSONC[1]);
    assert_eq!(cluster.agents[1].read("b.toml"), theirs);
    cluster.ok(&cluster.manager, &["resolve", "g", "--take", &addresses[1], "-q"]);
    cluster.in_sync("g");
    assert_eq!(cluster.agents[0].read("a.jsonc"), JSONC[2].replace("\"port\": 2", "\"port\": 3"));
    assert_eq!(cluster.agents[1].read("b.toml"), theirs);
}

/// Not primary data: a secondary copy parses in none of our formats, and contains no run of the plaintext; neither does
/// anything that the manager keeps.
#[test]
fn a_secondary_copy_is_no_primary_data() {
    let cluster = two_agents();
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let left = Document::new(a.file("a.json"), 0, "anna");
    let right = Document::new(b.file("b.yaml"), 2, "bert");
    link(&cluster, "words", &[(a, &left), (b, &right)]);
    let secret = "planted-c0ntent-7f3a91";
    left.add(secret);
    wait_for("the word arrives", || right.portion().contains(secret).then_some(()));
    cluster.in_sync("words");
    wait_for("a snapshot shows the copy", || {
        cluster.contents().iter().any(|(_, content)| has(content, secret.as_bytes())).then_some(())
    });

    let mut packs = 0;
    each_file(&cluster.repository(), &mut |path, bytes| {
        for window in secret.as_bytes().windows(8) {
            assert!(!has(bytes, window), "{} holds plaintext", path.display());
        }
        if path.components().any(|c| c.as_os_str() == "data") {
            packs += 1;
            for scheme in portion::Scheme::ALL {
                use portion::Scheme::{Bytes, Lines};
                let parsed = portion::list(*scheme, bytes);
                assert!(
                    matches!(scheme, Bytes | Lines) || parsed.as_ref().map_or(true, |items| items.is_empty()),
                    "{} parses as {scheme}: {parsed:?}",
                    path.display()
                );
            }
        }
    });
    assert!(packs > 0);
    // The manager's folder, and its memory: the process that ends every agent's TLS, so its traffic, too.
    each_file(&cluster.manager.home.join("manager"), &mut |path, bytes| {
        assert!(!has(bytes, secret.as_bytes()), "{} holds plaintext", path.display());
    });
    let process = cluster.manager.process.as_ref().unwrap();
    let (memory, own) = memory_of(process.id());
    assert!(has(&memory, b"words"), "the manager's memory was read: {own} bytes");
    assert!(!has(&memory, secret.as_bytes()), "the manager's memory holds plaintext");
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn each_file(directory: &Path, check: &mut dyn FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            each_file(&entry.path(), check);
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            check(&entry.path(), &bytes);
        }
    }
}

/// The readable and writable memory of a process.
fn memory_of(pid: u32) -> (Vec<u8>, usize) {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        let mut bytes = vec![0; (end - start) as usize];
        if let Ok(read) = memory.read_at(&mut bytes, start) {
            all.extend_from_slice(&bytes[..read]);
        }
    }
    let len = all.len();
    (all, len)
}
