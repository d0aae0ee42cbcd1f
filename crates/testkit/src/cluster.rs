//! A manager and agents as real processes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::network::Network;
use crate::process::{Process, binary, wait_for};

/// What a cluster is made with.
#[derive(Debug)]
pub struct Options {
    /// How many agents.
    pub agents: usize,
    /// Whether they live in network namespaces of their own, and share no folder.
    pub namespaces: bool,
}

/// One machine: a home, a folder for a user's files, and what runs there.
#[derive(Debug)]
pub struct Machine {
    /// Its number: 0 is the manager's.
    pub number: usize,
    /// Its name: `manager`, `a`, `b`, …
    pub name: String,
    /// `--home`.
    pub home: PathBuf,
    /// Where its user's files lie.
    pub files: PathBuf,
    /// What runs there, if anything.
    pub process: Option<Process>,
}

/// A manager and agents.
#[derive(Debug)]
pub struct Cluster {
    /// The manager's machine.
    pub manager: Machine,
    /// The agents' machines.
    pub agents: Vec<Machine>,
    /// Where they live.
    pub network: Network,
    directory: tempfile::TempDir,
}

impl Machine {
    fn new(root: &Path, number: usize, name: &str) -> Machine {
        let (home, files) = (root.join("home"), root.join("files"));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir_all(&files).unwrap();
        Machine { number, name: name.to_owned(), home, files, process: None }
    }

    /// A file of its user's.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// Writes a file of its user's, as an editor does: a new file, renamed.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        let new = self.files.join(format!(".{name}.new"));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }

    /// Reads a file of its user's.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// An address on this machine, named from elsewhere.
    pub fn address(&self, file: &str, selector: &str) -> String {
        format!("{}:{}#{selector}", self.name, self.file(file).display())
    }
}

impl Cluster {
    /// Makes a manager, enrols agents, and starts all of them. Every agent allows its whole files folder.
    pub fn start(options: &Options) -> Cluster {
        let mut cluster = Cluster::prepare(options);
        cluster.start_manager();
        for agent in 0..options.agents {
            cluster.enrol(agent);
            cluster.start_agent(agent);
        }
        cluster
    }

    /// The same, with nothing started or enrolled yet.
    pub fn prepare(options: &Options) -> Cluster {
        Cluster::prepare_on(options, |_| {})
    }

    /// The same; `disk` is given the folder in which a machine will live, before anything is written there.
    pub fn prepare_on(options: &Options, mut disk: impl FnMut(&Path)) -> Cluster {
        let directory = tempfile::Builder::new().prefix("inlay-test-").tempdir().unwrap();
        let network = if options.namespaces { Network::namespaces(options.agents + 1) } else { Network::Loopback };
        let mut machine = |number: usize, name: &str| {
            let root = directory.path().join(name);
            std::fs::create_dir(&root).unwrap();
            disk(&root);
            Machine::new(&root, number, name)
        };
        let manager = machine(0, "manager");
        let agents = (0..options.agents).map(|n| machine(n + 1, &char::from(b'a' + n as u8).to_string())).collect();
        let cluster = Cluster { manager, agents, network, directory };
        let port = match cluster.network {
            Network::Loopback => TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            Network::Namespaces(_) => 7_420,
        };
        let listen = format!("{}:{port}", cluster.network.address(0));
        cluster.ok(&cluster.manager, &["manager", "init", "--listen", &listen, "--yes"]);
        cluster
    }

    /// The folder in which everything lies.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A command of the binary on that machine.
    pub fn command(&self, machine: &Machine, arguments: &[&str]) -> Command {
        self.command_of(&binary(), machine, arguments)
    }

    /// The same of another program that understands the same arguments.
    pub fn command_of(&self, program: &Path, machine: &Machine, arguments: &[&str]) -> Command {
        let others: Vec<&Path> = [&self.manager]
            .into_iter()
            .chain(&self.agents)
            .filter(|other| other.number != machine.number)
            .filter_map(|other| other.home.parent())
            .collect();
        let mut command = self.network.command(machine.number, program, &others);
        command.arg("--home").arg(&machine.home).args(arguments).current_dir(&machine.files);
        command.env("HOME", &machine.files).env_remove("INLAY_HOME");
        command
    }

    /// Runs a command on that machine.
    pub fn run(&self, machine: &Machine, arguments: &[&str]) -> Output {
        self.command(machine, arguments).stdin(std::process::Stdio::null()).output().expect("the binary runs")
    }

    /// Runs a command on that machine that must succeed; returns its standard output.
    pub fn ok(&self, machine: &Machine, arguments: &[&str]) -> String {
        let output = self.run(machine, arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success(),
            "inlay {}: {}\n{out}\n{err}{}",
            arguments.join(" "),
            output.status,
            self.logs()
        );
        out.into_owned()
    }

