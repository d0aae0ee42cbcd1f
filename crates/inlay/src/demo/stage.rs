//! Machines of the demonstration: a home and a user's folder each, and this very program running in them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wire::v1;

use crate::command::status;
use crate::command::up::READY;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;
use crate::service::{self, Service};
use crate::{invitation, os};

/// How long anything may take until the demonstration has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// One machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Its name.
    pub name: &'static str,
    home: PathBuf,
    /// Its user's folder, which is `~` there.
    pub user: PathBuf,
}

/// Where everything happens. Dropped, its processes are ended and its folder is removed.
pub(crate) struct Stage {
    root: PathBuf,
    program: PathBuf,
    keep: bool,
    running: Arc<Mutex<Vec<(&'static str, Child)>>>,
}

impl Stage {
    /// A fresh folder below the system's temporary one.
    pub(crate) fn new(keep: bool) -> Result<Stage, CommandError> {
        let mut random = [0; 4];
        invitation::random(&mut random)?;
        let root = std::env::temp_dir().join(format!("inlay-demo-{}", hex::encode(random)));
        os::private_folder(&root).map_err(|e| CommandError::file("make", &root, e))?;
        let program =
            std::env::current_exe().map_err(|e| CommandError::failed("cannot find this program").because(e))?;
        Ok(Stage { root, program, keep, running: Arc::default() })
    }

    /// Its folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A new machine.
    pub(crate) fn machine(&self, name: &'static str) -> Result<Machine, CommandError> {
        let root = self.root.join(name);
        let (home, user) = (root.join("inlay"), root.join("home"));
        fs::create_dir_all(&user).map_err(|e| CommandError::file("make", &user, e))?;
        Ok(Machine { name, home, user })
    }

    fn command(&self, machine: &Machine, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(&machine.home).args(arguments).current_dir(&machine.user);
        command.env("HOME", &machine.user).env_remove("INLAY_HOME").env_remove("XDG_DATA_HOME");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command on a machine; gives its standard output.
    pub(crate) fn run(&self, machine: &Machine, arguments: &[&str]) -> Result<String, CommandError> {
        let output = self.command(machine, arguments).output();
        let output = output.map_err(|e| CommandError::failed("cannot run this program").because(e))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(CommandError::failed(format!(
            "`inlay {}` on {} failed:\n{}{}",
            arguments.join(" "),
            machine.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )))
    }

    /// Starts a role on a machine, and waits until it is ready.
    pub(crate) fn start(&self, machine: &Machine, arguments: &[&str]) -> Result<(), CommandError> {
        let log = self.root.join(format!("{}.log", machine.name));
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.map_err(|e| CommandError::file("write", &log, e))?;
        let child = self.command(machine, arguments).stdout(Stdio::piped()).stderr(errors).spawn();
        let mut child = child.map_err(|e| CommandError::failed("cannot start this program").because(e))?;
        let out = child.stdout.take();
        self.lock().push((machine.name, child));
        let ready = out.is_some_and(|out| BufReader::new(out).lines().map_while(Result::ok).any(|l| l.contains(READY)));
        if ready {
            return Ok(());
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(CommandError::failed(format!("`inlay {}` on {} did not start:\n{said}", arguments.join(" "), machine.name)))
    }

    /// Ends what runs on a machine.
    pub(crate) fn stop(&self, machine: &Machine) {
        let mut running = self.lock();
        let (ending, staying) = std::mem::take(&mut *running).into_iter().partition(|(name, _)| *name == machine.name);
        *running = staying;
        drop(running);
        end(ending);
    }

    /// Follows a group's state, as the machine `operator` sees it, until `done` says so.
    pub(crate) fn wait(
        &self,
        operator: &Machine,
        group: &str,
        what: &str,
        done: impl Fn(&v1::GroupStatus) -> bool,
    ) -> Result<v1::GroupStatus, CommandError> {
        let ctx = Context {
            home: operator.home.clone(),
            json: false,
            yes: true,
            verbosity: Verbosity::Quiet,
            user_home: Some(operator.user.clone()),
            folder: operator.user.clone(),
        };
        let groups = service::block_on(async {
            let mut service = Service::open(&ctx).await?;
            status::wait_for(&mut service, group.to_owned(), PATIENCE, |groups| groups.iter().all(&done)).await
        })?;
        match groups.into_iter().next() {
            Some(group) if done(&group) => Ok(group),
            Some(group) => Err(CommandError::failed(format!(
                "waited in vain for: {what}; `{}` is {}{}",
                group.name,
                group.state,
                group.members.iter().map(|m| format!("\n  {} {} {}", m.path, m.state, m.cause)).collect::<String>()
            ))),
            None => Err(CommandError::failed(format!("there is no group `{group}`"))),
        }
    }

    /// Ends everything and removes the folder, if it is not to be kept. Can be called from another thread than the story's.
    pub(crate) fn clean_up(&self) {
        // Agents before the manager: they have something to tell it.
        let mut running = std::mem::take(&mut *self.lock());
        running.reverse();
        end(running);
        if !self.keep {
            // What cannot be removed lies in the temporary folder.
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, Child)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clean_up();
    }
}

/// Asks each to end, then ends those that do not.
fn end(mut children: Vec<(&'static str, Child)>) {
    for (_, child) in &mut children {
        if matches!(child.try_wait(), Ok(None)) {
            os::ask_to_end(child.id());
        }
    }
    let deadline = Instant::now() + GRACE;
    for (_, child) in &mut children {
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
