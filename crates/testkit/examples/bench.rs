//! inlay and its peers in turn, on the same files: from the rename of an edited source file until the change stands in the
//! other one. `cargo xtask bench` runs this; the table goes to standard output and, as JSON, to `target/bench.json`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use testkit::{Cluster, Options, wait_for};

const KB4: usize = 4 << 10;
const MB100: usize = 100 << 20;

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let (many, few) = if quick { (30, 3) } else { (300, 15) };
    let mut rows = Vec::new();
    let mut extra = serde_json::Map::new();
    for (size, rounds) in [(KB4, many), (MB100, few)] {
        let (times, stages) = inlay(size, rounds);
        rows.push(row("inlay", size, &times));
        extra.insert(format!("stages, {}", name(size)), stages);
        rows.push(row("lsyncd + rsync", size, &lsyncd(size, rounds)));
    }
    rows.push(row("git commit, push, pull", KB4, &git(KB4, many.min(50))));
    extra.insert("one edit of a 200-byte portion in 100 MB".to_owned(), bytes_per_edit(if quick { 3 } else { 10 }));
    print_table(&rows, &extra);
    let report = json!({ "latency": rows, "more": extra });
    fs::write("target/bench.json", serde_json::to_string_pretty(&report).unwrap()).unwrap();
    println!("\nas JSON: target/bench.json");
}

fn name(size: usize) -> &'static str {
    if size == KB4 { "4 KB" } else { "100 MB" }
}

/// A JSON file of about `size` bytes with a 200-byte portion in its middle.
fn document(size: usize) -> Vec<u8> {
    let filler = |out: &mut String, side: &str, end: usize| {
        let mut i = 0;
        while out.len() < end {
            out.push_str(&format!("  \"{side}{i:08}\": \"some text of an application\",\n"));
            i += 1;
        }
    };
    let mut out = String::with_capacity(size + 1024);
    out.push_str("{\n");
    filler(&mut out, "a", size / 2);
    out.push_str(&format!(
        "  \"shared\": {{\n    \"edit\": \"{:08}\",\n    \"text\": \"{}\"\n  }},\n",
        0,
        "x".repeat(150)
    ));
    filler(&mut out, "b", size - 60);
    out.push_str("  \"end\": true\n}\n");
    out.into_bytes()
}

/// An editor that saves by rename: `n` is written where it stands in the file.
struct Editor {
    path: PathBuf,
    text: Vec<u8>,
    at: usize,
}

impl Editor {
    fn new(path: PathBuf, size: usize) -> Editor {
        let text = document(size);
        let needle = b"\"edit\": \"";
        let at = text.windows(needle.len()).position(|w| w == needle).unwrap() + needle.len();
        fs::write(&path, &text).unwrap();
        Editor { path, text, at }
    }

    /// Saves an edit; returns the moment of the rename.
    fn save(&mut self, n: usize) -> (Instant, SystemTime) {
        self.text[self.at..self.at + 8].copy_from_slice(format!("{n:08}").as_bytes());
        let new = self.path.with_file_name(".new");
        fs::write(&new, &self.text).unwrap();
        let moment = (Instant::now(), SystemTime::now());
        fs::rename(&new, &self.path).unwrap();
        moment
    }
}

/// Waits until a file holds an edit: woken by inotify, so that waiting takes no processor.
struct Target {
    path: PathBuf,
    at: u64,
    events: rustix::fd::OwnedFd,
}

impl Target {
    fn new(path: &Path, at: u64) -> Target {
        use rustix::fs::inotify;
        let events = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        let flags = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::MOVED_FROM | inotify::WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&events, path.parent().unwrap(), flags).unwrap();
        Target { path: path.to_owned(), at, events }
    }

    fn holds(&self, n: usize) -> bool {
        use std::os::unix::fs::FileExt;
        let mut bytes = [0; 8];
        fs::File::open(&self.path).and_then(|f| f.read_exact_at(&mut bytes, self.at)).is_ok()
            && bytes == format!("{n:08}").as_bytes()
    }

    fn wait(&self, n: usize) -> (Instant, SystemTime) {
        let mut buffer = [0; 4096];
        while !self.holds(n) {
            let mut ready = [PollFd::new(&self.events, PollFlags::IN)];
            let within = Timespec { tv_sec: 30, tv_nsec: 0 };
            let woken = poll(&mut ready, Some(&within)).unwrap();
            assert!(woken > 0, "edit {n} did not arrive in {} within {} s", self.path.display(), within.tv_sec);
            rustix::io::read(&self.events, &mut buffer).unwrap();
        }
        (Instant::now(), SystemTime::now())
    }
}

