//! The service's commands with the real program: homes of their own, on the loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const CLAUDE: &str = "{\n  \"numStartups\": 3,\n  \"mcpServers\": {\n    \"github\": {\n      \"type\": \"stdio\",\n      \"command\": \"npx\",\n      \"args\": [\"-y\", \"gh\"]\n    }\n  },\n  \"userID\": \"x\"\n}\n";
const CODEX: &str = "# mine\nmodel = \"m\"\n\n[mcp_servers.github]\ncommand = \"npx\"\nargs = [\"-y\", \"old\"]\n";

/// A machine: a home, and its user's folder.
struct Machine {
    name: &'static str,
    home: PathBuf,
    user: PathBuf,
    running: Vec<Child>,
}

impl Machine {
    fn new(root: &Path, name: &'static str) -> Machine {
        let (home, user) = (root.join(name).join("home"), root.join(name).join("user"));
        fs::create_dir_all(&user).unwrap();
        Machine { name, home, user: fs::canonicalize(user).unwrap(), running: Vec::new() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inlay"));
        command.arg("--home").arg(&self.home).args(args).current_dir(&self.user).env("HOME", &self.user);
        command.env_remove("INLAY_HOME").env_remove("XDG_DATA_HOME").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A command that must succeed; its standard output.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{}$ inlay {}\n{}", self.name, args.join(" "), said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command that must fail with this exit code; everything it says.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{}$ inlay {}\n{}", self.name, args.join(" "), said(&output));
        said(&output)
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }

    /// Starts a role, and waits until it says that it is ready.
    fn start(&mut self, args: &[&str]) {
        let mut child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        self.running.push(child);
        assert!(out.lines().map_while(Result::ok).any(|line| line.contains("ready")), "inlay {}", args.join(" "));
    }