    /// Runs a command that lists, with `--json`.
    pub fn json(&self, machine: &Machine, arguments: &[&str]) -> serde_json::Value {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let out = self.ok(machine, &all);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("inlay {}: {error}\n{out}", all.join(" ")))
    }

    /// Starts the manager, and waits until it is ready.
    pub fn start_manager(&mut self) {
        self.start_manager_with(&["manager", "run"]);
    }

    /// The same, with other arguments.
    pub fn start_manager_with(&mut self, arguments: &[&str]) {
        let command = self.command(&self.manager, arguments);
        self.manager.process = Some(Process::start(command, "ready", &self.root().join("manager.log")));
    }

    /// Enrols an agent: invite there, join here.
    pub fn enrol(&self, agent: usize) {
        let machine = &self.agents[agent];
        let code = self.ok(&self.manager, &["invite", "-q"]);
        let file = machine.home.join("code");
        std::fs::write(&file, code).unwrap();
        let (file, files) = (file.display().to_string(), machine.files.display().to_string());
        self.ok(machine, &["join", "--name", &machine.name, "--code-file", &file, "--allow", &files]);
    }

    /// Starts an agent, and waits until it is ready.
    pub fn start_agent(&mut self, agent: usize) {
        let command = self.command(&self.agents[agent], &["agent", "run"]);
        self.start_agent_by(agent, command);
    }

    /// The same, without root's right to read and write what modes forbid, so that they mean what they mean for users.
    pub fn start_agent_unprivileged(&mut self, agent: usize) {
        let inner = self.command(&self.agents[agent], &["agent", "run"]);
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set", "-dac_override,-dac_read_search"])
            .arg(inner.get_program())
            .args(inner.get_args());
        inner.get_envs().for_each(|(key, value)| match value {
            Some(value) => drop(command.env(key, value)),
            None => drop(command.env_remove(key)),
        });
        inner.get_current_dir().map(|folder| command.current_dir(folder));
        self.start_agent_by(agent, command);
    }

    fn start_agent_by(&mut self, agent: usize, command: Command) {
        let log = self.root().join(format!("{}.log", self.agents[agent].name));
        let process = Process::start(command, "ready", &log);
        self.agents[agent].process = Some(process);
        if self.manager.process.is_some() {
            let name = self.agents[agent].name.clone();
            wait_for("the agent is connected", || {
                let agents = self.json(&self.manager, &["agents"]);
                agents.as_array()?.iter().any(|a| a["agent"] == *name && a["online"] == true).then_some(())
            });
        }
    }

    /// Waits until the group (all groups for `""`) is in sync.
    pub fn in_sync(&self, name: &str) {
        let mut arguments = vec!["status", "--wait=60"];
        if !name.is_empty() {
            arguments.insert(1, name);
        }
        self.ok(&self.manager, &arguments);
    }

    /// What the processes said on stderr, for a failing test.
    pub fn logs(&self) -> String {
        let mut out = String::new();
        for entry in std::fs::read_dir(self.root()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|e| e == "log") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(25).collect();
                out.push_str(&format!("\n--- {}\n", entry.path().display()));
                tail.into_iter().rev().for_each(|line| out.push_str(&format!("{line}\n")));
            }
        }
        out
    }
}

impl Cluster {
    /// Every content that the manager's own repository holds, as its snapshots show them.
    pub fn contents(&self) -> Vec<(repo::Found, Vec<u8>)> {
        let keys = self.manager.home.join("keys");
        let password = std::fs::read_dir(&keys)
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().extension().is_none_or(|e| e == "password"))
            .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
            .next()
            .expect("the manager's home holds the repository's password");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let storage = std::sync::Arc::new(repo::LocalStorage::new(self.repository()));
            let password = repo::Password::new(password.trim_end().to_owned());
            let opened = repo::Repository::open(storage, &password).await.unwrap();
            let mut contents = Vec::new();
            for copy in opened.find(&repo::Search::default(), usize::MAX).await.unwrap() {
                let content = opened.read(&copy.location).await.unwrap().to_vec();
                contents.push((copy, content));
            }
            contents
        })
    }

    /// The folder of the manager's own repository.
    pub fn repository(&self) -> PathBuf {
        self.manager.home.join("repo")
    }

    /// Checks the repository with the real restic, every byte of it.
    pub fn restic_check(&self) {
        let out = self.ok(&self.manager, &["restic", "--", "check", "--read-data"]);
        assert!(out.contains("no errors were found"), "{out}");
    }
}