fn micros(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// Two agents and a manager over TLS on the loopback; the secondary copy and the target are durable.
fn inlay(size: usize, rounds: usize) -> (Vec<Duration>, Value) {
    let cluster = Cluster::start(&Options { agents: 2, namespaces: false });
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let mut editor = Editor::new(a.file("a.json"), size);
    let other = Editor::new(b.file("b.json"), size);
    let (from, to) = (a.address("a.json", "json:/shared"), b.address("b.json", "json:/shared"));
    cluster.ok(&cluster.manager, &["link", "bench", &from, &to, "--from", &from, "--yes"]);
    cluster.in_sync("bench");
    let target = Target::new(&other.path, other.at as u64);
    let (mut times, mut moments) = (Vec::new(), Vec::new());
    for n in 1..=rounds {
        let saved = editor.save(n);
        let stands = target.wait(n);
        times.push(stands.0 - saved.0);
        moments.push((micros(saved.1), micros(stands.1)));
        cluster.in_sync("bench");
    }
    (times, stages(&cluster, &moments))
}

/// Where the time goes, from the manager's job times and the moments seen here, all of one clock.
fn stages(cluster: &Cluster, moments: &[(u64, u64)]) -> Value {
    let limit = (moments.len() * 2 + 10).to_string();
    let mut jobs = cluster.json(&cluster.manager, &["jobs", "bench", "--limit", &limit]).as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["made_at"].as_u64());
    let time = |job: &Value, what: &str| job[what].as_u64().unwrap_or(0);
    let mut stages: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for (saved, stands) in moments {
        let within = |job: &&Value| time(job, "made_at") >= *saved && time(job, "made_at") <= *stands;
        let backup = jobs.iter().filter(within).find(|j| j["kind"] == "backup");
        let restore = jobs.iter().filter(within).find(|j| j["kind"] == "restore");
        let (Some(backup), Some(restore)) = (backup, restore) else { continue };
        let points = [
            ("1 detect and notice", *saved, time(backup, "noticed_at")),
            ("2 plan and instruct the backup", time(backup, "noticed_at"), time(backup, "sent_at")),
            ("3 back up (copy durable) and commit", time(backup, "sent_at"), time(backup, "done_at")),
            ("4 plan and instruct the restore", time(backup, "done_at"), time(restore, "sent_at")),
            ("5 fetch, verify, splice (target durable)", time(restore, "sent_at"), *stands),
        ];
        for (stage, start, end) in points {
            stages.entry(stage).or_default().push(Duration::from_micros(end.saturating_sub(start)));
        }
    }
    let entries = stages.into_iter().map(|(stage, times)| (stage.to_owned(), json!(quantiles(&times))));
    Value::Object(entries.collect())
}