    /// SIGTERM, and a clean end.
    fn stop(&mut self) {
        for mut child in self.running.drain(..) {
            assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
            assert!(child.wait().unwrap().success(), "it does not end cleanly");
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.user.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = self.user.join("beside");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &path).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.user.join(name)).unwrap()
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{text}");
        self.write(name, &text.replace(from, to));
    }

    fn head(&self, group: &str) -> u64 {
        self.json(&["status", group])[0]["head_number"].as_u64().unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Ok(pid) = fs::read_to_string(self.home.join("up.pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Looks again and again until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A manager by itself that runs, and a machine that is not enrolled.
fn manager(root: &Path) -> Machine {
    let mut manager = Machine::new(root, "manager");
    manager.ok(&["-q", "manager", "init", "--listen", "127.0.0.1:0"]);
    manager.start(&["manager", "run"]);
    manager
}

fn join(manager: &Machine, machine: &mut Machine, invite: &[&str]) {
    let code = manager.ok(&[&["-q", "invite"], invite].concat());
    let file = machine.write("code", &code);
    machine.ok(&["join", "--name", machine.name, "--code-file", file.to_str().unwrap()]);
    machine.start(&["agent", "run"]);
}

#[test]
fn the_first_five_minutes() {
    let root = tempfile::tempdir().unwrap();
    let one = Machine::new(root.path(), "one");
    one.write(".claude.json", CLAUDE);
    one.write(".codex/config.toml", CODEX);
    let link = ["link", "mcp", "~/.claude.json#/mcpServers", "~/.codex/config.toml#/mcp_servers"];
    let refused = one.fails(2, &link);
    assert!(refused.contains("inlay up --detach") && refused.contains("--yes"), "{refused}");
    assert!(!one.home.exists(), "nothing is made before somebody agrees");
    one.ok(&["--yes", "up", "--detach", "--listen", "127.0.0.1:0", "--name", "one"]);
    let refused = one.fails(2, &link);
    assert!(refused.contains("--from") && refused.contains("old"), "the difference is shown: {refused}");
    let linked = one.ok(&[&link[..], &["--yes"]].concat());
    assert!(linked.contains("in-sync"), "{linked}");
    assert_eq!(one.read(".codex/config.toml"), CODEX.replace("\"old\"", "\"gh\""));
    assert_eq!(one.read(".claude.json"), CLAUDE);
    one.edit(".codex/config.toml", "\"gh\"", "\"new\"");
    until("the edit arrives", || one.read(".claude.json") == CLAUDE.replace("\"gh\"", "\"new\""));
    one.ok(&["status", "mcp", "--wait=20"]);
    let log = one.json(&["log", "mcp"]);
    assert_eq!(log[0]["kind"], "edit");
    assert!(log[0]["path"].as_str().unwrap().ends_with(".codex/config.toml"));
    // Exactly these two portions are allowed.
    let allow = fs::read_to_string(one.home.join("agent/allow.toml")).unwrap();
    assert_eq!(allow.matches("selector = ").count(), 2, "{allow}");
    let again = one.fails(1, &[&link[..], &["--yes"]].concat());
    assert!(again.contains("inlay add"), "{again}");
}

#[test]
fn two_machines_from_link_to_unlink() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let (mut a, mut b) = (Machine::new(root.path(), "a"), Machine::new(root.path(), "b"));
    join(&manager, &mut a, &[]);
    join(&manager, &mut b, &[]);
    a.write("x.json", "{\"s\": {\"k\": 1, \"l\": 1}, \"own\": \"a\"}\n");
    b.write("y.json", "{\n  \"own\": \"b\",\n  \"s\": {\"k\": 2, \"l\": 1}\n}\n");
    let theirs = format!("b:{}#/s", b.user.join("y.json").display());
    a.ok(&["link", "g", "x.json#/s", &theirs]);
    let before = b.read("y.json");
    let states = a.ok(&["status", "g"]);
    assert!(states.contains("awaiting-consent") && states.contains("inlay accept g"), "{states}");
    assert_eq!(b.read("y.json"), before, "nothing arrives before the machine agrees");
    let refused = b.fails(2, &["accept", "g"]);
    assert!(refused.contains("/k") && refused.contains("--yes"), "what would arrive is shown: {refused}");
    b.ok(&["accept", "g", "--yes"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!(b.read("y.json"), before.replace("\"k\": 2", "\"k\": 1"));
    // What b had is a version.
    let log = a.json(&["log", "g"]);
    assert!(
        log.as_array().unwrap().iter().any(|v| v["kind"] == "join" && v["agent"] == "b" && v["branch"] == true),
        "{log}"
    );

    // An edit travels, and is told from the one before.
    let first = a.head("g");
    b.edit("y.json", "\"k\": 1", "\"k\": 3");
    until("the edit is a version", || a.head("g") > first);
    a.ok(&["status", "--wait=20"]);
    assert!(a.read("x.json").contains("\"k\": 3"));
    assert!(a.fails(4, &["diff", "g", "1"]).contains("/k: 1 → 3"));
    a.ok(&["diff", "g", "head", "@head"]);
    assert_eq!(b.ok(&["show", "g", "--value"]).split_whitespace().collect::<String>(), "{\"k\":3,\"l\":1}");
    assert!(b.ok(&["show", "g@1"]).contains("\"k\": 1"));
    assert!(b.fails(2, &["show", "g@77"]).contains("inlay log g"));

    // Back to the first version, everywhere.
    a.ok(&["restore", "g@1"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(b.read("y.json").contains("\"k\": 1") && b.read("y.json").contains("\"own\": \"b\""));
    assert_eq!(a.json(&["log", "g"])[0]["kind"], "restore");

    // Two edits meet.
    b.stop();
    let before = a.head("g");
    a.edit("x.json", "\"k\": 1", "\"k\": 10");
    until("the edit is a version", || a.head("g") > before);
    b.edit("y.json", "\"k\": 1", "\"k\": 20");
    b.start(&["agent", "run"]);
    until("the conflict is seen", || a.json(&["status", "g"])[0]["state"] == "conflict");
    assert!(a.read("x.json").contains("10") && b.read("y.json").contains("20"), "each keeps what its user wrote");
    a.fails(4, &["status", "--wait=0"]);
    a.ok(&["resolve", "g", "--take", &theirs]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("x.json").contains("\"k\": 20") && b.read("y.json").contains("\"k\": 20"));
    assert!(a.fails(1, &["resolve", "g", "--take", "head"]).contains("no conflict"));

    // A further member: equal joins silently, different waits.
    a.write("z.json", "{\"s\": {\"k\": 20, \"l\": 1}}\n");
    a.ok(&["add", "g", "z.json#/s"]);
    a.ok(&["status", "g", "--wait=20"]);
    a.ok(&["pause", "g", "z.json"]);
    assert!(a.ok(&["status", "g"]).contains("paused"));
    assert!(said(&a.run(&["resume", "g"])).contains("was paused by itself"), "the member stays paused");
    a.ok(&["resume", "g", "z.json#/s"]);
    a.ok(&["status", "g", "--wait=20"]);
    a.ok(&["unlink", "g", "z.json"]);
    assert!(!a.ok(&["status", "g"]).contains("z.json"));
    assert!(a.fails(2, &["unlink", "g"]).contains("--yes"));
    a.ok(&["unlink", "g", "--yes"]);
    assert!(a.fails(1, &["status", "g"]).contains("no group"));
    assert!(!a.json(&["jobs"]).as_array().unwrap().is_empty());
    let agents = a.json(&["agents"]);
    assert!(agents.as_array().unwrap().iter().all(|agent| agent["online"] == true), "{agents}");

    // The restic program sees the copies, through the manager with this machine's certificate, and deletes nothing.
    let env = a.fails(1, &["repo", "env"]);
    assert!(env.contains("inlay restic"), "{env}");
    until("the copies are sealed", || a.ok(&["restic", "--", "snapshots", "--no-lock"]).contains("/g"));
    assert!(a.ok(&["restic", "--", "ls", "latest", "--no-lock"]).contains("json#json:%2Fs"));
    a.fails(1, &["restic", "--", "forget", "latest", "--no-lock"]);
    assert!(manager.ok(&["repo", "env"]).contains("export RESTIC_REPOSITORY="));

    // The manager by itself shows no content, even to who operates it: here it holds the key, elsewhere it does not.
    fs::rename(manager.home.join("keys"), manager.home.join("away")).unwrap();
    assert!(manager.fails(1, &["invite"]).contains("password"));
    assert!(manager.fails(1, &["repo", "env"]).contains("no key"));
    a.stop();
    b.stop();
}

#[test]
fn invites_and_joins_that_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut one = manager(root.path());
    let mut a = Machine::new(root.path(), "a");
    let code = one.ok(&["-q", "invite"]);
    let join_with = |machine: &Machine, code: &str, name: &str| {
        let file = machine.write("code", code);
        machine.run(&["join", "--name", name, "--code-file", file.to_str().unwrap()])
    };
    let mut typo = code.clone();
    typo.replace_range(20..21, if &code[20..21] == "z" { "y" } else { "z" });
    for (wrong, says) in [(typo.as_str(), "wrong"), (&code[..60], "cut off"), ("hello", "no invite"), ("", "no code")] {
        let output = join_with(&a, wrong, "a");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(says) && said(&output).contains("invite"), "{wrong}: {}", said(&output));
    }
    assert!(!a.home.join("agent/agent.toml").exists());
    // A typo uses nothing up.
    assert!(join_with(&a, &code.to_uppercase(), "a").status.success());
    assert!(a.home.join("keys").read_dir().unwrap().next().is_some());
    let twice = a.fails(1, &["join"]);
    assert!(twice.contains("already"), "{twice}");

    let b = Machine::new(root.path(), "b");
    let used = join_with(&b, &code, "b");
    assert!(used.status.code() == Some(1) && said(&used).contains("used already"), "{}", said(&used));
    let short = one.ok(&["-q", "invite", "--ttl", "1s"]);
    // A name that is taken does not use the invite up.
    until("the invite expires", || {
        let refused = said(&join_with(&b, &short, "a"));
        assert!(refused.contains("another agent") || refused.contains("expired"), "{refused}");
        refused.contains("expired")
    });
    // Without the right to operate, a machine takes part and no more.
    let mut c = Machine::new(root.path(), "c");
    join(&one, &mut c, &["--no-operate"]);
    assert!(c.fails(1, &["status"]).contains("right to operate"));
    c.write("x.json", "{}");
    assert!(c.fails(2, &["accept", "g", "x.json#/s"]).contains("--yes"));
    c.ok(&["accept", "g", "x.json#/s", "--yes"]);
    assert!(fs::read_to_string(c.home.join("agent/allow.toml")).unwrap().contains("json:/s"));

    // Somebody else answers at the manager's address.
    let left = one.ok(&["-q", "invite"]);
    let settings: Value = serde_json::from_slice(&fs::read(one.home.join("manager/manager.json")).unwrap()).unwrap();
    let listen = settings["listen"].as_str().unwrap().to_owned();
    a.stop();
    c.stop();
    one.stop();
    let mut other = Machine::new(root.path(), "other");
    other.ok(&["-q", "manager", "init", "--listen", &listen]);
    other.start(&["manager", "run"]);
    let refused = join_with(&b, &left, "b");
    assert!(refused.status.code() == Some(1) && said(&refused).contains("another authority"), "{}", said(&refused));
    other.stop();
    let gone = join_with(&b, &left, "b");
    assert!(gone.status.code() == Some(1) && said(&gone).contains("cannot reach"), "{}", said(&gone));
}

#[test]
fn a_manager_runs_without_keys() {
    let root = tempfile::tempdir().unwrap();
    let mut manager = Machine::new(root.path(), "manager");
    manager.ok(&["manager", "init", "--listen", "127.0.0.1:0"]);
    assert!(manager.fails(1, &["manager", "init"]).contains("already"));
    let kit = fs::read_to_string(manager.home.join("keys/recovery-kit.txt")).unwrap();
    assert!(kit.contains("Password"), "{kit}");
    manager.start(&["manager", "run"]);
    let mut a = Machine::new(root.path(), "a");
    join(&manager, &mut a, &[]);
    a.stop();
    manager.stop();
    fs::remove_dir_all(manager.home.join("keys")).unwrap();
    manager.start(&["manager", "run"]);
    a.start(&["agent", "run"]);
    a.write("x.json", "{\"s\": 1}\n");
    a.write("y.json", "{\"s\": 2}\n");
    a.ok(&["link", "g", "x.json#/s", "y.json#/s", "--from", "x.json"]);
    a.ok(&["status", "--wait=20"]);
    assert_eq!(a.read("y.json"), "{\"s\": 1}\n");
    a.stop();
    manager.stop();
}

#[test]
fn what_cannot_be_done_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let mut one = Machine::new(root.path(), "one");
    for args in [&["status"][..], &["log", "g"], &["invite"], &["agents"]] {
        let refused = one.fails(1, args);
        assert!(refused.contains("no manager is known") && refused.contains("inlay up"), "{args:?}: {refused}");
    }
    assert!(one.fails(1, &["agent", "run"]).contains("inlay join"));
    assert!(one.fails(1, &["manager", "run"]).contains("inlay manager init"));
    one.ok(&["-q", "manager", "init", "--listen", "127.0.0.1:0"]);
    assert!(one.fails(1, &["status"]).contains("does not run"));
    // A port that is taken.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = Machine::new(root.path(), "other");
    let at = taken.local_addr().unwrap().to_string();
    assert!(other.fails(1, &["manager", "init", "--listen", &at]).contains(&format!("cannot listen on {at}")));
    drop(taken);
    other.ok(&["-q", "manager", "init", "--listen", &at]);
    let taken = TcpListener::bind(&at).unwrap();
    assert!(other.fails(1, &["manager", "run"]).contains("manager.json"));
    assert!(other.fails(1, &["up", "--detach"]).contains("did not start"));
    assert!(other.fails(2, &["up", "--listen", "127.0.0.1:1"]).contains(&at));
    drop(taken);
    one.start(&["manager", "run"]);
    assert!(one.ok(&["status"]).is_empty());
    let refused = one.fails(2, &["link", "g", "a.json#/x", "b.json#/x"]);
    assert!(refused.contains("names no agent"), "{refused}");
    one.stop();
}

/// What is logged cannot be written: everything else goes on. What is linked is made, with its folder; what is said can be typed.
#[test]
fn the_first_minutes_in_a_poor_home() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut up =
        a.command(&["-vv", "up", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(full).spawn().unwrap();
    let out = BufReader::new(up.stdout.take().unwrap());
    a.running.push(up);
    assert!(out.lines().map_while(Result::ok).any(|line| line.contains("ready")));
    a.write("a#1.json", "{\"s\": {\"k\": 1}}\n");
    let told = said(&a.run(&["link", "g", "a\\#1.json#/s", "new/folder/b.toml#/s", "--yes"]));
    assert!(told.contains("made the folder"), "{told}");
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!(a.read("new/folder/b.toml"), "[s]\nk = 1\n");
    let shown = a.ok(&["status", "g"]);
    let address = shown.split_whitespace().find(|word| word.contains("a\\#1.json")).unwrap().to_owned();
    let told = said(&a.run(&["pause", "g", &address]));
    assert!(told.contains(&format!("inlay resume g '{address}'")), "{told}");
    a.ok(&["resume", "g", &address]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.fails(1, &["jobs", "nope"]).contains("nope"));
    assert!(a.fails(2, &["link", "", "a\\#1.json#/s", "b.toml#/s"]).contains("needs a name"));
    assert!(said(&a.run(&["up", "--detach"])).contains("runs already"));
    a.stop();
}

#[test]
fn what_is_missing_is_made_or_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let (mut a, mut b) = (Machine::new(root.path(), "a"), Machine::new(root.path(), "b"));
    join(&manager, &mut a, &[]);
    join(&manager, &mut b, &[]);
    let on_b = |name: &str| format!("b:{}#/s", b.user.join(name).display());
    a.write("x.json", "{\"s\": {\"k\": 1}}\n");
    a.ok(&["link", "g", "x.json#/s", "y.json#/s"]);
    a.ok(&["status", "g", "--wait=20"]);
    // An address of this very machine is one of its files.
    assert_eq!(a.ok(&["get", "a:x.json#/s"]), a.ok(&["get", "x.json#/s"]));
    assert!(a.fails(2, &["get", "b:x.json#/s"]).contains("is on another machine (agent `b`)"));

    // What went missing later is never an edit.
    fs::remove_file(a.user.join("y.json")).unwrap();
    until("it is seen", || a.json(&["status", "g"])[0]["state"] == "suspended");
    let states = said(&a.run(&["status", "g"]));
    assert!(states.contains("inlay restore g@head") && states.contains("inlay unlink g"), "{states}");
    assert!(!states.contains("inlay accept"), "{states}");
    let refused = a.fails(1, &["accept", "g", "--yes"]);
    assert!(refused.contains("inlay restore g@head") && refused.contains("inlay unlink g"), "{refused}");
    a.ok(&["restore", "g@head"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("y.json").contains("\"k\": 1"));

    // What is missing on a machine that agrees is made.
    a.ok(&["add", "g", &on_b("new.json")]);
    let shown = said(&b.run(&["accept", "g", "--yes"]));
    assert!(shown.contains("What would arrive") && shown.contains("in-sync"), "{shown}");
    assert!(b.read("new.json").contains("\"k\": 1"));

    // What is offered goes the other way, and its machine is told so.
    b.write("offered.json", "{\"s\": {\"k\": 5}}\n");
    a.ok(&["add", "g", &on_b("offered.json"), "--offer"]);
    let shown = b.fails(2, &["accept", "g"]);
    assert!(shown.contains("becomes the group's next version") && shown.contains("/k: 1 → 5"), "{shown}");
    a.ok(&["unlink", "g", &on_b("offered.json")]);

    // What differs when it joins says so.
    a.write("z.json", "{\"s\": {\"k\": 9}}\n");
    a.ok(&["add", "g", "z.json#/s"]);
    until("the difference is seen", || a.json(&["status", "g"])[0]["state"] == "conflict");
    let states = a.ok(&["status", "g"]);
    assert!(states.contains("when it joined differs") && states.contains("inlay resolve g --take head"), "{states}");
    a.ok(&["resolve", "g", "--take", "head"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("z.json").contains("\"k\": 1"));

    // Where nothing stands on either side, what appears first begins.
    a.ok(&["link", "f", "f.json#/s", &on_b("f.json")]);
    b.ok(&["accept", "f", "--yes"]);
    let states = a.ok(&["status", "f"]);
    assert!(states.contains("the first content that appears"), "{states}");
    a.write("f.json", "{\"s\": 1}\n");
    a.ok(&["status", "f", "--wait=20"]);
    assert_eq!(b.read("f.json").split_whitespace().collect::<String>(), "{\"s\":1}");
    // Until the other machine has agreed it is not known what stands there, and that is what is waited for.
    a.ok(&["link", "w", "w.json#/s", &on_b("w.json")]);
    a.write("w.json", "{\"s\": 1}\n");
    until("it waits", || a.ok(&["status", "w"]).contains("it waits for the content that begins, from b:"));
    a.stop();
    b.stop();
}

#[test]
fn a_removal_is_an_edit_where_somebody_says_so() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"rest\": 1, \"s\": {\"k\": 1}}\n");
    a.write("y.toml", "# mine\nrest = 2\n\n[s]\n# kept\nk = 1\n\n[t]\nz = 3\n");
    assert!(a.fails(2, &["link", "n", "--on-missing", "delete", "x.json#lines:0,1", "y.toml#/s"]).contains("position"));
    assert!(
        a.fails(2, &["link", "n", "--on-missing", "delete", "x.json#json:", "y.toml#/s"]).contains("whole document")
    );
    a.ok(&["link", "g", "--on-missing", "delete", "x.json#/s", "y.toml#/s"]);
    a.ok(&["status", "g", "--wait=20"]);

    // By policy: what goes here goes there, and nothing else does.
    a.write("x.json", "{\"rest\": 1}\n");
    until("it is removed", || !a.read("y.toml").contains("[s]"));
    a.ok(&["status", "g", "--wait=20"]);
    let left = a.read("y.toml");
    assert!(
        left.starts_with("# mine\nrest = 2\n") && left.ends_with("[t]\nz = 3\n") && !left.contains("k = 1"),
        "{left}"
    );
    assert!(said(&a.run(&["show", "g"])).contains("the portion is removed"));
    assert_eq!(a.json(&["show", "g"]), serde_json::Value::Null);
    assert!(said(&a.run(&["diff", "g", "1"])).contains("(the whole)"));
    a.ok(&["restore", "g@1"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!(a.read("x.json").split_whitespace().collect::<String>(), "{\"rest\":1,\"s\":{\"k\":1}}");
    let back = a.read("y.toml");
    assert!(back.contains("[s]") && back.contains("k = 1") && back.contains("[t]\nz = 3"), "{back}");

    // It can be taken back, like any edit, and written anew.
    a.write("y.toml", "# mine\nrest = 2\n\n[t]\nz = 3\n");
    // So soon after a restore a person has to say so.
    until("it is seen", || said(&a.run(&["status", "g"])).contains("reverted"));
    let states = said(&a.run(&["status", "g"]));
    assert!(states.contains("`inlay accept g ") && states.contains("`inlay restore g@head`"), "{states}");
    a.ok(&["accept", "g", "--yes"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(!a.read("x.json").contains("\"s\""));
    a.ok(&["undo", "g"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("x.json").contains("\"k\": 1") && a.read("y.toml").contains("k = 1"));

    // An edit meets a removal.
    a.write("v.json", "{\"rest\": 1, \"s\": {\"k\": 1}}\n");
    a.write("w.toml", "[s]\nk = 1\n\n[t]\nz = 3\n");
    a.ok(&["link", "c", "--on-missing", "delete", "v.json#/s", "w.toml#/s"]);
    a.ok(&["status", "c", "--wait=20"]);
    a.ok(&["pause", "c"]);
    a.write("v.json", "{\"rest\": 1}\n");
    a.write("w.toml", "[s]\nk = 5\n\n[t]\nz = 3\n");
    a.ok(&["resume", "c"]);
    until("it is a conflict", || a.json(&["status", "c"])[0]["state"] == "conflict");
    let shown = said(&a.run(&["status", "c"]));
    assert!(shown.contains("removed"), "{shown}");
    a.ok(&["resolve", "c", "--take", "w.toml#/s"]);
    a.ok(&["status", "c", "--wait=20"]);
    assert!(a.read("v.json").contains("\"k\": 5"));

    // A file that is emptied is not taken for that, nor one that went.
    a.write("v.json", "");
    until("it is seen", || said(&a.run(&["status", "c"])).contains("the file is empty"));
    a.ok(&["restore", "c@head"]);
    a.ok(&["status", "c", "--wait=20"]);
    assert!(a.read("v.json").contains("\"k\": 5"));
    fs::remove_file(a.user.join("v.json")).unwrap();
    until("it is seen", || said(&a.run(&["status", "c"])).contains("the file is missing"));
    assert!(a.read("w.toml").contains("k = 5"));
    a.ok(&["restore", "c@head"]);
    a.ok(&["status", "c", "--wait=20"]);

    // Without the policy a person has to say so.
    a.write("p.json", "{\"s\": 1, \"r\": 1}\n");
    a.ok(&["link", "h", "p.json#/s", "q.json#/s"]);
    a.ok(&["status", "h", "--wait=20"]);
    a.write("p.json", "{\"r\": 1}\n");
    until("it is seen", || a.json(&["status", "h"])[0]["state"] == "suspended");
    assert!(a.read("q.json").contains("\"s\""));
    assert!(said(&a.run(&["status", "h"])).contains("inlay accept h"));
    a.ok(&["accept", "h", "--yes"]);
    a.ok(&["status", "h", "--wait=20"]);
    assert!(!a.read("q.json").contains("\"s\""));
    a.stop();
}

#[test]
fn what_stands_in_the_way_is_said() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"s\": 1}\n");
    a.ok(&["link", "g", "x.json#/s", "y.json#/s"]);
    a.ok(&["status", "g", "--wait=20"]);
    let says = |what: &str| {
        until(what, || {
            let status = a.json(&["status", "g"]);
            let members = status[0]["members"].as_array().unwrap();
            let said = members.iter().any(|m| m["state"] == "suspended" && m["cause"].as_str().unwrap().contains(what));
            assert!(members.iter().all(|m| !m["cause"].as_str().unwrap().contains('\n')), "{status}");
            said
        });
    };
    let (repo, away) = (a.home.join("repo"), a.home.join("away"));
    fs::rename(&repo, &away).unwrap();
    a.edit("x.json", "1", "2");
    says("the repository cannot be used: ");
    fs::rename(&away, &repo).unwrap();
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("y.json").contains('2'));

    let policy = a.home.join("agent/allow.toml");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, format!("{text}\nthis is none\n")).unwrap();
    says("allow.toml is no policy: ");
    fs::write(&policy, text).unwrap();
    a.ok(&["status", "g", "--wait=20"]);

    // What lost all of its content: the commands are told with the names of group and member.
    a.write("x.json", "{\"s\": {\"k\": 1}}\n");
    a.ok(&["status", "g", "--wait=20"]);
    a.write("x.json", "{\"s\": {}}\n");
    let told = a.fails(4, &["status", "g", "--wait=5"]);
    assert!(told.contains("emptied: "), "{told}");
    let states = said(&a.run(&["status", "g"]));
    let told = states.split('`').find(|told| told.starts_with("inlay accept g ")).unwrap_or_else(|| panic!("{states}"));
    assert!(told.contains("x.json#json:/s") && states.contains("`inlay restore g@head`"), "{states}");
    let typed = told.replacen("inlay", &format!("{} --home {}", env!("CARGO_BIN_EXE_inlay"), a.home.display()), 1);
    let pasted = Command::new("sh").args(["-c", &format!("{typed} --yes")]).env("HOME", &a.user).output().unwrap();
    assert!(pasted.status.success(), "{}", said(&pasted));
    a.ok(&["status", "g", "--wait=20"]);

    // A file with several names: nothing to agree to, and a way out that leaves the link to it alone.
    a.write("real.json", "{\"s\": 1}\n");
    std::os::unix::fs::symlink("real.json", a.user.join("link.json")).unwrap();
    a.write("z.json", "{\"s\": 1}\n");
    a.ok(&["link", "h", "z.json#/s", "link.json#/s"]);
    a.ok(&["status", "h", "--wait=20"]);
    fs::hard_link(a.user.join("real.json"), a.user.join("other.json")).unwrap();
    a.edit("z.json", "1", "2");
    until("it is seen", || said(&a.run(&["status", "h"])).contains("(hard links)"));
    let refused = a.fails(1, &["accept", "h", "--yes"]);
    assert!(refused.contains("cannot be accepted: the file has 2 names (hard links)"), "{refused}");
    assert!(refused.contains("real.json.own-1 && mv ") && !refused.contains("link.json.own"), "{refused}");
    let states = said(&a.run(&["status", "h"]));
    let command = states.split('`').find(|told| told.starts_with("cp ")).unwrap_or_else(|| panic!("{states}"));
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
    a.ok(&["status", "h", "--wait=20"]);
    assert!(a.read("real.json").contains('2') && fs::symlink_metadata(a.user.join("link.json")).unwrap().is_symlink());
    a.stop();
}

/// Right after an edit: what was wrong with it is known before anything is said to be in sync.
#[test]
fn who_waits_is_told_what_stands_in_the_files_now() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let (mut a, mut b) = (Machine::new(root.path(), "a"), Machine::new(root.path(), "b"));
    join(&manager, &mut a, &[]);
    join(&manager, &mut b, &[]);
    let whole = "{\"s\": {\"k\": 1}, \"own\": 1}\n";
    a.write("x.json", whole);
    b.write("y.json", whole);
    a.ok(&["link", "g", "x.json#/s", &format!("b:{}#/s", b.user.join("y.json").display())]);
    b.ok(&["accept", "g", "--yes"]);
    a.ok(&["status", "g", "--wait=20"]);
    let cases = [(&a, "x.json", "no json", "unparsable"), (&b, "y.json", "{\"own\": 1}\n", "the portion is missing")];
    for (machine, name, broken, says) in cases {
        machine.write(name, broken);
        let told = a.fails(4, &["status", "g", "--wait=5"]);
        assert!(told.contains(says), "{name}: {told}");
        machine.write(name, whole);
        a.ok(&["status", "g", "--wait=20"]);
    }
    a.stop();
    // Whoever is away cannot be asked.
    assert!(b.fails(4, &["status", "g", "--wait=1"]).contains("offline"));
    b.stop();
}

/// A link that leads nowhere, and rows that take more along than their group knows.
#[test]
fn a_link_that_leads_nowhere_is_told_and_so_are_other_columns() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"s\": 1}\n");
    std::os::unix::fs::symlink("nowhere", a.user.join("link.json")).unwrap();
    let told = a.fails(1, &["link", "g", "x.json#/s", "link.json#/s"]);
    assert!(told.contains("it is a symbolic link to ") && told.contains("/nowhere, which is not there"), "{told}");

    a.write("a.csv", "id,name\n1,Ann\n2,Bob\n");
    a.write("b.csv", "id,name,notes\n1,Ann,kept\n2,Bob,\n");
    a.ok(&["link", "h", "--key", "id", "--except", "/*/notes", "a.csv#rows", "b.csv#rows"]);
    a.ok(&["status", "h", "--wait=20"]);
    a.write("a.csv", "id,name\n");
    let told = a.fails(4, &["status", "h", "--wait=5"]);
    assert!(told.contains("emptied: "), "{told}");
    let told = said(&a.run(&["accept", "h", "--yes"]));
    assert!(told.contains("takes its other columns along") && told.contains("b.csv#csv:rows"), "{told}");
    a.ok(&["status", "h", "--wait=20"]);
    assert_eq!(a.read("b.csv"), "id,name,notes\n");
    a.stop();
}

#[test]
fn the_demonstration_is_true_and_cleans_up() {
    let root = tempfile::tempdir().unwrap();
    let one = Machine::new(root.path(), "one");
    let temporary = root.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = one.command(&["demo"]).env("TMPDIR", &temporary).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("claims are true"));
    assert!(temporary.read_dir().unwrap().next().is_none(), "the folder is gone");
    // Interrupted, it ends its processes and removes its folder, too.
    let mut child = one.command(&["demo"]).env("TMPDIR", &temporary).stdout(Stdio::piped()).spawn().unwrap();
    // The pipe stays open: a reader that goes away is another way to end it.
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(out.any(|line| line.contains("both agents are connected")));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    assert!(temporary.read_dir().unwrap().next().is_none(), "the folder is gone");
}

