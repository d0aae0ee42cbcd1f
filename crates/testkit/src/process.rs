//! One running role.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A running process, killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// The binary under test: beside the test's own, built if it is not there.
pub fn binary() -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a path");
    let profile = exe.ancestors().find(|dir| dir.join("deps").is_dir()).expect("a test lies below target/PROFILE/deps");
    let binary = profile.join("inlay");
    if !binary.exists() {
        let status = Command::new(env!("CARGO")).args(["build", "--package", "inlay"]).status().expect("cargo runs");
        assert!(status.success(), "cargo build --package inlay");
    }
    binary
}

/// Waits until `done` says so; fails with `what` after a minute.
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(result) = done() {
            return result;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for: {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

impl Process {
    /// Starts `command` and waits until it has printed a line that contains `ready`. Its stderr goes to `log`.
    pub fn start(command: Command, ready: &str, log: &Path) -> Process {
        match Process::try_start(command, ready, log) {
            Ok(process) => process,
            Err(said) => panic!("not ready: {said}; its log:\n{}", std::fs::read_to_string(log).unwrap_or_default()),
        }
    }

    /// The same for a process that may end before it is ready; the error is what it printed.
    pub fn try_start(mut command: Command, ready: &str, log: &Path) -> Result<Process, String> {
        let file = File::options().create(true).append(true).open(log).expect("a log file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("piped");
        let (sender, receiver) = mpsc::sync_channel(2);
        let ready = ready.to_owned();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = String::new();
            let mut said = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                said.push_str(&line);
                if line.contains(&ready) {
                    let _ = sender.send(Ok(()));
                    break;
                }
                line.clear();
            }
            let _ = sender.send(Err(said));
            let _ = reader.read_to_end(&mut Vec::new());
        });
        let process = Process { child, log: log.to_owned() };
        match receiver.recv_timeout(Duration::from_secs(60)) {
            Ok(Ok(())) => Ok(process),
            Ok(Err(said)) => Err(said),
            Err(_) => Err("nothing, for a minute".to_owned()),
        }
    }

    /// What it wrote to stderr.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("ours").is_some()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM.
    pub fn ask_to_end(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// SIGTERM, and waits for a clean end.
    pub fn stop(mut self) {
        self.ask_to_end();
        let status = wait_for("the process stops on SIGTERM", || self.child.try_wait().expect("ours"));
        assert!(status.success(), "it ends with {status}; its log:\n{}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
