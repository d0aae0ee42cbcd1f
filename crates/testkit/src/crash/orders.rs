//! What a process is told to do at points, by a file; and what it tells.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::process::wait_for;

/// The environment's variable that names the folder of a process's orders.
const VARIABLE: &str = "INLAY_POINTS";
/// No process waits longer at a point than this.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The orders of one machine's processes: a folder that is on no disk of theirs.
#[derive(Debug, Clone)]
pub struct Orders {
    folder: PathBuf,
}

impl Orders {
    /// In this folder, which is made.
    pub fn new(folder: PathBuf) -> Orders {
        std::fs::create_dir_all(&folder).unwrap();
        Orders { folder }
    }

    /// Makes a command's process obey.
    pub fn give(&self, command: &mut Command) {
        command.env(VARIABLE, &self.folder);
    }

    /// It is to die when it comes to this point for the `count`th time from now on.
    pub fn kill_at(&self, name: &str, count: u32) {
        self.order(&[format!("kill\t{name}\t{count}")]);
    }

    /// It is to wait at this point, until [`Orders::go_on`]; what it was told of dying still stands.
    pub fn hold_at(&self, name: &str) {
        let _ = std::fs::remove_file(self.folder.join("held"));
        let mut orders = self.of_dying();
        orders.push(format!("hold\t{name}"));
        self.order(&orders);
    }

    /// It is to wait no longer; what it was told of dying still stands.
    pub fn go_on(&self) {
        self.order(&self.of_dying());
    }

    fn of_dying(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("orders")).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("kill")).map(str::to_owned).collect()
    }

    /// It is to live.
    pub fn spare(&self) {
        self.order(&[]);
    }

    /// At once: a process reads either the old orders or the new ones.
    fn order(&self, lines: &[String]) {
        let new = self.folder.join("orders.new");
        std::fs::write(&new, lines.join("\n")).unwrap();
        std::fs::rename(&new, self.folder.join("orders")).unwrap();
    }

    /// Waits until it is held; false if it does not get there in time.
    pub fn is_held(&self, within: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < within {
            if std::fs::remove_file(self.folder.join("held")).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    /// The points that were reached, and those at which a process died.
    pub fn told(&self) -> (BTreeSet<String>, Vec<String>) {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        (read("reached").lines().map(str::to_owned).collect(), read("died").lines().map(str::to_owned).collect())
    }
}

/// What a process keeps of its orders.
struct Obedient {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reached: BTreeSet<&'static str>,
    /// The orders as they were last read, and how often their point was reached since.
    orders: String,
    count: u32,
}

static OBEDIENT: OnceLock<Obedient> = OnceLock::new();

/// Makes this process do what the folder that the environment names says. Without one it is as any other.
pub fn obey() {
    let Some(folder) = std::env::var_os(VARIABLE) else { return };
    let _ = OBEDIENT.set(Obedient { folder: folder.into(), state: Mutex::default() });
    repo::at_points(reached);
    agent::point::at_points(reached);
    manager::at_points(reached);
}

fn reached(name: &'static str) {
    let Some(obedient) = OBEDIENT.get() else { return };
    if obedient.is_to_die(name) {
        obedient.note("died", name);
        // Like a crash: nothing runs any more, no destructor and no other thread.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
    let held = Instant::now();
    let mut told = false;
    while held.elapsed() < LONGEST_WAIT && obedient.read().lines().any(|line| line == format!("hold\t{name}")) {
        if !std::mem::replace(&mut told, true) {
            obedient.note("held", name);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Obedient {
    fn read(&self) -> String {
        std::fs::read_to_string(self.folder.join("orders")).unwrap_or_default()
    }

    fn is_to_die(&self, name: &'static str) -> bool {
        let orders = self.read();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.reached.insert(name) {
            self.note("reached", name);
        }
        let order = orders.lines().find_map(|line| line.strip_prefix("kill\t")).unwrap_or_default();
        if state.orders != order {
            (state.orders, state.count) = (order.to_owned(), 0);
        }
        let Some((wanted, count)) = order.split_once('\t') else { return false };
        if wanted != name {
            return false;
        }
        state.count += 1;
        count.parse() == Ok(state.count)
    }

    fn note(&self, file: &str, name: &str) {
        let opened = OpenOptions::new().create(true).append(true).open(self.folder.join(file));
        let _ = opened.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
    }
}

/// The program under test with its points: beside the test's own, built if it is not there.
pub fn program() -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a path");
    let profile = exe.ancestors().find(|dir| dir.join("deps").is_dir()).expect("a test lies below target/PROFILE/deps");
    let program = profile.join("inlay-crashing");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "testkit", "--bin", "inlay-crashing"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "cargo build --package testkit");
    }
    wait_for("the program is there", || Path::new(&program).exists().then_some(()));
    program
}