/// Two edits of one key meet; in `y.json` another key is edited as well.
fn two_edits_meet(a: &Machine, (first, second): (u32, u32)) {
    a.ok(&["pause", "g"]);
    let with_key = |name: &str, k: u32| {
        let mut document: Value = serde_json::from_str(&a.read(name)).unwrap();
        document["s"]["k"] = k.into();
        document
    };
    a.write("x.json", &format!("{:#}\n", with_key("x.json", first)));
    let mut other = with_key("y.json", second);
    other["s"]["m"] = second.into();
    a.write("y.json", &format!("{other:#}\n"));
    a.ok(&["resume", "g"]);
    until("the conflict is seen", || a.json(&["status", "g"])[0]["state"] == "conflict");
}

/// `inlay resolve g` before a terminal, where these lines are typed.
fn typed(a: &Machine, lines: &str, editor: &Path) -> Output {
    let program = format!("{} --home {} resolve g", env!("CARGO_BIN_EXE_inlay"), a.home.display());
    let mut command = Command::new("script");
    command.args(["-qefc", &program, "/dev/null"]).current_dir(&a.user).env("HOME", &a.user).env("VISUAL", editor);
    command.env_remove("INLAY_HOME").env_remove("XDG_DATA_HOME").env("TERM", "xterm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_conflict_is_put_together_by_a_person() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"s\": {\"k\": 1, \"l\": 1, \"m\": 1}}\n");
    a.write("y.json", "{\"s\": {\"k\": 1, \"l\": 1, \"m\": 1}, \"own\": true}\n");
    a.ok(&["link", "g", "x.json#/s", "y.json#/s", "--from", "x.json#/s", "--yes"]);
    a.ok(&["status", "g", "--wait=20"]);
    let editor = a.write("editor", "#!/bin/sh\nsed -i 's/\"k\": [0-9]*/\"k\": 77/' \"$1\"\n");
    fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let both = |key: &str| -> Vec<u64> {
        let value = |name: &str| serde_json::from_str::<Value>(&a.read(name)).unwrap()["s"][key].as_u64().unwrap();
        vec![value("x.json"), value("y.json")]
    };

    // Part by part: theirs for the key that both changed. What only one changed needs no answer.
    two_edits_meet(&a, (10, 20));
    assert!(a.fails(2, &["resolve", "g"]).contains("--take"));
    let output = typed(&a, "1\n2\n1\n", &editor);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("`/k`: changed on both sides"), "{}", said(&output));
    a.ok(&["status", "g", "--wait=20"]);
    assert!(both("k") == [10, 10] || both("k") == [20, 20], "{:?}", both("k"));
    assert_eq!(both("m"), [20, 20]);
    let log = a.json(&["log", "g"]);
    assert_eq!((&log[0]["kind"], log[0]["parents"].as_array().unwrap().len()), (&Value::from("resolve"), 2));
    assert!(log[0]["snapshot"].is_string(), "{log}");

    // Left: nothing is done.
    two_edits_meet(&a, (30, 40));
    assert_eq!(typed(&a, "n\n", &editor).status.code(), Some(4));
    assert_eq!(both("k"), [30, 40]);
    // What a person wrote.
    a.write("both.json", "{\"k\": 99,");
    let told = a.fails(1, &["resolve", "g", "--with", "both.json"]);
    assert!(told.contains("both.json:1:") && told.contains("inlay show g"), "{told}");
    a.write("both.json", "{\"k\": 99, \"l\": 1, \"m\": 3}");
    a.ok(&["resolve", "g", "--with", "both.json"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!((both("k"), both("m")), (vec![99, 99], vec![3, 3]));

    // In an editor.
    two_edits_meet(&a, (50, 60));
    let output = typed(&a, "4\n", &editor);
    assert!(output.status.success(), "{}", said(&output));
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!(both("k"), [77, 77]);

    // Taken back: the last change made here; what was resolved since is of nobody's edit.
    let before = a.head("g");
    a.edit("y.json", "\"l\": 1", "\"l\": 2");
    until("the edit is a version", || a.head("g") > before);
    a.edit("x.json", "\"m\": ", "\"n\": 5, \"m\": ");
    until("the edit is a version", || a.head("g") > before + 1);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.ok(&["undo", "g", "--dry-run"]).contains("-  \"n\": 5"));
    a.ok(&["undo", "g"]);
    a.ok(&["undo", "g"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!((both("l"), a.read("x.json").contains("\"n\"")), (vec![1, 1], false));
    // The edit before those was resolved against another: that one cannot go alone.
    assert!(a.fails(1, &["undo", "g"]).contains("inlay restore g@V"));
    a.stop();
}

#[test]
fn columns_that_no_version_holds_go_with_consent_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.csv", "id,name\n1,Ann\n");
    a.write("y.csv", "id,name,note\n1,Ann,mine\n7,Zed,irreplaceable\n");
    let link = ["link", "g", "x.csv#rows", "y.csv#rows(id,name)", "--key", "id", "--from", "x.csv"];
    let told = a.fails(2, &link);
    assert!(told.contains("1 row goes (`7` first)") && told.contains("no version holds"), "{told}");
    assert!(a.read("y.csv").contains("irreplaceable"));
    a.ok(&[&link[..], &["--yes"]].concat());
    a.ok(&["status", "g", "--wait=20"]);
    assert_eq!(a.read("y.csv"), "id,name,note\n1,Ann,mine\n");
    // The other way about nothing goes.
    a.write("z.csv", "id,name,note\n1,Ann,mine\n");
    a.write("w.csv", "id,name\n");
    a.ok(&["link", "h", "z.csv#rows(id,name)", "w.csv#rows", "--key", "id", "--from", "z.csv"]);
    a.stop();
}

#[test]
fn what_a_member_cannot_take_fails_the_command() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"s\": {\"k\": null}}\n");
    a.write("y.toml", "[s]\nk = 1\n");
    a.ok(&["link", "g", "x.json#/s", "y.toml#/s", "--from", "x.json"]);
    until("TOML cannot say it", || a.json(&["status", "g"])[0]["state"] == "suspended");
    a.edit("x.json", "null", "2");
    a.ok(&["status", "g", "--wait=20"]);
    // Only then is it this command's doing.
    let told = a.fails(1, &["restore", "g@1"]);
    assert!(told.contains("y.toml") && told.contains("suspended") && told.contains("null"), "{told}");
    a.ok(&["restore", "g@2"]);
    a.ok(&["status", "g", "--wait=20"]);

    // A command that failed leaves nothing behind: what is put right by hand is an edit.
    a.write("y.toml", "[s]\nk = \n");
    until("it does not parse", || a.json(&["status", "g"])[0]["state"] == "suspended");
    assert!(a.fails(1, &["restore", "g@head"]).contains("still suspended"));
    a.write("y.toml", "[s]\nk = 7\n");
    until("the edit arrives", || a.read("x.json").contains('7'));
    a.ok(&["status", "g", "--wait=20"]);
    // Back to what was restored is no return to an older content.
    a.edit("x.json", "7", "8");
    until("it is restored", || a.read("y.toml").contains('8'));
    a.ok(&["status", "g", "--wait=20"]);
    for (from, to) in [("8", "9"), ("9", "8")] {
        a.edit("y.toml", from, to);
        until("the edit arrives", || a.read("x.json").contains(to));
        a.ok(&["status", "g", "--wait=20"]);
    }

    // Nothing is restored into who only sends: where it stands is told.
    a.write("from.json", "{\"s\": 1}\n");
    a.ok(&["link", "o", "from.json#/s", "to.json#/s", "--one-way"]);
    a.edit("from.json", "1", "2");
    until("the edit arrives", || a.read("to.json").contains('2'));
    assert!(!a.ok(&["status", "o"]).contains("stands at"));
    a.ok(&["restore", "o@1"]);
    until("the restore arrives", || a.read("to.json").contains('1'));
    let shown = a.ok(&["status", "o"]);
    assert!(shown.contains("stands at version 2: nothing is restored into it"), "{shown}");
    assert!(a.read("from.json").contains('2'));
    a.stop();
}