fn lsyncd(size: usize, rounds: usize) -> Vec<Duration> {
    let root = tempfile::tempdir().unwrap();
    let (source, copy) = (root.path().join("source"), root.path().join("copy"));
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(&copy).unwrap();
    let mut editor = Editor::new(source.join("a.json"), size);
    let configuration = root.path().join("lsyncd.lua");
    // Without it rsync passes over an edit within the second of the last one that leaves the size as it was.
    let rsync = "rsync = { _extra = { '--modify-window=-1' } }";
    let text = format!(
        "settings {{ nodaemon = true }}\nsync {{ default.rsync, source = \"{}\", target = \"{}\", delay = 0, {rsync} }}\n",
        source.display(),
        copy.display()
    );
    fs::write(&configuration, text).unwrap();
    let _lsyncd = Running(
        Command::new("lsyncd")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("lsyncd is installed (cargo xtask bench does it)"),
    );
    let target = Target::new(&copy.join("a.json"), editor.at as u64);
    wait_for("lsyncd's first copy", || target.holds(0).then_some(()));
    (1..=rounds)
        .map(|n| {
            let saved = editor.save(n);
            let stands = target.wait(n);
            // lsyncd needs a moment to be idle again; nothing of it is measured.
            std::thread::sleep(Duration::from_millis(20));
            stands.0 - saved.0
        })
        .collect()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn git(size: usize, rounds: usize) -> Vec<Duration> {
    let root = tempfile::tempdir().unwrap();
    let run = |directory: &Path, arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"])
            .args(arguments)
            .current_dir(directory)
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(root.path(), &["init", "-q", "--bare", "-b", "main", "hub"]);
    run(root.path(), &["clone", "-q", "hub", "one"]);
    let (one, two) = (root.path().join("one"), root.path().join("two"));
    run(&one, &["checkout", "-q", "-B", "main"]);
    let mut editor = Editor::new(one.join("a.json"), size);
    run(&one, &["add", "."]);
    run(&one, &["commit", "-q", "-m", "first"]);
    run(&one, &["push", "-q", "-u", "origin", "main"]);
    run(root.path(), &["clone", "-q", "hub", "two"]);
    (1..=rounds)
        .map(|n| {
            let saved = editor.save(n);
            run(&one, &["commit", "-q", "-a", "-m", "edit"]);
            run(&one, &["push", "-q"]);
            run(&two, &["pull", "-q"]);
            assert!(Target::new(&two.join("a.json"), editor.at as u64).holds(n));
            saved.0.elapsed()
        })
        .collect()
}

/// Bytes over the wire, and bytes added to the repository, for an edit of a 200-byte portion in a 100 MB file; each agent in
/// a network namespace of its own.
fn bytes_per_edit(rounds: usize) -> Value {
    let cluster = Cluster::start(&Options { agents: 2, namespaces: true });
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let mut editor = Editor::new(a.file("a.json"), MB100);
    let other = Editor::new(b.file("b.json"), KB4);
    let (from, to) = (a.address("a.json", "json:/shared"), b.address("b.json", "json:/shared"));
    cluster.ok(&cluster.manager, &["link", "bench", &from, &to, "--from", &from, "--yes"]);
    cluster.in_sync("bench");
    let target = Target::new(&other.path, other.at as u64);
    let mut figures = serde_json::Map::new();
    let mut edit = 0;
    for (how, edits) in [("alone", 1), ("in a row", rounds)] {
        sealed(&cluster);
        let before = (traffic(&cluster), folder_size(&cluster.repository()));
        for _ in 0..edits {
            edit += 1;
            editor.save(edit);
            target.wait(edit);
        }
        sealed(&cluster);
        let after = (traffic(&cluster), folder_size(&cluster.repository()));
        let (wire, stored) = (after.0 - before.0, after.1.saturating_sub(before.1));
        let edits = edits as u64;
        figures
            .insert(format!("{edits} {how}: bytes over the source agent's wire, frames and all"), json!(wire / edits));
        figures.insert(format!("{edits} {how}: bytes added to the repository"), json!(stored / edits));
    }
    Value::Object(figures)
}

/// Waits until every version is in a snapshot: what an edit costs includes its seal.
fn sealed(cluster: &Cluster) {
    cluster.in_sync("bench");
    wait_for("the seal", || {
        let log = cluster.json(&cluster.manager, &["log", "bench"]);
        log.as_array().unwrap().iter().all(|version| version["snapshot"].is_string()).then_some(())
    });
}

fn traffic(cluster: &Cluster) -> u64 {
    let count = |what: &str| -> u64 {
        let file = format!("/sys/class/net/eth/statistics/{what}_bytes");
        let output = cluster.network.command(1, Path::new("cat"), &[]).arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    count("tx") + count("rx")
}

fn folder_size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().flatten();
    entries.map(|e| if e.path().is_dir() { folder_size(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

fn quantiles(times: &[Duration]) -> BTreeMap<&'static str, f64> {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    BTreeMap::from([("p50_ms", at(50)), ("p99_ms", at(99)), ("count", sorted.len() as f64)])
}

fn row(peer: &str, size: usize, times: &[Duration]) -> Value {
    let mut row = json!(quantiles(times));
    row["peer"] = json!(peer);
    row["file"] = json!(name(size));
    row
}

fn print_table(rows: &[Value], extra: &serde_json::Map<String, Value>) {
    println!("\n| peer | file | p50 ms | p99 ms | p50 relative to inlay | edits |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for row in rows {
        let own = rows.iter().find(|r| r["peer"] == "inlay" && r["file"] == row["file"]).unwrap();
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {} |",
            row["peer"].as_str().unwrap(),
            row["file"].as_str().unwrap(),
            row["p50_ms"].as_f64().unwrap(),
            row["p99_ms"].as_f64().unwrap(),
            row["p50_ms"].as_f64().unwrap() / own["p50_ms"].as_f64().unwrap(),
            row["count"]
        );
    }
    for (what, value) in extra {
        println!("\n{what}");
        for (stage, figures) in value.as_object().unwrap() {
            match figures.get("p50_ms") {
                Some(p50) => println!(
                    "  {stage:45} p50 {:8.2} ms  p99 {:8.2} ms",
                    p50.as_f64().unwrap(),
                    figures["p99_ms"].as_f64().unwrap()
                ),
                None => println!("  {stage:45} {figures}"),
            }
        }
    }
}