#[test]
fn one_server_of_two_programs_is_kept_the_same() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write(".claude.json", CLAUDE);
    a.write(".codex/config.toml", "model = \"m\"\n\n[mcp_servers.mine]\ncommand = \"x\"\n");
    a.ok(&["link", "gh", "~/.claude.json#/mcpServers/github", "~/.codex/config.toml#/mcp_servers/github"]);
    a.ok(&["status", "gh", "--wait=20"]);
    let status = a.json(&["status", "gh"]);
    let mut mappings: Vec<&str> =
        status[0]["members"].as_array().unwrap().iter().filter_map(|member| member["mapping"].as_str()).collect();
    mappings.sort_unstable();
    assert_eq!(mappings, ["mcp:claude/server", "mcp:codex/server"]);
    let codex = a.read(".codex/config.toml");
    assert!(codex.ends_with("[mcp_servers.github]\ncommand = \"npx\"\nargs = [\"-y\", \"gh\"]\n"), "{codex}");
    a.edit(".codex/config.toml", "\"npx\"", "\"bunx\"");
    until("the edit arrives", || a.read(".claude.json") == CLAUDE.replace("\"npx\"", "\"bunx\""));
    a.stop();
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map_while(Result::ok);
    entries.flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] }).collect()
}

#[test]
fn no_portion_of_a_group_lies_within_another() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    a.write("x.json", "{\"a\": {\"b\": {\"c\": 1}}, \"d\": {\"c\": 1}}\n");
    a.write("y.csv", "id,n\n1,x\n2,y\n");
    a.write("z.md", "# A\n\n<!-- inlay:begin r -->\nx\n<!-- inlay:end r -->\n\n# B\n\nx\n");
    for (file, link) in [("x.json", "link.json"), ("y.csv", "link.csv")] {
        std::os::unix::fs::symlink(file, a.user.join(link)).unwrap();
    }
    for (one, other) in [
        ("x.json#/a", "x.json#/a/b"),
        ("x.json#/a/b", "x.json#json:"),
        ("y.csv#row id=1", "y.csv#cell id=1/n"),
        ("z.md#/A", "z.md#mark:r"),
        // By whatever name the file is reached.
        ("x.json#/a", "link.json#/a/b"),
        ("y.csv#row id=1", "link.csv#cell id=1/n"),
        ("x.json#/a", "link.json#/a"),
    ] {
        let refused = a.fails(2, &["link", "g", one, other, "--yes"]);
        assert!(refused.contains("share a part of their file"), "{one} {other}: {refused}");
    }
    a.ok(&["link", "g", "x.json#/a/b", "x.json#/d", "--yes"]);
    for within in ["x.json#/d/c", "link.json#/d/c"] {
        assert!(a.fails(2, &["add", "g", within, "--yes"]).contains("share a part of their file"), "{within}");
    }
    a.ok(&["status", "g", "--wait=20"]);
    a.stop();
}

#[test]
fn who_accepts_a_portion_is_shown_what_is_read_for_it() {
    let root = tempfile::tempdir().unwrap();
    let manager = manager(root.path());
    let (mut a, mut b) = (Machine::new(root.path(), "a"), Machine::new(root.path(), "b"));
    join(&manager, &mut a, &[]);
    join(&manager, &mut b, &[]);
    let token = a.write("token", "tok-Zq81x-secret");
    a.write("x.json", "{\"s\": {\"auth\": \"tok-Zq81x-secret\"}}\n");
    b.write("y.json", "{}\n");
    let theirs = format!("b:{}#/s", b.user.join("y.json").display());
    a.ok(&["link", "g", "x.json#/s", &theirs, "--var", &format!("TOKEN=file:{}", token.display())]);
    let policy = || fs::read_to_string(b.home.join("agent/allow.toml")).unwrap_or_default();
    let refused = b.fails(2, &["accept", "g"]);
    assert!(refused.contains("${TOKEN}") && refused.contains(token.to_str().unwrap()), "{refused}");
    assert!(!policy().contains("\n[[variable]]"), "nothing is allowed unasked");
    b.ok(&["accept", "g", "--yes"]);
    a.ok(&["status", "g", "--wait=20"]);
    assert!(b.read("y.json").contains("\"tok-Zq81x-secret\""));
    assert_eq!(policy().matches("\n[[variable]]").count(), 1);
}

#[test]
fn values_of_variables_stay_where_they_are() {
    const SECRET: &str = "tok-Zq81x-secret";
    let root = tempfile::tempdir().unwrap();
    let mut a = Machine::new(root.path(), "a");
    a.start(&["up", "--listen", "127.0.0.1:0"]);
    let home = a.user.to_str().unwrap().to_owned();
    let token = a.write("token", &format!("{SECRET}\n"));
    a.write(
        "x.json",
        &format!("{{\"s\": {{\"auth\": \"Bearer {SECRET}\", \"bin\": \"{home}/bin\", \"port\": 8080}}}}\n"),
    );
    // Of the others, one has no portion yet, and one an empty one.
    a.write("y.toml", "# mine\n");
    a.write("z.json", "{\"s\": {}}\n");
    let var = format!("TOKEN=file:{}", token.display());
    let vars = ["--var", &var, "--var", "HOME=env:HOME", "--var", "PORT=8080"];
    a.ok(&[&["link", "g", "x.json#/s", "y.toml#/s", "z.json#/s", "--from", "x.json"], &vars[..]].concat());
    a.ok(&["status", "g", "--wait=20"]);
    let made = a.read("y.toml");
    assert!(a.read("z.json").contains(&format!("\"Bearer {SECRET}\"")), "{}", a.read("z.json"));
    assert!(made.contains(&format!("\"Bearer {SECRET}\"")) && made.contains(&format!("\"{home}/bin\"")), "{made}");
    assert!(made.contains("port = 8080"), "{made}");

    // The group has names, and nothing that the service keeps has the secret.
    let shown = a.ok(&["show", "g"]);
    assert!(shown.contains("Bearer ${TOKEN}") && shown.contains("${HOME}/bin") && shown.contains("${PORT}"), "{shown}");
    a.edit("y.toml", "/bin", "/opt");
    until("the edit arrives", || a.read("x.json").contains(&format!("{home}/opt")));
    a.ok(&["status", "g", "--wait=20"]);
    assert!(a.read("x.json").contains(SECRET));
    let holds =
        |path: &PathBuf| fs::read(path).unwrap_or_default().windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
    let kept: Vec<PathBuf> = files(&a.home).into_iter().filter(holds).collect();
    assert!(kept.is_empty(), "{kept:?}");
    assert!(!said(&a.run(&["log", "g", "--json"])).contains(SECRET));
    let allow = fs::read_to_string(a.home.join("agent/allow.toml")).unwrap();
    assert_eq!(allow.matches("\n[[variable]]").count(), 3, "{allow}");

    // Where it may not be read, or is not there, the member waits and says which.
    a.write("token", "");
    a.edit("x.json", "8080", "9090");
    until("it is said", || said(&a.run(&["status", "g"])).contains("the value of the variable `TOKEN` is empty"));
    a.write("token", SECRET);
    a.edit("x.json", "9090", "7070");
    until("it goes on", || a.read("y.toml").contains("port = 7070"));
    a.stop();
}
